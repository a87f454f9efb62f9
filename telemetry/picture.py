"""The present picture of the whole fleet: newest states of all gateways, sorties and recent tracks. Pure, bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.errors import NotFound
from core.geo import LatLon, ground_distance_m
from core.ids import AlarmId, SortieId, VehicleId
from missions.model import Sortie, TrackPoint
from missions.sortie import is_finished
from operations.alarms import RANK, Alarm
from telemetry.columns import FleetView
from telemetry.messages import FleetTick, LinkState, VehicleState

MAX_VEHICLES = 4_096
# Finished sorties that a new viewer is told about.
RECENT_SORTIES = 20
# Alarms that are over, likewise.
RECENT_ALARMS = 50
# Positions kept per sortie; past it every other one goes, so that a long track gets coarser, not shorter.
MAX_TRACK = 1_000
TRACK_STEP_M = 3.0
# Ticks come ten a second: below this a state is as old as its tick says, above it the silence is added.
FRESH_S = 0.15
# Reliability guide, section 2: a vehicle is live, then stale, then lost.
STALE_AFTER_S = 1.5
LOST_AFTER_S = 5.0

TrackPosition = tuple[float, float, float]


def aged(state: VehicleState, silence_s: float) -> VehicleState:
    """`state` as it is `silence_s` after its tick: older, and no longer live when nobody spoke since."""
    if silence_s <= FRESH_S or state.heard_age_s is None:
        return state
    heard_s = round(state.heard_age_s + silence_s, 3)
    position_s = None if state.position_age_s is None else round(state.position_age_s + silence_s, 3)
    return replace(state, heard_age_s=heard_s, position_age_s=position_s, link=_no_better(state.link, heard_s))


def _no_better(link: LinkState, heard_s: float) -> LinkState:
    if link is LinkState.NEVER:
        return link
    if heard_s > LOST_AFTER_S:
        return LinkState.LOST
    return LinkState.STALE if heard_s > STALE_AFTER_S and link is LinkState.LIVE else link


class Picture:
    """What is known now. `drops` counts what a bound kept out."""

    def __init__(self, enrolled: Iterable[VehicleState]) -> None:
        self._vehicles: dict[VehicleId, tuple[VehicleState, float]] = {
            state.vehicle_id: (state, 0.0) for state in enrolled
        }
        self._views: dict[str, FleetView] = {}
        self._told_by: dict[str, frozenset[VehicleId]] = {}  # the vehicles in each gateway's newest tick
        self._sorties: dict[SortieId, Sortie] = {}
        self._tracks: dict[SortieId, list[TrackPosition]] = {}
        self._alarms: dict[AlarmId, Alarm] = {}
        self.drops: Counter[str] = Counter()

    def vehicles(self, mono_s: float) -> tuple[VehicleState, ...]:
        """Every vehicle as it is now, in the order of enrolment."""
        return tuple(aged(state, mono_s - at_s) for state, at_s in self._vehicles.values())

    def vehicle(self, vehicle_id: VehicleId, mono_s: float) -> VehicleState:
        """Raises NotFound."""
        if vehicle_id not in self._vehicles:
            raise NotFound("vehicle", vehicle_id)
        state, at_s = self._vehicles[vehicle_id]
        return aged(state, mono_s - at_s)

    def sorties(self) -> tuple[Sortie, ...]:
        """The unfinished ones and the newest finished, newest first."""
        return tuple(sorted(self._sorties.values(), key=lambda sortie: sortie.created_at, reverse=True))

    def tracks(self) -> dict[SortieId, list[TrackPosition]]:
        """[lon, lat, metres above home] of the unfinished sorties."""
        return {sortie_id: self._tracks.get(sortie_id, []) for sortie_id in self._unfinished()}

    def on_tick(self, tick: FleetTick, mono_s: float) -> None:
        """Takes a gateway's tick in; a vehicle that has left it, and is in no other gateway's, is gone."""
        self._forget_gone(tick)
        view = self._views.setdefault(tick.gateway, FleetView())
        view.take(tick)
        for state in view.states():
            if state.vehicle_id not in self._vehicles and len(self._vehicles) >= MAX_VEHICLES:
                self.drops["vehicles over the bound"] += 1
                continue
            self._vehicles[state.vehicle_id] = (state, mono_s)
            self._extend_track(state)

    def _forget_gone(self, tick: FleetTick) -> None:
        told = frozenset(tick.ids)
        gone = self._told_by.get(tick.gateway, frozenset()) - told
        self._told_by[tick.gateway] = told
        for vehicle_id in gone.difference(*self._told_by.values()):
            self._vehicles.pop(vehicle_id, None)

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

    def _extend_track(self, state: VehicleState) -> None:
        sortie = self._sorties.get(state.sortie_id) if state.sortie_id else None
        if sortie is None or is_finished(sortie.state) or state.lat_deg is None or state.lon_deg is None:
            return
        track = self._tracks.setdefault(sortie.id, [])
        here: TrackPosition = (state.lon_deg, state.lat_deg, state.alt_rel_m or 0.0)
        if not track or _apart_m(track[-1], here) >= TRACK_STEP_M:
            track.append(here)
            self._thin(sortie.id)

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
