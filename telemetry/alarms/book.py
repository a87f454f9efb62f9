"""The book of open alarms: looks at vehicles in, alarms that began, grew or ended out; time is an argument."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from core.clock import Clock
from core.ids import AlarmId, VehicleId, new_id
from operations.alarms import Alarm, AlarmKind, Sighting, escalated
from telemetry.alarms.rules import Limits, Watched, sightings

# A condition must hold so long before it is an alarm, and be gone so long before that is over: what flickers does not
# wear anybody out. What is not listed is told at once.
_BEGINS_AFTER_S = {
    AlarmKind.LOW_BATTERY: 2.0,
    AlarmKind.GPS: 1.0,
    AlarmKind.ESTIMATE: 1.0,
    AlarmKind.VIBRATION: 3.0,
    AlarmKind.FENCE_OFF: 1.0,
}
_ENDS_AFTER_S = {
    AlarmKind.LINK_LOST: 0.0,
    AlarmKind.FENCE_AHEAD: 0.0,
    AlarmKind.FENCE_BREACH: 1.0,
    AlarmKind.LOW_BATTERY: 10.0,
}
_ENDS_AFTER_ELSE_S = 3.0
# A condition that a look saw within this time is still there.
_LOOKED_AT_S = 0.5
# Conditions that are not read off the record but told by those who see them (`AlarmBook.tell`, `AlarmBook.over`).
TOLD = frozenset({AlarmKind.FENCE_AHEAD, AlarmKind.SIGNING_KEY})

Key = tuple[VehicleId, AlarmKind]


@dataclass(slots=True)
class _Entry:
    """What is known of one condition of one vehicle. `alarm` is None until it held long enough."""

    since_mono_s: float
    seen_mono_s: float
    alarm: Alarm | None = None
    is_told: bool = False  # by somebody who will say when it is over


class AlarmBook:
    """All conditions of all vehicles; one task owns it."""

    def __init__(self, clock: Clock, limits: Limits | None = None) -> None:
        self._clock = clock
        self._limits = limits or Limits()
        self._entries: dict[Key, _Entry] = {}

    def open(self) -> tuple[Alarm, ...]:
        """The open alarms, oldest first."""
        found = (entry.alarm for entry in self._entries.values() if entry.alarm is not None)
        return tuple(sorted(found, key=lambda alarm: alarm.began_at))

    def resume(self, alarms: Iterable[Alarm]) -> list[Alarm]:
        """Takes up the alarms that were open when the platform stopped; those that are over by that, ended.

        What else is over ends with the next looks. What was foreseen begins anew if it is still so: whoever foresaw
        it knows nothing of it any more, and would never say that it is over. Of two alike the first one goes on.
        """
        now_s, over = self._clock.mono_s(), []
        for alarm in alarms:
            if alarm.kind is AlarmKind.FENCE_AHEAD or self.knows(alarm.vehicle_id, alarm.kind):
                over.append(self._ended(alarm))
            else:
                self._entries[alarm.vehicle_id, alarm.kind] = _Entry(now_s, now_s, alarm, is_told=alarm.kind in TOLD)
        return over

    def forget(self, vehicle_id: VehicleId) -> list[Alarm]:
        """It is no vehicle of ours any more: its alarms, ended."""
        gone = [self._entries.pop(key) for key in tuple(self._entries) if key[0] == vehicle_id]
        return [self._ended(entry.alarm) for entry in gone if entry.alarm is not None]

    def noted(self) -> set[VehicleId]:
        """The vehicles with a condition that is open, or has begun."""
        return {vehicle_id for vehicle_id, _ in self._entries}

    def knows(self, vehicle_id: VehicleId, kind: AlarmKind) -> bool:
        """Whether such a condition is open, or has begun."""
        return (vehicle_id, kind) in self._entries

    def look(self, fleet: Iterable[Watched]) -> list[Alarm]:
        """Looks at vehicles; the alarms that began, grew worse or ended, as they are now."""
        return [alarm for watched in fleet for alarm in self._look(watched)]

    def tell(self, watched: Watched, sighting: Sighting) -> list[Alarm]:
        """Somebody saw a condition; it holds until `over`, whatever looks say."""
        told = list(self._see(watched, sighting))
        self._entries[watched.state.vehicle_id, sighting.kind].is_told = True
        return told

    def over(self, vehicle_id: VehicleId, kind: AlarmKind) -> list[Alarm]:
        """A told condition is over. What looks see as well ends when they see it no more."""
        entry = self._entries.get((vehicle_id, kind))
        if entry is None or not entry.is_told:
            return []
        entry.is_told = False
        if self._clock.mono_s() - entry.seen_mono_s < _LOOKED_AT_S and kind not in TOLD:
            return []
        del self._entries[vehicle_id, kind]
        return [] if entry.alarm is None else [self._ended(entry.alarm)]

    def _look(self, watched: Watched) -> Iterator[Alarm]:
        seen = set()
        for sighting in sightings(watched, self._limits):
            seen.add(sighting.kind)
            yield from self._see(watched, sighting)
        # Of a silent vehicle nothing is known to be over but what its silence itself says.
        for kind in AlarmKind:
            if kind in seen or kind in TOLD:
                continue
            if watched.is_heard or kind in (AlarmKind.STALE_TELEMETRY, AlarmKind.LINK_LOST) or not watched.flies:
                yield from self._miss(watched.state.vehicle_id, kind)

    def _see(self, watched: Watched, sighting: Sighting) -> Iterator[Alarm]:
        now_s = self._clock.mono_s()
        key = (watched.state.vehicle_id, sighting.kind)
        entry = self._entries.setdefault(key, _Entry(now_s, now_s))
        entry.seen_mono_s = now_s
        if entry.alarm is not None:
            grown = escalated(entry.alarm, sighting)
            if grown is not entry.alarm:
                entry.alarm = grown
                yield grown
        elif now_s - entry.since_mono_s >= _BEGINS_AFTER_S.get(sighting.kind, 0.0):
            entry.alarm = _begun(watched, sighting, self._clock.now())
            yield entry.alarm

    def _miss(self, vehicle_id: VehicleId, kind: AlarmKind) -> Iterator[Alarm]:
        entry = self._entries.get((vehicle_id, kind))
        if entry is None or entry.is_told:
            return
        away_s = self._clock.mono_s() - entry.seen_mono_s
        if entry.alarm is None or away_s >= _ENDS_AFTER_S.get(kind, _ENDS_AFTER_ELSE_S):
            del self._entries[vehicle_id, kind]
            if entry.alarm is not None:
                yield self._ended(entry.alarm)

    def _ended(self, alarm: Alarm) -> Alarm:
        return replace(alarm, ended_at=self._clock.now())


def _begun(watched: Watched, sighting: Sighting, at: datetime) -> Alarm:
    state = watched.state
    alarm_id = AlarmId(new_id("alarm"))
    return Alarm(alarm_id, sighting.kind, sighting.severity, sighting.text, state.vehicle_id, state.sortie_id, at)
