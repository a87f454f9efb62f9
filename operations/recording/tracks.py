"""Recorded rows as the track of a flight."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from missions.model import TrackPoint
from operations.recording.rows import ROW, Rows

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_of(at_us: int) -> datetime:
    """Microseconds since 1970 as a time, exactly."""
    return _EPOCH + timedelta(microseconds=at_us)


def micros_of(at: datetime) -> int:
    """The opposite."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def track_points(rows: Rows) -> Iterator[TrackPoint]:
    """One point per row; what was never told of its motion is 0."""
    for row in rows:
        battery_pct, mission_seq = float(row["battery_pct"]), int(row["mission_seq"])
        yield TrackPoint(
            at=time_of(int(row["at_us"])),
            lat_deg=int(row["lat_e7"]) / 1e7,
            lon_deg=int(row["lon_e7"]) / 1e7,
            alt_amsl_m=_told(row["alt_amsl_m"]),
            alt_rel_m=_told(row["alt_rel_m"]),
            ground_speed_mps=_told(row["ground_speed_mps"]),
            climb_mps=_told(row["climb_mps"]),
            heading_deg=_told(row["heading_deg"]),
            battery_pct=None if math.isnan(battery_pct) else battery_pct,
            mode=row["mode"].decode(),
            mission_seq=None if mission_seq < 0 else mission_seq,
        )


def _told(value: float) -> float:
    # The record has centimetres; four bytes of a float would show noise after them.
    return 0.0 if math.isnan(value) else round(float(value), 3)


def rows_of(points: Sequence[TrackPoint]) -> Rows:
    """The opposite of `track_points`; what a point does not have is not told."""
    rows = np.zeros(len(points), ROW)
    for name in ROW.names or ():
        rows[name] = np.nan if ROW[name].kind == "f" else b"" if ROW[name].kind == "S" else -1
    for row, point in zip(rows, points, strict=True):
        row["at_us"] = micros_of(point.at)
        row["lat_e7"], row["lon_e7"] = round(point.lat_deg * 1e7), round(point.lon_deg * 1e7)
        for name in ("alt_amsl_m", "alt_rel_m", "ground_speed_mps", "climb_mps", "heading_deg"):
            row[name] = getattr(point, name)
        row["battery_pct"] = math.nan if point.battery_pct is None else point.battery_pct
        row["mode"] = point.mode.encode()
        row["mission_seq"] = -1 if point.mission_seq is None else point.mission_seq
    return rows
