"""A track as OGC Moving Features JSON (19-045r3, MF-JSON Trajectory): a moving point and what changed with it."""

from __future__ import annotations

from operations.recording.formats.document import Document, Pass, listed, text
from operations.recording.rows import Rows
from operations.recording.table import About, numbers_or_none, positions, times

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
    """Positions are [lon, lat, metres above mean sea level]. What was never told is 0: a measure has no null."""
    document: list[bytes | Pass] = [
        b'{"type":"Feature","temporalGeometry":{"type":"MovingPoint","datetimes":[',
        listed(times),
        b'],"coordinates":[',
        listed(positions),
        b'],"interpolation":"Linear"},"temporalProperties":[{"datetimes":[',
        listed(times),
        b"]",
    ]
    for name, unit in _MEASURES.items():
        form = text(_UNIT + unit)
        document += [
            b"," + text(name) + b':{"type":"Measure","form":' + form + b',"interpolation":"Linear","values":[',
            _measured(name),
            b"]}",
        ]
    properties = {
        "vehicle_id": about.vehicle_id,
        "name": about.vehicle_name,
        "sortie_id": about.sortie_id,
        "level": about.level_name,
        "altitude": "above mean sea level",
    }
    return [*document, b'}],"properties":', text(properties), b"}"]


def _measured(name: str) -> Pass:
    def values(rows: Rows) -> list[float]:
        return [value or 0.0 for value in numbers_or_none(rows, name)]

    return listed(values)
