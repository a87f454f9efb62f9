"""Every answer names its request, and every log line of the request names it too."""

from __future__ import annotations

import io
import json
import logging

import pytest
from structlog.contextvars import get_contextvars

from api import logs
from api.requests import RequestMeter
from api.settings import LogSetting
from tests.api.conftest import World


async def test_an_answer_names_its_request_as_the_visitor_named_it(world: World) -> None:
    answer = await world.http.get("/me", headers={"X-Request-Id": "desk-7:42"})
    assert answer.headers["x-request-id"] == "desk-7:42"


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "é", "a\tb"])
async def test_a_name_that_cannot_stand_in_a_log_is_replaced(world: World, name: str) -> None:
    answer = await world.http.get("/me", headers={b"X-Request-Id": name.encode()})
    assert answer.headers["x-request-id"].startswith("req")


async def test_two_requests_have_two_names(world: World) -> None:
    names = {(await world.http.get("/me")).headers["x-request-id"] for _ in range(2)}
    assert len(names) == 2


async def test_what_is_refused_at_the_door_and_what_is_nowhere_are_named_too(world: World) -> None:
    for headers, path, status in (({"Host": "evil.example"}, "/me", 403), ({}, "/nowhere", 404)):
        answer = await world.http.get(path, headers=headers)
        assert (answer.status_code, answer.headers["x-request-id"].startswith("req")) == (status, True)


async def test_a_defect_is_answered_and_logged_under_its_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(world.store, "missions", broken)
    out = io.StringIO()
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    logs.configure(LogSetting(), out)
    try:
        answer = await world.http.get("/missions", headers={"X-Request-Id": "seen"})
    finally:
        logging.captureWarnings(False)
        logging.getLogger().handlers[:], logging.getLogger().level = handlers, level
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "seen")
    (line,) = [json.loads(text) for text in out.getvalue().splitlines()]
    assert (line["request_id"], answer.json()["error_id"] in line["event"]) == ("seen", True)
    assert "a defect" in line["exception"]


async def test_a_request_is_one_line_with_method_path_status_and_name(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "bailu.access"):
        await world.http.get("/missions/nowhere?key=secret", headers={"X-Request-Id": "seen"})
    (line,) = [record for record in caplog.records if record.name == "bailu.access"]
    assert line.getMessage() == "GET /api/v1/missions/nowhere 404"
    assert get_contextvars()["request_id"] == "seen"  # what structlog adds to each line of this task


def test_a_method_that_does_not_exist_makes_no_series() -> None:
    meter = RequestMeter()
    for method in ("BREW", "SPAM"):
        meter.answered(method, "other", 405, 0.001)
    assert [(each.value, each.labels) for each in meter.readings()] == [(2, ("other", "other", "405"))]
