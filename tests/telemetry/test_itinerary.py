"""With which item a vehicle goes on: no waypoint is flown twice, and none that was not flown is left out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.clock import SystemClock
from core.ids import DiversionId, OperatorId, SortieId
from missions.items import NAV_DELAY, NAV_RETURN_TO_LAUNCH, mission_items
from missions.manoeuvre import Diversion, DiversionState
from missions.model import Action, ActionKind, CommandKind
from telemetry.itinerary import Itinerary
from telemetry.packets import GlobalPosition
from telemetry.progress import waypoint_seqs
from telemetry.reattaching import Loaded
from tests.samples import AT
from tests.telemetry.aloft import place, plan_of
from tests.telemetry.test_flight import SORTIE, a_vehicle

OWN = plan_of((0.0, 50.0), (50.0, 50.0), (50.0, 0.0), (100.0, 0.0))
REST = plan_of((0.0, 10.0), (0.0, 20.0), (50.0, 0.0), (100.0, 0.0))  # two of its own on the way to the last two
TO = waypoint_seqs(OWN.items)
END = len(OWN.items) - 1
ROUND = Diversion(
    DiversionId("d"), SortieId("s"), CommandKind.SKIP, REST, AT, OperatorId("op"), state=DiversionState.FLYING
)


def itinerary(loaded: Loaded, *reached_seqs: int) -> Itinerary:
    """Of a vehicle that said that it reached these items since this was loaded."""
    found = Itinerary(a_vehicle(), OWN, loaded, clock=SystemClock(), flies=lambda _: None)
    for seq in reached_seqs:
        found.on_reached(seq)
    return found


@pytest.mark.parametrize(
    ("said", "recorded", "goes_on_with"),
    [
        ((), 0, TO[0]),
        ((TO[0],), 0, TO[1]),
        ((), 2, TO[2]),  # after a restart the vehicle has said nothing yet
        ((TO[0],), 3, TO[3]),
        ((TO[2],), 1, TO[3]),
        ((TO[3],), 3, END),
        ((), 4, END),
    ],
)
def test_it_goes_on_with_the_first_waypoint_that_neither_the_vehicle_nor_the_record_has_behind(
    said: tuple[int, ...], recorded: int, goes_on_with: int
) -> None:
    sortie = replace(SORTIE, waypoints_total=4, waypoints_reached=recorded)
    assert OWN.items[END].command == NAV_RETURN_TO_LAUNCH
    assert itinerary(Loaded(OWN), *said).seq_to_go_on(sortie) == goes_on_with


@pytest.mark.parametrize(
    ("kind", "resumes_at", "recorded", "number"),
    [
        (CommandKind.REPLACE, None, 1, 1),  # the record counts the new mission's
        (CommandKind.GOTO, None, 3, 0),  # the record counts its own mission's, which this does not fly
        (CommandKind.SKIP, 2, 2, 0),  # on its way to the third of its own
        (CommandKind.SKIP, 2, 3, 3),
    ],
)
def test_of_a_diversion_lies_behind_what_the_record_counts_of_it(
    kind: CommandKind, resumes_at: int | None, recorded: int, number: int
) -> None:
    loaded = Loaded(REST, replace(ROUND, kind=kind, resumes_at=resumes_at))
    sortie = replace(SORTIE, waypoints_total=4, waypoints_reached=recorded)
    assert itinerary(loaded).seq_to_go_on(sortie) == waypoint_seqs(REST.items)[number]


def test_a_stay_at_the_last_waypoint_goes_on_unless_it_is_over() -> None:
    looks = (Action(ActionKind.LOOK_AT, place=place(0.0, 0.0)),)
    step = replace(OWN.waypoints[0], hold_s=60.0, actions=looks)
    plan = replace(OWN, waypoints=(step,), items=mission_items(OWN.home, 4.0, (step,), 8.0))
    (waypoint,), sortie = waypoint_seqs(plan.items), replace(SORTIE, waypoints_total=1)
    stay = next(item.seq for item in plan.items if item.command == NAV_DELAY)
    assert itinerary(Loaded(plan), waypoint).seq_to_go_on(sortie) == stay
    assert itinerary(Loaded(plan), waypoint, stay).seq_to_go_on(sortie) == len(plan.items) - 1


@pytest.mark.parametrize("kind", [CommandKind.REPLACE, CommandKind.SKIP])
def test_what_is_not_known_to_fly_leaves_no_waypoint_behind(kind: CommandKind) -> None:
    sortie = replace(SORTIE, waypoints_total=4, waypoints_reached=1)
    asked = replace(ROUND, kind=kind, resumes_at=2 if kind is CommandKind.SKIP else None)
    for state, count in ((DiversionState.LOADING, 1), (DiversionState.FLYING, 3)):
        loaded = Loaded(REST, replace(asked, state=state))
        assert itinerary(loaded, waypoint_seqs(REST.items)[2]).waypoints_reached(sortie) == count


def test_a_mission_whose_last_waypoint_was_reached_just_now_has_no_break_point() -> None:
    sortie = replace(SORTIE, waypoints_total=4, waypoints_reached=3)  # it is written down a moment later
    on_way, done = itinerary(Loaded(OWN), TO[2]), itinerary(Loaded(OWN), TO[3])
    for each in (on_way, done):
        each._vehicle.hear(GlobalPosition(1, 31.1, 121.1, 30.0, 20.0, 0.0, 0.0, 0.0, 0.0))
    broken = on_way.break_point(sortie)
    assert broken is not None
    assert broken.waypoint == 3
    assert done.break_point(sortie) is None
