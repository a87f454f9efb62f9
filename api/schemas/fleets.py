"""Fleet plans: what is asked of several vehicles, and the missions that it becomes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, PrivateAttr, model_validator

from api.schemas.geojson import MultiPointGeometry
from api.schemas.missions import MissionFeature
from missions.fleets.model import Objective
from missions.fleets.patrol import MOST_CRAFTS, MOST_POINTS
from missions.fleets.preview import FleetPreview, Tour, Unvisited
from missions.request import request_feature


class FleetPlanIn(BaseModel):
    """Points to look at and the vehicles that may be sent; null stands for absent.

    The domain reads it strictly (`missions.fleets.request`): here it is only described.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    points: MultiPointGeometry = Field(description=f"At most {MOST_POINTS}")
    alt_rel_m: float = Field(description="Above each vehicle's home")
    speed_mps: float
    objective: Objective | None = Field(None, description="The shortest total of all, or the shortest time for all")
    vehicle_ids: Annotated[list[str], Field(max_length=MOST_CRAFTS)] | None = Field(None, description="Absent: all")
    weights: list[float] | None = Field(None, description="What each point is worth where not all can be visited")
    hold_s: float | None = Field(None, description="Stay at every point; absent: 10")
    rounds: int | None = Field(None, description="Flights that each vehicle may make; absent: 1")
    swap_s: float | None = Field(None, description="Change of battery between two of them; absent: 300")
    longest_s: float | None = Field(
        None, description="The longest that one may be away; absent: what batteries allow"
    )
    seconds: float | None = Field(None, description="How long to search; absent: 3")
    _sent: dict[str, Any] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _unread(cls, data: Any, handler: ModelWrapValidatorHandler[FleetPlanIn]) -> FleetPlanIn:
        """Takes an object as it is; what is no object is refused here."""
        if not isinstance(data, dict):
            return handler(data)
        fields: dict[str, Any] = {name: data.get(name) for name in cls.model_fields}
        taken = cls.model_construct(**fields)
        taken._sent = data
        return taken

    def told(self) -> dict[str, Any]:
        """As it was sent, for the domain to read."""
        return self._sent


class TourOut(BaseModel):
    """One flight. `feature` is the mission to post; it begins `begins_s` after the first take-off of all."""

    vehicle_id: str
    number: int
    begins_s: float
    flight_s: float
    length_m: float
    points: list[int]
    feature: MissionFeature

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
        )


class UnvisitedOut(BaseModel):
    """A point that no tour has, by its number in the request."""

    point: int
    position: list[float]
    reason: str

    @classmethod
    def of(cls, each: Unvisited) -> UnvisitedOut:
        return cls(point=each.point, position=[each.place.lon_deg, each.place.lat_deg], reason=each.reason)


class FleetPlanOut(BaseModel):
    """Tours that visit every point but those in `unvisited`. `exact`: every length is that of a free way."""

    tours: list[TourOut]
    unvisited: list[UnvisitedOut]
    total_m: float
    period_s: float
    exact: bool
    airspace_version: int

    @classmethod
    def of(cls, made: FleetPreview) -> FleetPlanOut:
        return cls(
            tours=[TourOut.of(tour) for tour in made.tours],
            unvisited=[UnvisitedOut.of(each) for each in made.unvisited],
            total_m=made.total_m,
            period_s=made.period_s,
            exact=made.exact,
            airspace_version=made.airspace_version,
        )
