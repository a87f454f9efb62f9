"""Docks, airspace versions, vehicles, the operator and the platform's health."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from pydantic import BaseModel, Field

from api.airspace import HIGHEST_CEILING_M, LONGEST_NOTE, Publication
from api.schemas.geojson import FeatureCollectionOut, Finite, PointGeometry, Position, Strict
from core.altitude import Datum
from core.errors import PreflightCheck
from geofence.changes import changes
from geofence.geojson import LARGEST_MARGIN_M, LARGEST_RADIUS_M, MOST_ZONES, zone_collection, zone_feature
from geofence.geometry import MOST_ZONE_VERTICES
from geofence.kinds import OTHER, legal_sources, zone_kinds
from geofence.publication import AirspaceSummary
from geofence.window import DEFAULT_TIME_ZONE, EVERY_DAY
from geofence.zones import Airspace, Combination, Role
from missions.model import Dock
from telemetry.messages import VehicleState

ZoneRing = Annotated[list[Position], Field(min_length=4, max_length=MOST_ZONE_VERTICES + 1)]


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


class SourceOut(BaseModel):
    """A regulation, and the day from which it applies."""

    id: str
    name: str
    name_en: str
    effective_on: date
    note: str


class KindOut(BaseModel):
    """A class of zones. `article`: "761/19(5)" is item 5 of article 19 of source 761; "" is the city's own.

    `role` and `margin_m`: what such a zone usually has; `notice_min`: how long before a temporary one is announced.
    """

    id: str
    name: str
    name_en: str
    article: str
    role: Role
    margin_m: float
    notice_min: int | None


class KindList(BaseModel):
    items: list[KindOut]
    sources: list[SourceOut]

    @classmethod
    def known(cls) -> KindList:
        return cls.model_validate(
            {
                "items": [asdict(each) for each in zone_kinds().values()],
                "sources": [asdict(s) for s in legal_sources()],
            }
        )


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
    """`radius_m` with a Point makes a circle. `kind`: one of `GET /zone-kinds`; a margin left out is the kind's."""

    name: str = Field(min_length=1, max_length=200)
    name_en: str = Field(default="", max_length=500)
    role: Role
    kind: str = Field(default=OTHER, max_length=40)
    band: BandIn = BandIn()
    margin_m: Annotated[Finite, Field(ge=0, le=LARGEST_MARGIN_M)] | None = None
    source: str = Field(default="", max_length=500)
    authority: str = Field(default="", max_length=500)
    validity: ValidityIn = ValidityIn()
    radius_m: Annotated[Finite, Field(ge=1, le=LARGEST_RADIUS_M)] | None = None


class ZoneGeometry(Strict):
    """The first ring is the outer one; rings are closed. At most 6 000 vertices in all."""

    type: Literal["Polygon"]
    coordinates: Annotated[list[ZoneRing], Field(min_length=1, max_length=100)]


class ZoneFeature(Strict):
    type: Literal["Feature"]
    id: str = Field(min_length=1, max_length=100)
    geometry: Annotated[ZoneGeometry | PointGeometry, Field(discriminator="type")]
    properties: ZoneProperties


class ZoneCollection(Strict):
    type: Literal["FeatureCollection"]
    features: Annotated[list[ZoneFeature], Field(max_length=MOST_ZONES)]


class AirspaceIn(Strict):
    """A whole new version: it replaces the one before, from `effective_at` on (null: at once)."""

    note: str = Field(min_length=1, max_length=LONGEST_NOTE)
    combination: Combination = Combination.INTERSECTION
    ceiling_agl_m: Annotated[Finite, Field(ge=1, le=HIGHEST_CEILING_M)] = 120.0
    effective_at: datetime | None = None
    zones: ZoneCollection


