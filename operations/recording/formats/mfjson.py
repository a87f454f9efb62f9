"""A track as OGC Moving Features JSON (19-045r3, MF-JSON Trajectory): a moving point and what changed with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np

from operations.recording.formats.cells import Cell, numbers
from operations.recording.formats.document import Document, listed, positions, text, times
from operations.recording.rows import Rows, taken
from operations.recording.table import About, is_told, scaled

# What changes along the way, with the unit that its numbers are in.
_UNIT = "http://qudt.org/vocab/unit/"
_MEASURES = {
    "alt_rel_m": "M",
    "ground_speed_mps": "M-PER-SEC",
    "climb_mps": "M-PER-SEC",
    "heading_deg": "DEG",
    "roll_deg": "DEG",
    "pitch_deg": "DEG",
    "battery_pct": "PERCENT",
    "battery_v": "V",
}


def mfjson(about: About) -> Document:
    """Positions are [lon, lat, metres above mean sea level], of which an untold height is left out.

    A measure has no null: each group of `temporalProperties` holds the instants at which its measures were told, and
    a measure that never was stands in none.
    """
    told = _Told()
    yield b'{"type":"Feature","temporalGeometry":{"type":"MovingPoint","datetimes":['
    yield listed(times, among=told.seen)
    yield b'],"coordinates":['
    yield listed(positions)
    yield b'],"interpolation":"Linear"},"temporalProperties":['
    for n, names in enumerate(told.together()):
        yield b"," if n else b""
        yield from _group(names, "Linear" if told.always(names[0]) else "Discrete")
    properties = {
        "vehicle_id": about.vehicle_id,
        "name": about.vehicle_name,
        "sortie_id": about.sortie_id,
        "level": about.level_name,
        "altitude": "above mean sea level",
    }
    yield b'],"properties":' + text(properties) + b"}"


def _group(names: Sequence[str], interpolation: str) -> Document:
    """Measures that were told at the same instants; `Discrete` says nothing of the times between (19-045r3)."""

    def told(rows: Rows) -> Rows:
        known = is_told(rows, names[0])
        return rows if bool(known.all()) else taken(rows, known)

    yield b'{"datetimes":['
    yield listed(times, among=told)
    yield b"]"
    for name in names:
        kind = {"type": "Measure", "form": _UNIT + _MEASURES[name], "interpolation": interpolation}
        yield b"," + text(name) + b":" + text(kind)[:-1] + b',"values":['
        yield listed(partial(_values, name), among=told)
        yield b"]}"
    yield b"}"


def _values(name: str, rows: Rows) -> list[Cell]:
    return numbers(scaled(rows, name))


class _Told:
    """Which measures were told at the same instants, of all rows that were seen."""

    def __init__(self) -> None:
        self._ever = np.zeros(len(_MEASURES), np.bool_)
        self._always = np.ones(len(_MEASURES), np.bool_)
        self._apart = np.zeros((len(_MEASURES), len(_MEASURES)), np.bool_)

    def seen(self, rows: Rows) -> Rows:
        """The same rows."""
        told = np.stack([is_told(rows, name) for name in _MEASURES])
        self._ever |= told.any(axis=1)
        self._always &= told.all(axis=1)
        self._apart |= np.stack([(told != each).any(axis=1) for each in told])
        return rows

    def together(self) -> Iterable[Sequence[str]]:
        """Those that were told at the same instants, but for those that never were."""
        groups: dict[bytes, list[str]] = {}
        for name, ever, apart in zip(_MEASURES, self._ever, self._apart, strict=True):
            if ever:
                groups.setdefault(apart.tobytes(), []).append(name)
        return groups.values()

    def always(self, name: str) -> bool:
        return bool(self._always[list(_MEASURES).index(name)])
