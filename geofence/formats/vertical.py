"""Vertical limits as aviation writes them: feet or metres, above ground, sea level or the ellipsoid, or no limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from core.altitude import Altitude, AltitudeBand, Datum
from core.geo import LatLon
from core.members import below
from geofence.formats.facts import number_of
from geofence.formats.intake import Intake
from geofence.formats.report import Change
from geofence.geoid import OutsideGrid, undulation_m
from geofence.zones import CircleShape, PolygonShape, Shape

FOOT_M = 0.3048  # exactly (international foot, 1959)
NO_LIMIT = 99_999.0  # ED-318: an upper limit of 99999 is none
_UNITS = {"M": 1.0, "METER": 1.0, "METRE": 1.0, "FT": FOOT_M, "FEET": FOOT_M}
_DATUMS = {"AGL": Datum.AGL, "SFC": Datum.AGL, "AMSL": Datum.AMSL, "MSL": Datum.AMSL}
_ELLIPSOID = ("W84", "WGS84", "HAE")
_NO_LIMIT_WORDS = ("", "UNL", "UNLIMITED", "NULL", "NONE")
_GROUND_WORDS = ("GND", "SFC", "GROUND")

Side = Literal["lower", "upper"]


def metres_per_unit(unit: object, path: str, intake: Intake) -> float:
    """Metres in the file's unit; metres when it names none, which only ever makes a restriction larger."""
    if unit is None:
        return 1.0
    found = _UNITS.get(unit.strip().upper()) if isinstance(unit, str) else None
    if found is None:
        intake.problems.add(path, f"is {unit!r:.40}; it must be M or FT")
        return 1.0
    if found != 1.0:
        intake.note_once(path, Change.CONVERTED, "feet to metres")
    return found


def limit(
    members: Mapping[str, object],
    names: tuple[str, str],
    path: str,
    intake: Intake,
    *,
    side: Side,
    per_unit_m: float,
) -> tuple[float, str] | None:
    """A limit in metres and the reference that it counts from, as the members of these names say; None: no limit."""
    value, reference = (members.get(name) for name in names)
    at = below(path, names[0])
    if isinstance(value, str) and value.strip().upper() in _GROUND_WORDS:
        return 0.0, "AGL"
    if value is None or (isinstance(value, str) and value.strip().upper() in _NO_LIMIT_WORDS):
        return None
    number = number_of(value)
    if number is None:
        intake.problems.add(at, f"is {value!r:.40}; it must be a number or null")
        return None
    if side == "upper" and number >= NO_LIMIT:
        return None
    word = reference.strip().upper() if isinstance(reference, str) else ""
    if word not in _DATUMS and word not in _ELLIPSOID:
        if reference not in (None, ""):
            intake.problems.add(below(path, names[1]), f"is {reference!r:.40}; it must be AGL, AMSL or WGS84")
        intake.note(at, Change.WIDENED, f"a {side} limit without a reference: read as no limit")
        return None
    return number * per_unit_m, word


def restricted_band(
    lower: tuple[float, str] | None,
    upper: tuple[float, str] | None,
    shapes: Iterable[Shape],
    path: str,
    intake: Intake,
) -> AltitudeBand:
    """The band of a restriction over `shapes`. Heights above the ellipsoid become altitudes above mean sea level.

    Where the geoid varies over the zone the floor is counted from its highest place and the ceiling from its lowest,
    so that the band only grows; where the geoid is not known the limit is left out, with a note.
    """
    places = [at for shape in shapes for at in _corners(shape)]
    floor = _altitude(lower, "lower", places, path, intake)
    ceiling = _altitude(upper, "upper", places, path, intake)
    try:
        return AltitudeBand(floor, ceiling)
    except ValueError as reason:
        intake.problems.add(path, str(reason))
        return AltitudeBand()


def _altitude(
    told: tuple[float, str] | None, side: Side, places: list[LatLon], path: str, intake: Intake
) -> Altitude | None:
    if told is None:
        return None
    metres, word = told
    if word not in _ELLIPSOID:
        return Altitude(metres, _DATUMS[word])
    try:
        offsets = [undulation_m(at.lat_deg, at.lon_deg) for at in places]
    except OutsideGrid as reason:
        intake.note(path, Change.WIDENED, f"a {side} limit above the ellipsoid, read as no limit: {reason}")
        return None
    if not offsets:
        return None
    offset_m = max(offsets) if side == "lower" else min(offsets)
    intake.note_once(path, Change.CONVERTED, "heights above the ellipsoid to altitudes above mean sea level (EGM96)")
    return Altitude(round(metres - offset_m, 2), Datum.AMSL)


def _corners(shape: Shape) -> tuple[LatLon, ...]:
    """Places whose geoid heights stand for the zone's: it changes by centimetres over a kilometre."""
    match shape:
        case CircleShape(center):
            return (center,)
        case PolygonShape(outer):
            step = max(1, len(outer) // 16)
            return outer[::step]
