"""Missions and rally points as QGC WPL 110; the fences of such files are `geofence.formats.wpl`'s."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.geo import from_e7, to_e7
from geofence.formats.intake import Intake, Options
from geofence.formats.report import Change, Format, Report
from geofence.formats.rings import numbers, place
from geofence.formats.wpl import (
    FENCE_COMMANDS,
    RALLY_POINT,
    Row,
    fence_rows,
    read_rows,
    read_wpl_fence,
    written_rows,
)
from geofence.zones import Zone
from missions.formats.document import AMSL_FRAMES, FRAMES, LOCATED, NO_PLACE_FRAME, RELATIVE_FRAMES, MissionFile
from missions.items import NAV_WAYPOINT
from missions.model import MissionItem, Waypoint

_NO_PARAMS = (0.0, 0.0, 0.0, 0.0)
_INT32 = 2**31


def read_wpl(text: str, options: Options) -> tuple[MissionFile, Intake]:
    """The mission, rally points and zones of a file. The first line is home, as the ground stations save it.

    The intake holds the notes; its `report` is the caller's to make. Raises InvalidRequest.
    """
    intake = Intake(options)
    rows = read_rows(text)
    zones: tuple[Zone, ...] = ()
    if any(row.command in FENCE_COMMANDS for row in rows):
        zones, told = read_wpl_fence(text, options)
        intake.take_over(told)
    steps = [row for row in rows if row.command not in FENCE_COMMANDS and row.command != RALLY_POINT]
    # A file of fences or rally points alone starts with home too, which makes no mission.
    items = tuple(_item(row, seq, intake) for seq, row in enumerate(steps)) if len(steps) > 1 else ()
    rally = [_rally(row, rows[0], intake) for row in rows if row.command == RALLY_POINT]
    intake.problems.raise_any()
    found = (tuple(item for item in items if item), tuple(at for at in rally if at))
    return MissionFile(found[0], found[1], zones), intake


def write_wpl(items: Sequence[MissionItem]) -> bytes:
    """A mission file; item 0 is home."""
    return written_rows(_row(item) for item in items)


def write_wpl_fence(zones: Iterable[Zone]) -> tuple[bytes, Report]:
    """A fence file, with what it cannot hold of the zones."""
    intake = Intake(Options())
    return written_rows(fence_rows(zones, intake)), intake.report(Format.WPL)


def _item(row: Row, seq: int, intake: Intake) -> MissionItem | None:
    if row.frame not in FRAMES:
        intake.problems.add(row.path, f"the frame is {row.frame}; known are {', '.join(map(str, FRAMES))}")
        return None
    x, y = row.lat_deg, row.lon_deg
    if row.command not in LOCATED or row.frame == NO_PLACE_FRAME or (x, y) == (0.0, 0.0):
        if not (abs(x) < _INT32 and abs(y) < _INT32):
            intake.problems.add(row.path, "parameters 5 and 6 must fit into 32 bits")
            return None
        return MissionItem(seq, row.frame, row.command, row.params, round(x), round(y), row.alt_m)
    lonlat = numbers([y, x], row.path, intake)
    at = None if lonlat is None else place(lonlat, row.path, intake, order="latitude comes first")
    if at is None:
        return None
    return MissionItem(seq, row.frame, row.command, row.params, to_e7(at.lat_deg), to_e7(at.lon_deg), row.alt_m)


def _rally(row: Row, home: Row, intake: Intake) -> Waypoint | None:
    """The rally point with its altitude above home, which it may count from sea level when the file says home's."""
    alt_rel_m = row.alt_m
    if row.frame in AMSL_FRAMES and home.command == NAV_WAYPOINT:
        alt_rel_m -= home.alt_m
        intake.note_once(
            row.path, Change.CONVERTED, "altitudes above mean sea level to heights above the file's home"
        )
    elif row.frame not in RELATIVE_FRAMES:
        intake.problems.add(
            row.path, f"a rally point's altitude counts from home (frame 3), not from frame {row.frame}"
        )
        return None
    lonlat = numbers([row.lon_deg, row.lat_deg], row.path, intake)
    at = None if lonlat is None else place(lonlat, row.path, intake, order="latitude comes first")
    return Waypoint(at, alt_rel_m) if at else None


def _row(item: MissionItem) -> Row:
    located = item.command in LOCATED and item.frame != NO_PLACE_FRAME
    x, y = (from_e7(item.x_e7), from_e7(item.y_e7)) if located else (float(item.x_e7), float(item.y_e7))
    current = int(item.seq == 0 and item.command == NAV_WAYPOINT)
    return Row(item.seq + 2, item.seq, current, item.frame, item.command, item.params, x, y, item.z_m)
