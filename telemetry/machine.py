"""What every exchange with a vehicle is: a state machine without I/O, that is told packets and the time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from telemetry.packets import Inbound, Outbound

# Nothing that is done or refused is due again.
NEVER_S = float("inf")


class Machine(Protocol):
    """One exchange. Whoever drives it sends what it returns, and ends it when it is done, refused or idle.

    `now_s` is of a clock that never steps back, the same in every call. It keeps no more than the answer asked for.
    """

    @property
    def done(self) -> bool:
        """Whether the vehicle gave what was asked for."""
        ...

    @property
    def refused(self) -> int | None:
        """The vehicle's own code for "no" (MAV_RESULT, MAV_MISSION_RESULT); None while it has not said it."""
        ...

    @property
    def attempts(self) -> int:
        """How often it was asked, for the person who waits."""
        ...

    def due_s(self) -> float:
        """When `on_time` wants to be called next."""
        ...

    def is_idle(self, now_s: float) -> bool:
        """Whether going on is of no use: the vehicle has been silent for too long, or has given up."""
        ...

    def on_time(self, now_s: float) -> Sequence[Outbound]:
        """What to send because time passed; nothing before `due_s`."""
        ...

    def on_packet(self, packet: Inbound, now_s: float) -> Sequence[Outbound]:
        """What to send because `packet` came; packets that mean nothing to it are passed over."""
        ...


def is_over(machine: Machine) -> bool:
    """Whether the machine has its answer, a good one or a bad one."""
    return machine.done or machine.refused is not None
