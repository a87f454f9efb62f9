"""The present picture of the whole fleet: newest states of all gateways, sorties and recent tracks. Pure, bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from core.errors import NotFound
from core.geo import LatLon, ground_distance_m
from core.ids import AlarmId, CommandId, SortieId, VehicleId
from missions.model import CommandRecord, Sortie, TrackPoint
from missions.sortie import is_finished
from operations.alarms import RANK, Alarm
from telemetry.columns import COLUMN, FleetView
from telemetry.messages import FleetTick, LinkState, TrafficConflict, TrafficNews, VehicleState

MAX_VEHICLES = 4_096
# Finished sorties that a new viewer is told about.
RECENT_SORTIES = 20
# Alarms that are over, likewise.
RECENT_ALARMS = 50
# Commands likewise. More are remembered, so that none that the store tells again is taken for a new one.
RECENT_COMMANDS, MAX_COMMANDS = 100, 1_000
# Positions kept per sortie; past it every other one goes, so that a long track gets coarser, not shorter.
MAX_TRACK = 1_000
TRACK_STEP_M = 3.0
# Ticks come ten a second: below this a state is as old as its tick says, above it the silence is added.
FRESH_S = 0.15
# Reliability guide, section 2: a vehicle is live, then stale, then lost.
STALE_AFTER_S = 1.5
LOST_AFTER_S = 5.0

TrackPosition = tuple[float, float, float]
_PLACE = [COLUMN["lon_deg"], COLUMN["lat_deg"], COLUMN["alt_rel_m"]]


def aged(state: VehicleState, silence_s: float) -> VehicleState:
    """`state` as it is `silence_s` after its tick: older, and no longer live when nobody spoke since."""
    if silence_s <= FRESH_S or state.heard_age_s is None:
        return state
    heard_s = round(state.heard_age_s + silence_s, 3)
    position_s = None if state.position_age_s is None else round(state.position_age_s + silence_s, 3)
    return replace(state, heard_age_s=heard_s, position_age_s=position_s, link=no_better(state.link, heard_s))


def no_better(link: LinkState, heard_s: float) -> LinkState:
    """What a link is by the age of its last word, if that is worse than what it was."""
    if link is LinkState.NEVER:
        return link
    if heard_s > LOST_AFTER_S:
        return LinkState.LOST
    return LinkState.STALE if heard_s > STALE_AFTER_S and link is LinkState.LIVE else link


class Picture:
    """What is known now. `drops` counts what a bound kept out.

    A tick is only taken note of: records are put together when somebody asks for them.
    """

    def __init__(self, enrolled: Iterable[VehicleState]) -> None:
        # In the order of enrolment: which gateway tells of a vehicle, None when none did yet.
        self._told_by: dict[VehicleId, str | None] = {}
        self._enrolled: dict[VehicleId, VehicleState] = {}
        for state in enrolled:
            self._told_by[state.vehicle_id] = None
            self._enrolled[state.vehicle_id] = state
        self._views: dict[str, FleetView] = {}
        self._ids: dict[str, tuple[VehicleId, ...]] = {}
        self._tick_s: dict[str, float] = {}
        self._sorties: dict[SortieId, Sortie] = {}
        self._tracks: dict[SortieId, list[TrackPosition]] = {}
        self._alarms: dict[AlarmId, Alarm] = {}
        self._commands: dict[CommandId, CommandRecord] = {}
        self._traffic: dict[str, TrafficConflict] = {}
        self.drops: Counter[str] = Counter()

    def vehicles(self, mono_s: float) -> tuple[VehicleState, ...]:
        """Every vehicle as it is now, in the order of enrolment."""
        found = (self._state(vehicle_id, mono_s) for vehicle_id in self._told_by)
        return tuple(state for state in found if state is not None)

    def engaged(self, mono_s: float) -> tuple[VehicleState, ...]:
        """The vehicles of unfinished sorties: of a large fleet a few."""
        ids = {sortie.vehicle_id for sortie in self._sorties.values() if not is_finished(sortie.state)}
        found = (self._state(vehicle_id, mono_s) for vehicle_id in self._told_by if vehicle_id in ids)
        return tuple(state for state in found if state is not None)

    def vehicle(self, vehicle_id: VehicleId, mono_s: float) -> VehicleState:
        """Raises NotFound."""
        state = self._state(vehicle_id, mono_s) if vehicle_id in self._told_by else None
        if state is None:
            raise NotFound("vehicle", vehicle_id)
        return state

    def _state(self, vehicle_id: VehicleId, mono_s: float) -> VehicleState | None:
        gateway = self._told_by[vehicle_id]
        state = None if gateway is None else self._views[gateway].state(vehicle_id)
        if gateway is None or state is None:
            return self._enrolled.get(vehicle_id)
        return aged(state, mono_s - self._tick_s[gateway])

    def sorties(self) -> tuple[Sortie, ...]:
        """The unfinished ones and the newest finished, newest first."""
        return tuple(sorted(self._sorties.values(), key=lambda sortie: sortie.created_at, reverse=True))

    def sortie(self, sortie_id: SortieId | None) -> Sortie | None:
        """One of them; None: it is not known (any more)."""
        return None if sortie_id is None else self._sorties.get(sortie_id)

    def tracks(self) -> dict[SortieId, list[TrackPosition]]:
        """[lon, lat, metres above home] of the unfinished sorties."""
        return {sortie_id: self._tracks.get(sortie_id, []) for sortie_id in self._unfinished()}

    def on_tick(self, tick: FleetTick, mono_s: float) -> None:
        """Takes a gateway's tick in; a vehicle that has left it, and is in no other gateway's, is gone."""
        self._tick_s[tick.gateway] = mono_s
        self._views.setdefault(tick.gateway, FleetView()).take(tick)
        if self._ids.get(tick.gateway) != tick.ids:
            self._members_changed(tick)
        self._extend_tracks(tick)

    def _members_changed(self, tick: FleetTick) -> None:
        gone = set(self._ids.get(tick.gateway, ())).difference(tick.ids)
        self._ids[tick.gateway] = tick.ids
        told = {vehicle_id: gateway for gateway, ids in self._ids.items() for vehicle_id in ids}
        for vehicle_id in gone.difference(told):
            self._told_by.pop(vehicle_id, None)
        for vehicle_id in chain(tick.ids, gone.intersection(told)):
            if vehicle_id not in self._told_by and len(self._told_by) >= MAX_VEHICLES:
                self.drops["vehicles over the bound"] += 1
                continue
            self._told_by[vehicle_id] = tick.gateway if vehicle_id in tick.ids else told[vehicle_id]

    def on_sortie(self, sortie: Sortie) -> bool:
        """Takes a sortie in; False when it is not newer than what is known."""
        known = self._sorties.get(sortie.id)
        if known is not None and known.row_revision >= sortie.row_revision:
            return False
        self._sorties[sortie.id] = sortie
        if is_finished(sortie.state):
            self._tracks.pop(sortie.id, None)
            self._forget_old()
        return True

    def alarms(self) -> tuple[Alarm, ...]:
        """The open ones and the newest that are over, newest first."""
        return tuple(sorted(self._alarms.values(), key=lambda alarm: alarm.began_at, reverse=True))

    def alarm(self, alarm_id: AlarmId) -> Alarm | None:
        """An alarm that is shown; None: there is none."""
        return self._alarms.get(alarm_id)

    def on_alarm(self, alarm: Alarm) -> bool:
        """Takes an alarm in; False when it is no further than what is known."""
        known = self._alarms.get(alarm.id)
        if known is not None and _how_far(alarm) <= _how_far(known):
            return False
        self._alarms[alarm.id] = alarm
        if not alarm.is_open:
            over = [each for each in self.alarms() if not each.is_open]
            for each in over[RECENT_ALARMS:]:
                del self._alarms[each.id]
        return True

    def commands(self) -> tuple[CommandRecord, ...]:
        """The newest ones, newest first."""
        return tuple(reversed(self._commands.values()))[:RECENT_COMMANDS]

    def on_command(self, record: CommandRecord) -> bool:
        """Takes a command in; False when it is no further than what is known: it is issued, and then it ends."""
        known = self._commands.get(record.id)
        if known is not None and (known.state != "issued" or record.state == "issued"):
            return False
        self._commands[record.id] = record
        if len(self._commands) > MAX_COMMANDS:
            del self._commands[next(iter(self._commands))]
        return True

    def traffic(self) -> tuple[TrafficConflict, ...]:
        """The flights of ours that come too near to each other now."""
        return tuple(self._traffic.values())

    def on_traffic(self, news: TrafficNews) -> None:
        """A conflict began, changed or is over."""
        self._traffic.pop(news.conflict.id, None)
        if news.phase != "end":
            self._traffic[news.conflict.id] = news.conflict

    def concerned(self) -> set[VehicleId]:
        """The vehicles of which anything but their state is known."""
        sorties, alarms, commands = self._sorties.values(), self._alarms.values(), self._commands.values()
        return {
            *(each.vehicle_id for each in sorties),
            *(each.vehicle_id for each in alarms),
            *(each.vehicle_id for each in commands),
        }

    def go_to(
        self,
        sorties: Iterable[Sortie],
        alarms: Iterable[Alarm],
        commands: Iterable[CommandRecord],
        tracks: Mapping[SortieId, Sequence[TrackPoint]],
    ) -> None:
        """What is known besides vehicles is this from now on, and what was is forgotten."""
        for known in (self._sorties, self._alarms, self._commands, self._tracks):
            known.clear()
        for sortie in sorties:
            self.on_sortie(sortie)
        for alarm in alarms:
            self.on_alarm(alarm)
        for command in commands:
            self.on_command(command)
        for sortie_id, points in tracks.items():
            self.on_recorded(sortie_id, points)

    def on_recorded(self, sortie_id: SortieId, points: Sequence[TrackPoint]) -> None:
        """Takes over what was recorded of a sortie before this picture began."""
        self._tracks[sortie_id] = [(point.lon_deg, point.lat_deg, point.alt_rel_m) for point in points]
        self._thin(sortie_id)

    def _unfinished(self) -> list[SortieId]:
        return [sortie.id for sortie in self._sorties.values() if not is_finished(sortie.state)]

    def _forget_old(self) -> None:
        finished = [sortie for sortie in self.sorties() if is_finished(sortie.state)]
        for sortie in finished[RECENT_SORTIES:]:
            del self._sorties[sortie.id]

    def _extend_tracks(self, tick: FleetTick) -> None:
        """Of those vehicles only that are on an unfinished sortie: the others' rows are not looked at."""
        slow = self._views[tick.gateway].slow()
        unfinished = set(self._unfinished())
        if not unfinished:
            return
        places = tick.rows()[:, _PLACE]
        for at, vehicle_id in enumerate(tick.ids):
            sortie_id = slow[vehicle_id].sortie_id if vehicle_id in slow else None
            if sortie_id in unfinished:
                lon, lat, alt = places[at].tolist()
                self._extend_track(sortie_id, (lon, lat, alt if alt == alt else 0.0))  # noqa: PLR0124 - NaN

    def _extend_track(self, sortie_id: SortieId, here: TrackPosition) -> None:
        if here[0] != here[0] or here[1] != here[1]:
            return
        track = self._tracks.setdefault(sortie_id, [])
        if not track or _apart_m(track[-1], here) >= TRACK_STEP_M:
            track.append(here)
            self._thin(sortie_id)

    def _thin(self, sortie_id: SortieId) -> None:
        track = self._tracks[sortie_id]
        while len(track) > MAX_TRACK:
            self.drops["track positions thinned out"] += len(track) // 2
            del track[1::2]


def _how_far(alarm: Alarm) -> tuple[bool, int, bool]:
    """Where an alarm is in its life: it ends, grows worse, is taken note of; never the other way."""
    return not alarm.is_open, RANK[alarm.severity], alarm.acknowledged_at is not None


def _apart_m(a: TrackPosition, b: TrackPosition) -> float:
    ground_m = ground_distance_m(LatLon(a[1], a[0]), LatLon(b[1], b[0]))
    return max(ground_m, abs(a[2] - b[2]))
