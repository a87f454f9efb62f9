"""Flights looked at again when the airspace changes: which fail, where, and what to do with those in the air."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import shapely

from core.errors import Conflict
from core.geo import LatLon
from core.ids import SortieId, VehicleId
from geofence.changes import changes
from geofence.evaluate import evaluate
from geofence.extents import Extents
from geofence.frame import LocalFrame
from geofence.scene import VERTICAL_MARGIN_M, Flight, lay_out, margin_budget_m
from geofence.space import Ground, Space
from geofence.terrain import Terrain
from geofence.window import TimeWindow, Validity
from geofence.zones import Airspace, Role, Zone
from missions.model import Airframe, Dock, ReturnMode, Revision, SortieState
from missions.prove import added_zones, conflicts_of, reprove
from missions.sortie import is_flying
from missions.verdicts import FailingMission, ProposalKind, ReplanProposal

_GOING_HOME = (SortieState.RETURNING, SortieState.LANDING)


@dataclass(frozen=True, slots=True)
class InAir:
    """A sortie as it is now. `place` and `alt_rel_m` None: never heard of; `reached`: waypoints that lie behind."""

    sortie_id: SortieId
    vehicle_id: VehicleId
    state: SortieState
    reached: int
    place: LatLon | None
    alt_rel_m: float | None
    battery_pct: float | None


@dataclass(frozen=True, slots=True)
class FlightInReview:
    """A revision that is planned, or `air`: being flown. It takes place within `window`, or what is left of it."""

    revision: Revision
    dock: Dock
    airframe: Airframe
    window: TimeWindow
    air: InAir | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Rest:
    """What is still to be flown: the flight from home over where the vehicle is, over `stops`, and home.

    The first leg is then the straight way home from where the vehicle is.
    """

    flown: FlightInReview
    flight: Flight
    stops: tuple[LatLon, ...]
    alt_rel_m: float


class Replanner(Protocol):
    """Finds another way to fly what is left; `zones`: gives every zone that may matter around some places."""

    def __call__(
        self, rest: Rest, zones: Callable[[Sequence[LatLon]], Airspace], terrain: Terrain | None
    ) -> ReplanProposal | None: ...


class Review:
    """One version, made ready to look at any number of flights. Raises nothing: a flight that fails is an answer.

    A plan was clear in the version that it was made against; so only zones that are new since, and those that do not
    count all the time, can stand in its way. `before`: versions that plans were made against, as far as they are at
    hand; a plan against another one is looked at among all zones.
    """

    def __init__(
        self,
        after: Airspace,
        before: Mapping[int, Airspace],
        *,
        replan: Replanner,
        terrain: Terrain | None = None,
    ) -> None:
        self._after = after
        self._replan = replan
        self._terrain = terrain
        self._inclusions = tuple(zone for zone in after.zones if zone.role is Role.INCLUSION)
        self._all = Extents.of(zone for zone in after.zones if zone.role is Role.EXCLUSION)
        self._before = dict(before)
        self._news = {version: self._news_since(airspace) for version, airspace in before.items()}
        self._added = {version: added_zones(airspace, after) for version, airspace in before.items()}

    def _news_since(self, before: Airspace) -> tuple[Extents, bool]:
        """The exclusions to look at, and whether something changed that concerns every plan."""
        found = changes(before, self._after)
        new = {zone.id for zone in found.new_zones}
        exclusions = (zone for zone in self._all.zones if zone.id in new or _comes_and_goes(zone))
        inside = any(zone.role is Role.INCLUSION for zone in (*found.new_zones, *found.gone_zones))
        return Extents.of(exclusions), bool(found.rules) or inside or any(map(_comes_and_goes, self._inclusions))

    def failing(self, flown: FlightInReview) -> FailingMission | None:
        """What speaks against a flight; None: nothing new.

        Of a sortie only what is still to be flown counts; `leg` then counts from where the vehicle is, which is 1.
        """
        flight = _rest(flown).flight if flown.air else _whole(flown)
        news, everything = self._news.get(flown.revision.plan.airspace_version, (self._all, True))
        zones = news.near(flight.places, flight.margin_m)
        if not zones and not everything:
            return None
        conflicts = self._conflicts(flown, flight, zones) or (() if flown.air else self._unproven(flown))
        if not conflicts:
            return None
        revision, air = flown.revision, flown.air
        return FailingMission(
            mission_id=revision.mission_id,
            revision=revision.revision,
            mission_name=revision.request.name,
            conflicts=conflicts,
            sortie_id=air.sortie_id if air else None,
            vehicle_id=air.vehicle_id if air else None,
        )

    def first_aid(self, flown: FlightInReview) -> ReplanProposal:
        """What can be done at once with a flight that fails: return, hold or land, the first that is clear."""
        assert flown.air is not None
        if not is_flying(flown.air.state):
            return ReplanProposal(ProposalKind.HOLD, "It has not taken off: keep it on the ground.")
        if flown.air.place is None:
            return ReplanProposal(ProposalKind.HOLD, "Where it is is not known: nothing is known to be clear.")
        home = _way_home(flown)
        space = self._space(flown, home, self._all.near(home.places, home.margin_m))
        if not evaluate(lay_out(home, space.frame), space, self._terrain):
            return ReplanProposal(ProposalKind.RETURN, "The straight way home from where it is keeps clear.")
        stuck_in = self._around(flown.air.place, home, space)
        if not stuck_in:
            return ReplanProposal(
                ProposalKind.HOLD, "Where it is is clear; the way home is not, nor what is left of the mission."
            )
        names = ", ".join(zone.label for zone in stuck_in)
        others = tuple(one.zone for one in space.exclusions if one.zone not in stuck_in)
        if not self._conflicts(flown, home, others):
            return ReplanProposal(ProposalKind.RETURN, f"It is within the margin of {names}: the way home leads out.")
        return ReplanProposal(ProposalKind.LAND, f"It is within the margin of {names} and no way out is clear.")

    def replanned(self, flown: FlightInReview) -> ReplanProposal | None:
        """Another way to fly what is left, None when there is none: for a flight that fails and can be commanded."""
        air = flown.air
        if air is None or air.place is None or air.state in _GOING_HOME or not is_flying(air.state):
            return None
        found = self._replan(_rest(flown), self._airspace_around, self._terrain)
        needed_pct = found.plan.battery_to_start_pct if found and found.plan else 0.0
        return None if air.battery_pct is not None and needed_pct > air.battery_pct else found

    def _airspace_around(self, places: Sequence[LatLon]) -> Airspace:
        return replace(self._after, zones=(*self._inclusions, *self._all.near(places, AROUND_M)))

    def _conflicts(self, flown: FlightInReview, flight: Flight, exclusions: tuple[Zone, ...]) -> tuple[Conflict, ...]:
        space = self._space(flown, flight, exclusions)
        return evaluate(lay_out(flight, space.frame), space, self._terrain)

    def _unproven(self, flown: FlightInReview) -> tuple[Conflict, ...]:
        """What the proof of a planned flight says now, where it had one: the whole of it, its on-board fence too."""
        plan = flown.revision.plan
        before = self._before.get(plan.airspace_version)
        if plan.proof is None or before is None:
            return ()
        proof = reprove(
            plan, plan.proof, before, self._after, flown.airframe,
            window=flown.window, terrain=self._terrain, added=self._added[before.version],
        )  # fmt: skip
        return conflicts_of(proof, self._after.zones)

    def _space(self, flown: FlightInReview, flight: Flight, exclusions: tuple[Zone, ...]) -> Space:
        ground = Ground(flight.pad_amsl_m, flight.pad_agl_m, self._terrain)
        near = replace(self._after, zones=(*self._inclusions, *exclusions))
        return Space.of(near, LocalFrame(flight.home), flown.window, ground, margin_m=flight.margin_m)

    def _around(self, place: LatLon, flight: Flight, space: Space) -> tuple[Zone, ...]:
        """The exclusions within whose margin a vehicle at `place` is, at the height of `flight`."""
        met = space.met(min(flight.alts_rel_m) - VERTICAL_MARGIN_M, flight.top_rel_m)
        here = shapely.Point(space.frame.to_xy((place,))[0])
        gap_m = np.asarray(shapely.distance(space.shapes[met], here))
        return tuple(space.exclusions[number].zone for number in met[gap_m < space.margins_m[met]])


@dataclass(frozen=True, slots=True, eq=False)
class ReviewTask:
    """Flights to look at for the version `after`; `before`: versions that their plans were made against."""

    flights: tuple[FlightInReview, ...]
    after: Airspace
    before: tuple[Airspace, ...] = ()
    terrain: Terrain | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found. `waiting`: numbers of the flights in the air for which there was no time to find a new way."""

    failing: tuple[FailingMission, ...]
    waiting: tuple[int, ...] = ()


