"""Every failure is a problem document, of the right status, that tells what helps and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api import problems
from api.routes import platform
from core import errors
from core.errors import BailuError, Conflict, Encounter, FieldError, PreflightCheck, Proposal, all_errors
from tests.api.conftest import World
from tests.samples import a_feature

GOLDEN = Path(__file__).parents[1] / "golden" / "problems.json"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ENCOUNTER = Encounter("sortie-1", "patrol", AT, AT + timedelta(seconds=40), 56.0, 72.0, 12.5, 0.0)

SAMPLES: list[BailuError] = [
    errors.InvalidRequest((FieldError("/properties/alt_rel_m", "must be positive"),)),
    errors.NotFound("mission", "mission-1"),
    errors.RevisionRequired("mission", "mission-1"),
    errors.StaleRevision("mission", "mission-1", 3, 2),
    errors.MissionConflict(
        (
            Conflict("altitude-above-limit", "130 m is above 120 m", "/properties/alt_rel_m"),
            Conflict("flight-conflict", "somebody is there", "/properties/departs_at", encounter=ENCOUNTER),
        ),
        (Proposal("layer", "Fly at 80 m above home.", {"properties": {"alt_rel_m": 80.0}}),),
    ),
    errors.IllegalTransition("sortie", "sortie-1", "closed", "paused"),
    errors.VehicleBusy("bl-01", "flying sortie-1"),
    errors.VehicleOffline("bl-01", AT),
    errors.VehicleRejected("bl-01", "arm", "MAV_RESULT_DENIED", ("PreArm: GPS",)),
    errors.VehicleAmbiguous("bl-01", ("3a00", "5b11")),
    errors.LinkTimeout("bl-01", "COMMAND_ACK", 5),
    errors.OutcomeUnknown("bl-01", "DO_SET_RELAY", ("Relay failed",)),
    errors.CommandExpired("bl-01", "pause", AT),
    errors.UploadMismatch("bl-01", "mission", "a" * 64, "b" * 64),
    errors.DiversionFailed("bl-01", "goto", "it holds."),
    errors.PreflightFailed("bl-01", (PreflightCheck("battery", False, "battery at 12 %"),)),
    errors.IdempotencyKeyReused("key"),
    errors.Overloaded("Too many plans"),
    errors.GatewayUnavailable("vehicle.bl-01.launch"),
    errors.NotAllowed("local", "come in"),
    errors.TerrainUnusable("N31E121.hgt", "is 5 bytes long"),
    problems.NotReady((PreflightCheck("disk", False, "3 MiB are free; the floor is 256 MiB"),)),
    problems.BodyTooLarge(1),
    problems.MethodNotAllowed("PUT"),
    problems.Internal("error-1"),
]


def _every_class(base: type[BailuError] = BailuError) -> set[type[BailuError]]:
    return {base}.union(*(_every_class(child) for child in base.__subclasses__()))


def test_every_error_class_has_a_status_of_its_own() -> None:
    ours = {cls for cls in _every_class() if cls.__module__.split(".")[0] != "tests"}
    assert ours == set(problems.STATUS)


def test_no_two_errors_share_a_slug() -> None:
    named = [cls.slug for cls in _every_class() if cls is not BailuError]
    assert len(named) == len(set(named))
    assert {sample.slug for sample in SAMPLES} == set(all_errors())


def test_the_documents_are_the_golden_ones() -> None:
    made = [problems.document(sample, "/api/v1/here") for sample in SAMPLES]
    assert msgspec.json.decode(msgspec.json.encode(made)) == json.loads(GOLDEN.read_text())


async def _refused(world: World, status: int, slug: str, method: str, path: str, **more: Any) -> dict[str, Any]:
    response = await world.http.request(method, path, **more)
    assert response.headers["content-type"] == problems.MEDIA_TYPE, response.text
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["status"], body["type"]) == (status, status, f"urn:bailu:problem:{slug}")
    return body


async def test_an_unknown_address_and_a_wrong_method_are_problem_documents(world: World) -> None:
    assert (await _refused(world, 404, "not-found", "GET", "/nowhere"))["instance"] == "/api/v1/nowhere"
    await _refused(world, 405, "method-not-allowed", "PUT", "/missions")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (lambda feature: feature["properties"].pop("name"), "/properties/name"),
        (lambda feature: feature["properties"].update(alt_rel_m="high"), "/properties/alt_rel_m"),
        (lambda feature: feature["properties"].update({"a/b~c": 1}), "/properties/a~1b~0c"),
        (lambda feature: feature["geometry"].update(type="MultiPoint"), "/geometry"),
        (lambda feature: feature["geometry"]["coordinates"].__setitem__(1, [1.0]), "/geometry/coordinates/1"),
        (lambda feature: feature["geometry"]["coordinates"][0].__setitem__(1, 91.0), "/geometry/coordinates/0"),
        (lambda feature: feature.update(extra=1), "/extra"),
        (lambda feature: feature.pop("geometry"), "/geometry"),
    ],
)
async def test_what_is_wrong_with_a_request_is_pointed_at(world: World, change: Any, pointer: str) -> None:
    feature = a_feature()
    change(feature)
    body = await _refused(world, 422, "invalid-request", "POST", "/plans", json=feature)
    assert any(error["pointer"].startswith(pointer) for error in body["errors"]), body["errors"]


@pytest.mark.parametrize("text", ["{", "", "\xff", "[1", '{"a": NaN'])
async def test_what_is_not_json_points_at_the_whole(world: World, text: str) -> None:
    headers = {"Content-Type": "application/json"}
    content = text.encode("latin-1")
    body = await _refused(world, 422, "invalid-request", "POST", "/plans", content=content, headers=headers)
    assert body["errors"][0]["pointer"] == ""


async def test_what_is_wrong_outside_of_the_body_is_named_in_words(world: World) -> None:
    body = await _refused(world, 422, "invalid-request", "GET", "/sorties?limit=0")
    assert body["errors"][0]["detail"].startswith("limit (query)")
    launch = {"mission_id": "m", "revision": 1, "vehicle_id": "bl-01"}
    body = await _refused(world, 422, "invalid-request", "POST", "/sorties", json=launch)
    assert body["errors"][0]["detail"].startswith("Idempotency-Key (header)")


async def test_a_body_over_the_limit_is_refused_whether_it_tells_its_length_or_not(world: World) -> None:
    big = b" " * (problems.MAX_BODY_BYTES + 1)

    async def chunks() -> Any:
        yield big

    await _refused(world, 413, "body-too-large", "POST", "/plans", content=big)
    headers = {"Content-Type": "application/json"}
    await _refused(world, 413, "body-too-large", "POST", "/plans", content=chunks(), headers=headers)


async def test_a_defect_tells_its_log_entry_and_nothing_else(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> str:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(platform, "bailu_version", broken)
    body = await _refused(world, 500, "internal", "GET", "/health")
    assert set(body) == {"type", "title", "status", "detail", "instance", "error_id"}
    assert "secret" not in json.dumps(body)
    assert body["error_id"] in caplog.text
    assert "the secret of the house" in caplog.text
