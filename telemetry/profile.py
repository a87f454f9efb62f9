"""The safety profile: what an autopilot must be set to so that it brings itself home when we cannot.

A launch sets what its proof rests on (`telemetry.safety`). What is here outlasts every launch, and is changed on an
operator's word only: the failsafes for a lost ground station, an empty battery, a wrong arming. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from telemetry.messages import SafetySetting
from telemetry.parameters import same_value

NAME = "patrol"
# Of a battery's capacity, for a critical level: two fifths of the reserve that no plan touches.
_CRITICAL_SHARE = 0.4
# A level that somebody set may lie so far from ours before it counts as another one.
_LEVEL_TOLERANCE = 0.1
# FS_OPTIONS bit 1: go on with the mission when the ground station is lost. It would make the failsafe useless.
_GCS_IF_AUTO = 2
_BATTERIES = ("BATT", "BATT2")


@dataclass(frozen=True, slots=True)
class _Rule:
    """`names`: as releases call it, the newest first. `also`: values that are as good. `optional`: may be missing."""

    names: tuple[str, ...]
    wanted: float
    why: str
    also: tuple[float, ...] = ()
    optional: bool = True


# Sources: ArduCopter/events.cpp, Parameters.cpp, AP_BattMonitor_Params.cpp, AP_Arming.cpp (4.5 to 4.7-dev).
_RULES = (
    _Rule(
        ("FS_GCS_ENABLE",), 1.0,
        "comes home, or lands, when the platform is silent", (3.0, 4.0, 5.0, 7.0), optional=False,
    ),
    _Rule(("FS_CRASH_CHECK",), 1.0, "stops its motors after a crash"),
    _Rule(("FS_VIBE_ENABLE",), 1.0, "holds its height when vibration blinds its sensors"),
    _Rule(("FS_EKF_ACTION",), 1.0, "lands when it does not know where it is", (3.0,)),
    _Rule(("FS_DR_ENABLE",), 2.0, "comes home, or lands, while it only reckons where it is", (1.0, 3.0, 4.0, 7.0)),
    _Rule(("FENCE_ENABLE",), 1.0, "keeps its own fence, whatever becomes of the platform", optional=False),
    _Rule(
        ("FENCE_ACTION",), 1.0,
        "comes home, or lands, when it leaves its fence", (2.0, 3.0, 4.0, 5.0), optional=False,
    ),
    _Rule(("AVD_ENABLE",), 0.0, "does not evade others by ways of its own, which no fence has proven"),
    _Rule(("OA_TYPE",), 0.0, "does not go round obstacles by ways of its own, which no fence has proven"),
    # 4.7 turned the list of checks into a list of what is skipped.
    _Rule(("ARMING_SKIPCHK",), 0.0, "makes every check before it arms"),
    _Rule(("ARMING_CHECK",), 1.0, "makes every check before it arms"),
)  # fmt: skip
_OTHERS = ("FS_GCS_TIMEOUT", "MAV_GCS_SYSID", "SYSID_MYGCS", "MAV_GCS_SYSID_HI", "FS_OPTIONS")
_OF_BATTERY = ("MONITOR", "CAPACITY", "LOW_MAH", "CRT_MAH", "FS_LOW_ACT", "FS_CRT_ACT")

NAMES = (
    *(name for rule in _RULES for name in rule.names),
    *_OTHERS,
    *(f"{battery}_{name}" for battery in _BATTERIES for name in _OF_BATTERY),
)


def compared(held: Mapping[str, float], *, gcs_system_id: int, reserve: float) -> tuple[SafetySetting, ...]:
    """Every setting of the profile against what is `held`, of `NAMES`, by the vehicle.

    `gcs_system_id`: ours; no other one's heartbeats count. `reserve`: the share of the battery that no plan touches.
    """
    return (
        *(line for rule in _RULES if (line := _of_rule(rule, held)) is not None),
        *_of_ground_station(held, gcs_system_id),
        *(line for battery in _BATTERIES for line in _of_battery(battery, held, reserve)),
    )


def changes(lines: tuple[SafetySetting, ...]) -> dict[str, float]:
    """What `apply` sets: everything that is wrong and can be set."""
    return {
        line.parameter: line.wanted
        for line in lines
        if not line.ok and line.wanted is not None and line.held is not None
    }


def _of_rule(rule: _Rule, held: Mapping[str, float]) -> SafetySetting | None:
    name = next((name for name in rule.names if name in held), None)
    if name is None:
        return None if rule.optional else SafetySetting(rule.names[0], rule.wanted, None, False, rule.why)
    ok = any(same_value(held[name], value) for value in (rule.wanted, *rule.also))
    return SafetySetting(name, rule.wanted, held[name], ok, rule.why)


def _of_ground_station(held: Mapping[str, float], own: int) -> Iterator[SafetySetting]:
    timeout_s = held.get("FS_GCS_TIMEOUT")
    if timeout_s is not None:
        ok = 2.0 <= timeout_s <= 10.0
        yield SafetySetting(
            "FS_GCS_TIMEOUT", 5.0, timeout_s, ok, "waits neither too briefly nor too long for the platform"
        )
    named = next((name for name in ("MAV_GCS_SYSID", "SYSID_MYGCS") if name in held), None)
    if named is None:
        yield SafetySetting("MAV_GCS_SYSID", float(own), None, False, "counts our heartbeats")
    else:
        ok = same_value(held[named], own)
        yield SafetySetting(
            named, float(own), held[named], ok, "counts our heartbeats, and no other ground station's"
        )
    if (highest := held.get("MAV_GCS_SYSID_HI")) is not None:
        ok = highest in (0.0, float(own))
        yield SafetySetting(
            "MAV_GCS_SYSID_HI", 0.0, highest, ok, "counts our heartbeats, and no other ground station's"
        )
    if (options := held.get("FS_OPTIONS")) is not None:
        wanted = float(int(options) & ~_GCS_IF_AUTO)
        why = "does not go on with its mission when the platform is silent"
        yield SafetySetting("FS_OPTIONS", wanted, options, same_value(options, wanted), why)


def _of_battery(battery: str, held: Mapping[str, float], reserve: float) -> Iterator[SafetySetting]:
    monitor = held.get(f"{battery}_MONITOR")
    if battery != _BATTERIES[0] and not monitor:
        return
    yield SafetySetting(f"{battery}_MONITOR", None, monitor, bool(monitor), "measures its battery")
    capacity_mah = held.get(f"{battery}_CAPACITY")
    yield SafetySetting(f"{battery}_CAPACITY", None, capacity_mah, bool(capacity_mah), "knows what its battery holds")
    levels = (
        ("LOW", reserve, 2.0, (1.0, 3.0, 4.0, 7.0), "comes home, or lands, on the reserve"),
        ("CRT", reserve * _CRITICAL_SHARE, 1.0, (2.0, 3.0, 4.0, 7.0), "lands, or comes home, before it is empty"),
    )
    for level, share, action, also, why in levels:
        name = f"{battery}_FS_{level}_ACT"
        if name in held:
            yield SafetySetting(name, action, held[name], held[name] in (action, *also), why)
        name = f"{battery}_{level}_MAH"
        if name in held and capacity_mah:
            wanted = float(round(share * capacity_mah))
            ok = abs(held[name] - wanted) <= _LEVEL_TOLERANCE * capacity_mah and held[name] > 0.0
            yield SafetySetting(name, wanted, held[name], ok, f"{why}: {share:.0%} of what the battery holds")