class AirspaceChangeIn(Strict):
    """Zones to put into the version in force, and ids of zones to take out; an id in both replaces the zone."""

    note: str = Field(min_length=1, max_length=LONGEST_NOTE)
    add: ZoneCollection | None = None
    remove: Annotated[list[str], Field(max_length=MOST_ZONES)] = Field(default_factory=list)


class AirspaceOut(BaseModel):
    version: int
    published_at: datetime | None
    published_by: str
    note: str
    effective_at: datetime | None
    combination: Combination
    ceiling_agl_m: float
    zones: ZoneCollection


def airspace_json(airspace: Airspace) -> bytes:
    """An AirspaceOut as text. Thousands of zones take a while: call it away from the event loop."""
    head = {name: getattr(airspace, name) for name in AirspaceOut.model_fields if name != "zones"}
    return msgspec.json.encode(head | {"zones": zone_collection(airspace.zones)})


def zones_json(airspace: Airspace) -> bytes:
    """A ZoneCollection as text, as `airspace_json`."""
    return msgspec.json.encode(zone_collection(airspace.zones))


class AirspaceVersion(BaseModel):
    """A version without its zones. `effective_at` null: from its publication."""

    version: int
    published_at: datetime | None
    published_by: str
    note: str
    zones_count: int
    effective_at: datetime | None

    @classmethod
    def of(cls, version: AirspaceSummary) -> AirspaceVersion:
        return cls.model_validate(asdict(version))


class AirspaceVersionList(BaseModel):
    """`in_force`: the version that counts now; `ahead`: those that will take over, in the order of doing so."""

    items: list[AirspaceVersion]
    in_force: int | None
    ahead: list[int]


class AdviceOut(BaseModel):
    """Something to know about a publication that did not stop it; `code` names the rule."""

    code: str
    detail: str
    zone_id: str | None


class PublicationOut(AirspaceVersion):
    """What was stored. `ahead`: versions published ahead that were changed along, under their new numbers.

    `review`: where the missions that the version makes unflyable will be listed.
    """

    ahead: list[AirspaceVersion]
    warnings: list[AdviceOut]
    review: str

    @classmethod
    def made(cls, publication: Publication) -> PublicationOut:
        more = {
            "ahead": [asdict(each) for each in publication.ahead],
            "warnings": [asdict(each) for each in publication.warnings],
            "review": f"/api/v1/airspace/versions/{publication.version.version}/review",
        }
        return cls.model_validate(asdict(publication.version) | more)


class ChangedZoneOut(BaseModel):
    before: ZoneFeature
    after: ZoneFeature


class ChangesOut(BaseModel):
    """What differs between two versions; `rules`: the names of the airspace's own rules that do."""

    version: int
    since: int
    added: list[ZoneFeature]
    removed: list[ZoneFeature]
    changed: list[ChangedZoneOut]
    rules: list[str]


def changes_json(before: Airspace, after: Airspace) -> bytes:
    """A ChangesOut as text, as `airspace_json`."""
    found = changes(before, after)
    told = {
        "version": after.version,
        "since": before.version,
        "added": [zone_feature(zone) for zone in found.added],
        "removed": [zone_feature(zone) for zone in found.removed],
        "changed": [
            {"before": zone_feature(each.before), "after": zone_feature(each.after)} for each in found.changed
        ],
        "rules": found.rules,
    }
    return msgspec.json.encode(told)


class District(FeatureCollectionOut):
    """The schematic outline of the district, for the base map."""


class Me(BaseModel):
    """`units`: whose vehicles the operator may know of; null: all."""

    operator_id: str
    name: str
    units: list[str] | None


class Health(BaseModel):
    """`speedup`: seconds of the vehicles' time in one of ours, 1 but for sped-up simulations. `degraded`: what is not
    as it should be although the process works; nobody needs to restart it."""

    status: Literal["ok"] = "ok"
    version: str
    started_at: datetime
    speedup: float
    degraded: list[str] = Field(default_factory=list)


class Readiness(BaseModel):
    ready: bool
    checks: list[PreflightCheck]