def look_again(task: ReviewTask, replan: Replanner, is_time_up: Callable[[], bool]) -> Looked:
    """Looks at every flight, names first aid for each in the air that fails, then finds new ways while there is time.

    `is_time_up` cuts short the new ways only.
    """
    before = {airspace.version: airspace for airspace in task.before}
    review = Review(task.after, before, replan=replan, terrain=task.terrain)
    found = {number: failing for number, flown in enumerate(task.flights) if (failing := review.failing(flown))}
    in_air = [number for number in found if task.flights[number].air is not None]
    for number in in_air:
        found[number] = replace(found[number], proposal=review.first_aid(task.flights[number]))
    waiting = []
    for number in in_air:
        if is_time_up():
            waiting.append(number)
        elif (proposal := review.replanned(task.flights[number])) is not None:
            found[number] = replace(found[number], proposal=proposal)
    return Looked(tuple(found.values()), tuple(waiting))


# How far around its path a new way is looked for.
AROUND_M = 2_000.0


def _comes_and_goes(zone: Zone) -> bool:
    """Whether there are times at which the zone does not count."""
    return replace(zone.validity, announced_at=None) != Validity(time_zone=zone.validity.time_zone)


def _whole(flown: FlightInReview) -> Flight:
    places, alts = _steps(flown)
    return _flight(flown, places, alts)


