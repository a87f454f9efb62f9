"""The watch over the fleet: fences, alarms and ghosts, told at once and kept as soon as the store takes it."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from core.clock import Clock
from core.errors import Overloaded
from core.ids import AlarmId, VehicleId
from geofence.watch import FenceEvent, Phase
from missions.model import Plan, Sortie
from operations.alarms import Alarm, AlarmKind, AlarmStore, Severity, Sighting
from telemetry.alarms.attention import Attention
from telemetry.alarms.book import AlarmBook
from telemetry.alarms.rules import Limits, Watched
from telemetry.columns import FleetView
from telemetry.commands import PATIENCE_S
from telemetry.fencing import FenceAction, FenceGuard, FencePolicy, rails_of
from telemetry.ghost import Course, ghosts_of
from telemetry.messages import AlarmChanged, FleetTick, LinkState, VehicleState
from telemetry.packets import GlobalPosition
from telemetry.trespass import Airspaces, Trespass
from telemetry.vehicle import Listener, Vehicle

log = logging.getLogger("bailu.watch")

# More alarms than any fleet has at once; past it the one that changed longest ago was told, but is not kept.
_UNSAVED_AT_MOST = 4_096
_STORE_AGAIN_S = 1.0
# So long the end of an alarm waits for the store, which knows who took note of it; a beginning waits for nothing.
_ENDS_WITHIN_S = PATIENCE_S
_RESUMED_AT_MOST = 4_096
_SILENT = (LinkState.STALE, LinkState.LOST)
# Of a silent vehicle nothing changes but its age: so often is it looked at, and its place guessed anew.
SILENT_EVERY_S = 1.0
_SPREAD = 0.618  # the golden ratio's multiples lie evenly, however many there are
_CLEARED = {Phase.PREDICTED: AlarmKind.FENCE_AHEAD, Phase.BREACH: AlarmKind.FENCE_BREACH}

Act = Callable[[Vehicle, FenceAction, str], None]
Left = Callable[[VehicleId], None]


@dataclass(frozen=True, slots=True)
class WatchPolicy:
    """What the operator of a platform may set."""

    fence: FencePolicy = field(default_factory=FencePolicy)
    limits: Limits = field(default_factory=Limits)


class Watchman:
    """Owned by the gateway: hears whoever flies a fence, looks at every tick, tells, and has the gateway act."""

    def __init__(
        self,
        policy: WatchPolicy,
        *,
        store: AlarmStore,
        airspaces: Airspaces,
        clock: Clock,
        publish: Callable[[AlarmChanged], None],
        act: Act,
        left_fence: Left,
    ) -> None:
        self._store = store
        self._clock = clock
        self._publish = publish
        self._act = act
        self._left_fence = left_fence
        self._guard = FenceGuard(policy.fence, clock=clock, told=self._on_fence, again=self._ask_again)
        self._book = AlarmBook(clock, policy.limits)
        self._attention = Attention(policy.limits)
        self._trespass = Trespass(airspaces, clock)
        self._view = FleetView()
        self._courses: dict[VehicleId, Course] = {}
        self._ears: dict[VehicleId, Listener] = {}
        self._sorties: Mapping[VehicleId, Sortie] = {}
        self._zones: Mapping[VehicleId, str] = {}
        self._looked_s = 0.0
        # Of each silent vehicle in the air: its record as it came, and with the guess.
        self._guessed: dict[VehicleId, tuple[VehicleState, VehicleState]] = {}
        self._unsaved: OrderedDict[AlarmId, Alarm] = OrderedDict()
        self._has_news = asyncio.Event()

    # --- what the gateway tells ---

    def follow(self, vehicle: Vehicle, plan: Plan) -> None:
        """The vehicle flies `plan` from now on; in the air as well, in place of the one before."""
        self._courses[vehicle.id] = Course.of(plan)
        if plan.fence is not None:
            self._guard.put(vehicle, plan.fence, rails_of(plan))
            if vehicle.id not in self._ears:
                # Only of those that fly a fence is each position read at once.
                self._ears[vehicle.id] = lambda packet: self._guard.hear(vehicle, packet)
                vehicle.listen(self._ears[vehicle.id], GlobalPosition)

    def leave(self, vehicle: Vehicle) -> None:
        """It flies nothing of ours any more."""
        self._courses.pop(vehicle.id, None)
        self._guard.drop(vehicle)
        if (ear := self._ears.pop(vehicle.id, None)) is not None:
            vehicle.unlisten(ear)
        for kind in (AlarmKind.FENCE_AHEAD, AlarmKind.FENCE_BREACH):
            self._note(self._book.over(vehicle.id, kind))

    def keyed(self, vehicle: Vehicle, trouble: str) -> None:
        """Whether its signing key can be read: `trouble` says why not and what to do, "" that all is well."""
        if trouble:
            sighting = Sighting(AlarmKind.SIGNING_KEY, Severity.CRITICAL, trouble)
            self._note(self._book.tell(self._watched(vehicle.snapshot()), sighting))
        else:
            self._note(self._book.over(vehicle.id, AlarmKind.SIGNING_KEY))

    def glance(self, vehicle: Vehicle) -> None:
        """The vehicle said something new: that it left its fence does not wait for the next look."""
        if vehicle.slow.fence_breached and not self._book.knows(vehicle.id, AlarmKind.FENCE_BREACH):
            self._note(self._book.look([self._watched(vehicle.snapshot())]))

    def look(self, tick: FleetTick, sorties: Mapping[VehicleId, Sortie]) -> FleetTick:
        """Looks at all vehicles; the tick with what may be guessed of silent ones.

        Who is not in the tick is no vehicle of ours, or none any more, and has no alarms.
        """
        self._sorties = sorties
        self._view.take(tick)
        slow, rows = self._view.slow(), tick.rows()
        flies = np.array([(state := slow.get(each)) is not None and state.armed is True for each in tick.ids], bool)
        self._zones = self._trespass.inside(tick.ids, rows, flies)
        for vehicle_id in self._book.noted().difference(tick.ids):
            self._note(self._book.forget(vehicle_id))
        silent = [number for number, each in enumerate(tick.ids) if each in slow and slow[each].link in _SILENT]
        in_turn = self._in_turn(silent)
        resting = {tick.ids[number] for number in silent if number not in in_turn}
        noted = self._book.noted() | self._zones.keys()
        due = self._attention.due(tick, rows, sorties, noted, resting)
        found = (self._view.state(vehicle_id) for vehicle_id in due)
        self._note(self._book.look(self._watched(state) for state in found if state is not None))
        anew = self._guess(silent, in_turn, slow, tick)
        if not self._guessed:
            return tick
        kept = self._guessed
        told = [kept[state.vehicle_id][1] if state.vehicle_id in kept else state for state in tick.changed]
        said = {state.vehicle_id for state in tick.changed}
        return replace(tick, changed=(*told, *(kept[each][1] for each in anew if each not in said)))

    def _guess(
        self, silent: Sequence[int], in_turn: Container[int], slow: Mapping[VehicleId, VehicleState], tick: FleetTick
    ) -> list[VehicleId]:
        """Guesses where the silent ones in the air are: of whom something is new, and in turn. Returns of whom."""
        before, self._guessed, anew = self._guessed, {}, list[VehicleId]()
        for number in silent:
            record = slow[vehicle_id := tick.ids[number]]
            if not record.armed:
                continue
            kept = before.get(vehicle_id)
            if kept is None or kept[0] is not record or number in in_turn:
                whole = self._view.state(vehicle_id)
                if whole is None:
                    continue
                course = self._courses.get(vehicle_id)
                kept = record, replace(whole, ghosts=ghosts_of(whole, course, tick.at))
                anew.append(vehicle_id)
            self._guessed[vehicle_id] = kept
        return anew

    def _in_turn(self, numbers: Iterable[int]) -> set[int]:
        """Of these, whose `SILENT_EVERY_S` came round since the last look; each has its own moment, so that a fleet
        that fell silent at once is not looked at at once."""
        before, self._looked_s = self._looked_s, self._clock.mono_s()
        now, then = self._looked_s / SILENT_EVERY_S, before / SILENT_EVERY_S
        return {each for each in numbers if (now + each * _SPREAD) // 1.0 > (then + each * _SPREAD) // 1.0}

    def open_alarms(self) -> tuple[Alarm, ...]:
        """The open alarms, oldest first."""
        return self._book.open()

    # --- what is seen ---

    def _watched(self, state: VehicleState) -> Watched:
        sortie, zones = self._sorties.get(state.vehicle_id), self._zones.get(state.vehicle_id, "")
        if sortie is None:
            return Watched(state, zones=zones)
        return Watched(state, sortie.state, sortie.transitions[-1].why if sortie.transitions else "", zones)

    def _on_fence(self, vehicle: Vehicle, event: FenceEvent, action: FenceAction) -> None:
        was = event.was
        if was is not None and was in _CLEARED and not self._guard.shows(vehicle, was):
            self._note(self._book.over(vehicle.id, _CLEARED[was]))
        if event.phase is Phase.OVER:
            log.info("%s: %s", vehicle.id, event.detail)
            return
        text = event.detail if action is FenceAction.WARN else f"{event.detail} The platform has it {_DONE[action]}."
        severity = Severity.CRITICAL if event.phase is Phase.BREACH else Severity.WARNING
        kind = AlarmKind.FENCE_BREACH if event.phase is Phase.BREACH else AlarmKind.FENCE_AHEAD
        if action is not FenceAction.WARN:
            self._act(vehicle, action, event.detail)
        if event.phase is Phase.BREACH:
            self._left_fence(vehicle.id)
        self._note(self._book.tell(self._watched(vehicle.snapshot()), Sighting(kind, severity, text)))

    def _ask_again(self, vehicle: Vehicle, action: FenceAction) -> None:
        why = f"it was to {_DONE[action]} and does not"
        log.warning("%s: %s; it is asked again", vehicle.id, why)
        self._act(vehicle, action, why)

    # --- what is told and kept ---

    async def resume(self) -> None:
        """Takes up what was open when the platform stopped."""
        self._note(self._book.resume(await self._store.alarms(limit=_RESUMED_AT_MOST, open_only=True)))

    async def run(self) -> None:
        """Keeps alarms and knows the zones in force, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._trespass.run(), name="zones in force")
            group.create_task(self._keep(), name="alarms kept")

    async def _keep(self) -> None:
        """Keeps alarms until cancelled; one that the store does not take now is told again and kept later."""
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            while self._unsaved:
                alarm_id, alarm = next(iter(self._unsaved.items()))
                try:
                    kept = await self._store.save_alarm(alarm)
                except Overloaded as error:
                    log.error("alarm %s is not stored at the moment: %s", alarm_id, error.detail)
                    for each in self._unsaved.values():  # who started meanwhile finds none of them in the store
                        self._publish(AlarmChanged(each))
                    await asyncio.sleep(_STORE_AGAIN_S)
                    continue
                if self._unsaved.get(alarm_id) is alarm:  # else a newer one is told in its turn
                    del self._unsaved[alarm_id]
                    if kept != alarm or not alarm.is_open:
                        self._publish(AlarmChanged(kept))

    def _note(self, alarms: Iterable[Alarm]) -> None:
        for alarm in alarms:
            level = logging.INFO if not alarm.is_open else logging.WARNING
            log.log(level, "%s %s: %s", alarm.kind, "over" if not alarm.is_open else alarm.severity, alarm.text)
            self._unsaved.pop(alarm.id, None)
            self._unsaved[alarm.id] = alarm
            if len(self._unsaved) > _UNSAVED_AT_MOST:
                log.error("alarm %s is never stored: too many wait", self._unsaved.popitem(last=False)[0])
            self._has_news.set()
            if alarm.is_open:
                self._publish(AlarmChanged(alarm))
            else:
                asyncio.get_running_loop().call_later(_ENDS_WITHIN_S, self._tell_unsaved, alarm)

    def _tell_unsaved(self, alarm: Alarm) -> None:
        if self._unsaved.get(alarm.id) is alarm:
            self._publish(AlarmChanged(alarm))


_DONE = {FenceAction.BRAKE: "brake", FenceAction.RETURN: "return"}
