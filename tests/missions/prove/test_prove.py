"""The rules of the proof, one by one, on plans made by hand."""

from __future__ import annotations

from dataclasses import replace

from tests.missions.prove.builder import Case, a_plan, airspace, block, polygon_zone

SQUARE = [(100.0, 500.0, 60.0), (400.0, 500.0, 60.0), (400.0, 700.0, 60.0), (100.0, 700.0, 60.0)]


def test_a_plan_that_breaks_nothing_is_valid() -> None:
    proof = Case(a_plan(SQUARE), airspace(polygon_zone("far", block(1500.0, 0.0, 50.0)))).proof()
    assert proof.valid, [check for check in proof.checks if not check.ok]


def test_a_plan_without_items_is_not_valid() -> None:
    plan = replace(a_plan(SQUARE), items=(), hash="")
    assert "items" in Case(plan, airspace()).failed()


def test_a_path_never_comes_closer_than_the_margin() -> None:
    leg_y, half, margin = 500.0, 30.0, 12.0
    for gap, broken in ((margin + 0.05, False), (margin - 0.05, True)):
        zone = polygon_zone("zone", block(250.0, leg_y - half - gap, half), margin_m=margin)
        case = Case(a_plan([(100.0, leg_y, 60.0), (400.0, leg_y, 60.0)]), airspace(zone))
        assert ("leg-exclusion" in case.failed()) is broken
