"""A renewed proof says what a whole one would."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from geofence.window import TimeWindow
from geofence.zones import Airspace, Role, Zone
from missions.model import Action, ActionKind
from missions.prove import prove, reprove
from tests.missions.prove.builder import QUAD, WINDOW, Case, a_plan, airspace, band, block, circle_zone, polygon_zone

PATH = [(100.0, 500.0, 60.0), (400.0, 500.0, 60.0), (400.0, 700.0, 60.0)]
FILM: dict[int, tuple[Action, ...]] = {1: (Action(ActionKind.VIDEO, 1.0),)}


def both(before: Airspace, after: Airspace) -> tuple[set[str], set[str], bool, bool]:
    """Rules broken by the renewed proof and by the whole one, and whether each is valid."""
    plan = a_plan(PATH, actions=FILM)
    former = prove(plan, before, QUAD, window=WINDOW, terrain=None)
    renewed = reprove(plan, former, before, after, QUAD, window=WINDOW, terrain=None)
    whole = prove(plan, after, QUAD, window=WINDOW, terrain=None)
    assert renewed.airspace_version == after.version
    failed = [{check.rule for check in one.checks if not check.ok} for one in (renewed, whole)]
    return failed[0], failed[1], renewed.valid, whole.valid


def a_zone(rng: np.random.Generator) -> Zone:
    x, y = rng.uniform(-200.0, 700.0, 2).tolist()
    role = Role.NO_FILM if rng.random() < 0.3 else Role.EXCLUSION
    heights = band(None, 40.0) if rng.random() < 0.3 else band(None, None)
    return polygon_zone("new", block(x, y, float(rng.uniform(5.0, 60.0))), role, band=heights)


@pytest.mark.parametrize("seed", range(30))
def test_a_new_zone_renews_as_a_whole_proof_would(seed: int) -> None:
    before = airspace(polygon_zone("far", block(-500.0, 300.0, 40.0)))
    after = replace(before, version=2, zones=(*before.zones, a_zone(np.random.default_rng(seed))))
    renewed, whole, *valid = both(before, after)
    assert renewed == whole
    assert valid[0] is valid[1]


def test_a_zone_that_grows_is_looked_at_again() -> None:
    small, large = (circle_zone("zone", 250.0, 950.0, radius) for radius in (50.0, 300.0))
    before, after = airspace(small), airspace(large, version=2)
    renewed, whole, *_ = both(before, after)
    assert renewed == whole
    assert "leg-exclusion" in renewed


def test_new_rules_are_proven_whole() -> None:
    before = airspace()
    for after in (
        replace(before, version=2, ceiling_agl_m=50.0),
        airspace(inside=polygon_zone("district", block(0.0, 0.0, 450.0), Role.INCLUSION), version=2),
    ):
        renewed, whole, *_ = both(before, after)
        assert renewed == whole != set()


def test_a_far_zone_costs_nothing_and_changes_nothing_but_the_version() -> None:
    before = airspace()
    plan = a_plan(PATH)
    former = prove(plan, before, QUAD, window=WINDOW, terrain=None)
    after = airspace(polygon_zone("far", block(-2_000.0, -2_000.0, 50.0)), version=7)
    renewed = reprove(plan, former, before, after, QUAD, window=WINDOW, terrain=None)
    assert renewed == replace(former, airspace_version=7)


def test_a_broken_proof_is_not_renewed_but_made_again() -> None:
    bad = airspace(polygon_zone("zone", block(250.0, 500.0, 30.0)))
    good = replace(bad, version=2, zones=bad.zones[:1])
    renewed, _, valid, _ = both(bad, good)
    assert valid
    assert renewed == set()


def test_a_longer_window_is_proven_whole() -> None:
    before = airspace()
    plan = a_plan(PATH)
    former = prove(plan, before, QUAD, window=WINDOW, terrain=None)
    later = TimeWindow(WINDOW.start, WINDOW.end + timedelta(hours=1))
    renewed = reprove(plan, former, before, replace(before, version=2), QUAD, window=later, terrain=None)
    assert renewed.holds_until == later.end
    assert Case(plan, before).proof().valid
