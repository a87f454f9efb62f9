"""Docks, airspace versions, vehicles, the operator and the platform's health."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.schemas.geojson import FeatureCollectionOut, Finite, PointGeometry, PolygonGeometry, Strict
from core.altitude import Datum
from core.errors import PreflightCheck
from geofence.geojson import zone_feature
from geofence.window import DEFAULT_TIME_ZONE, EVERY_DAY
from geofence.zones import Airspace, Combination, Role
from missions.model import Dock
from telemetry.messages import VehicleState

MAX_ZONES = 5_000


class DockOut(BaseModel):
    dock_id: str
    name: str
    name_en: str
    lat_deg: float
    lon_deg: float
    ground_amsl_m: float
    height_agl_m: float
    vehicle_ids: list[str]

    @classmethod
    def of(cls, dock: Dock, vehicle_ids: Sequence[str]) -> DockOut:
        return cls(
            dock_id=dock.id,
            name=dock.name,
            name_en=dock.name_en,
            lat_deg=dock.place.lat_deg,
            lon_deg=dock.place.lon_deg,
            ground_amsl_m=dock.ground_amsl_m,
            height_agl_m=dock.height_agl_m,
            vehicle_ids=list(vehicle_ids),
        )


class DockList(BaseModel):
    items: list[DockOut]


class VehicleList(BaseModel):
    items: list[VehicleState]


class BandIn(Strict):
    """An altitude band; null is unbounded on that side. `datum` stands for an end that names none."""

    datum: Datum = Datum.AGL
    floor_m: Finite | None = None
    floor_datum: Datum | None = None
    ceiling_m: Finite | None = None
    ceiling_datum: Datum | None = None


class PeriodIn(Strict):
    """Local hours on ISO weekdays; one that ends before it starts runs past midnight."""

    start: str = "00:00"
    end: str = "00:00"
    days: Annotated[list[int], Field(min_length=1, max_length=7)] = Field(default_factory=lambda: list(EVERY_DAY))


class ValidityIn(Strict):
    """When a zone counts; without periods all the time between `effective_at` and `ends_at`."""

    announced_at: datetime | None = None
    effective_at: datetime | None = None
    ends_at: datetime | None = None
    periods: Annotated[list[PeriodIn], Field(max_length=100)] = Field(default_factory=list)
    time_zone: str = Field(default=DEFAULT_TIME_ZONE, max_length=60)


class ZoneProperties(Strict):
    """`radius_m` with a Point makes a circle."""

    name: str = Field(min_length=1, max_length=120)
    name_en: str = Field(default="", max_length=120)
    role: Role
    kind: str = Field(default="other", max_length=40)
    band: BandIn = BandIn()
    margin_m: Annotated[Finite, Field(ge=0, le=10_000)] = 10.0
    source: str = Field(default="", max_length=500)
    authority: str = Field(default="", max_length=500)
    validity: ValidityIn = ValidityIn()
    radius_m: Annotated[Finite, Field(gt=0, le=500_000)] | None = None


class ZoneFeature(Strict):
    type: Literal["Feature"]
    id: str = Field(min_length=1, max_length=64)
    geometry: Annotated[PolygonGeometry | PointGeometry, Field(discriminator="type")]
    properties: ZoneProperties


class ZoneCollection(Strict):
    type: Literal["FeatureCollection"]
    features: Annotated[list[ZoneFeature], Field(max_length=MAX_ZONES)]


class AirspaceIn(Strict):
    """A whole new version: it replaces the one before."""

    note: str = Field(min_length=1, max_length=500)
    combination: Combination = Combination.INTERSECTION
    ceiling_agl_m: Annotated[Finite, Field(gt=0, le=1_000)] = 120.0
    zones: ZoneCollection


class AirspaceOut(BaseModel):
    version: int
    published_at: datetime | None
    published_by: str
    note: str
    combination: Combination
    ceiling_agl_m: float
    zones: ZoneCollection

    @classmethod
    def of(cls, airspace: Airspace) -> AirspaceOut:
        features: list[dict[str, Any]] = [zone_feature(zone) for zone in airspace.zones]
        return cls(
            version=airspace.version,
            published_at=airspace.published_at,
            published_by=airspace.published_by,
            note=airspace.note,
            combination=airspace.combination,
            ceiling_agl_m=airspace.ceiling_agl_m,
            zones=ZoneCollection.model_validate({"type": "FeatureCollection", "features": features}),
        )


class AirspaceVersion(BaseModel):
    version: int
    published_at: datetime | None
    published_by: str
    note: str
    zones_count: int

    @classmethod
    def of(cls, airspace: Airspace) -> AirspaceVersion:
        return cls(
            version=airspace.version,
            published_at=airspace.published_at,
            published_by=airspace.published_by,
            note=airspace.note,
            zones_count=len(airspace.zones),
        )


class AirspaceVersionList(BaseModel):
    items: list[AirspaceVersion]


class District(FeatureCollectionOut):
    """The schematic outline of the district, for the base map."""


class Me(BaseModel):
    operator_id: str
    name: str


class Health(BaseModel):
    """`speedup`: seconds of the vehicles' time in one of ours, 1 but for sped-up simulations."""

    status: Literal["ok"] = "ok"
    version: str
    started_at: datetime
    speedup: float


class Readiness(BaseModel):
    ready: bool
    checks: list[PreflightCheck]
