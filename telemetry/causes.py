"""Who changed a vehicle's mode when we did not: the autopilot's failsafe, a pilot's switch, or another station."""

from __future__ import annotations

import re
from collections.abc import Sequence

from missions.model import Cause, HeldBy

# What ArduCopter says when it acts by itself, and what to call it; the first that fits tells.
# Source: ArduCopter/events.cpp, fence.cpp, crash_check.cpp, ekf_check.cpp; AP_BattMonitor and AC_Fence texts.
_FAILSAFES: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), code, words)
    for pattern, code, words in (
        (r"breached$", "fence", "its geofence"),
        (r"^battery failsafe|^battery \d+ is (low|critical)", "battery", "its battery failsafe"),
        (r"^gcs failsafe(?! cleared)", "gcs", "its ground-station failsafe (it did not hear us)"),
        (r"^(radio|throttle) failsafe(?! cleared)", "radio", "its radio failsafe"),
        (r"^ekf failsafe(?! cleared)|^ekf variance", "ekf", "its position-estimate failsafe"),
        (r"^dead reckoning (timeout|started)", "dead-reckoning", "its dead-reckoning failsafe"),
        (r"terrain data missing", "terrain", "its terrain failsafe"),
        (r"^crash", "crash", "its crash check"),
        (r"^smartrtl (unavailable|deactivated)", "smart-rtl", "a return that it could not fly"),
    )
)
# An autopilot says why it acts within this time before or after its heartbeat shows it.
TEXTS_WITHIN_S = 3.0
# A mode switch that moved so shortly before is what changed the mode.
SWITCH_WITHIN_S = 3.0
# Half of the distance between two of ArduPilot's six switch positions.
_MOVED_US = 80
_FIRST_SWITCH = 4  # channels 1 to 4 are the sticks
# Not heard for so long, in which it may have changed its mode and said why; ArduCopter's least FS_GCS_TIMEOUT is 2 s.
UNHEARD_S = 2.0
_FAILSAFE_MODES = frozenset({"RTL", "SMART_RTL", "LAND", "BRAKE", "AUTO_RTL"})


def cause_of(mode: str, texts: Sequence[str], *, switch_moved: bool, unheard_s: float = 0.0) -> Cause:
    """Why a vehicle is in `mode` without our having asked; `texts`: what it said around then, newest last.

    `unheard_s`: how long it was not heard just before: what it said then is lost with the rest.
    """
    for text in reversed(texts):
        for pattern, code, words in _FAILSAFES:
            if pattern.search(text):
                return Cause(HeldBy.FAILSAFE, f"{words} acted: it said {text!r}", code)
    if switch_moved:
        return Cause(HeldBy.PILOT, f"a pilot's switch chose mode {mode}")
    if unheard_s >= UNHEARD_S and mode in _FAILSAFE_MODES:
        why = f"it was not heard for {unheard_s:.0f} s and is in mode {mode}: most likely its ground-station failsafe"
        return Cause(HeldBy.FAILSAFE, why, "gcs")
    return Cause(HeldBy.STATION, f"another ground station, or a pilot, chose mode {mode}")


def switch_moved(before: Sequence[int], now: Sequence[int]) -> bool:
    """Whether any switch of the radio control moved between two readings; pulse widths in microseconds."""
    pairs = zip(before[_FIRST_SWITCH:], now[_FIRST_SWITCH:], strict=False)
    return any(abs(b - a) > _MOVED_US for a, b in pairs if a and b)
