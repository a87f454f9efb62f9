"""Mission requests, plans, missions and their revisions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, model_validator

from api.schemas.geojson import Finite, LineStringGeometry, PathGeometry, PolygonGeometry, Strict
from core.errors import Conflict
from core.geo import LatLon
from missions.model import Mission, OnboardFence, Pattern, Plan, Revision
from missions.request import request_feature

Geometry = Annotated[PolygonGeometry | LineStringGeometry, Field(discriminator="type")]


class MissionProperties(Strict):
    """`dock_id` absent: the nearest dock. `spacing_m` and `heading_deg` (of the rows; absent: ours to choose) belong
    to the pattern survey; a route ignores them."""

    name: str = Field(min_length=1, max_length=100)
    pattern: Pattern
    alt_rel_m: Annotated[Finite, Field(gt=0, le=10_000)]
    speed_mps: Annotated[Finite, Field(gt=0, le=100)]
    dock_id: str | None = None
    spacing_m: Annotated[Finite, Field(gt=0, le=10_000)] | None = None
    heading_deg: Annotated[Finite, Field(ge=0, le=360)] | None = None


class MissionFeature(Strict):
    """What a person asks for: a line to fly (`route`) or an area to cover (`survey`)."""

    type: Literal["Feature"]
    geometry: Geometry
    properties: MissionProperties

    @model_validator(mode="before")
    @classmethod
    def _without_foreign_members(cls, data: Any) -> Any:
        """RFC 7946 lets any feature carry an id and a bounding box; they mean nothing here."""
        return {key: data[key] for key in data if key not in ("id", "bbox")} if isinstance(data, dict) else data

    def told(self) -> dict[str, Any]:
        """As the domain reads it: without what is absent or does not matter for the pattern."""
        feature = self.model_dump(mode="json", exclude_none=True)
        if self.properties.pattern is Pattern.ROUTE:
            for survey_only in ("spacing_m", "heading_deg"):
                feature["properties"].pop(survey_only, None)
        return feature


class HomeOut(BaseModel):
    lat_deg: float
    lon_deg: float
    alt_amsl_m: float


class WaypointOut(BaseModel):
    lat_deg: float
    lon_deg: float
    alt_rel_m: float


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
    """A path from home and back to it, what it costs, and `conflicts`: what speaks against it."""

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

    @classmethod
    def of(cls, plan: Plan, dock_id: str) -> PlanOut:
        home = HomeOut(lat_deg=plan.home.lat_deg, lon_deg=plan.home.lon_deg, alt_amsl_m=plan.home_amsl_m)
        return cls(
            dock_id=dock_id,
            home=home,
            waypoints=[
                WaypointOut(lat_deg=step.place.lat_deg, lon_deg=step.place.lon_deg, alt_rel_m=step.alt_rel_m)
                for step in plan.waypoints
            ],
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
    """Home, the waypoints, home: [lon, lat, metres above home]. The climb at home is part of it."""
    steps = [[step.place.lon_deg, step.place.lat_deg, step.alt_rel_m] for step in plan.waypoints]
    home = [plan.home.lon_deg, plan.home.lat_deg, 0.0]
    return PathGeometry(coordinates=[home, *steps, home] if steps else [])
