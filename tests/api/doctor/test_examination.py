"""The whole report: nothing hangs it, nothing breaks it, and the exit code is the verdict."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import doctor
from api.cli.main import app
from api.doctor.examination import CHECKS, examined, is_fit
from api.doctor.finding import Finding, Patient, Verdict, failure, good, warning
from tests.api.doctor.conftest import only

runner = CliRunner()


def test_a_check_that_hangs_holds_up_its_own_line_only(patient: Patient) -> None:
    def hangs(_: Patient) -> Iterator[Finding]:
        time.sleep(5)
        yield good("disk", "too late")

    checks = {"disk": hangs, "bus": lambda _: [good("bus", "joined")]}
    began_s = time.monotonic()
    stuck, bus = examined(patient, checks, within_s=0.05)
    assert time.monotonic() - began_s < 4.5
    assert (stuck.check, stuck.verdict, bus.verdict) == ("disk", Verdict.FAILURE, Verdict.GOOD)


def test_a_check_that_may_not_look_is_a_finding(patient: Patient) -> None:
    def forbidden(_: Patient) -> Iterator[Finding]:
        yield from ()
        raise PermissionError(13, "Permission denied", "/proc/1/fd")

    found = only(examined(patient, {"ports": forbidden}))
    assert (found.verdict, "/proc/1/fd" in found.found) == (Verdict.FAILURE, True)


def test_warnings_do_not_keep_a_platform_from_running() -> None:
    assert is_fit([good("a", "b"), warning("a", "b", "c")])
    assert not is_fit([good("a", "b"), failure("a", "b", "c")])


@pytest.fixture
def _plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("BAILU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BAILU_LINKS", '[{ name = "fleet", url = "udpin:127.0.0.1:0" }]')
    monkeypatch.setenv("BAILU_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("BAILU_PORT", "0")


@pytest.mark.usefixtures("_plain")
def test_the_report_of_this_machine_has_a_line_for_every_check(tmp_path: Path) -> None:
    result = runner.invoke(app, ["doctor", "--json"])
    report = json.loads(result.stdout)
    lines = {finding["check"] for finding in report["findings"]}
    assert {name for name in CHECKS if name not in ("links", "receive buffer")} <= lines | {"disk", "clock"}
    assert "link fleet" in lines
    assert result.exit_code == (0 if report["fit"] else 1)
    assert not (tmp_path / "data").exists()


@pytest.mark.usefixtures("_plain")
def test_a_failure_is_a_line_with_what_to_do_and_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [good("disk", "much"), failure("bus", "[red]gone", "Start it")]
    monkeypatch.setattr(doctor, "examined", lambda _: iter(found))
    result = runner.invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert result.stdout.splitlines() == ["✓ disk  much", "✗ bus  [red]gone", "    → Start it"]


@pytest.mark.usefixtures("_plain")
def test_wrong_settings_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAILU_LOG", '{ level = "loud" }')
    result = runner.invoke(app, ["doctor"])
    assert (result.exit_code, result.stderr.startswith("bailu: log.level")) == (1, True)
