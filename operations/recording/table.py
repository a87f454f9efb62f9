"""Recorded rows as the columns that people read: names with units, rounded to what the vehicle knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from operations.recording.rows import Rows

Column = npt.NDArray[Any]

# Decimals of each number; whole numbers have none.
DECIMALS: Mapping[str, int] = {
    "lat_deg": 7,
    "lon_deg": 7,
    "alt_amsl_m": 2,
    "alt_rel_m": 2,
    "alt_agl_m": 2,
    "ground_speed_mps": 2,
    "north_mps": 2,
    "east_mps": 2,
    "climb_mps": 2,
    "heading_deg": 1,
    "course_deg": 1,
    "roll_deg": 1,
    "pitch_deg": 1,
    "battery_pct": 1,
    "battery_v": 2,
    "battery_a": 2,
    "hdop": 2,
    "vibration_mps2": 2,
    "lost_share": 4,
    "heartbeat_age_s": 3,
    "mission_seq": 0,
    "gps_fix": 0,
    "satellites": 0,
    "armed": 0,
}
WORDS = ("landed", "mode")
_POSITION = {"lat_deg": "lat_e7", "lon_deg": "lon_e7"}
_MOST = 1e9


@dataclass(frozen=True, slots=True)
class About:
    """Whose track a file holds, and how coarse: `level` in seconds, 0 is every row."""

    vehicle_id: str
    vehicle_name: str
    sortie_id: str | None
    level: int
    from_at: datetime | None = None
    to_at: datetime | None = None

    @property
    def level_name(self) -> str:
        return level_name(self.level)


def level_name(level: int) -> str:
    return f"{level}s" if level else "raw"


def number(rows: Rows, name: str) -> Column:
    """A column as float64, NaN where it was never told."""
    if name in _POSITION:
        return np.asarray(rows[_POSITION[name]] / 1e7)
    values = np.asarray(rows[name], np.float64)
    if DECIMALS[name] == 0:
        return np.where(values < 0, np.nan, values)
    return np.round(values, DECIMALS[name]) + 0.0  # no minus zero


@dataclass(frozen=True, slots=True)
class Scaled:
    """A column as whole numbers of its last decimal, and where it was told; elsewhere they are 0."""

    values: Column
    told: Column
    decimals: int


def scaled(rows: Rows, name: str) -> Scaled:
    """A column to be written in decimals."""
    told, decimals = is_told(rows, name), DECIMALS[name]
    if name in _POSITION:
        return Scaled(rows[_POSITION[name]].astype(np.int64), told, decimals)
    values = np.where(told, rows[name], 0).astype(np.float64)
    return Scaled(np.rint(values * 10**decimals).astype(np.int64), told, decimals)


def is_told(rows: Rows, name: str) -> Column:
    """Where a column was told. What is no number, or larger than any quantity of a vehicle, is a broken sensor's."""
    if name in _POSITION:
        return np.ones(len(rows), np.bool_)
    return np.asarray(rows[name] >= 0 if DECIMALS[name] == 0 else np.abs(rows[name]) < _MOST)
