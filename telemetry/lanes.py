"""What becomes of each message while nobody waits for it: a table that is looked up before anything is read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from telemetry import quick
from telemetry.packets import (
    KINDS,
    Attitude,
    EkfStatus,
    ExtendedSysState,
    FenceStatus,
    GlobalPosition,
    GpsRaw,
    Heartbeat,
    HomePosition,
    Inbound,
    MissionCurrent,
    RcChannels,
    StatusText,
    SysStatus,
    Vibration,
)


class How(Enum):
    """What is done with a message that nobody waits for."""

    PASS = "counted, recorded if the vehicle flies, and never read"  # noqa: S105 - no password
    PLACE = "kept until the tick: where it is"
    LEAN = "kept until the tick: how it leans"
    POWER = "kept until the tick, but for what is no number"
    NEWS = "read at once, also when it says the same again"
    REPEAT = "read when what we use of it is not what it was"


@dataclass(frozen=True, slots=True)
class Lane:
    """One message. `extra`: its checksum's own byte. `kind`: what it is read as. `spans`: of the
    payload, what we use; (): all.
    `number`: of the kind (`packets.KINDS`)."""

    extra: bytes
    kind: type[Inbound] | None
    how: How
    spans: tuple[tuple[int, int], ...] = ()
    number: int = -1

    def used(self, payload: bytes) -> bytes:
        """What we use of a payload."""
        if not self.spans:
            return payload
        return b"".join([payload[begin:end] for begin, end in self.spans])


_READ: dict[int, tuple[type[Inbound], How] | tuple[type[Inbound], How, tuple[tuple[int, int], ...]]] = {
    quick.GLOBAL_POSITION_INT: (GlobalPosition, How.PLACE),
    quick.ATTITUDE: (Attitude, How.LEAN),
    quick.SYS_STATUS: (SysStatus, How.POWER, ((0, 12),)),
    quick.GPS_RAW_INT: (GpsRaw, How.REPEAT, ((20, 22), (28, 30))),
    quick.EKF_STATUS_REPORT: (EkfStatus, How.REPEAT, ((20, 22),)),
    quick.RC_CHANNELS: (RcChannels, How.PASS),
    quick.HEARTBEAT: (Heartbeat, How.REPEAT),
    quick.MISSION_CURRENT: (MissionCurrent, How.REPEAT),
    quick.EXTENDED_SYS_STATE: (ExtendedSysState, How.REPEAT),
    quick.FENCE_STATUS: (FenceStatus, How.REPEAT),
    quick.VIBRATION: (Vibration, How.REPEAT),
    quick.HOME_POSITION: (HomePosition, How.REPEAT),
    quick.STATUSTEXT: (StatusText, How.NEWS),
}


def lane(message_id: int, extra: int, *, is_read: bool) -> Lane | None:
    """The lane of one message; None for those that are always read at once. `is_read`: we know it as a packet."""
    if message_id in _READ:
        found = Lane(bytes((extra,)), *_READ[message_id])
        return replace(found, number=KINDS[_READ[message_id][0]])
    return None if is_read else Lane(bytes((extra,)), None, How.PASS)
