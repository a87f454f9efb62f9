"""The machine's own lines: each limit that is too low is said, with what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.doctor import machine
from api.doctor.finding import Patient, Verdict
from telemetry.links.udp import RECEIVE_BUFFER_BYTES
from tests.api.doctor.conftest import only, verdicts


@pytest.mark.parametrize(
    ("soft", "verdict"),
    [(255, "failure"), (256, "warning"), (4_095, "warning"), (4_096, "good"), (1 << 20, "good")],
)
def test_few_open_files_are_told(soft: int, verdict: str) -> None:
    finding = only(machine.files_finding(soft, 1 << 20))
    assert (finding.verdict, str(soft) in finding.found) == (verdict, True)


@pytest.mark.parametrize(("kept", "verdict"), [(True, "good"), (False, "warning"), (None, "warning")])
def test_a_clock_that_nobody_keeps_is_told(kept: bool | None, verdict: str) -> None:
    assert only(machine.synchronised(kept)).verdict == verdict


def test_the_kernel_s_word_on_the_clock_is_read_and_nothing_is_set() -> None:
    assert machine.is_synchronised() in (True, False, None)


def test_a_clock_that_jumps_while_it_is_watched_is_a_failure(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_WATCHED_S", 0.01)
    assert verdicts(machine.clock(patient))["clock"] is not Verdict.FAILURE
    walls = iter((1_000.0, 1_003.0))
    monkeypatch.setattr("api.doctor.machine.time.time", lambda: next(walls))
    (jumped, *_) = [each for each in machine.clock(patient) if each.verdict is Verdict.FAILURE]
    assert "jumped by +2.9" in jumped.found


def test_a_clock_that_was_never_set_is_a_failure(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    class Past(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(1970, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(machine, "_WATCHED_S", 0.01)
    monkeypatch.setattr(machine, "datetime", Past)
    assert next(iter(machine.clock(patient))).found.startswith("it says 1970")


@pytest.mark.parametrize(
    ("largest", "euid", "verdict"),
    [(212_992, 1000, "warning"), (212_992, 0, "good"), (RECEIVE_BUFFER_BYTES, 1000, "good")],
)
def test_a_small_receive_buffer_is_told_to_who_may_not_exceed_it(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, largest: int, euid: int, verdict: str
) -> None:
    core = tmp_path / "proc" / "sys" / "net" / "core"
    core.mkdir(parents=True)
    (core / "rmem_max").write_text(f"{largest}\n")
    monkeypatch.setattr("api.doctor.machine.os.geteuid", lambda: euid)
    assert only(machine.receive_buffer(replace(patient, proc=tmp_path / "proc"))).verdict == verdict


def test_where_the_kernel_tells_no_limit_nothing_is_said(patient: Patient, tmp_path: Path) -> None:
    assert list(machine.receive_buffer(replace(patient, proc=tmp_path))) == []


@pytest.mark.parametrize(("count", "verdict"), [(1, "warning"), (2, "good")])
def test_one_processor_is_too_few_for_a_fleet(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, count: int, verdict: str
) -> None:
    monkeypatch.setattr("api.doctor.machine.os.sched_getaffinity", lambda _: set(range(count)), raising=False)
    assert only(machine.processors(patient)).verdict == verdict


@pytest.mark.parametrize(("may", "verdict"), [(True, "good"), (False, "warning")])
def test_kernels_that_cannot_be_kept_are_told(tmp_path: Path, may: bool, verdict: str) -> None:
    assert only(machine.cache_finding(tmp_path, may_write=lambda: may)).verdict == verdict
