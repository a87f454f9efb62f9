"""Zones and airspace versions as values: what may be flown in, what may not, from when, by whose word."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.altitude import AltitudeBand
from core.geo import LatLon
from core.ids import ZoneId
from geofence.window import ALWAYS, Validity


class Role(StrEnum):
    """What a zone does to a plan."""

    INCLUSION = "inclusion"  # stay inside
    EXCLUSION = "exclusion"  # stay outside
    ADVISORY = "advisory"  # drawn and told, never refused
    NO_FILM = "no-film"  # may be flown over, with the camera off


class Combination(StrEnum):
    """How several inclusions add up; ArduPilot's default is the intersection."""

    INTERSECTION = "intersection"
    UNION = "union"


@dataclass(frozen=True, slots=True)
class PolygonShape:
    """A polygon with holes. `outer` and each of `holes`: N ≥ 3 vertices, open, edges straight in lat/lon."""

    outer: tuple[LatLon, ...]
    holes: tuple[tuple[LatLon, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class CircleShape:
    """All places within `radius_m` (> 0) of `center` on the ellipsoid."""

    center: LatLon
    radius_m: float


Shape = PolygonShape | CircleShape


@dataclass(frozen=True, slots=True)
class Zone:
    """A shape with a role, an altitude band, a validity in time, an authority and a source.

    `kind`: a class of the regulation (`geofence.kinds`). `margin_m`: distance that a plan keeps from it.
    """

    id: ZoneId
    name: str
    role: Role
    shape: Shape
    kind: str = "other"
    band: AltitudeBand = field(default_factory=AltitudeBand)
    margin_m: float = 10.0
    source: str = ""
    name_en: str = ""
    authority: str = ""
    validity: Validity = ALWAYS

    @property
    def label(self) -> str:
        """The name for sentences in English."""
        return self.name_en or self.name


@dataclass(frozen=True, slots=True)
class Airspace:
    """An immutable version of all zones, the rule that combines inclusions, and the ceiling in AGL (真高).

    `effective_at`: from when on it replaces the version before; None: from its publication.
    """

    version: int
    zones: tuple[Zone, ...]
    combination: Combination = Combination.INTERSECTION
    ceiling_agl_m: float = 120.0
    published_at: datetime | None = None
    published_by: str = ""
    note: str = ""
    effective_at: datetime | None = None
