"""Points seen again and again: a schedule of flights for each vehicle, and how long each point then goes unseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from missions.fleets.air import Air, FleetTask
from missions.fleets.idleness import Pace, Recurrence, flights, recurrent
from missions.fleets.model import Craft, Effort, Objective, Point, Round
from missions.fleets.patrol import Patrol, patrol
from missions.fleets.request import RecurrentRequest
from missions.fleets.tours import FleetPreview, PointWatch, Tour, Unvisited, departing, watch_request

# A schedule of more is not made: its horizon is cut, and the answer says so.
MOST_FLIGHTS = 150
# Flights that a round through all points may take of one vehicle before the schedule repeats.
_ROUNDS = 4


def watched(
    task: FleetTask, asked: RecurrentRequest, air: Air, left_s: Callable[[], float] | None = None
) -> FleetPreview:
    """Flights from now until the horizon, and what they leave unseen; the horizon is cut at MOST_FLIGHTS."""
    points = [
        Point((x, y), asked.hold_s, weight)
        for (x, y), weight in zip(air.frame.to_xy(asked.points).tolist(), _due(asked), strict=True)
    ]
    crafts = [replace(craft, rounds=_ROUNDS) for craft in air.crafts]
    effort = Effort(seconds=asked.seconds, left_s=left_s)
    once = patrol(points, crafts, air.free, objective=Objective.PERIOD, effort=effort)
    horizon_s = asked.horizon_s
    while True:
        pace = Pace(left_s=left_s)
        best = recurrent(once.plan, points, crafts, once.distances, horizon_s, pace=pace, once=True)
        rounds = flights(best.visits, points, crafts, once.distances)
        if len(rounds) <= MOST_FLIGHTS:
            return _preview(task, asked, _Schedule(points, crafts, once, best, rounds, horizon_s))
        horizon_s = rounds[MOST_FLIGHTS].begins_s


def _due(asked: RecurrentRequest) -> list[float]:
    """How much each second unseen counts: by weight, and by how soon a point is to be seen again."""
    longest_s = max(asked.periods_s, default=1.0)
    periods_s = asked.periods_s or (longest_s,) * len(asked.points)
    return [weight * longest_s / period_s for weight, period_s in zip(asked.weights, periods_s, strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class _Schedule:
    """A recurrence with all that it was made of."""

    points: Sequence[Point]
    crafts: Sequence[Craft]
    once: Patrol
    best: Recurrence
    rounds: Sequence[Round]
    horizon_s: float


def _preview(task: FleetTask, asked: RecurrentRequest, made: _Schedule) -> FleetPreview:
    distances = made.once.distances
    return FleetPreview(
        tours=tuple(departing(tour, task) for tour in _tours(asked, made.rounds)),
        unvisited=tuple(_unvisited(asked, made)),
        total_m=sum(each.length_m for each in made.rounds),
        period_s=max((each.ends_s for each in made.rounds), default=0.0),
        exact=all(
            bool(distances.exact[pair]) for each in made.rounds for pair in distances.legs(each.craft, each.points)
        ),
        airspace_version=task.airspace.version,
        watched=_point_watches(asked, made),
        horizon_s=made.horizon_s,
    )


def _tours(asked: RecurrentRequest, rounds: Sequence[Round]) -> list[Tour]:
    flown = Counter[int]()
    found = []
    for each in rounds:
        flown[each.craft] += 1
        vehicle = asked.vehicles[each.craft]
        request = watch_request(asked, vehicle, each.points, f"{vehicle.id} · {flown[each.craft]}")
        found.append(
            Tour(vehicle.id, flown[each.craft], each.begins_s, each.flight_s, each.length_m, each.points, request)
        )
    return found


def _unvisited(asked: RecurrentRequest, made: _Schedule) -> list[Unvisited]:
    """Points that no flight sees: for a reason that was found before, or because the horizon is over first."""
    reasons = {each.point: each.reason for each in made.once.plan.dropped}
    seen = {visit.point for visit in made.best.visits}
    late = "no flight comes to it before the horizon"
    return [
        Unvisited(point, place, reasons.get(point, late))
        for point, place in enumerate(asked.points)
        if point not in seen
    ]


def _point_watches(asked: RecurrentRequest, made: _Schedule) -> tuple[PointWatch, ...]:
    """How each point fares, its seconds unweighted; every point counts as just seen when the horizon begins."""
    seen_s: list[list[float]] = [[0.0] for _ in asked.points]
    for visit in made.best.visits:
        seen_s[visit.point].append(visit.at_s)
    found = []
    for point, times_s in enumerate(seen_s):
        gaps_s = [after - before for before, after in pairwise([*times_s, made.horizon_s])]
        mean_s = sum(gap_s**2 for gap_s in gaps_s) / 2.0 / made.horizon_s
        wanted_s = asked.periods_s[point] if asked.periods_s else None
        found.append(PointWatch(point, len(times_s) - 1, max(gaps_s), mean_s, wanted_s))
    return tuple(found)
