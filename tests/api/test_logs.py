"""Logs: one JSON object per line with who and what for, pretty on a terminal, and never a secret."""

from __future__ import annotations

import io
import json
import logging
import secrets
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from structlog.contextvars import bound_contextvars

from api import logs
from api.settings import LogSetting

KEY = secrets.token_bytes(32)
log = logging.getLogger("bailu.test")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """The loggers are the process's: other tests find them as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(False)
    root.handlers[:], root.level = handlers, level


def configured(form: Literal["auto", "json", "text"] = "auto", *, terminal: bool = False) -> io.StringIO:
    out = Terminal() if terminal else io.StringIO()
    logs.configure(LogSetting(format=form, level="info"), out)
    return out


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_time_level_logger_and_what_it_is_about() -> None:
    out = configured()
    with bound_contextvars(request_id="req-1", vehicle_id="bl-01", sortie_id="s-1"):
        log.warning("%s: battery at %d %%", "白鹭一号", 12, extra={"battery_pct": 12})
    (line,) = lines(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "白鹭一号: battery at 12 %", "level": "warning", "logger": "bailu.test",
        "request_id": "req-1", "vehicle_id": "bl-01", "sortie_id": "s-1", "battery_pct": 12,
    }  # fmt: skip
    assert "白鹭" in out.getvalue()


def test_a_terminal_gets_lines_for_people_unless_json_is_asked_for() -> None:
    out = configured(terminal=True)
    log.warning("low battery")
    assert "low battery" in out.getvalue()
    assert not out.getvalue().startswith("{")
    asked = configured("json", terminal=True)
    log.warning("low battery")
    assert lines(asked)[0]["event"] == "low battery"


def test_levels_below_the_setting_are_not_told_but_what_the_platform_says_is() -> None:
    out = io.StringIO()
    logs.configure(LogSetting(level="error"), out)
    log.warning("quiet")
    logs.say("The gateway is up")
    assert [(line["level"], line["event"]) for line in lines(out)] == [("info", "The gateway is up")]


def test_a_defect_is_one_line_with_its_traceback() -> None:
    out = configured()
    try:
        raise ValueError("two\nlines")
    except ValueError:
        log.exception("the handler failed")
    (line,) = lines(out)
    assert "ValueError: two\nlines" in line["exception"]
    assert "test_logs.py" in line["exception"]


def _tell_all(key: bytes) -> None:
    log.error("key %s", key.hex())
    log.error("%s", key)
    log.error("sent", extra={"signing_key": key, "authorization": f"Bearer {key.hex()}", "token": "tok-123456"})
    log.error("nested", extra={"facts": {"password": "hunter22", "list": [key.hex(), key]}})
    log.error("mqtt://bailu:hunter22@broker:1883 is away")
    log.error('{"api_key": "tok-123456", "password": "hunter22"}')
    log.error("Authorization: Bearer tok-123456")
    log.error("POST /hook?token=tok-123456&x=1")
    try:
        raise ValueError(f"cannot use {key.hex()} at mqtt://u:hunter22@broker")
    except ValueError:
        log.exception("failed")


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_secret_never_stands_in_a_log(form: Literal["json", "text"]) -> None:
    out = configured(form)
    with bound_contextvars(cookie="tok-123456"):
        _tell_all(KEY)
    told = out.getvalue().replace("\\\\", "\\")
    assert told.count("\n") >= 9
    for secret in (KEY.hex(), KEY.hex()[8:24], str(KEY), "hunter22", "tok-123456"):
        assert secret not in told
    assert "broker:1883 is away" in told
    assert "x=1" in told


@pytest.mark.parametrize("form", ["json", "text"])
def test_what_a_vehicle_says_cannot_make_a_line_or_colour_the_terminal(form: Literal["json", "text"]) -> None:
    out = configured(form)
    log.warning("%s", "PreArm\n2026-01-01 [info] all is well\x1b[31m\x9b31m")
    assert out.getvalue().count("\n") == 1
    assert "\x1b" not in out.getvalue()
    assert "\x9b" not in out.getvalue()
    assert "\\x0a2026" in out.getvalue().replace("\\\\", "\\")


def test_two_hashes_can_still_be_told_apart() -> None:
    assert logs.censored(f"is {'a1' * 32}, not {'b2' * 32}") == "is a1a1a1a1…, not b2b2b2b2…"
    assert logs.censored("Idempotency-Key stays, monkeys too") == "Idempotency-Key stays, monkeys too"
