"""The one place where an exchange meets the clock and the radio: it drives a state machine until it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from core.clock import Clock
from telemetry.machine import Machine, is_over
from telemetry.packets import Inbound, Outbound

# A machine that is due at once still lets the others run; one that waits looks at `stop` so often.
_LEAST_WAIT_S = 0.005
_MOST_WAIT_S = 0.25


class Talk(Protocol):
    """What a machine is driven over: one vehicle's channel."""

    clock: Clock

    def inbox(self) -> AbstractContextManager[asyncio.Queue[Inbound]]:
        """What the vehicle says while the context is open."""
        ...


async def drive(
    talk: Talk,
    machine: Machine,
    *,
    send: Callable[[Outbound], None],
    until_s: float,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Runs a machine until it is done, refused or idle, until `until_s` on the talk's clock, or until `stop`."""
    clock = talk.clock
    with talk.inbox() as inbox:
        while not is_over(machine) and not stop():
            now = clock.mono_s()
            if now >= until_s or machine.is_idle(now):
                return
            if now >= machine.due_s():
                for packet in machine.on_time(now):
                    send(packet)
            received = await _next(inbox, min(machine.due_s(), until_s) - clock.mono_s())
            if received is None:
                continue
            for packet in machine.on_packet(received, clock.mono_s()):
                send(packet)


async def _next(inbox: asyncio.Queue[Inbound], wait_s: float) -> Inbound | None:
    if not inbox.empty():
        return inbox.get_nowait()
    try:
        async with asyncio.timeout(min(_MOST_WAIT_S, max(_LEAST_WAIT_S, wait_s))):
            return await inbox.get()
    except TimeoutError:
        return None
