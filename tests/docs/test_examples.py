"""Examples fly: each mission plans without a conflict under a proof that holds, and each refused one says why."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.errors import InvalidRequest
from geofence.qingpu import default_airspace, default_terrain
from missions.fleet import default_airframe, default_docks
from missions.model import Pattern, Plan
from missions.planner import Conditions, plan
from missions.request import parse_request
from tests.docs.reading import ROOT

pytestmark = pytest.mark.thorough

EXAMPLES = ROOT / "examples"
REFUSED = sorted((EXAMPLES / "bad").glob("*.geojson"))
MISSIONS = sorted({*EXAMPLES.rglob("*.geojson")} - {*REFUSED} - {*(EXAMPLES / "airspace").glob("*")})
INVALID = {"latitude-first", "self-crossing"}
# A Sunday morning in Qingpu, so that the day of the week is told and not that of whoever runs the tests.
AT = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)


def load(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def planned(file: Path) -> Plan:
    request = parse_request(load(file), default_docks())
    dock = next(dock for dock in default_docks() if dock.id == request.dock_id)
    return plan(request, dock, default_airspace(), default_airframe(), Conditions(AT, terrain=default_terrain()))


@pytest.mark.parametrize("file", MISSIONS, ids=lambda file: str(file.relative_to(EXAMPLES)))
def test_every_example_mission_is_clear_to_fly_and_proven(file: Path) -> None:
    made = planned(file)
    assert [conflict.detail for conflict in made.conflicts] == []
    assert made.proof is not None
    assert made.proof.valid
    assert made.fence is not None


@pytest.mark.parametrize("file", REFUSED, ids=lambda file: file.stem)
def test_every_bad_example_is_refused(file: Path) -> None:
    if file.stem in INVALID:
        with pytest.raises(InvalidRequest) as refused:
            planned(file)
        assert all(error.pointer for error in refused.value.errors)
    else:
        assert planned(file).conflicts


def test_every_pattern_has_an_example() -> None:
    shown = {parse_request(load(file), default_docks()).pattern for file in MISSIONS}
    assert shown == set(Pattern)


def test_every_example_is_named_by_a_document() -> None:
    told = "".join(page.read_text(encoding="utf-8") for page in EXAMPLES.rglob("README.md"))
    files = [file for file in EXAMPLES.rglob("*") if file.is_file() and file.suffix != ".md"]
    assert [file.name for file in files if f"{file.name}" not in told] == []


def test_around_the_hospital_the_way_home_is_the_way_flown() -> None:
    """The picture in the README shows this plan, and its text says how it comes home."""
    made = planned(EXAMPLES / "around-the-hospital.geojson")
    assert made.returns == "retrace"
    assert made.fence is not None
    assert {polygon.inclusion for polygon in made.fence.polygons} == {True, False}
