"""Mission requests, plans, missions and their revisions."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    SkipValidation,
)

from api.schemas.geojson import (
    LineStringGeometry,
    MultiPointGeometry,
    PathGeometry,
    PointGeometry,
    PolygonGeometry,
    Position,
)
from api.schemas.patterns import describe_properties
from api.schemas.unread import Unread
from core.errors import Conflict, Proposal
from core.geo import LatLon
from missions.energy import AIRFRAMES
from missions.fleet import default_airframe
from missions.model import (
    Action,
    Mission,
    OnboardFence,
    Pattern,
    Plan,
    Proof,
    ReturnMode,
    Revision,
    Waypoint,
)
from missions.request import ALT_BOUNDS_M, LONGEST_NAME, MOST_RALLY_POINTS, SPEED_BOUNDS_MPS, request_feature

Geometry = PolygonGeometry | LineStringGeometry | PointGeometry | MultiPointGeometry


class WindIn(BaseModel):
    """Steady wind from a true direction, with gusts of this standard deviation about it."""

    model_config = ConfigDict(extra="forbid")

    speed_mps: float = Field(ge=0, le=60)
    from_deg: float = Field(ge=0, le=360)
    gust_mps: float = Field(0.0, ge=0, le=30)


class MissionProperties(BaseModel):
    """What is asked for. `name`, `pattern`, `speed_mps` and one of the altitudes are needed unless `template` tells
    them; null stands for absent.

    The pattern's own parameters are further members; `GET /api/v1/patterns` says which pattern has which.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra=describe_properties)

    name: str | None = Field(None, max_length=LONGEST_NAME)
    pattern: Pattern | None = None
    alt_rel_m: float | None = Field(None, ge=ALT_BOUNDS_M[0], le=ALT_BOUNDS_M[1], description="Above home")
    alt_agl_m: float | None = Field(None, ge=ALT_BOUNDS_M[0], le=ALT_BOUNDS_M[1], description="Above the ground")
    speed_mps: float | None = Field(None, ge=SPEED_BOUNDS_MPS[0], le=SPEED_BOUNDS_MPS[1])
    dock_id: str | None = Field(None, description="Absent: the dock nearest to the geometry")
    departs_at: datetime | None = Field(None, description="With its offset from UTC. Absent: at once")
    returns: ReturnMode | None = Field(None, description="The way home when something fails. Absent: ours to choose")
    wind: WindIn | None = Field(None, description="The forecast that times and energy are counted with")
    rally: list[Position] | None = Field(None, max_length=MOST_RALLY_POINTS, description="Alternative landing places")
    template: str | None = Field(None, description="The template that stands for what is not told")


class MissionFeature(Unread):
    """What a person asks for: a geometry and how to fly it.

    The domain reads it strictly (`missions.request`), so that everything wrong is told at once: here it is only
    described, nothing of it is checked.
    """

    type: SkipValidation[Literal["Feature"]]
    geometry: SkipValidation[SerializeAsAny[Geometry]]
    properties: SkipValidation[SerializeAsAny[MissionProperties]]


class HomeOut(BaseModel):
    lat_deg: float
    lon_deg: float
    alt_amsl_m: float


class WaypointOut(BaseModel):
    """A step; the vehicle stays for `hold_s` and then does `actions`."""

    lat_deg: float
    lon_deg: float
    alt_rel_m: float
    hold_s: float = 0.0
    actions: list[Action] = Field(default_factory=list)

    @classmethod
    def of(cls, step: Waypoint) -> WaypointOut:
        return cls(
            lat_deg=step.place.lat_deg,
            lon_deg=step.place.lon_deg,
            alt_rel_m=step.alt_rel_m,
            hold_s=step.hold_s,
            actions=list(step.actions),
        )


class FencePolygonOut(BaseModel):
    """`ring`: [lon, lat] positions, open."""

    inclusion: bool
    ring: list[list[float]]


class FenceOut(BaseModel):
    polygons: list[FencePolygonOut]
    alt_max_rel_m: float

    @classmethod
    def of(cls, fence: OnboardFence) -> FenceOut:
        polygons = [FencePolygonOut(inclusion=each.inclusion, ring=_positions(each.ring)) for each in fence.polygons]
        return cls(polygons=polygons, alt_max_rel_m=fence.alt_max_rel_m)


