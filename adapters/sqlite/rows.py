"""Values to rows and back: JSON by msgspec, times that sort as text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from core.altitude import AltitudeBand
from core.ids import ZoneId
from geofence.window import ALWAYS, Validity
from geofence.zones import Airspace, CircleShape, Combination, PolygonShape, Role, Zone
from missions.model import TrackPoint

T = TypeVar("T")

TRACK_COLUMNS = (
    "lat_deg", "lon_deg", "alt_amsl_m", "alt_rel_m", "ground_speed_mps", "climb_mps", "heading_deg",
    "battery_pct", "mode", "mission_seq",
)  # fmt: skip


def body(value: object) -> str:
    return msgspec.json.encode(value).decode()


def value(text: str, kind: type[T]) -> T:
    return msgspec.json.decode(text, type=kind)


def time_text(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds always, so that text order is time order."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def track_point(row: tuple[object, ...]) -> TrackPoint:
    at, *rest = row
    return msgspec.convert({"at": at} | dict(zip(TRACK_COLUMNS, rest, strict=True)), TrackPoint, strict=False)


class StoredZone(msgspec.Struct, frozen=True):
    """A zone whose shape is told apart by which of the two members is there."""

    id: ZoneId
    name: str
    role: Role
    kind: str
    band: AltitudeBand
    margin_m: float
    source: str
    name_en: str
    authority: str = ""
    validity: Validity = ALWAYS
    polygon: PolygonShape | None = None
    circle: CircleShape | None = None

    @classmethod
    def of(cls, zone: Zone) -> StoredZone:
        return cls(
            id=zone.id,
            name=zone.name,
            role=zone.role,
            kind=zone.kind,
            band=zone.band,
            margin_m=zone.margin_m,
            source=zone.source,
            name_en=zone.name_en,
            authority=zone.authority,
            validity=zone.validity,
            polygon=zone.shape if isinstance(zone.shape, PolygonShape) else None,
            circle=zone.shape if isinstance(zone.shape, CircleShape) else None,
        )

    def zone(self) -> Zone:
        shape = self.polygon or self.circle
        assert shape is not None
        return Zone(
            id=self.id,
            name=self.name,
            role=self.role,
            shape=shape,
            kind=self.kind,
            band=self.band,
            margin_m=self.margin_m,
            source=self.source,
            name_en=self.name_en,
            authority=self.authority,
            validity=self.validity,
        )


class StoredAirspace(msgspec.Struct, frozen=True):
    """An airspace version but for its number, which is the row's."""

    zones: tuple[StoredZone, ...]
    combination: Combination
    ceiling_agl_m: float
    published_at: datetime | None
    published_by: str
    note: str
    effective_at: datetime | None = None

    @classmethod
    def of(cls, airspace: Airspace) -> StoredAirspace:
        return cls(
            zones=tuple(StoredZone.of(zone) for zone in airspace.zones),
            combination=airspace.combination,
            ceiling_agl_m=airspace.ceiling_agl_m,
            published_at=airspace.published_at,
            published_by=airspace.published_by,
            note=airspace.note,
            effective_at=airspace.effective_at,
        )

    def airspace(self, version: int) -> Airspace:
        return Airspace(
            version=version,
            zones=tuple(stored.zone() for stored in self.zones),
            combination=self.combination,
            ceiling_agl_m=self.ceiling_agl_m,
            published_at=self.published_at,
            published_by=self.published_by,
            note=self.note,
            effective_at=self.effective_at,
        )
