"""Deconfliction: flights that the schedule calls free never come near to each other, however early or late."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pytest
from numpy.random import Generator

from core.altitude import Datum
from core.geo import LatLon
from core.ids import DockId, VehicleId
from geofence.frame import Array, LocalFrame
from missions.alternatives import (
    Alternative,
    Candidate,
    Change,
    Options,
    alternatives,
    gives_way_to,
    layers,
    proposal_of,
)
from missions.deconflict import Schedule, volume_feature
from missions.energy import estimate
from missions.fleet import default_airframe
from missions.model import Plan, ReturnMode, Waypoint
from missions.timeline import ARDUCOPTER, Timeline, change_s
from missions.volumes import (
    HEIGHT_M,
    LAUNCH_WINDOW,
    Intent,
    Part,
    Progress,
    Rank,
    delayed,
    done_after,
    held,
    homeward,
    intent_of,
    ratio_of,
    rescheduled,
)
from tests.samples import REQUEST

pytestmark = pytest.mark.thorough

AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
HOME = LatLon(31.15, 121.12)
FRAME = LocalFrame(HOME)
ROUTINE = Rank(airborne=False, emergency=False, accepted_at=AT)


def a_plan(home_xy: Array, xy: Array, alts_m: Array, *, speed_mps: float = 10.0, ratio: float = 1.2) -> Plan:
    """From a home over waypoints (N, 2) metres round HOME and back, timed stop to stop."""
    home, *places = FRAME.to_places(np.vstack((home_xy, xy)))
    steps = tuple(Waypoint(at, float(alt_m)) for at, alt_m in zip(places, alts_m, strict=True))
    bare = Plan(
        home=home, home_amsl_m=4.0, waypoints=steps, speed_mps=speed_mps, length_m=0.0, duration_s=0.0, energy_wh=0.0,
        battery_needed_pct=0.0, airspace_version=1, conflicts=(), fence=None, items=(), fence_items=(), hash="",
        fence_hash="", returns=ReturnMode.DIRECT,
    )  # fmt: skip
    points = np.column_stack((xy - home_xy, alts_m))
    flown = estimate(points, speed_mps, default_airframe()).timeline
    told_s = tuple(flown.at_s[2:-2].tolist())
    return replace(bare, offsets_s=told_s, duration_s=flown.duration_s, duration_p95_s=ratio * flown.duration_s)


def random_plan(rng: Generator, *, side_m: float = 500.0) -> Plan:
    count = int(rng.integers(1, 6))
    xy = rng.uniform(-side_m / 2, side_m / 2, (count, 2))
    alts_m = rng.choice((40.0, 60.0, 80.0)) + rng.uniform(-3.0, 3.0, count)
    home = rng.uniform(-side_m / 2, side_m / 2, 2)
    return a_plan(home, xy, alts_m, speed_mps=float(rng.uniform(6, 15)), ratio=float(rng.uniform(1.05, 1.4)))


def random_crossing(rng: Generator) -> tuple[Plan, Plan]:
    """Two long legs through one place."""
    shared = rng.uniform(-200, 200, 2)
    return straight_through(rng, shared), straight_through(rng, shared)


def straight_through(rng: Generator, at: Array) -> Plan:
    angle = rng.uniform(0, 2 * np.pi)
    way = np.array([np.cos(angle), np.sin(angle)])
    home, end = at - way * rng.uniform(100, 1500), at + way * rng.uniform(50, 300)
    return a_plan(home, end[None], np.array([60.0]), speed_mps=float(rng.uniform(6, 15)), ratio=rng.uniform(1.1, 1.6))


def an_intent(plan: Plan, departs_at: datetime = AT, *, name: str = "one", rank: Rank = ROUTINE) -> Intent:
    return intent_of(plan, departs_at, id=name, rank=rank)


def crossing() -> tuple[Plan, Plan]:
    """Two flights at one height whose paths cross a kilometre out, in the middle."""
    east = a_plan(np.array([-500.0, 0.0]), np.array([[500.0, 0.0]]), np.array([60.0]))
    north = a_plan(np.array([0.0, -500.0]), np.array([[0.0, 500.0]]), np.array([60.0]))
    return east, north


@cache
def timeline_of(plan: Plan) -> Timeline:
    xy = FRAME.to_xy(each.place for each in plan.waypoints) - FRAME.to_xy((plan.home,))[0]
    alts_m = np.array([each.alt_rel_m for each in plan.waypoints])
    return estimate(np.column_stack((xy, alts_m)), plan.speed_mps, default_airframe()).timeline


class Flown:
    """Where one flight of a plan is at each second: at `haste` 1 as early as it may be, at 0 as late."""

    def __init__(self, plan: Plan, departs_at: datetime, rng: Generator, haste: float) -> None:
        window_s = LAUNCH_WINDOW.early_s + LAUNCH_WINDOW.late_s
        self.begin_s = departs_at.timestamp() - LAUNCH_WINDOW.early_s + (1.0 - haste) * window_s
        self.plan, home = plan, FRAME.to_xy((plan.home,))[0]
        flown = timeline_of(plan)
        nominal_s = np.column_stack((flown.at_s, flown.at_s + flown.hold_s)).ravel()
        # Each waypoint at a time of its own between the earliest and the latest; never back in time.
        ratio = ratio_of(plan)
        late = np.clip(1.0 - haste + rng.uniform(-0.3, 0.3, len(nominal_s)), 0, 1)
        self.at_s = np.maximum.accumulate(nominal_s * (1 / ratio + late * (ratio - 1 / ratio)))
        self.path = np.repeat(flown.path + np.array([*home, plan.home_amsl_m]), 2, axis=0)

    def seen(self, moments_s: Array) -> Array:
        """(M, 3): x, y and altitude above the sea in flight, NaN before and after."""
        t = moments_s - self.begin_s
        leg = np.clip(np.searchsorted(self.at_s, t, side="right") - 1, 0, len(self.at_s) - 2)
        span = np.maximum(self.at_s[leg + 1] - self.at_s[leg], 1e-9)
        changing_s = float(change_s(np.array(self.plan.speed_mps), ARDUCOPTER.accel_mps2, ARDUCOPTER.jerk_mps3))
        share = _eased(np.clip((t - self.at_s[leg]) / span, 0, 1), changing_s / span)
        out: Array = self.path[leg] + share[:, None] * (self.path[leg + 1] - self.path[leg])
        out[(t < 0) | (t > self.at_s[-1])] = np.nan
        return out


def _eased(share: Array, up: Array) -> Array:
    """The share of the way after a share of the time; `up`: the share in which it starts, and stops, evenly."""
    up = np.minimum(0.5, up)
    top = 1.0 / (1.0 - up)
    early = 0.5 * top * share**2 / up
    late = 1.0 - 0.5 * top * (1.0 - share) ** 2 / up
    return np.where(share < up, early, np.where(share > 1 - up, late, top * (share - up / 2)))


def comes_too_near(a: Flown, b: Flown) -> bool:
    moments_s = np.arange(min(a.begin_s, b.begin_s), max(a.begin_s + a.at_s[-1], b.begin_s + b.at_s[-1]) + 1.0)
    one, other = a.seen(moments_s), b.seen(moments_s)
    aside_m = np.hypot(*(one - other)[:, :2].T)
    above_m = np.abs(one[:, 2] - other[:, 2])
    needed_m = 16.0 + 0.2 * (a.plan.speed_mps + b.plan.speed_mps)
    return bool(((aside_m < needed_m - 0.05) & (above_m < 2 * HEIGHT_M - 0.01)).any())


def test_flights_that_the_schedule_calls_free_never_meet_however_early_or_late() -> None:
    rng = np.random.default_rng(20)
    met = tight = 0
    for index in range(120):
        plans = random_crossing(rng) if index % 2 else (random_plan(rng), random_plan(rng))
        starts = AT, AT + timedelta(seconds=float(rng.uniform(-240, 240)))
        mine, theirs = (
            an_intent(*each, name=str(index)) for index, each in enumerate(zip(plans, starts, strict=True))
        )
        schedule = Schedule([theirs])
        if schedule.conflicts(mine):
            met += any_near(plans, starts, rng)
        # As soon after the other flight as is free: the least room in time that the schedule ever leaves.
        delay_s = schedule.free_delay_s(mine, 7_200.0)
        assert delay_s is not None
        tight += delay_s > 0.0
        assert not any_near(plans, (starts[0] + timedelta(seconds=delay_s), starts[1]), rng)
    assert met > 10
    assert tight > 50


def any_near(plans: tuple[Plan, Plan], starts: tuple[datetime, datetime], rng: Generator) -> bool:
    """Whether two flights meet when one is early and the other late, or each as it comes."""
    hastes = [(1.0, 0.0), (0.0, 1.0), *rng.uniform(0, 1, (4, 2)).tolist()]
    return any(
        comes_too_near(Flown(plans[0], starts[0], rng, one), Flown(plans[1], starts[1], rng, other))
        for one, other in hastes
    )


def test_an_overlap_names_the_other_flight_the_place_and_the_time() -> None:
    mine, theirs = (an_intent(plan, name=name) for plan, name in zip(crossing(), ("mine", "theirs"), strict=True))
    (overlap,) = Schedule([theirs]).conflicts(mine)
    assert overlap.other.id == "theirs"
    assert (overlap.mine.part, overlap.theirs.part) == (Part.LEG, Part.LEG)
    assert overlap.horizontal_m < overlap.horizontal_needed_m == pytest.approx(20.0)
    assert overlap.vertical_m == 0.0 < overlap.vertical_needed_m
    assert AT < overlap.from_at < overlap.until_at
    feature = volume_feature(overlap.theirs, mission="theirs")
    assert feature["geometry"]["type"] == "Polygon"
    assert feature["properties"]["low_amsl_m"] == pytest.approx(4.0 + 60.0 - HEIGHT_M)


def test_flights_at_other_times_heights_or_places_are_free() -> None:
    east, north = crossing()
    schedule = Schedule([an_intent(north, name="north")])
    assert schedule.conflicts(an_intent(east))
    assert not schedule.conflicts(an_intent(east, AT + timedelta(hours=1)))
    assert not schedule.conflicts(an_intent(east, AT - timedelta(hours=1)))
    higher = a_plan(np.array([-500.0, 0.0]), np.array([[500.0, 0.0]]), np.array([60.0 + 2 * HEIGHT_M + 1.0]))
    assert not schedule.conflicts(an_intent(higher))
    aside = a_plan(np.array([-500.0, 700.0]), np.array([[500.0, 700.0]]), np.array([60.0]))
    assert not schedule.conflicts(an_intent(aside))


def test_a_flight_does_not_meet_itself() -> None:
    mine = an_intent(crossing()[0])
    assert not Schedule([mine]).conflicts(mine)


def test_a_schedule_changed_step_by_step_answers_like_one_made_at_once() -> None:
    rng = np.random.default_rng(3)
    intents = [
        an_intent(random_plan(rng), AT + timedelta(seconds=float(rng.uniform(0, 600))), name=str(index))
        for index in range(30)
    ]
    asked = an_intent(random_plan(rng), AT + timedelta(seconds=200), name="asked")
    schedule = Schedule()
    for intent in (*intents, *intents[:10]):
        schedule = schedule.added(intent)
    for intent in intents[5:15]:
        schedule = schedule.removed(intent.id)
    kept = intents[:5] + intents[15:]
    assert set(schedule.intents) == {intent.id for intent in kept}
    assert schedule.conflicts(asked) == Schedule(kept).conflicts(asked) != ()
    assert schedule.removed("nobody") is schedule
    alone = {each.id for each in kept if Schedule([each]).conflicts(asked)}
    assert {overlap.other.id for overlap in schedule.conflicts(asked)} == alone


def test_the_delay_is_the_first_whole_second_that_is_free() -> None:
    rng = np.random.default_rng(4)
    delays = []
    for round_ in range(16):
        side_m = 500.0 + 1_500.0 * (round_ % 2)
        schedule = Schedule(an_intent(random_plan(rng, side_m=side_m), name=str(index)) for index in range(3))
        mine = an_intent(random_plan(rng, side_m=side_m), name="mine")
        delay_s = schedule.free_delay_s(mine, 3_600.0)
        assert delay_s is not None
        assert not schedule.conflicts(delayed(mine, delay_s))
        assert (delay_s == 0.0) == (not schedule.conflicts(mine))
        tried = [later_s for later_s in range(0, int(delay_s), 7) if not schedule.conflicts(delayed(mine, later_s))]
        assert tried == []
        delays.append(delay_s)
        if delay_s > 1.0:
            assert schedule.free_delay_s(mine, delay_s - 1.0) is None
    assert 0.0 in delays
    assert max(delays) > 60.0


def test_airborne_goes_before_planned_then_emergency_then_who_came_first() -> None:
    later = AT + timedelta(minutes=1)
    order = [
        Rank(airborne=True, emergency=True, accepted_at=later),
        Rank(airborne=True, emergency=False, accepted_at=AT),
        Rank(airborne=True, emergency=False, accepted_at=later),
        Rank(airborne=False, emergency=True, accepted_at=later),
        Rank(airborne=False, emergency=False, accepted_at=AT),
        Rank(airborne=False, emergency=False, accepted_at=later),
    ]
    for index, rank in enumerate(order):
        assert [rank.goes_before(other) for other in order] == [index < place for place in range(len(order))]
    east, north = crossing()
    overlaps = Schedule([an_intent(north, name="north", rank=order[4])]).conflicts(an_intent(east, rank=order[5]))
    assert gives_way_to(an_intent(east, rank=order[5]), overlaps) == overlaps != ()
    assert gives_way_to(an_intent(east, rank=order[3]), overlaps) == ()


def test_each_alternative_is_free() -> None:
    east, north = crossing()
    schedule = Schedule([an_intent(north, name="north")])
    mine = an_intent(east)
    tried: list[float] = []

    def replan(alt_m: float) -> Plan:
        tried.append(alt_m)
        return a_plan(np.array([-500.0, 0.0]), np.array([[500.0, 0.0]]), np.array([alt_m]))

    def elsewhere() -> Plan:
        return a_plan(np.array([300.0, -300.0]), np.array([[500.0, 0.0]]), np.array([60.0]))

    others = (
        Candidate(VehicleId("bl-02"), DockId("dock-bl-02"), lambda: None),
        Candidate(VehicleId("bl-03"), DockId("dock-bl-03"), lambda: east),
        Candidate(VehicleId("bl-04"), DockId("dock-bl-04"), elsewhere),
    )
    options = Options(60.0, layers(60.0, 30.0, 110.0), replan, others)
    later, layer, other = alternatives(schedule, mine, options, an_intent)
    assert [each.change for each in (later, layer, other)] == [Change.DELAY, Change.LAYER, Change.VEHICLE]
    assert 0.0 < later.delay_s < 600.0
    assert later.intent.departs_at == AT + timedelta(seconds=later.delay_s)
    assert (layer.alt_m, tried) == (80.0, [80.0])
    assert other.vehicle_id == "bl-04"
    assert not any(schedule.conflicts(each.intent) for each in (later, layer, other))


def test_a_proposal_is_a_merge_patch_of_what_was_asked_for() -> None:
    intent = an_intent(crossing()[0])
    found = (
        Alternative(Change.DELAY, intent, delay_s=90.0),
        Alternative(Change.LAYER, intent, alt_m=80.0),
        Alternative(Change.VEHICLE, intent, vehicle_id=VehicleId("bl-02"), dock_id=DockId("dock-2")),
    )
    above_ground = replace(REQUEST, alt_datum=Datum.AGL)
    told = [proposal_of(each, REQUEST) for each in found] + [proposal_of(found[1], above_ground)]
    assert [each.kind for each in told] == ["delay", "layer", "vehicle", "layer"]
    assert [each.change["properties"] for each in told] == [
        {"departs_at": AT.isoformat()}, {"alt_rel_m": 80.0}, {"dock_id": "dock-2"}, {"alt_agl_m": 80.0},
    ]  # fmt: skip
    assert [each.detail for each in told[1:]] == [
        "Fly at 80 m above home.", "Fly it with bl-02 from dock-2.", "Fly at 80 m above the ground.",
    ]  # fmt: skip


def test_nothing_is_proposed_that_is_not_free() -> None:
    east, north = crossing()
    schedule = Schedule(
        an_intent(north, AT + timedelta(minutes=minutes), name=str(minutes)) for minutes in range(0, 80, 2)
    )
    options = Options(
        60.0, (80.0,), lambda _: east, (Candidate(VehicleId("bl-02"), DockId("dock-bl-02"), lambda: east),)
    )
    assert alternatives(schedule, an_intent(east), options, an_intent) == ()


def test_a_held_flight_keeps_what_it_may_be_in_and_comes_later_to_the_rest() -> None:
    intent = an_intent(crossing()[0])
    now = AT + timedelta(seconds=60)
    left = rescheduled(intent, now, Progress(50.0, 65.0))
    here = {each for each in left.volumes if each.earliest_at <= now}
    waiting = held(left, now, 90.0)
    assert 0 < len(here) < len(left.volumes)
    for before, after in zip(left.volumes, waiting.volumes, strict=True):
        assert after.latest_at - before.latest_at == timedelta(seconds=90)
        assert after.earliest_at - before.earliest_at == timedelta(seconds=0 if before in here else 90)


def test_layers_stay_within_what_is_allowed_nearest_first() -> None:
    assert layers(60.0, 30.0, 110.0) == (80.0, 40.0, 100.0)
    assert layers(60.0, 55.0, 70.0) == ()


def test_a_flight_that_is_late_takes_its_room_later_and_leaves_what_it_passed() -> None:
    plan = a_plan(np.array([0.0, 0.0]), np.array([[600.0, 0.0], [600.0, 600.0], [0.0, 600.0]]), np.full(3, 60.0))
    intent = an_intent(plan)
    now = AT + timedelta(seconds=plan.offsets_s[1] + 40.0)
    moved = rescheduled(intent, now, done_after(plan, 2))
    assert moved.rank.airborne
    assert {volume.leg for volume in moved.volumes} == {(2, 3), (3, 4), (4, 4)}
    assert min(volume.earliest_at for volume in moved.volumes) == now
    last, was = moved.volumes[-1], intent.volumes[-1]
    assert last.latest_at > now + timedelta(seconds=plan.duration_s - plan.offsets_s[2])
    assert last.latest_at < was.latest_at + timedelta(seconds=40.0 + plan.offsets_s[2] - plan.offsets_s[1])
    waiting = rescheduled(intent, now, done_after(plan, 2), may_wait_s=300.0)
    assert waiting.volumes[-1].latest_at == last.latest_at + timedelta(seconds=300.0)


def test_a_late_flight_meets_one_that_it_would_have_missed() -> None:
    east, north = crossing()
    schedule = Schedule([an_intent(north, AT + timedelta(seconds=400.0), name="north")])
    intent = an_intent(east)
    assert not schedule.conflicts(intent)
    assert schedule.conflicts(rescheduled(intent, AT + timedelta(seconds=420.0), Progress(0.0, 40.0)))
    assert not schedule.conflicts(rescheduled(intent, AT + timedelta(seconds=90.0), done_after(east, 1)))


def test_returns_on_the_way_take_the_ways_home_too() -> None:
    plan = a_plan(np.array([0.0, 0.0]), np.array([[600.0, 0.0], [600.0, 600.0]]), np.full(2, 60.0))
    bare = an_intent(plan)
    whole = intent_of(plan, AT, id="one", rank=ROUTINE, with_returns=True)
    assert whole.volumes[: len(bare.volumes)] == bare.volumes
    # Between the second waypoint and home's side of the triangle only a flight that was broken off can be.
    inside = a_plan(np.array([500.0, 300.0]), np.array([[480.0, 320.0]]), np.array([60.0]))
    assert not Schedule([bare]).conflicts(an_intent(inside, name="inside"))
    assert Schedule([whole]).conflicts(an_intent(inside, name="inside"))
    retrace = intent_of(replace(plan, returns=ReturnMode.RETRACE), AT, id="one", rank=ROUTINE, with_returns=True)
    assert not Schedule([retrace]).conflicts(an_intent(inside, name="inside"))


def test_a_flight_that_was_broken_off_takes_the_way_home_and_nothing_else() -> None:
    plan = a_plan(np.array([0.0, 0.0]), np.array([[600.0, 0.0], [600.0, 600.0]]), np.full(2, 60.0))
    now = AT + timedelta(seconds=100.0)
    (place,) = FRAME.to_places(np.array([[600.0, 300.0]]))
    moved = homeward(plan, an_intent(plan), place, 60.0, now)
    assert moved.rank.airborne
    assert {each.part for each in moved.volumes} == {Part.HOMEWARD, Part.LANDING}
    assert min(each.earliest_at for each in moved.volumes) == now
    at_s = timeline_of(a_plan(np.array([0.0, 0.0]), np.array([[600.0, 300.0]]), np.array([60.0]))).at_s
    assert moved.volumes[-1].latest_at > now + timedelta(seconds=float(at_s[-1] - at_s[2]))
    on_the_way = a_plan(np.array([300.0, 150.0]), np.array([[310.0, 150.0]]), np.array([60.0]))
    assert Schedule([moved]).conflicts(an_intent(on_the_way, now, name="other"))
    ahead = a_plan(np.array([600.0, 550.0]), np.array([[600.0, 560.0]]), np.array([60.0]))
    assert not Schedule([moved]).conflicts(an_intent(ahead, now, name="other"))
    back = homeward(replace(plan, returns=ReturnMode.RETRACE), an_intent(plan), place, 60.0, now)
    assert Schedule([back]).conflicts(an_intent(ahead, now, name="other"))


def test_a_plan_that_goes_nowhere_takes_no_room() -> None:
    with pytest.raises(ValueError, match="takes no room"):
        an_intent(replace(crossing()[0], waypoints=(), offsets_s=()))