class PlanOut(BaseModel):
    """A path from home and back to it, what it costs, `conflicts`: what speaks against it, and its `proof`.

    `returns`: the way home if something fails, straight or back along the path. `offsets_s`: when each waypoint is
    reached, seconds after arming. `…_p95…`: what 95 of 100 flights stay under; the battery's shares contain
    `reserve_pct`. `proposals`: what would fly instead, each as a JSON merge patch (RFC 7396) of the mission feature.
    """

    dock_id: str
    home: HomeOut
    waypoints: list[WaypointOut]
    path: PathGeometry
    speed_mps: float
    length_m: float
    duration_s: float
    energy_wh: float
    battery_needed_pct: float
    airspace_version: int
    conflicts: list[Conflict]
    fence: FenceOut | None
    hash: str
    fence_hash: str
    waypoints_total: int
    returns: ReturnMode
    return_alt_rel_m: float
    rally: list[WaypointOut]
    departs_at: datetime | None
    offsets_s: list[float]
    duration_p95_s: float
    battery_p95_pct: float
    reserve_pct: float
    airframe: str
    proof: Proof | None
    proposals: list[Proposal]

    @classmethod
    def of(cls, plan: Plan, dock_id: str) -> PlanOut:
        home = HomeOut(lat_deg=plan.home.lat_deg, lon_deg=plan.home.lon_deg, alt_amsl_m=plan.home_amsl_m)
        return cls(
            dock_id=dock_id,
            home=home,
            waypoints=[WaypointOut.of(step) for step in plan.waypoints],
            path=_path(plan),
            speed_mps=plan.speed_mps,
            length_m=plan.length_m,
            duration_s=plan.duration_s,
            energy_wh=plan.energy_wh,
            battery_needed_pct=plan.battery_needed_pct,
            airspace_version=plan.airspace_version,
            conflicts=list(plan.conflicts),
            fence=FenceOut.of(plan.fence) if plan.fence else None,
            hash=plan.hash,
            fence_hash=plan.fence_hash,
            waypoints_total=len(plan.waypoints),
            returns=plan.returns,
            return_alt_rel_m=plan.return_alt_rel_m,
            rally=[WaypointOut.of(point) for point in plan.rally],
            departs_at=plan.departs_at,
            offsets_s=list(plan.offsets_s),
            duration_p95_s=plan.duration_p95_s,
            battery_p95_pct=plan.battery_p95_pct,
            reserve_pct=100.0 * AIRFRAMES.get(plan.airframe, default_airframe()).reserve,
            airframe=plan.airframe,
            proof=plan.proof,
            proposals=list(plan.proposals),
        )


class PlanPreview(BaseModel):
    plan: PlanOut


class RevisionOut(BaseModel):
    mission_id: str
    revision: int
    feature: MissionFeature
    plan: PlanOut
    created_at: datetime
    created_by: str

    @classmethod
    def of(cls, revision: Revision) -> RevisionOut:
        return cls(
            mission_id=revision.mission_id,
            revision=revision.revision,
            feature=MissionFeature.model_validate(request_feature(revision.request)),
            plan=PlanOut.of(revision.plan, revision.request.dock_id),
            created_at=revision.created_at,
            created_by=revision.created_by,
        )


class MissionSummary(BaseModel):
    mission_id: str
    name: str
    revision: int
    created_at: datetime
    created_by: str

    @classmethod
    def of(cls, mission: Mission) -> MissionSummary:
        return cls(
            mission_id=mission.id,
            name=mission.name,
            revision=mission.revision,
            created_at=mission.created_at,
            created_by=mission.created_by,
        )


class MissionOut(MissionSummary):
    """A mission with its newest revision."""

    latest: RevisionOut

    @classmethod
    def with_latest(cls, mission: Mission, latest: Revision) -> MissionOut:
        return cls(**MissionSummary.of(mission).model_dump(), latest=RevisionOut.of(latest))


class MissionList(BaseModel):
    items: list[MissionSummary]


def _positions(ring: tuple[LatLon, ...]) -> list[list[float]]:
    return [[place.lon_deg, place.lat_deg] for place in ring]


def _path(plan: Plan) -> PathGeometry:
    """Home, the waypoints, home: [lon, lat, metres above home]. The climb at home is part of it.

    A plan that begins in the air begins with its first waypoint.
    """
    steps = [[step.place.lon_deg, step.place.lat_deg, step.alt_rel_m] for step in plan.waypoints]
    home = [plan.home.lon_deg, plan.home.lat_deg, 0.0]
    start = [home] if plan.begins_at is None else []
    return PathGeometry(coordinates=[*start, *steps, home] if steps else [])
