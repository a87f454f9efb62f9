"""The field table: which quick numbers a row carries, and by what each is scaled to a whole number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.errors import FieldError, InvalidRequest
from telemetry.columns import COLUMN, Rows

# A row is [number, heard_age_ms, position_age_ms, then the chosen ones of these in this order].
# value = whole number × scale; the scale is about what the sensors resolve.
SCALES: dict[str, float] = {
    "lat_deg": 1e-7,
    "lon_deg": 1e-7,
    "alt_amsl_m": 0.1,
    "alt_rel_m": 0.1,
    "alt_agl_m": 0.1,
    "heading_deg": 0.1,
    "course_deg": 0.1,
    "ground_speed_mps": 0.01,
    "climb_mps": 0.01,
    "north_mps": 0.01,
    "east_mps": 0.01,
    "roll_deg": 0.1,
    "pitch_deg": 0.1,
    "battery_pct": 0.1,
    "battery_v": 0.01,
    "battery_a": 0.01,
}
NAMES = tuple(SCALES)
GROUPS: dict[str, tuple[str, ...]] = {
    "position": ("lat_deg", "lon_deg", "alt_amsl_m", "alt_rel_m", "alt_agl_m"),
    "motion": ("heading_deg", "course_deg", "ground_speed_mps", "climb_mps", "north_mps", "east_mps"),
    "attitude": ("roll_deg", "pitch_deg"),
    "battery": ("battery_pct", "battery_v", "battery_a"),
}
ALL = tuple(range(len(NAMES)))
LAT, LON = NAMES.index("lat_deg"), NAMES.index("lon_deg")

Whole = npt.NDArray[np.int64]
# Stands for None among whole numbers: no field reaches it.
NONE = np.iinfo(np.int64).min
# Beyond this a number is no measurement, and would not fit what others read whole numbers into.
_MOST = 2.0**52

_COLUMNS = [COLUMN[name] for name in NAMES]
# Dividing would round 1e-7 twice: these are whole numbers.
_PER_UNIT = np.array([round(1 / scale) for scale in SCALES.values()], dtype=np.float64)


def whole(rows: Rows) -> Whole:
    """`columns.FAST` rows as scaled whole numbers, N × `len(NAMES)`; NONE for what is not known or not finite."""
    scaled = rows[:, _COLUMNS] * _PER_UNIT
    known = np.abs(scaled) < _MOST
    return np.where(known, np.rint(np.where(known, scaled, 0.0)), NONE).astype(np.int64)


def chosen(names: Sequence[str] | None) -> tuple[int, ...]:
    """Indices of the named fields and groups, in the table's order; None is all. Raises InvalidRequest."""
    if names is None:
        return ALL
    wanted: set[str] = set()
    for at, name in enumerate(names):
        if name not in GROUPS and name not in SCALES:
            known = ", ".join([*GROUPS, *NAMES])
            raise InvalidRequest((FieldError(f"/fields/{at}", f"{name!r} is no field or group; known are {known}"),))
        wanted.update(GROUPS.get(name, (name,)))
    return tuple(index for index, name in enumerate(NAMES) if name in wanted)
