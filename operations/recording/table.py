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


def times(rows: Rows) -> list[str]:
    """RFC 3339 in UTC, to the microsecond."""
    texts: list[str] = np.char.add(
        np.datetime_as_string(rows["at_us"].astype("datetime64[us]"), unit="us"), "Z"
    ).tolist()
    return texts


def number(rows: Rows, name: str) -> Column:
    """A column as float64, NaN where it was never told."""
    if name in ("lat_deg", "lon_deg"):
        return np.asarray(rows[f"{name[:3]}_e7"] / 1e7)
    values = np.asarray(rows[name], np.float64)
    if DECIMALS[name] == 0:
        return np.where(values < 0, np.nan, values)
    return np.round(values, DECIMALS[name]) + 0.0  # no minus zero


def numbers_or_none(rows: Rows, name: str) -> list[float | None]:
    """As `number`, None where it was never told: JSON has no NaN."""
    values = number(rows, name)
    listed: list[float | None] = values.tolist()
    return [None if value != value else value for value in listed] if bool(np.isnan(values).any()) else listed  # noqa: PLR0124 - NaN


def positions(rows: Rows) -> list[list[float]]:
    """[lon, lat, metres above mean sea level] of each row."""
    alt_amsl_m = np.nan_to_num(number(rows, "alt_amsl_m"))
    table = np.column_stack([number(rows, "lon_deg"), number(rows, "lat_deg"), alt_amsl_m])
    listed: list[list[float]] = table.tolist()
    return listed


def words(rows: Rows, name: str) -> list[str]:
    """A column of names."""
    listed: list[str] = np.char.decode(rows[name], "ascii").tolist()
    return listed
