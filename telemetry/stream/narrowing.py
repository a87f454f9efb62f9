"""What of a piece of news is told to those who may know of some units only; by default nothing. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from core.ids import VehicleId
from missions.model import Sortie
from telemetry.messages import AirspaceReviewed, FleetEvent, FlightMet, LinksTick, TrafficConflict, TrafficNews

T = TypeVar("T")
Units = frozenset[str]
UnitOf = Callable[[VehicleId], str | None]
# The value as those who know of these units may have it; None: it is not for them.
Narrow = Callable[[Units], T | None]

# Events that name no vehicle are told to those who may know of all: links, strangers and forwarding rules are the
# platform's. These are everybody's: every vehicle is about to be left alone, or something was not told.
EVENTS_LOST = "events-lost"
_EVERYBODYS = frozenset({"heart-unfed", "heart-restarted", EVENTS_LOST})
# How a flight is named to who may not know whose it is.
_SOMEBODYS = "A flight of another unit"
# Problems that name other flights.
_NAMES_OTHERS = frozenset({"mission-conflict"})


def of_owners(value: T, owners: Iterable[str | None]) -> Narrow[T]:
    """All of it, to those who may know of every one of `owners`; what nobody owns, or nobody known, is for nobody."""
    those = frozenset(owners)
    return lambda units: value if those and those <= units else None


def of_event(event: FleetEvent, unit_of: UnitOf) -> Narrow[FleetEvent]:
    """Told to those who may know of every vehicle that it names."""
    if event.code in _EVERYBODYS:
        return lambda _: event
    named = event.others if event.vehicle_id is None else (event.vehicle_id, *event.others)
    return of_owners(event, map(unit_of, named))


def sortie_for(sortie: Sortie, continued: Sortie | None) -> Sortie:
    """A sortie without the names of other vehicles' flights: those that it was refused for, and that it goes on with.

    `continued`: what it goes on with, None: nobody knows whose that was.
    """
    if sortie.continues is not None and (continued is None or continued.vehicle_id != sortie.vehicle_id):
        sortie = replace(sortie, continues=None)
    problem = sortie.problem
    if problem is None or problem.get("slug") not in _NAMES_OTHERS:
        return sortie
    short = {name: problem[name] for name in ("slug", "title") if name in problem}
    return replace(sortie, problem=short | {"detail": "Its air is taken by other flights."})


def links_for(tick: LinksTick, units: Units, owners: Mapping[str, Units]) -> LinksTick | None:
    """The links that only vehicles of `units` are on. `owners`: whose vehicles are on each link."""
    mine = tuple(link for link in tick.links if owners.get(link.name) and owners[link.name] <= units)
    return replace(tick, links=mine) if mine else None


def review_for(review: AirspaceReviewed, units: Units, owner: Mapping[VehicleId, str | None]) -> AirspaceReviewed:
    """A review of the flights of `units`; that there is a new version, and how many plans it fails, is for all."""
    failing = tuple(each for each in review.failing if owner.get(each.vehicle_id) in units)
    severity = "critical" if failing else "warning" if review.missions_failing else "info"
    return replace(
        review,
        severity=severity,
        text=_review_text(review, [each.vehicle_id for each in failing]),
        flights_failing=len(failing),
        failing=failing,
    )


def _review_text(review: AirspaceReviewed, failing: list[VehicleId]) -> str:
    flights = f"{len(failing)} in the air ({', '.join(failing[:5])})" if failing else ""
    missions = f"{review.missions_failing} planned" if review.missions_failing else ""
    which = " and ".join(filter(None, (flights, missions)))
    if not which:
        return f"Airspace version {review.version}: every flight of yours that was looked at stays clear."
    return f"Airspace version {review.version} makes missions unflyable: {which}."


def traffic_for(news: TrafficNews, units: Units, unit_of: UnitOf) -> TrafficNews | None:
    """A conflict as those who know of `units` may have it; see `conflict_for`."""
    conflict = conflict_for(news.conflict, units, unit_of)
    return None if conflict is None else replace(news, conflict=conflict)


def conflict_for(conflict: TrafficConflict, units: Units, unit_of: UnitOf) -> TrafficConflict | None:
    """With one's own flight in it: whole when both are, else when and how near somebody's flight comes, not whose.

    That much is told whatever the rights: who does not know that another one is in the way runs into it.
    """
    mine = [_is_of(each, units, unit_of) for each in (conflict.first, conflict.yields)]
    if all(mine):
        return conflict
    if not any(mine):
        return None
    hidden = replace(conflict, id=_pseudonym(conflict.id))
    return _without_first(hidden) if mine[1] else _without_yielding(hidden)


def _is_of(flight: FlightMet, units: Units, unit_of: UnitOf) -> bool:
    """A flight that is only planned has no vehicle, and so no unit: it is for those who may know of all."""
    return flight.vehicle_id is not None and unit_of(flight.vehicle_id) in units


def _without_first(conflict: TrafficConflict) -> TrafficConflict:
    """For who gives way. `geometry` is the other one's room, the meeting is told by the encounter."""
    text = f"{conflict.yields.name} and a flight of another unit may meet; {conflict.yields.name} gives way."
    met = replace(conflict.encounter, flight_id="", flight_name=_SOMEBODYS)
    return replace(conflict, text=text, first=_stranger(conflict.first), encounter=met, geometry=None)


def _without_yielding(conflict: TrafficConflict) -> TrafficConflict:
    """For who goes first; what the other one can do is the other one's."""
    text = f"{conflict.first.name} and a flight of another unit may meet; that one gives way."
    return replace(conflict, text=text, yields=_stranger(conflict.yields), remedies=())


def _stranger(flight: FlightMet) -> FlightMet:
    return FlightMet("", _SOMEBODYS, flight.airborne)


def _pseudonym(conflict_id: str) -> str:
    """The same for all news of a conflict; it is made of two random ids, which nobody can guess."""
    return hashlib.blake2b(conflict_id.encode(), digest_size=12).hexdigest()
