"""How `bailu patrol` tells the proof that a plan flies under."""

from __future__ import annotations

from typing import Any

import pytest

from api.cli.flight import proof, proof_line

Line = dict[str, Any]


def _line(rule: str, gap_m: float | None = None, *, zone_id: str | None = None, ok: bool = True) -> Line:
    needed_m = None if gap_m is None else 10.0
    return {"rule": rule, "ok": ok, "gap_m": gap_m, "needed_m": needed_m, "zone_id": zone_id}


def _plan(*lines: Line) -> dict[str, Any]:
    return {"proof": {"valid": all(each["ok"] for each in lines), "airspace_version": 3, "checks": list(lines)}}


def test_the_least_room_is_that_of_the_flight_to_a_zone() -> None:
    plan = _plan(
        _line("mission-hash"),
        _line("ceiling", 5.0),
        _line("fence-exclusion", 1.0, zone_id="school"),
        _line("leg-exclusion", 12.34, zone_id="school"),
        _line("return-inclusion", 60.0, zone_id="qingpu"),
    )
    found = proof(plan)
    assert found is not None
    assert (found["valid"], found["checks"], found["failed"], found["airspace_version"]) == (True, 5, 0, 3)
    assert found["least_room"] == {"rule": "leg-exclusion", "gap_m": 12.34, "needed_m": 10.0, "zone_id": "school"}
    assert proof_line(found) == "Proof: valid, 5 checks, least room 12.3 m to school (10 m needed)"


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        ({"proof": None}, "Proof: none"),
        ({}, "Proof: none"),
        (_plan(_line("items"), _line("energy")), "Proof: valid, 2 checks"),
        (_plan(_line("items"), _line("energy", ok=False)), "Proof: not valid, 1 of 2 checks fail"),
        (_plan(_line("leg-inclusion", 50.0)), "Proof: valid, 1 checks, least room 50.0 m (10 m needed)"),
    ],
)
def test_what_is_not_there_is_not_told(plan: dict[str, Any], line: str) -> None:
    assert proof_line(proof(plan)) == line
