"""The description of the API is what the console's types are made from: it changes on purpose or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.main import bare_app
from api.openapi import described
from missions.patterns.catalog import CATALOG

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("where", ["tests/golden/openapi.json", "console/src/api/openapi.json"])
def test_the_description_is_the_golden_one(where: str) -> None:
    assert described(bare_app()) == json.loads((ROOT / where).read_text()), "run make openapi"


def test_every_operation_has_a_name_a_summary_and_a_problem_for_its_failures() -> None:
    schema = described(bare_app())
    operations = [operation for path in schema["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names)) > 0
    for operation in operations:
        assert operation["description"]
        assert "application/problem+json" in operation["responses"]["default"]["content"]


def test_answers_leave_no_member_out_and_requests_may() -> None:
    parts = described(bare_app())["components"]["schemas"]
    assert set(parts["VehicleState"]["required"]) == set(parts["VehicleState"]["properties"])
    assert "dock_id" not in parts["MissionProperties"].get("required", [])


def test_the_parameters_of_every_pattern_are_described() -> None:
    described_members = described(bare_app())["components"]["schemas"]["MissionProperties"]["properties"]
    assert {each.name for spec in CATALOG.values() for each in spec.parameters} <= described_members.keys()
