"""What can go wrong with a vehicle, in words that mean the same to the embedded simulator and to ArduPilot SITL.

Both are told by parameters (SIM_*), which the embedded simulator names and understands as SITL does. Renamed ones
stand beside each other, the present name first. Source: ArduPilot, libraries/SITL/SITL.cpp (4.7-dev) and, for the
older names, the parameter lists of Copter 4.3 to 4.5.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulator.faults.words import share

Setting = tuple[tuple[str, float], ...]
"""One parameter under each of its names, with the value it has there; a vehicle has one of them."""

METRES_PER_DEG = 6378137.0 * math.pi / 180.0
MOST_GLITCH_M = 10_000.0


@dataclass(frozen=True, slots=True)
class Effect:
    """What to do to a vehicle: parameters to set, and how full its battery is from now on (0..1; None: as it is)."""

    settings: tuple[Setting, ...] = ()
    charge: float | None = None


def fault(word: str, value: object) -> Effect:
    """The effect of `word: value`. Raises ValueError that says what is wrong with either."""
    if word not in FAULTS:
        raise ValueError(f"{word!r} is no fault of a vehicle; known are {', '.join(FAULTS)}")
    return FAULTS[word](value)


def normal(word: str) -> Effect | None:
    """What ends the fault `word`; None: nothing can, as with an empty battery."""
    return None if word not in _NORMAL else fault(word, _NORMAL[word])


def _gps(value: object) -> Effect:
    """`lost`, `normal`, or `{glitch_m: 30}`: it tells a place so far to the north-east."""
    words = {"lost": (0.0, 0.0), "normal": (1.0, 0.0)}
    if isinstance(value, str) and value in words:
        enabled, glitch_deg = words[value]
    else:
        members = _members(value, ("glitch_m",), "gps is lost, normal or {glitch_m: METRES}")
        glitch_m = _number(members["glitch_m"], "glitch_m", -MOST_GLITCH_M, MOST_GLITCH_M)
        enabled, glitch_deg = 1.0, glitch_m / math.sqrt(2.0) / METRES_PER_DEG
    return Effect(
        (
            (("SIM_GPS1_ENABLE", enabled), ("SIM_GPS_DISABLE", 1.0 - enabled)),
            (("SIM_GPS1_GLTCH_X", glitch_deg), ("SIM_GPS_GLITCH_X", glitch_deg)),
            (("SIM_GPS1_GLTCH_Y", glitch_deg), ("SIM_GPS_GLITCH_Y", glitch_deg)),
        )
    )


def _battery(value: object) -> Effect:
    """`{voltage_v: 10.2}` of the resting pack, `{charge: 40%}` as the autopilot reckons it, or both."""
    known = ("voltage_v", "charge")
    members = _members(value, known, "battery is {voltage_v: VOLTS}, {charge: SHARE} or both", all_of=False)
    settings: tuple[Setting, ...] = ()
    if "voltage_v" in members:
        settings = ((("SIM_BATT_VOLTAGE", _number(members["voltage_v"], "voltage_v", 0.1, 100.0)),),)
    return Effect(settings, share(members["charge"]) if "charge" in members else None)


def _wind(value: object) -> Effect:
    """`{speed_mps: 8, from_deg: 270, gusts_mps: 2}`; what is left out is calm."""
    known = ("speed_mps", "from_deg", "gusts_mps")
    members = _members(value, known, f"wind is an object of {', '.join(known)}", all_of=False)
    return Effect(
        (
            (("SIM_WIND_SPD", _number(members.get("speed_mps", 0.0), "speed_mps", 0.0, 50.0)),),
            (("SIM_WIND_DIR", _number(members.get("from_deg", 180.0), "from_deg", 0.0, 360.0)),),
            (("SIM_WIND_TURB", _number(members.get("gusts_mps", 0.0), "gusts_mps", 0.0, 20.0)),),
        )
    )


def _vibration(value: object) -> Effect:
    """`normal`, or `{level_mps2: 40}`: noise of the accelerometers, standard deviation."""
    if value == "normal":
        level = 0.0
    else:
        members = _members(value, ("level_mps2",), "vibration is normal or {level_mps2: NUMBER}")
        level = _number(members["level_mps2"], "level_mps2", 0.0, 1000.0)
    return Effect(((("SIM_ACC1_RND", level), ("SIM_ACC_RND", level)), (("SIM_ACC2_RND", level),)))


def _motor(value: object) -> Effect:
    """`normal`, or `{failed: 1}`: so many motors from the first on give no thrust."""
    if value == "normal":
        failed = 0.0
    else:
        members = _members(value, ("failed",), "motor is normal or {failed: COUNT}")
        failed = _number(members["failed"], "failed", 1.0, 8.0)
    return Effect(((("SIM_ENGINE_FAIL", float(2 ** int(failed) - 1)),),))


def _switch(word: str, *settings: tuple[tuple[str, float, float], ...]) -> Callable[[object], Effect]:
    """A sensor or a receiver that is there or not: (name, lost, normal) of each parameter."""

    def read(value: object) -> Effect:
        if value not in ("lost", "normal"):
            raise ValueError(f"{word} is lost or normal, not {value!r}")
        lost = value == "lost"
        return Effect(tuple(tuple((name, a if lost else b) for name, a, b in names) for names in settings))

    return read


FAULTS: Mapping[str, Callable[[object], Effect]] = {
    "gps": _gps,
    "battery": _battery,
    "wind": _wind,
    "vibration": _vibration,
    "motor": _motor,
    "rc": _switch("rc", (("SIM_RC_FAIL", 1.0, 0.0),)),
    "compass": _switch(
        "compass", (("SIM_MAG1_FAIL", 1.0, 0.0),), (("SIM_MAG2_FAIL", 1.0, 0.0),), (("SIM_MAG3_FAIL", 1.0, 0.0),)
    ),
}
"""Word in a drill: what reads its value."""

_NORMAL: Mapping[str, object] = {
    "gps": "normal",
    "battery": {"voltage_v": 12.6},
    "wind": {},
    "vibration": "normal",
    "motor": "normal",
    "rc": "normal",
    "compass": "normal",
}


def _members(value: object, known: tuple[str, ...], says: str, *, all_of: bool = True) -> Mapping[str, object]:
    """The members of an object, at least one unless nothing needs to be told. Raises ValueError."""
    if not isinstance(value, Mapping) or set(value) - set(known) or (all_of and set(value) != set(known)):
        raise ValueError(f"{says}, not {value!r}")
    return value


def _number(value: object, name: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{name} is a number from {low:g} to {high:g}, not {value!r}")
    return float(value)
