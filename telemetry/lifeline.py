"""What keeps the vehicles from their failsafe, and lets them have it when we are gone: the heart, fed by a pulse."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from core.bus import Bus
from core.clock import Clock, rest_s
from core.errors import BailuError, Overloaded
from telemetry.fleet import Fleet, OnEvent
from telemetry.heart.door import DOOR_FILE, succeed
from telemetry.heart.keeper import Heart
from telemetry.messages import LINKS_TICK, FleetEvent, LinksTick, Pulse, pulse_subject

log = logging.getLogger("bailu.heart")

# The heart stops when it was not fed for a few seconds: a stall of two has to fit between two feeds, and the time
# that a busy machine takes to get to the next one.
FEED_EVERY_S = 0.1
_KEEP_EVERY = 3  # feeds to a look at the links' sockets
PULSE_WITHIN_S = 1.0
# A fleet that was not looked at for so long is not commanded either.
_TICKED_WITHIN_S = 1.5
_TELL_EVERY_S = 1.0


class Lifeline:
    """Feeds the heart as long as the way of commands works: over the bus, through the loop, past a live fleet."""

    def __init__(
        self,
        fleet: Fleet,
        *,
        bus: Bus,
        clock: Clock,
        data_dir: Path,
        every_s: float,
        on_event: OnEvent,
        is_recording: Callable[[], bool] = lambda: True,
    ):
        """`every_s`: seconds between two heartbeats to a vehicle. `is_recording`: told with the links."""
        self._fleet = fleet
        self._bus = bus
        self._clock = clock
        self._door = data_dir / DOOR_FILE
        self._on_event = on_event
        self._is_recording = is_recording
        self._heart = Heart(self._door, every_s=every_s, on_trouble=lambda text: self._tell("heart-restarted", text))
        self._unfed: str | None = None

    @property
    def is_beating(self) -> bool:
        """Whether heartbeats go out."""
        return self._heart.is_beating

    async def succeed(self) -> None:
        """Ends what a killed gateway left beating, so that its ports are free. Before any link is opened."""
        self._door.parent.mkdir(parents=True, exist_ok=True)
        if await asyncio.to_thread(succeed, self._door):
            log.warning("a former gateway was killed; its heart is replaced")

    async def run(self) -> None:
        """Beats and tells until cancelled."""
        async with (
            self._bus.serve(pulse_subject(self._fleet.name), Pulse, self._answer),
            asyncio.TaskGroup() as group,
        ):
            group.create_task(self._heart.run(), name="heart")
            group.create_task(self._feed(), name="pulse")
            group.create_task(self._publish(), name="links")

    async def _answer(self, pulse: Pulse) -> Pulse:
        """Raises Overloaded when the fleet is not looked at as it should be."""
        if self._clock.mono_s() - self._fleet.ticked_s > _TICKED_WITHIN_S:
            raise Overloaded("The fleet is not looked at any more")
        return pulse

    async def _feed(self) -> None:
        subject, number = pulse_subject(self._fleet.name), 0
        while True:
            number += 1
            if number % _KEEP_EVERY == 1:
                self._heart.keep(self._fleet.beats())
            try:
                async with asyncio.timeout(PULSE_WITHIN_S):
                    await self._bus.request(subject, Pulse(number), Pulse)
            except (TimeoutError, BailuError) as error:
                self._starve(str(error) or "the bus does not answer")
            else:
                self._heart.feed()
                self._unfed = None
            await asyncio.sleep(rest_s(FEED_EVERY_S, self._clock.mono_s()))

    def _starve(self, why: str) -> None:
        """Told once: unless this changes, the vehicles will act on their own in a few seconds."""
        if self._unfed is None:
            self._unfed = why
            self._tell("heart-unfed", f"Commands do not get through here, heartbeats are about to stop: {why}")

    async def _publish(self) -> None:
        while True:
            health, beats, records = self._fleet.health(), self._heart.is_beating, self._is_recording()
            tick = LinksTick(self._fleet.name, self._clock.now(), health, heart=beats, recording=records)
            self._bus.publish(LINKS_TICK, tick)
            await asyncio.sleep(_TELL_EVERY_S)

    def _tell(self, code: str, text: str) -> None:
        log.error("%s: %s", code, text)
        self._on_event(FleetEvent(self._clock.now(), "critical", code, text))
