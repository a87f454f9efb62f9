"""ArduCopter's flight modes by number, and what each needs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Mode(IntEnum):
    """custom_mode of an ArduCopter heartbeat."""

    STABILIZE = 0
    ALT_HOLD = 2
    AUTO = 3
    GUIDED = 4
    LOITER = 5
    RTL = 6
    LAND = 9
    BRAKE = 17
    SMART_RTL = 21


@dataclass(frozen=True, slots=True)
class ModeFacts:
    """What a mode needs and allows; ``armable`` for GUIDED means by a ground station, for AUTO by AUTO_OPTIONS."""

    name: str
    needs_position: bool
    armable: bool
    autopilot: bool = True


FACTS = {
    Mode.STABILIZE: ModeFacts("STABILIZE", needs_position=False, armable=True, autopilot=False),
    Mode.ALT_HOLD: ModeFacts("ALT_HOLD", needs_position=False, armable=True, autopilot=False),
    Mode.AUTO: ModeFacts("AUTO", needs_position=True, armable=True),
    Mode.GUIDED: ModeFacts("GUIDED", needs_position=True, armable=True),
    Mode.LOITER: ModeFacts("LOITER", needs_position=True, armable=True, autopilot=False),
    Mode.RTL: ModeFacts("RTL", needs_position=True, armable=False),
    Mode.LAND: ModeFacts("LAND", needs_position=False, armable=False),
    Mode.BRAKE: ModeFacts("BRAKE", needs_position=True, armable=False),
    Mode.SMART_RTL: ModeFacts("SMARTRTL", needs_position=True, armable=False),
}


class Reason(IntEnum):
    """Who changed the mode."""

    BOOT = 0
    PILOT = 1
    GROUND_STATION = 2
    GCS_FAILSAFE = 3
    BATTERY_FAILSAFE = 4
    FENCE = 5
    EKF_FAILSAFE = 6
    MISSION_END = 7
    RADIO_FAILSAFE = 8
