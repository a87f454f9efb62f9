"""The watch over our own flights: every few seconds, as late or early as they are, who comes too near to whom."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from api.deconflict import Deconfliction, Traffic
from api.intents import encounter_of
from api.remedies import remedies_for
from core.clock import Clock
from core.errors import Overloaded
from core.ids import VehicleId
from missions.deconflict import Overlap, volume_feature
from missions.sortie import is_flying
from missions.volumes import Intent
from telemetry.messages import FleetEvent, FlightMet, TrafficConflict, TrafficNews, VehicleState

log = logging.getLogger(__name__)

CRITICAL = "critical"
ROUND_S = 5.0
# Between two rounds it rests at least so long, however long the rounds take.
LEAST_REST_S = 1.0
# What may be spent per round on comparing flights, and on remedies; who was left out comes first the next time.
COMPARE_S = 2.0
ADVISE_S = 1.0


@dataclass(frozen=True, slots=True)
class Ears:
    """Who is told: the lane for conflicts between flights, and the one for all that people should know."""

    traffic: Callable[[TrafficNews], None]
    event: Callable[[FleetEvent], None]


@dataclass(slots=True)
class TrafficWatch:
    """Keeps the present conflicts between flights of which at least one is launched, and tells their begin and end.

    Those of two planned missions are settled when they are stored. Bounded in time per round: with more flights than
    fit into one round, they take turns.
    """

    deconfliction: Deconfliction
    clock: Clock
    vehicles: Callable[[], Sequence[VehicleState]]  # of unfinished sorties
    ears: Ears
    looked_at: datetime | None = None
    overheard: Callable[[TrafficNews], None] | None = None  # by who tells other systems
    _present: dict[str, TrafficConflict] = field(default_factory=dict)
    _waiting: tuple[str, ...] = ()

    @property
    def conflicts(self) -> tuple[TrafficConflict, ...]:
        """The present ones, the critical first, then by time."""
        return tuple(sorted(self._present.values(), key=_urgency))

    async def run(self) -> None:
        """Looks for ever."""
        while True:
            started_s = self.clock.mono_s()
            try:
                await self.look()
            except Overloaded as error:
                log.warning("flights were not compared this time: %s", error)
            await asyncio.sleep(max(LEAST_REST_S, ROUND_S - (self.clock.mono_s() - started_s)))

    async def look(self) -> None:
        """One round. Raises Overloaded when the store does not answer."""
        vehicles = self.vehicles()
        traffic = await self.deconfliction.traffic(vehicles)
        found = await asyncio.to_thread(self._compared, traffic, {each.vehicle_id: each for each in vehicles})
        self.looked_at = traffic.at
        for news in changes(self._present, found, traffic.at):
            self.ears.traffic(news)
            if self.overheard is not None:
                self.overheard(news)
            if news.phase != "change" or news.conflict.severity != self._present[news.conflict.id].severity:
                self.ears.event(_event(news))
        self._present = found

    def _compared(self, traffic: Traffic, vehicles: Mapping[VehicleId, VehicleState]) -> dict[str, TrafficConflict]:
        """Conflicts by their ids; those of flights that there was no time for are the ones of the last round."""
        end_s = self.clock.mono_s() + COMPARE_S
        found: dict[str, TrafficConflict] = {}
        turn = dict.fromkeys([*(name for name in self._waiting if name in traffic.sorties), *traffic.sorties])
        looked: set[str] = set()
        for name in turn:
            if looked and self.clock.mono_s() > end_s:
                break
            looked.add(name)
            found |= {each.id: each for each in met_by(traffic, traffic.schedule.intents[name])}
        self._waiting = tuple(name for name in turn if name not in looked)
        for key, one in self._present.items():
            if key in found:
                found[key] = replace(found[key], began_at=one.began_at)
            elif not _flights(one) & looked and _flights(one) <= traffic.schedule.intents.keys():
                found[key] = one
        return self._advised(found, traffic, vehicles)

    def _advised(
        self, found: dict[str, TrafficConflict], traffic: Traffic, vehicles: Mapping[VehicleId, VehicleState]
    ) -> dict[str, TrafficConflict]:
        """With remedies for as many as there is time for, the most urgent first."""
        end_s = self.clock.mono_s() + ADVISE_S
        for one in sorted(found.values(), key=_urgency):
            if self.clock.mono_s() > end_s:
                break
            intent, vehicle_id = traffic.schedule.intents[one.yields.flight_id], one.yields.vehicle_id
            vehicle = vehicles.get(vehicle_id) if vehicle_id else None
            found[one.id] = replace(one, remedies=remedies_for(traffic, intent, vehicle))
        return found


def met_by(traffic: Traffic, intent: Intent) -> Iterator[TrafficConflict]:
    """The conflicts of one flight with all others, told from the side of who gives way."""
    for overlap in traffic.schedule.conflicts(intent):
        if gives_way(intent, overlap.other):
            yield _conflict(traffic, intent, overlap)
        else:
            yield _conflict(traffic, overlap.other, _turned(intent, overlap))


def gives_way(intent: Intent, other: Intent) -> bool:
    """Which of two gives way, the same from both sides; among equals the one of the later id."""
    if intent.rank.goes_before(other.rank) or other.rank.goes_before(intent.rank):
        return other.rank.goes_before(intent.rank)
    return intent.id > other.id


def _turned(intent: Intent, overlap: Overlap) -> Overlap:
    """An overlap from the other side."""
    return replace(overlap, other=intent, mine=overlap.theirs, theirs=overlap.mine)


def _conflict(traffic: Traffic, yields: Intent, overlap: Overlap) -> TrafficConflict:
    first, second, met = _flight(overlap.other, traffic), _flight(yields, traffic), encounter_of(overlap)
    text = (
        f"{second.name} and {first.name} may come within {met.horizontal_m:.0f} m of each other from "
        f"{met.from_at:%H:%M:%S} UTC on; {second.name} gives way."
    )
    return TrafficConflict(
        id="~".join(sorted((yields.id, overlap.other.id))),
        began_at=traffic.at,
        severity=CRITICAL if first.airborne and second.airborne else "warning",
        text=text,
        first=first,
        yields=second,
        encounter=met,
        geometry=volume_feature(overlap.theirs)["geometry"],
    )


def _flight(intent: Intent, traffic: Traffic) -> FlightMet:
    sortie = traffic.sorties.get(intent.id)
    airborne = sortie is not None and is_flying(sortie.state)
    return FlightMet(intent.id, intent.name, airborne, sortie.vehicle_id if sortie else None)


def _flights(one: TrafficConflict) -> set[str]:
    return {one.first.flight_id, one.yields.flight_id}


def _urgency(one: TrafficConflict) -> tuple[bool, datetime]:
    return (one.severity != CRITICAL, one.encounter.from_at)


def changes(
    before: Mapping[str, TrafficConflict], after: Mapping[str, TrafficConflict], at: datetime
) -> Iterator[TrafficNews]:
    """What to tell: what is over, what is new, and what is another one to people than it was."""
    for key, one in before.items():
        if key not in after:
            yield TrafficNews(at, "end", one)
    for key, one in after.items():
        if key not in before:
            yield TrafficNews(at, "begin", one)
        elif _told(one) != _told(before[key]):
            yield TrafficNews(at, "change", one)


def _told(one: TrafficConflict) -> tuple[object, ...]:
    """What a person would want to hear again; seconds and metres change in every round."""
    return (one.severity, one.first, one.yields, tuple(each.kind for each in one.remedies))


def _event(news: TrafficNews) -> FleetEvent:
    one = news.conflict
    yields, others = one.yields.vehicle_id, () if one.first.vehicle_id is None else (one.first.vehicle_id,)
    if news.phase == "end":
        text = f"{one.yields.name} and {one.first.name} keep clear of each other again."
        return FleetEvent(news.at, "info", "traffic", text, yields, others=others)
    advice = " ".join(each.detail for each in one.remedies)
    text = f"{one.text} {advice}".strip()
    return FleetEvent(news.at, one.severity, "traffic", text, yields, others=others)


@asynccontextmanager
async def running_watch(watch: TrafficWatch) -> AsyncIterator[None]:
    """Lets `watch` work while the context is open."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(watch.run(), name="traffic-watch")
        try:
            yield
        finally:
            task.cancel()
