"""Plans in random fields, and the room that each of their parts keeps, measured by code that only this file has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from core.ids import DockId
from core.members import Problems
from missions.diversion import Aloft, changed, goto, orbit, replaced, skip_to
from missions.fleet import default_airframe
from missions.model import Dock, MissionRequest, Pattern, Plan, ReturnMode, Waypoint
from missions.patterns.catalog import CATALOG, read_parameters
from missions.planner import Conditions, plan
from tests.fields import FRAME, Field, random_field

MOST_ZONES = 60
LEAST_MARGIN_M = 10.0  # of the budget at 10 m/s; fields with less would be planned with that anyway
SPEED_MPS = 5.0
# Coordinates on the wire are rounded to 1e-7 degree, and the planes of the dock and of the field differ by less.
ROUNDING_M = 0.012
VERTICAL_M = 5.0
_NOON = Conditions(datetime(2026, 3, 1, 12, tzinfo=UTC))
# Long paths are not what is tried here, so that the battery has no say.
_AIRFRAME = replace(default_airframe(), battery_wh=10_000.0)
_WATCH = read_parameters(CATALOG[Pattern.WATCH], {}, "", Problems())


@lru_cache(maxsize=64)
def planned(seed: int) -> tuple[Plan | None, Field]:
    """A plan from a dock past four points of a random field; None when the field has no room for them."""
    rng = np.random.default_rng(seed)
    field = random_field(rng, int(rng.integers(0, MOST_ZONES + 1)), banded=True)
    wider = tuple(replace(zone, margin_m=max(zone.margin_m, LEAST_MARGIN_M)) for zone in field.zones)
    field = replace(field, zones=wider, inside_margin_m=max(field.inside_margin_m, LEAST_MARGIN_M))
    # Room to stand and to turn: the points keep 5 m more than the margin.
    roomy = replace(
        field,
        zones=tuple(replace(zone, margin_m=zone.margin_m + 5.0) for zone in wider),
        inside_margin_m=field.inside_margin_m + 5.0,
    )
    try:
        places = FRAME.to_places(roomy.free_points(rng, 5))
    except ValueError:
        return None, field
    dock = Dock(DockId("dock"), "dock", "dock", places[0], 0.0)
    request = MissionRequest(
        "field",
        dock.id,
        Pattern.WATCH,
        float(rng.uniform(10.0, 90.0)),
        SPEED_MPS,
        points=places[1:],
        parameters=_WATCH,
    )
    return plan(request, dock, field.airspace(), _AIRFRAME, _NOON), field


def diverted(seed: int) -> tuple[Plan | None, Field]:
    """A plan from a random place of a flight of `planned`: to a point, round one, skipping, changed, new."""
    made, field = planned(seed)
    if made is None or made.conflicts or len(made.waypoints) < 2:
        return None, field
    rng = np.random.default_rng([seed, 1])
    steps, air = made.waypoints, field.airspace()
    leg, share = int(rng.integers(len(steps) - 1)), float(rng.uniform(0.05, 0.95))
    xy = FRAME.to_xy([steps[leg].place, steps[leg + 1].place])
    here = FRAME.to_places(xy[:1] + share * (xy[1:] - xy[:1]))[0]
    alt_m = steps[leg].alt_rel_m + share * (steps[leg + 1].alt_rel_m - steps[leg].alt_rel_m)
    dock = Dock(DockId("dock"), "dock", "dock", made.home, made.home_amsl_m)
    aloft = Aloft(here, alt_m, 100.0, made, leg + 1, dock, _AIRFRAME)
    there = FRAME.to_places(field.free_points(rng, 2))
    other_m = float(rng.uniform(10.0, 90.0))
    match seed % 5:
        case 0:
            found = goto(aloft, there[0], air, _NOON, alt_rel_m=other_m if rng.random() < 0.5 else None)
        case 1:
            found = orbit(aloft, there[0], air, _NOON, radius_m=float(rng.uniform(8.0, 25.0)))
        case 2:
            found = skip_to(aloft, int(rng.integers(max(1, len(steps) - made.homeward))), air, _NOON)
        case 3 if leg + 1 < len(steps) - made.homeward:
            found = changed(aloft, air, _NOON, alt_rel_m=other_m, speed_mps=float(rng.uniform(3.0, 10.0)))
        case _:
            request = MissionRequest(
                "other", dock.id, Pattern.WATCH, other_m, SPEED_MPS, points=there, parameters=_WATCH
            )
            found = replaced(aloft, request, air, _NOON)
    return found, field


def rooms_m(made: Plan, field: Field) -> Iterator[float]:
    """Of each part of the plan the least room past the margins of all that it meets, metres; below 0 is too near.

    A plan that begins in the air begins there, or, where it would retrace it, with all that was flown before.
    """
    steps = list(_air_taken(made))
    xy = FRAME.to_xy((*(step.place for step in steps), made.home))
    heights = [step.alt_rel_m for step in steps]
    alts = np.array([*heights, heights[-1]])
    for start, end, low, high in zip(xy[:-1], xy[1:], alts[:-1], alts[1:], strict=True):
        leg = shapely.LineString((start, end))
        low_m, high_m = min(low, high), max(low, high)
        yield _room_m(leg, low_m, high_m, field)
        if made.returns is ReturnMode.DIRECT:
            at_m = max(high_m, made.return_alt_rel_m)
            yield _room_m(shapely.MultiPoint((start, end, xy[-1])).convex_hull, made.return_alt_rel_m, at_m, field)
            yield _room_m(leg, low_m, at_m, field)
        else:
            yield _room_m(leg, -np.inf, high_m, field)
    yield _room_m(shapely.Point(xy[-1]), -np.inf, float(alts.max()), field)


def _air_taken(made: Plan) -> Iterator[Waypoint]:
    """The corners of all that is flown, or that a return may fly along."""
    begins_at = made.begins_at
    retraced = begins_at is None or made.returns is ReturnMode.RETRACE
    flown = begins_at.flown if begins_at is not None and retraced else ()
    if retraced:
        yield Waypoint(made.home, (*flown, *made.waypoints)[0].alt_rel_m)
    yield from flown
    yield from made.waypoints


def _room_m(part: BaseGeometry, low_m: float, high_m: float, field: Field) -> float:
    inside = field.inside.covers(part)
    room_m = (part.distance(field.inside.boundary) if inside else -1.0) - field.inside_margin_m
    for zone in field.zones:
        if zone.low_rel_m <= high_m + VERTICAL_M and zone.high_rel_m >= low_m - VERTICAL_M:
            room_m = min(room_m, zone.gap_m(part) - zone.margin_m)
    return float(room_m)