def _steps(flown: FlightInReview) -> tuple[tuple[LatLon, ...], tuple[float, ...]]:
    """The waypoints; a last one over home is how the mission lands there, not one more place to go to."""
    steps = flown.revision.plan.waypoints
    if len(steps) > 1 and steps[-1].place == flown.revision.plan.home:
        steps = steps[:-1]
    return tuple(step.place for step in steps), tuple(step.alt_rel_m for step in steps)


def _rest(flown: FlightInReview) -> Rest:
    """What is left. Who retraces its path goes home over all that lies behind; unheard of, it may be at the start."""
    assert flown.air is not None
    air, plan = flown.air, flown.revision.plan
    places, alts = _steps(flown)
    reached = len(places) if air.state in _GOING_HOME else min(air.reached, len(places))
    here = (air.place,) if air.place is not None and is_flying(air.state) else ()
    if not here:
        reached = 0
    alt_m = max(alts[reached:], default=max(alts)) if air.state not in _GOING_HOME else air.alt_rel_m or max(alts)
    behind = min(air.reached, len(places)) if here and plan.returns is ReturnMode.RETRACE else 0
    before = plan.begins_at.flown if plan.begins_at and here and plan.returns is ReturnMode.RETRACE else ()
    left = (*(step.place for step in before), *places[:behind], *here, *places[reached:])
    here_alts = tuple(air.alt_rel_m if air.alt_rel_m is not None else alt_m for _ in here)
    before_alts = tuple(step.alt_rel_m for step in before)
    flight = _flight(flown, left, (*before_alts, *alts[:behind], *here_alts, *alts[reached:]))
    return Rest(flown, flight, places[reached:], alt_m)


def _way_home(flown: FlightInReview) -> Flight:
    """From where the vehicle is straight home, as RTL flies it."""
    assert flown.air is not None
    assert flown.air.place is not None
    plan = flown.revision.plan
    alt_m = max(flown.air.alt_rel_m or 0.0, plan.return_alt_rel_m)
    flight = _flight(flown, (flown.air.place,), (alt_m,))
    return replace(flight, direct=True, rally=())


def _flight(flown: FlightInReview, places: tuple[LatLon, ...], alts: tuple[float, ...]) -> Flight:
    plan = flown.revision.plan
    return Flight(
        places=(plan.home, *places, plan.home),
        alts_rel_m=(alts[0], *alts, alts[-1]),
        direct=plan.returns is ReturnMode.DIRECT,
        return_alt_rel_m=plan.return_alt_rel_m,
        pad_agl_m=flown.dock.height_agl_m,
        pad_amsl_m=plan.home_amsl_m,
        margin_m=margin_budget_m(plan.speed_mps),
        rally=tuple(step.place for step in plan.rally),
    )
