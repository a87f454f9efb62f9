"""The console, terrain and SITL: what is missing, and what to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from api.doctor import programs
from api.doctor.finding import Patient, Verdict
from tests.api.doctor.conftest import only, patient_of


def test_a_console_that_is_not_built_is_told(tmp_path: Path) -> None:
    assert only(programs.built(tmp_path)).remedy == "make run builds it."
    (tmp_path / "index.html").write_text("<!doctype html>")
    assert {each.verdict for each in programs.built(tmp_path)} == {Verdict.GOOD}


def test_no_sitl_is_a_warning_and_a_named_one_that_is_missing_a_failure(patient: Patient) -> None:
    assert only(programs.sitl(patient)).verdict is Verdict.WARNING
    named = replace(patient, environ={"BAILU_SITL_BINARY": "/nowhere/arducopter"})
    assert only(programs.sitl(named)).verdict is Verdict.FAILURE


def program(folder: Path, text: str, *, mode: int = 0o755) -> Path:
    file = folder / "arducopter"
    file.write_text(f"#!/bin/sh\n{text}\n# ArduCopter V4.7.0-dev (1a2b3c)\n")
    file.chmod(mode)
    return file


def test_a_sitl_that_starts_is_told_with_its_version(tmp_path: Path) -> None:
    found = only(programs.started(program(tmp_path, "echo '--speedup|-s SPEEDUP'")))
    assert (found.verdict, "ArduCopter V4.7.0-dev" in found.found) == (Verdict.GOOD, True)


@pytest.mark.parametrize(
    ("text", "mode", "word"), [("echo hello", 0o755, "no ArduPilot SITL"), ("true", 0o644, "ermission denied")]
)
def test_what_does_not_start_or_is_something_else_is_a_failure(
    tmp_path: Path, text: str, mode: int, word: str
) -> None:
    found = only(programs.started(program(tmp_path, text, mode=mode)))
    assert (found.verdict, word in found.found) == (Verdict.FAILURE, True)


def test_a_sitl_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_SITL_WITHIN_S", 0.1)
    assert "no answer within" in only(programs.started(program(tmp_path, "exec sleep 30"))).found


def test_terrain_that_cannot_be_read_is_a_failure_and_none_is_told(tmp_path: Path) -> None:
    assert only(programs.terrain(patient_of(tmp_path))).verdict is Verdict.WARNING
    assert only(programs.terrain(patient_of(tmp_path, terrain_dir=tmp_path))).verdict is Verdict.FAILURE
