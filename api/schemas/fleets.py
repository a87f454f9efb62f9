"""Fleet plans: what is asked of several vehicles, and the missions that it becomes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from api.schemas.geojson import MultiPointGeometry, PolygonGeometry
from api.schemas.missions import MissionFeature
from api.schemas.unread import Unread
from core.errors import Conflict
from geofence.geometry import line_coordinates
from missions.fleets.model import Objective
from missions.fleets.patrol import MOST_CRAFTS, MOST_POINTS
from missions.fleets.request import FleetJob, FleetRequest
from missions.fleets.takeover import NewTour, Takeover
from missions.fleets.tours import FleetPreview, Grounded, PointWatch, Tour, Uncovered, Unvisited, Workload, workloads
from missions.model import Plan
from missions.request import request_feature


class FleetPlanIn(Unread):
    """What a fleet is to do, and the vehicles that may be sent; null stands for absent.

    `patrol` looks at `points` once, `recurrent` again and again for `horizon_s`, `area` covers an `area`. One of the
    altitudes is needed; the members from `spacing_m` on are those of the pattern survey and belong to an area.
    """

    name: str
    task: FleetJob | None = Field(None, description="Absent: patrol")
    points: MultiPointGeometry | None = Field(None, description=f"Of patrol and recurrent; at most {MOST_POINTS}")
    area: PolygonGeometry | None = Field(None, description="Of area; with holes")
    alt_rel_m: float | None = Field(None, description="Above each vehicle's home")
    alt_agl_m: float | None = Field(None, description="Above the ground")
    speed_mps: float
    objective: Objective | None = Field(None, description="The shortest total of all, or the shortest time for all")
    vehicle_ids: Annotated[list[str], Field(max_length=MOST_CRAFTS)] | None = Field(None, description="Absent: all")
    weights: list[float] | None = Field(
        None, description="What each point is worth where not all can be visited, and how soon it is due again"
    )
    periods_s: list[float] | None = Field(None, description="Within which time each point is to be seen again")
    horizon_s: float | None = Field(None, description="Of recurrent: how long to go on")
    hold_s: float | None = Field(None, description="Stay at every point; absent: 10")
    rounds: int | None = Field(None, description="Flights that each vehicle may make; absent: 1, for an area 10")
    swap_s: float | None = Field(None, description="Change of battery between two of them; absent: 300")
    longest_s: float | None = Field(
        None, description="The longest that one may be away; absent: what batteries allow"
    )
    departs_at: datetime | None = Field(None, description="Of the first; with its offset from UTC. Absent: at once")
    seconds: float | None = Field(None, description="How long to search; absent: 3")
    spacing_m: float | None = Field(None, description="Width seen in one pass")
    camera: str | None = Field(None, description="Takes the rows' distance from this camera, instead of spacing_m")
    resolution_cm: float | None = None
    front_overlap: float | None = None
    side_overlap: float | None = None
    heading_deg: float | None = None
    gimbal_deg: float | None = None
    trigger_m: float | None = None
    video: bool | None = None


class ForecastOut(BaseModel):
    """What the mission's own plan says; 95 of 100 flights need at most `battery_p95_pct`, the reserve included."""

    length_m: float
    duration_s: float
    energy_wh: float
    battery_p95_pct: float
    proven: bool

    @classmethod
    def of(cls, plan: Plan) -> ForecastOut:
        return cls(
            length_m=plan.length_m,
            duration_s=plan.duration_s,
            energy_wh=plan.energy_wh,
            battery_p95_pct=plan.battery_p95_pct,
            proven=plan.proof is not None and plan.proof.valid,
        )


class TourOut(BaseModel):
    """One flight. `feature` is the mission to post; it begins `begins_s` after the first take-off of all.

    `flight_s` and `length_m` are of level ways around zones; `forecast`, of the mission as planned, may be shorter.
    It is null where there was no time to plan it. `conflicts`: what speaks against the mission.
    """

    vehicle_id: str
    number: int
    begins_s: float
    flight_s: float
    length_m: float
    points: list[int]
    feature: MissionFeature
    forecast: ForecastOut | None
    conflicts: list[Conflict]

    @classmethod
    def of(cls, tour: Tour) -> TourOut:
        return cls(
            vehicle_id=tour.vehicle_id,
            number=tour.number,
            begins_s=tour.begins_s,
            flight_s=tour.flight_s,
            length_m=tour.length_m,
            points=list(tour.points),
            feature=MissionFeature.model_validate(request_feature(tour.request)),
            forecast=ForecastOut.of(tour.plan) if tour.plan else None,
            conflicts=list(tour.conflicts),
        )


