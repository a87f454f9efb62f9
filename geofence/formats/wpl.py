"""QGC WPL 110: one mission item a line, twelve columns; fences are items 5001 to 5004, as ArduPilot's tools do.

Source: the MAVLink file format page for the columns; ArduPilot's ground stations for fence (5000 to 5004) and rally
(5100) items, which the page does not have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.geo import LatLon
from geofence.formats.facts import number_of
from geofence.formats.fences import fence_zones, flat_fences
from geofence.formats.intake import MOST_ZONES, Intake, Options, refusal
from geofence.formats.report import Change, Format, Report
from geofence.formats.rings import RawRing, circle, numbers, place, shapes
from geofence.zones import CircleShape, PolygonShape, Role, Shape, Zone

HEADER = "QGC WPL 110"
MOST_ROWS = 20_000
COLUMNS = 12
# MAV_CMD (MAVLink common.xml).
RETURN_POINT, VERTEX_IN, VERTEX_OUT, CIRCLE_IN, CIRCLE_OUT, RALLY_POINT = 5000, 5001, 5002, 5003, 5004, 5100
FENCE_COMMANDS = frozenset((RETURN_POINT, VERTEX_IN, VERTEX_OUT, CIRCLE_IN, CIRCLE_OUT))


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file. `line` counts from 1, the header being line 1; `alt_m` is of the frame."""

    line: int
    seq: int
    current: int
    frame: int
    command: int
    params: tuple[float, float, float, float]
    lat_deg: float
    lon_deg: float
    alt_m: float

    @property
    def path(self) -> str:
        return f"/line/{self.line}"


def read_rows(text: str) -> tuple[Row, ...]:
    """The items of a file, in order. Raises InvalidRequest with the line that is wrong."""
    first, *lines = text.split("\n", MOST_ROWS + 1)
    if first.split() != HEADER.split():
        raise refusal("/line/1", f"must be {HEADER!r}")
    if len(lines) > MOST_ROWS:
        raise refusal("", f"the file has more than {MOST_ROWS} lines")
    numbered = ((number, line.split(None, COLUMNS)) for number, line in enumerate(lines, start=2))
    return tuple(_row(number, columns) for number, columns in numbered if columns)


def written_rows(rows: Iterable[Row]) -> bytes:
    """The file of `rows`; degrees to 1e-9, so that nothing is lost of what a vehicle stores."""
    lines = [HEADER]
    for row in rows:
        params = [f"{value:.8g}" for value in row.params]
        place = [f"{row.lat_deg:.9f}", f"{row.lon_deg:.9f}", f"{row.alt_m:.6f}"]
        lines.append(
            "\t".join([str(row.seq), str(row.current), str(row.frame), str(row.command), *params, *place, "1"])
        )
    return ("\n".join(lines) + "\n").encode("ascii")


def read_wpl_fence(text: str, options: Options) -> tuple[tuple[Zone, ...], Report]:
    """The zones of a fence file. Raises InvalidRequest, also when the file has no fence."""
    intake = Intake(options)
    rows = [row for row in read_rows(text) if row.command in FENCE_COMMANDS]
    fences: list[tuple[Role, Sequence[Shape], str]] = []
    start = 0
    while start < len(rows) and len(fences) <= MOST_ZONES:
        count = _count(rows, start) if rows[start].command in (VERTEX_IN, VERTEX_OUT) else 1
        fences += _fence(rows[start : start + count], intake)
        start += count
    return fence_zones(fences, intake), intake.report(Format.WPL)


def fence_rows(zones: Iterable[Zone], intake: Intake) -> tuple[Row, ...]:
    """The items of `zones`: a vertex each with the number of vertices as first parameter, or a circle."""
    rows: list[Row] = []
    for fence in flat_fences(zones, intake):
        match fence.shape:
            case PolygonShape(outer):
                command = VERTEX_IN if fence.inclusion else VERTEX_OUT
                rows += [_item(command, float(len(outer)), at) for at in outer]
            case CircleShape(center, radius_m):
                rows.append(_item(CIRCLE_IN if fence.inclusion else CIRCLE_OUT, radius_m, center))
    return renumbered(rows)


def renumbered(rows: Iterable[Row]) -> tuple[Row, ...]:
    """The rows with the sequence numbers and lines that they have in a file of their own."""
    return tuple(
        Row(seq + 2, seq, row.current, row.frame, row.command, row.params, row.lat_deg, row.lon_deg, row.alt_m)
        for seq, row in enumerate(rows)
    )


def _row(line: int, columns: list[str]) -> Row:
    path = f"/line/{line}"
    if len(columns) != COLUMNS:
        raise refusal(path, f"has {min(len(columns), COLUMNS + 1)} columns or more; an item has {COLUMNS}")
    values = [number_of(column) for column in columns]
    # A parameter that is not used is written as NaN by some; it reads as 0, which is what the wire would carry.
    params = [0.0 if column.lower() == "nan" else value for column, value in zip(columns, values, strict=True)]
    whole = [value for value in values[:4] if value is not None and value == int(value) and abs(value) < 1e6]
    rest = [value for value in (*params[4:8], *values[8:11]) if value is not None]
    if len(whole) < 4 or len(rest) < 7:
        raise refusal(path, "index, current, frame and command must be whole numbers, the other columns numbers")
    seq, current, frame, command = (int(value) for value in whole)
    lat_deg, lon_deg, alt_m = rest[4:]
    return Row(line, seq, current, frame, command, (rest[0], rest[1], rest[2], rest[3]), lat_deg, lon_deg, alt_m)


def _count(rows: Sequence[Row], start: int) -> int:
    """How many rows the polygon has that begins at `start`. Raises InvalidRequest when they are not there."""
    first = rows[start]
    told = first.params[0]
    count = int(told) if 3 <= told <= len(rows) - start and told == int(told) else 0
    ring = rows[start : start + count]
    if not ring or any(row.command != first.command or row.params[0] != told for row in ring):
        raise refusal(first.path, f"the polygon says that it has {told:g} vertices, which do not follow")
    return count


def _fence(rows: Sequence[Row], intake: Intake) -> list[tuple[Role, Sequence[Shape], str]]:
    first, order = rows[0], "latitude comes first"
    flat = [number for row in rows for number in (row.lon_deg, row.lat_deg)]
    lonlat = numbers(flat, first.path, intake)
    if first.command == RETURN_POINT or lonlat is None:
        told = "the return point: a vehicle returns to its home or a rally point"
        intake.note(first.path, Change.LEFT_OUT, told)
        return []
    role = Role.INCLUSION if first.command in (VERTEX_IN, CIRCLE_IN) else Role.EXCLUSION
    if first.command in (VERTEX_IN, VERTEX_OUT):
        ring = RawRing(lonlat, first.path)
        return [(role, shapes([ring], first.path, role, intake, order=order), first.path)]
    found = circle(place(lonlat, first.path, intake, order=order), first.params[0], first.path, intake)
    return [(role, (found,) if found else (), first.path)]


def _item(command: int, param1: float, at: LatLon) -> Row:
    return Row(0, 0, 0, 0, command, (param1, 0.0, 0.0, 0.0), at.lat_deg, at.lon_deg, 0.0)
