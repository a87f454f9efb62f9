"""Two vehicles whose ways cross: the second waits, or flies in another layer, over the whole platform."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.crossing import FIRST_DOCK, SECOND_DOCK, crossing
from tests.platform import Json, Platform, running_platform

pytestmark = pytest.mark.system
FIRST, SECOND = "bl-01", "bl-02"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder: Path = tmp_path_factory.mktemp("deconflict")
    with running_platform(folder / "data", speedup=10.0) as started:
        yield started


def patched(feature: Json, problem: Json, kind: str) -> Json:
    """The mission with the change that was proposed."""
    (change,) = (each["change"] for each in problem["proposals"] if each["kind"] == kind)
    return feature | {"properties": feature["properties"] | change["properties"]}


def test_the_second_flight_through_the_same_air_is_refused_and_flies_in_the_proposed_layer(
    platform: Platform,
) -> None:
    for vehicle_id in (FIRST, SECOND):
        platform.until_ready(vehicle_id)
    first = platform.launched(crossing(FIRST_DOCK), FIRST)
    mine = crossing(SECOND_DOCK)
    refused = platform.launch(platform.post("/missions", mine), SECOND)
    assert refused.status_code == 409, refused.text
    problem = refused.json()
    assert [each["code"] for each in problem["conflicts"]] == ["flight-conflict"]
    assert problem["conflicts"][0]["encounter"]["flight_id"] == first
    later = patched(mine, problem, "delay")["properties"]["departs_at"]
    assert timedelta(0) < datetime.fromisoformat(later) - datetime.now(UTC) < timedelta(hours=1)
    assert platform.post("/plans", patched(mine, problem, "delay"))["plan"]["conflicts"] == []
    second = platform.launched(patched(mine, problem, "layer"), SECOND)
    for sortie_id in (first, second):
        platform.until_state(sortie_id, "on_mission")
    listed = platform.get("/traffic/conflicts")
    assert [each for each in listed["items"] if each["severity"] == "critical"] == []
    for sortie_id in (first, second):
        flown = platform.until_state(sortie_id, "closed", within_s=180)
        assert flown["outcome"] == "completed", flown
        assert flown["proof"]["valid"] is True
        assert flown["proof"]["fence_hash"] == flown["fence_hash"] != ""
