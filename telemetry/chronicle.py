"""What happened while a recording was made: told again at its times, in its order, from any moment on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from core.ids import VehicleId
from missions.model import CommandRecord, Sortie
from operations.alarms import Alarm
from operations.recording.history import History, moments
from operations.recording.ports import EventStore, RecordedEvent
from operations.recording.tracks import micros_of, time_of
from telemetry.messages import FleetEvent

# Events are read so much of the recording at a time, and of that no more than so many.
PAGE_US = 60_000_000
MOST_EVENTS = 10_000

Happening = Sortie | Alarm | CommandRecord | FleetEvent


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stood at a moment: the sorties, alarms and commands that there were, oldest first."""

    sorties: tuple[Sortie, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    commands: tuple[CommandRecord, ...] = ()


class Chronicle:
    """The happenings of a span of time. `vehicle_id`: events of this one and of the platform; None: all events."""

    def __init__(self, history: History, events: EventStore, vehicle_id: VehicleId | None = None) -> None:
        self._moments = moments(history)
        self._times = [micros_of(each.at) for each in self._moments]
        self._events = events
        self._vehicle_id = vehicle_id
        self._page: tuple[RecordedEvent, ...] = ()
        self._page_us = (0, 0)  # from when to when it holds all

    def standing(self, at_us: int) -> Standing:
        """As of `at_us`, all that happened then included."""
        newest = {each.became.id: each for each in self._moments[: bisect_right(self._times, at_us)]}
        found = [each.what for each in newest.values()]
        return Standing(
            tuple(each for each in found if isinstance(each, Sortie)),
            tuple(each for each in found if isinstance(each, Alarm)),
            tuple(each for each in found if isinstance(each, CommandRecord)),
        )

    async def between(self, after_us: int, until_us: int) -> Sequence[Happening]:
        """What happened after `after_us` and up to `until_us`, in the order of time."""
        journal = self._moments[bisect_right(self._times, after_us) : bisect_right(self._times, until_us)]
        found: list[tuple[int, Happening]] = [(micros_of(each.at), each.what) for each in journal]
        found += [(each.at_us, _event(each)) for each in await self._recorded(after_us + 1, until_us + 1)]
        return [each for _, each in sorted(found, key=lambda timed: timed[0])]

    async def _recorded(self, from_us: int, to_us: int) -> list[RecordedEvent]:
        """Events of `from_us` <= time < `to_us`, read a minute of the recording at a time."""
        found: list[RecordedEvent] = []
        while from_us < to_us:
            if not self._page_us[0] <= from_us < self._page_us[1]:
                await self._turn(from_us)
            until_us = min(to_us, self._page_us[1])
            found += [each for each in self._page if from_us <= each.at_us < until_us]
            from_us = until_us
        return found

    async def _turn(self, from_us: int) -> None:
        to_us = from_us + PAGE_US
        page = await self._events.events(from_us, to_us, vehicle_id=self._vehicle_id, limit=MOST_EVENTS)
        if len(page) == MOST_EVENTS:  # the rest of this page comes with the next one
            to_us = max(page[-1].at_us, from_us + 1)
        self._page, self._page_us = tuple(page), (from_us, to_us)


def _event(event: RecordedEvent) -> FleetEvent:
    at = time_of(event.at_us)
    return FleetEvent(at, event.severity, event.code, event.text, event.vehicle_id, event.sortie_id, event.others)