class UnvisitedOut(BaseModel):
    """A point that no tour has, by its number in the request."""

    point: int
    position: list[float]
    reason: str

    @classmethod
    def of(cls, each: Unvisited) -> UnvisitedOut:
        return cls(point=each.point, position=[each.place.lon_deg, each.place.lat_deg], reason=each.reason)


class PointWatchOut(BaseModel):
    """How often a point is seen, and the longest and mean time that it is not. `kept`: no longer than was wanted."""

    point: int
    visits: int
    worst_s: float
    mean_s: float
    period_s: float | None
    kept: bool

    @classmethod
    def of(cls, each: PointWatch) -> PointWatchOut:
        return cls(
            point=each.point,
            visits=each.visits,
            worst_s=each.worst_s,
            mean_s=each.mean_s,
            period_s=each.period_s,
            kept=each.kept,
        )


class FleetPlanOut(BaseModel):
    """Tours that do what was asked but for what `unvisited` and `uncovered` name. `exact`: all ways were found.

    `vehicles`: what it takes of each, planned or not. `grounded`: vehicles left out, because their missions had
    conflicts. `watched`, one for each point, and `horizon_s` are of a recurrent task.
    """

    tours: list[TourOut]
    unvisited: list[UnvisitedOut]
    uncovered: list[Uncovered]
    grounded: list[Grounded]
    vehicles: list[Workload]
    watched: list[PointWatchOut]
    horizon_s: float | None
    total_m: float
    period_s: float
    exact: bool
    airspace_version: int

    @classmethod
    def of(cls, made: FleetPreview, asked: FleetRequest) -> FleetPlanOut:
        return cls(
            tours=[TourOut.of(tour) for tour in made.tours],
            unvisited=[UnvisitedOut.of(each) for each in made.unvisited],
            uncovered=list(made.uncovered),
            grounded=list(made.grounded),
            vehicles=list(workloads(made.tours, asked.vehicles)),
            watched=[PointWatchOut.of(each) for each in made.watched],
            horizon_s=made.horizon_s,
            total_m=made.total_m,
            period_s=made.period_s,
            exact=made.exact,
            airspace_version=made.airspace_version,
        )


class FlightIn(BaseModel):
    """A flight of a running plan: a sortie, or a mission that a vehicle has yet to fly."""

    sortie_id: str | None = None
    mission_id: str | None = None
    revision: int | None = Field(None, description="Absent: the newest")
    vehicle_id: str | None = Field(None, description="With mission_id: who is to fly it")


class ReassignIn(Unread):
    """Who dropped out, and all flights of the plan, that of the dropped vehicle among them."""

    dropped: str = Field(description="The id of the vehicle")
    flights: Annotated[list[FlightIn], Field(max_length=MOST_CRAFTS)]
    spares: list[str] | None = Field(None, description="Vehicles that stand ready and may take over, too")


class NewTourOut(BaseModel):
    """What a vehicle flies from now on; `feature` is the mission to post, `taken` the points that are new to it."""

    vehicle_id: str
    points: list[list[float]]
    taken: list[list[float]]
    feature: MissionFeature
    conflicts: list[Conflict]

    @classmethod
    def of(cls, tour: NewTour) -> NewTourOut:
        return cls(
            vehicle_id=tour.vehicle_id,
            points=line_coordinates(tour.points),
            taken=line_coordinates(tour.taken),
            feature=MissionFeature.model_validate(request_feature(tour.request)),
            conflicts=list(tour.conflicts),
        )


class LostOut(BaseModel):
    """A point that nobody can take over."""

    position: list[float]
    reason: str


class ReassignOut(BaseModel):
    """New tours of the vehicles whose tour changes, the others' ids, the points that are lost, and metres added."""

    tours: list[NewTourOut]
    unchanged: list[str]
    lost: list[LostOut]
    added_m: float

    @classmethod
    def of(cls, made: Takeover) -> ReassignOut:
        return cls(
            tours=[NewTourOut.of(tour) for tour in made.tours],
            unchanged=list(made.unchanged),
            lost=[LostOut(position=line_coordinates([each.place])[0], reason=each.reason) for each in made.lost],
            added_m=made.added_m,
        )
