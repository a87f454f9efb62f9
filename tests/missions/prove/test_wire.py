"""What the proof reads from the wire: the same hashes as the upload's, and flights as the autopilot flies them."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import missions.prove
from missions.items import Kind, items_hash
from missions.model import Action, ActionKind, MissionItem, ReturnMode
from missions.prove.facts import Autopilot
from missions.prove.flight import NotFlyable, read_flight
from missions.prove.wire import wire_hash
from tests.missions.prove.builder import HOME_AMSL_M, a_plan

NUMBERS = st.floats(width=32, allow_nan=True, allow_infinity=False)
ITEMS = st.builds(
    MissionItem,
    st.integers(0, 700),
    st.sampled_from((0, 3, 5, 6, 10)),
    st.sampled_from((16, 20, 21, 22, 93, 115, 178, 195, 197, 203, 206, 1000, 2000, 2500, 2501, 5001, 5002, 5100, 9)),
    st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    st.integers(-900_000_000, 900_000_000),
    st.integers(-1_800_000_000, 1_800_000_000),
    st.floats(-1_000.0, 10_000.0),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ITEMS, max_size=6), st.sampled_from(("mission", "fence", "rally")))
def test_the_second_hash_is_the_first(items: list[MissionItem], kind: Kind) -> None:
    assert wire_hash(items, kind) == items_hash(items, kind=kind)


def test_a_flight_is_read_as_it_is_flown() -> None:
    path = [(100.0, 500.0, 60.0), (400.0, 500.0, 62.0), (400.0, 700.0, 60.0)]
    film = {1: (Action(ActionKind.SPEED, 6.0), Action(ActionKind.VIDEO, 1.0)), 2: (Action(ActionKind.VIDEO, 0.0),)}
    flight = read_flight(a_plan(path, actions=film).items, Autopilot())
    assert flight.home_amsl_m == HOME_AMSL_M
    assert flight.points[:, 2].tolist() == [60.0, 60.0, 62.0, 60.0, 60.0]
    assert flight.speeds_mps.tolist() == [10.0, 6.0, 6.0, 6.0]
    assert flight.filming.tolist() == [False, True, False, False]
    assert flight.climbs


def test_a_landing_without_a_place_is_where_it_is() -> None:
    items = list(a_plan([(0.0, 200.0, 50.0)], returns=ReturnMode.RETRACE).items)
    items[-1] = MissionItem(items[-1].seq, 3, 21, (0.0, 0.0, 0.0, 0.0), 0, 0, 0.0)
    flight = read_flight(items, Autopilot())
    assert (flight.points[-1] == flight.points[-2]).all()
    assert not flight.climbs


def test_a_series_of_pictures_films_until_it_is_stopped() -> None:
    items = list(a_plan([(0.0, 200.0, 50.0), (100.0, 200.0, 50.0), (200.0, 200.0, 50.0)]).items)
    series = MissionItem(0, 0, 2000, (0.0, 2.0, 0.0, 0.0), 0, 0, 0.0)
    stop = MissionItem(0, 0, 2001, (0.0, 0.0, 0.0, 0.0), 0, 0, 0.0)
    items[4:4] = [series]
    items[6:6] = [stop]
    from tests.missions.prove.builder import numbered

    flight = read_flight(numbered(items), Autopilot())
    assert flight.filming.tolist() == [False, True, False, False]


@pytest.mark.parametrize("speed", [0.0, -1.0, math.nan])
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    items = list(a_plan([(0.0, 200.0, 50.0)]).items)
    items[2] = MissionItem(2, 0, 178, (1.0, speed, -1.0, 0.0), 0, 0, 0.0)
    with pytest.raises(NotFlyable, match="Item 2"):
        read_flight(items, Autopilot())


def test_the_proof_imports_values_only() -> None:
    """Shared code would share its mistakes: nothing of the planner's, however far down."""
    allowed = {"geofence.window", "geofence.zones", "missions.model", "numpy", "shapely", "pyproj", "core"}
    for module in Path(missions.prove.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not node.module:
                continue
            ours = node.module.split(".")[0] in {"core", "geofence", "missions", "operations", "telemetry", "api"}
            known = node.module.startswith(("missions.prove", "core.")) or node.module in allowed
            assert known or not ours, f"{module.name} imports {node.module}"
