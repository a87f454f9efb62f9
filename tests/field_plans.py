"""Plans in random fields, and the room that each of their parts keeps, measured by code that only this file has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from core.ids import DockId
from core.members import Problems
from missions.fleet import default_airframe
from missions.model import Dock, MissionRequest, Pattern, Plan, ReturnMode
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


def rooms_m(made: Plan, field: Field) -> Iterator[float]:
    """Of each part of the plan the least room past the margins of all that it meets, metres; below 0 is too near."""
    places = (made.home, *(step.place for step in made.waypoints), made.home)
    xy = FRAME.to_xy(places)
    heights = [step.alt_rel_m for step in made.waypoints]
    alts = np.array([heights[0], *heights, heights[-1]])
    for start, end, low, high in zip(xy[:-1], xy[1:], alts[:-1], alts[1:], strict=True):
        leg = shapely.LineString((start, end))
        low_m, high_m = min(low, high), max(low, high)
        yield _room_m(leg, low_m, high_m, field)
        if made.returns is ReturnMode.DIRECT:
            at_m = max(high_m, made.return_alt_rel_m)
            yield _room_m(shapely.MultiPoint((start, end, xy[0])).convex_hull, made.return_alt_rel_m, at_m, field)
            yield _room_m(leg, low_m, at_m, field)
        else:
            yield _room_m(leg, -np.inf, high_m, field)
    yield _room_m(shapely.Point(xy[0]), -np.inf, float(alts.max()), field)


def _room_m(part: BaseGeometry, low_m: float, high_m: float, field: Field) -> float:
    inside = field.inside.covers(part)
    room_m = (part.distance(field.inside.boundary) if inside else -1.0) - field.inside_margin_m
    for zone in field.zones:
        if zone.low_rel_m <= high_m + VERTICAL_M and zone.high_rel_m >= low_m - VERTICAL_M:
            room_m = min(room_m, zone.gap_m(part) - zone.margin_m)
    return float(room_m)
