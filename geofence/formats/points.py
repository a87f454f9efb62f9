"""Lines of "latitude longitude": the old fence file of ArduPilot's tools and Mission Planner's polygon file."""

from __future__ import annotations

import numpy as np

from geofence.formats.facts import number_of, numbered, stated_role, with_shapes, zone_facts
from geofence.formats.intake import MOST_RING_VERTICES, Intake, Options, refusal
from geofence.formats.report import Change, Format, Report
from geofence.formats.rings import RawRing, numbers, shapes
from geofence.frame import Array
from geofence.zones import Role, Zone

# The return point, three corners and the first of them again (pymavlink's fence loader asks the same).
LEAST_FEN_LINES = 5
MOST_LINES = MOST_RING_VERTICES + 1_000


def read_fen(text: str, options: Options) -> tuple[tuple[Zone, ...], Report]:
    """The inclusion of an old fence file: the return point, then a closed ring. Raises InvalidRequest."""
    intake = Intake(options, fixed=None)
    lonlat = _places(text, intake)
    if len(lonlat) < LEAST_FEN_LINES:
        told = f"has {len(lonlat)} places; a fence has a return point and a closed ring, {LEAST_FEN_LINES} at least"
        raise refusal("", told)
    ring = lonlat[1:]
    if (ring[0] != ring[-1]).any():
        intake.note("/line/2", Change.REPAIRED, "the ring is not closed: read as closed", 0.0)
    intake.note("/line/1", Change.LEFT_OUT, "the return point: a vehicle returns to its home or a rally point")
    return _zone(ring, Role.INCLUSION, "fence", intake), intake.report(Format.FEN)


def read_poly(text: str, options: Options) -> tuple[tuple[Zone, ...], Report]:
    """The one polygon of a Mission Planner file; `options` say its role. Raises InvalidRequest."""
    intake = Intake(options, fixed=None)
    role = stated_role(intake)
    return _zone(_places(text, intake), role, "polygon", intake), intake.report(Format.POLY)


def looks_like_fen(text: str) -> bool:
    """Whether the second place comes again as the last: what a fence file has and a drawn polygon has not."""
    rows = [row for _, row in _rows(text)]
    return len(rows) >= LEAST_FEN_LINES and rows[1] == rows[-1]


def is_point_list(text: str) -> bool:
    """Whether the first line that is no comment has two numbers."""
    first = next(iter(_rows(text[:MOST_LINES])), None)
    return first is not None and len(first[1]) == 2 and all(number_of(word) is not None for word in first[1])


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """Line numbers from 1 and the words of every line that is neither blank nor a comment."""
    lines = text.split("\n", MOST_LINES)
    if len(lines) > MOST_LINES:
        raise refusal("", f"the file has more than {MOST_LINES} lines")
    rows = ((number, line[:200].replace(",", " ").split()) for number, line in enumerate(lines, start=1))
    return [(number, row[:3]) for number, row in rows if row and not row[0].startswith("#")]


def _places(text: str, intake: Intake) -> Array:
    rows = _rows(text)
    flat: list[float] = []
    for number, row in rows:
        read = [number_of(word) for word in row]
        if len(read) != 2 or read[0] is None or read[1] is None:
            raise refusal(f"/line/{number}", "must be a latitude and a longitude")
        flat += [read[1], read[0]]
    found = numbers(flat, "", intake)
    return np.empty((0, 2)) if found is None else found


def _zone(lonlat: Array, role: Role, name: str, intake: Intake) -> tuple[Zone, ...]:
    area = shapes([RawRing(lonlat, "/line")], "/line", role, intake, order="latitude comes first")
    facts = zone_facts(name, role, intake)
    return numbered(with_shapes(facts, area, "/line", intake), intake, stem=name)
