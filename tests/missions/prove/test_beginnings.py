"""Plans that begin in the air: what breaks their beginning is refused, by the rule that it breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from geofence.zones import Role, Zone
from missions.items import mission_items
from missions.model import Action, ActionKind, Beginning, Plan, ReturnMode, Waypoint
from missions.prove.rules import Movement, Rule, exclusion_rule
from tests.missions.prove.builder import (
    HOME,
    HOME_AMSL_M,
    Case,
    a_plan,
    airspace,
    band,
    block,
    hashed,
    numbered,
    place,
    polygon_zone,
    refenced,
)

CAMERAS_OFF = (Action(ActionKind.PHOTO_EVERY, 0.0), Action(ActionKind.VIDEO, 0.0))
# It took off, flew north, then east; there it holds, 400 m from home, and goes on to the south-east.
FLOWN = ((0.0, 400.0, 60.0),)
PATH = ((400.0, 400.0, 60.0), (700.0, 200.0, 60.0))


def in_air(
    returns: ReturnMode = ReturnMode.DIRECT,
    *,
    path: tuple[tuple[float, float, float], ...] = PATH,
    flown: tuple[tuple[float, float, float], ...] = FLOWN,
    battery_pct: float = 90.0,
) -> Plan:
    """A plan through `path` that begins at its first place; its fence holds the flown path, too."""
    corners = [(0.0, 0.0), *((x, y) for x, y, _ in (*path, *flown))]
    made = a_plan(path, returns=returns, actions={1: CAMERAS_OFF}, fence_xy=None)
    around = a_plan([(x, y, 60.0) for x, y in corners[1:]])
    assert around.fence is not None
    made = replace(made, fence=around.fence, fence_items=around.fence_items)
    begins_at = Beginning(
        place(*path[0][:2]), path[0][2], battery_pct, tuple(Waypoint(place(x, y), z) for x, y, z in flown)
    )
    items = mission_items(HOME, HOME_AMSL_M, made.waypoints, made.speed_mps, returns=returns, in_air=True)
    return hashed(replace(made, items=items, begins_at=begins_at))


BOTH = tuple(ReturnMode)


@pytest.mark.parametrize("returns", BOTH)
def test_what_the_mutations_start_from_is_valid(returns: ReturnMode) -> None:
    assert Case(in_air(returns), airspace()).failed() == set()


def _off_its_place(plan: Plan) -> Plan:
    assert plan.begins_at is not None
    return replace(plan, begins_at=replace(plan.begins_at, place=place(400.0, 410.0)))


def _off_its_height(plan: Plan) -> Plan:
    assert plan.begins_at is not None
    return replace(plan, begins_at=replace(plan.begins_at, alt_rel_m=61.0))


def _taking_off(plan: Plan) -> Plan:
    items = mission_items(HOME, HOME_AMSL_M, plan.waypoints, plan.speed_mps, returns=plan.returns)
    return hashed(replace(plan, items=items))


def _taking_off_in_the_air(plan: Plan) -> Plan:
    climb = replace(plan.items[1], command=22)
    return hashed(replace(plan, items=numbered((*plan.items[:2], climb, *plan.items[2:]))))


def _never_told_to_be_in_the_air(plan: Plan) -> Plan:
    return replace(plan, begins_at=None)


def _flown_nowhere(plan: Plan) -> Plan:
    assert plan.begins_at is not None
    return replace(plan, begins_at=replace(plan.begins_at, flown=(Waypoint(HOME, float("nan")),)))


@pytest.mark.parametrize("returns", BOTH)
@pytest.mark.parametrize(
    "mutation",
    [
        _off_its_place,
        _off_its_height,
        _taking_off,
        _taking_off_in_the_air,
        _never_told_to_be_in_the_air,
        _flown_nowhere,
    ],
)
def test_items_that_begin_elsewhere_than_the_vehicle_holds_are_refused(
    mutation: Callable[[Plan], Plan], returns: ReturnMode
) -> None:
    assert Rule.ITEMS in Case(mutation(in_air(returns)), airspace()).failed()


@pytest.mark.parametrize("returns", BOTH)
def test_a_battery_that_holds_less_than_the_rest_needs_is_refused(returns: ReturnMode) -> None:
    plan = in_air(returns, battery_pct=75.0)  # of which 75 are needed
    assert Case(plan, airspace()).failed() == set()
    for battery_pct in (74.0, float("nan")):
        poor = replace(plan, begins_at=Beginning(place(400.0, 400.0), 60.0, battery_pct))
        assert Rule.ENERGY in Case(poor, airspace()).failed()


def _zone(x: float, y: float, **facts: object) -> Zone:
    return replace(polygon_zone("new", block(x, y, 15.0), margin_m=10.0), **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("returns", "zone", "movement"),
    [
        (ReturnMode.DIRECT, _zone(400.0, 424.0), Movement.LEG),  # 9 m beside the hold
        (ReturnMode.RETRACE, _zone(400.0, 424.0), Movement.LEG),
        (ReturnMode.DIRECT, _zone(180.0, 200.0), Movement.RETURN),  # on the straight way home from the hold
        (ReturnMode.RETRACE, _zone(-24.0, 200.0), Movement.RETRACE),  # beside what was flown before
        (ReturnMode.RETRACE, _zone(200.0, 400.0, band=band(None, 20.0)), Movement.LANDING),  # below it
        (ReturnMode.RETRACE, _zone(-17.0, 417.0), Movement.TURN),  # at its corner
        (ReturnMode.DIRECT, _zone(0.0, 24.0), Movement.COLUMN),
    ],
)
def test_a_zone_on_what_a_flight_from_the_air_may_take_is_found(
    returns: ReturnMode, zone: Zone, movement: Movement
) -> None:
    assert exclusion_rule(movement) in Case(in_air(returns), airspace(zone)).failed()


@pytest.mark.parametrize(
    "zone", [_zone(-24.0, 200.0), _zone(0.0, 420.0)], ids=["beside what was flown", "at its corner"]
)
def test_what_lies_behind_a_flight_that_returns_straight_does_not_matter(zone: Zone) -> None:
    assert exclusion_rule(Movement.LEG) not in Case(in_air(), airspace(zone)).failed()


@pytest.mark.parametrize("returns", BOTH)
def test_a_fence_that_leaves_the_beginning_out_is_refused(returns: ReturnMode) -> None:
    plan = in_air(returns)
    small = refenced(plan, [(-30.0, -30.0), (730.0, 170.0), (730.0, 230.0), (410.0, 396.0), (0.0, 396.0)])
    assert Rule.FENCE_HOLDS in Case(small, airspace()).failed()


def test_a_flown_path_that_smart_rtl_cannot_remember_is_refused_where_it_would_be_retraced() -> None:
    long = tuple((0.0, 4.0 * number, 60.0) for number in range(1, 99))
    assert Rule.RETRACE_BUFFER in Case(in_air(ReturnMode.RETRACE, flown=long), airspace()).failed()
    assert Rule.RETRACE_BUFFER not in Case(in_air(flown=long), airspace()).failed()


def test_cameras_that_may_run_from_before_must_be_stopped_near_a_no_film_zone() -> None:
    quiet = polygon_zone("quiet", block(550.0, 300.0, 20.0), Role.NO_FILM)
    plan = in_air()
    assert Case(plan, airspace(quiet)).failed() == set()
    running = hashed(replace(plan, items=numbered([item for item in plan.items if item.command not in (206, 2501)])))
    assert Rule.NO_FILM in Case(running, airspace(quiet)).failed()
