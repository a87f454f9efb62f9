"""What a reading did to a file's content: one note per change, each with the member's path."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from geofence.formats.crs import Crs

MOST_NOTES = 200  # more than a person reads


class Format(StrEnum):
    """The file formats that are known; `geofence.formats.sniff` tells them apart by content."""

    GEOJSON = "geojson"
    OBSTACLES = "obstacles"  # GeoJSON of what stands, with tops
    KML = "kml"
    KMZ = "kmz"
    PLAN = "plan"  # QGroundControl
    WPL = "wpl"  # QGC WPL 110, as Mission Planner writes it
    FEN = "fen"  # the old fence file: return point, then a closed ring
    POLY = "poly"  # Mission Planner's drawn polygon
    ED269 = "ed269"
    ED318 = "ed318"
    WPML = "wpml"  # DJI; written only


class Change(StrEnum):
    """What kind of thing happened on the way."""

    REPAIRED = "repaired"  # a geometry that was not valid was read on the safe side
    CONVERTED = "converted"  # the same thing in another unit, datum or coordinate system
    MAPPED = "mapped"  # a word of the format became a word of ours
    WIDENED = "widened"  # what could not be expressed was made stricter
    LEFT_OUT = "left-out"  # a member without a meaning here


@dataclass(frozen=True, slots=True)
class Note:
    """One change. `path` leads to the member; `area_m2` is what the zone gained (+) or lost (-) by a repair.

    The area is counted against the other reading of the same rings: what an exclusion covers beyond the smallest
    area that the rings could mean, what an inclusion lacks of the largest.
    """

    path: str
    change: Change
    detail: str
    area_m2: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """How a file was read or written. `unsaid`: notes beyond `MOST_NOTES` that were counted only."""

    format: Format
    crs: Crs
    notes: tuple[Note, ...] = ()
    unsaid: int = 0
