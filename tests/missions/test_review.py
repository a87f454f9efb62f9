"""Flights looked at again: only what is new and near and in time counts, and what is proposed keeps clear."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from core.altitude import Altitude, AltitudeBand, Datum
from core.geo import LatLon
from core.ids import MissionId, SortieId, VehicleId, ZoneId
from geofence.frame import LocalFrame
from geofence.window import TimeWindow, Validity
from geofence.zones import Airspace, CircleShape, Combination, Role, Zone
from missions.fleet import default_airframe
from missions.model import Revision, SortieState
from missions.planner import Conditions, plan
from missions.reroute import rerouted
from missions.review import FlightInReview, InAir, Looked, ReviewTask, look_again
from missions.verdicts import FailingMission, ProposalKind
from tests.geofence.places import circle_zone
from tests.samples import AT, OPERATOR, REQUEST
from tests.samples import DOCK as SAMPLE_DOCK

FRAME = LocalFrame(SAMPLE_DOCK.place)
BEFORE = Airspace(
    1, (Zone(ZoneId("all"), "all", Role.INCLUSION, CircleShape(SAMPLE_DOCK.place, 8_000.0), margin_m=10.0),)
)


def place(x_m: float, y_m: float) -> LatLon:
    return FRAME.to_places(np.array([[x_m, y_m]]))[0]


# East, then north, then back west: home is in the south-west corner.
LINE = (place(400, 0), place(1_200, 0), place(1_200, 800), place(0, 800))
REVISION = Revision(
    MissionId("m"),
    1,
    replace(REQUEST, line=LINE),
    plan(replace(REQUEST, line=LINE), SAMPLE_DOCK, BEFORE, default_airframe(), Conditions(AT)),
    AT,
    OPERATOR,
)
WINDOW = TimeWindow(AT, AT + timedelta(seconds=REVISION.plan.duration_s))
PLANNED = FlightInReview(REVISION, SAMPLE_DOCK, default_airframe(), WINDOW)


def in_air(
    x_m: float, y_m: float, reached: int, *, state: SortieState = SortieState.ON_MISSION, battery: float = 90.0
) -> FlightInReview:
    air = InAir(SortieId("s"), VehicleId("v"), state, reached, place(x_m, y_m), 60.0, battery)
    return replace(PLANNED, air=air)


def block(x_m: float, y_m: float, radius_m: float = 100.0, name: str = "new", **changes: object) -> Zone:
    return replace(circle_zone(name, place(x_m, y_m), radius_m), **changes)  # type: ignore[arg-type]


def looked(flight: FlightInReview, *new: Zone, before: Airspace | None = BEFORE, after: Airspace = BEFORE) -> Looked:
    version = replace(after, version=2, zones=(*after.zones, *new))
    task = ReviewTask((flight,), version, (before,) if before else ())
    return look_again(task, rerouted, lambda: False)


def failing(flight: FlightInReview, *new: Zone) -> FailingMission:
    (found,) = looked(flight, *new).failing
    return found


def test_the_plan_is_clear_to_begin_with() -> None:
    assert REVISION.plan.conflicts == ()
    assert looked(PLANNED).failing == ()
    assert looked(in_air(800, 0, 1)).failing == ()


def test_a_planned_mission_fails_where_a_new_zone_is() -> None:
    found = failing(PLANNED, block(1_200, 400))
    assert (found.mission_id, found.sortie_id, found.proposal) == ("m", None, None)
    assert {conflict.zone_id for conflict in found.conflicts} == {"new"}
    assert (2, 3) in {conflict.leg for conflict in found.conflicts}


def test_zones_far_away_under_the_flight_or_only_told_of_change_nothing() -> None:
    low = AltitudeBand(None, Altitude(20.0, Datum.AGL))
    assert looked(PLANNED, block(-3_000, 0)).failing == ()
    assert looked(PLANNED, block(1_200, 400, band=low)).failing == ()
    assert looked(PLANNED, block(1_200, 400, role=Role.ADVISORY)).failing == ()


@pytest.mark.parametrize(("minutes", "fails"), [(-5, True), (0, True), (1, True), (24 * 60, False)])
def test_a_zone_that_takes_effect_after_the_flight_does_not_fail_it(minutes: int, fails: bool) -> None:
    later = Validity(effective_at=AT + timedelta(minutes=minutes))
    for flight in (PLANNED, in_air(800, 0, 1)):
        assert bool(looked(flight, block(1_200, 400, validity=later)).failing) is fails


def test_a_zone_that_was_there_but_did_not_count_at_the_time_counts_now() -> None:
    night = block(1_200, 400, validity=Validity(effective_at=AT + timedelta(days=1)))
    with_night = replace(BEFORE, zones=(*BEFORE.zones, night))
    assert looked(PLANNED, before=with_night, after=with_night).failing == ()
    tomorrow = replace(PLANNED, window=TimeWindow(AT + timedelta(days=1), AT + timedelta(days=1, minutes=20)))
    assert looked(tomorrow, before=with_night, after=with_night).failing


def test_an_old_zone_is_not_held_against_a_plan_that_was_proven_among_it() -> None:
    old = replace(BEFORE, zones=(*BEFORE.zones, block(1_200, 400, name="old")))
    assert looked(PLANNED, before=old, after=old).failing == ()
    assert looked(PLANNED, before=None, after=old).failing != ()  # proven against who knows what: among all zones


def test_a_lower_ceiling_a_smaller_inclusion_and_none_at_all_fail_every_flight() -> None:
    for after in (
        replace(BEFORE, ceiling_agl_m=50.0),
        replace(BEFORE, zones=(replace(BEFORE.zones[0], shape=CircleShape(SAMPLE_DOCK.place, 900.0)),)),
        replace(BEFORE, combination=Combination.UNION, zones=()),
    ):
        assert looked(PLANNED, after=after).failing
        assert looked(in_air(800, 0, 1), after=after).failing


def test_what_lies_behind_a_vehicle_does_not_fail_it() -> None:
    behind = block(800, 0, 60.0)
    assert looked(PLANNED, behind).failing
    assert looked(in_air(400, 0, 0), behind).failing
    assert looked(in_air(1_200, 600, 2), behind).failing == ()


def test_a_vehicle_on_its_way_home_is_asked_about_that_way_only() -> None:
    there = in_air(1_200, 400, 2, state=SortieState.RETURNING)
    assert looked(there, block(600, 800)).failing == ()
    assert looked(there, block(600, 200)).failing


def test_a_new_way_round_is_proposed_that_keeps_clear() -> None:
    wall = block(1_200, 400, 150.0)
    found = failing(in_air(800, 0, 1), wall)
    assert found.proposal is not None
    assert found.proposal.kind is ProposalKind.REPLAN
    replanned, request = found.proposal.plan, found.proposal.request
    assert replanned is not None
    assert request is not None
    assert replanned.conflicts == ()
    assert (replanned.airspace_version, replanned.hash != "") == (2, True)
    assert FRAME.to_xy((request.line[0],))[0] == pytest.approx([800.0, 0.0], abs=0.1)
    flown = plan(
        request, SAMPLE_DOCK, replace(BEFORE, zones=(*BEFORE.zones, wall)), default_airframe(), Conditions(AT)
    )
    assert flown.conflicts == ()
    for corner in LINE[1:]:
        gaps_m = np.hypot(*(FRAME.to_xy(request.line) - FRAME.to_xy((corner,))[0]).T)
        assert gaps_m.min() < 1.0, "every stop that is left is still flown to"


def test_a_stop_within_a_new_zone_is_left_out_and_told() -> None:
    found = failing(in_air(800, 0, 1), block(1_200, 800, 150.0))
    assert found.proposal is not None
    assert found.proposal.kind is ProposalKind.REPLAN
    assert "1 waypoints cannot be reached" in found.proposal.why


def test_without_the_battery_for_a_new_way_the_return_is_proposed() -> None:
    found = failing(in_air(800, 0, 1, battery=2.0), block(1_200, 400, 150.0))
    assert found.proposal is not None
    assert (found.proposal.kind, found.proposal.plan) == (ProposalKind.RETURN, None)


def test_a_vehicle_in_a_new_zone_goes_home_by_the_way_that_leads_out() -> None:
    found = failing(in_air(1_200, 400, 2), block(1_200, 400, 150.0))
    assert found.proposal is not None
    assert found.proposal.kind is ProposalKind.RETURN
    assert "within the margin" in found.proposal.why


def test_a_vehicle_that_is_walled_in_holds_and_one_in_the_wall_lands() -> None:
    ring = [block(1_200 + 260 * np.cos(a), 400 + 260 * np.sin(a), 90.0, f"w{n}") for n, a in enumerate(_ANGLES)]
    free = failing(in_air(1_200, 400, 2), *ring)
    assert free.proposal is not None
    assert free.proposal.kind is ProposalKind.HOLD
    stuck = failing(in_air(1_200, 400, 2), *ring, block(1_200, 400, 20.0, "on top"))
    assert stuck.proposal is not None
    assert stuck.proposal.kind is ProposalKind.LAND


_ANGLES = np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)


@pytest.mark.parametrize("state", [SortieState.PLANNED, SortieState.UPLOADING, SortieState.READY])
def test_a_sortie_on_the_ground_is_kept_there(state: SortieState) -> None:
    found = failing(in_air(0, 0, 0, state=state), block(1_200, 400))
    assert found.proposal is not None
    assert (found.proposal.kind, "on the ground" in found.proposal.why) == (ProposalKind.HOLD, True)


def test_a_vehicle_that_was_never_heard_of_is_looked_at_as_a_whole() -> None:
    unheard = replace(PLANNED, air=InAir(SortieId("s"), VehicleId("v"), SortieState.ON_MISSION, 3, None, None, None))
    found = failing(unheard, block(800, 0, 60.0))
    assert found.proposal is not None
    assert found.proposal.kind is ProposalKind.HOLD


def test_first_aid_is_there_when_the_time_for_new_ways_is_up() -> None:
    version = replace(BEFORE, version=2, zones=(*BEFORE.zones, block(1_200, 400, 150.0)))
    flights = (PLANNED, in_air(800, 0, 1), in_air(-500, -500, 4, state=SortieState.RETURNING), in_air(900, 0, 1))
    times = iter([False, True])
    found = look_again(ReviewTask(flights, version, (BEFORE,)), rerouted, lambda: next(times))
    kinds = [each.proposal.kind if each.proposal else None for each in found.failing]
    assert kinds == [None, ProposalKind.REPLAN, ProposalKind.RETURN]
    assert found.waiting == (3,)
