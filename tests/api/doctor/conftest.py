"""A machine that lacks nothing, to break one thing of."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from api.doctor.finding import Finding, Patient, Verdict
from api.settings import LinkSetting, Settings


def verdicts(findings: Iterable[Finding]) -> dict[str, Verdict]:
    """The worst of each check."""
    rank = [*Verdict]
    found: dict[str, Verdict] = {}
    for finding in findings:
        worst = max((found.get(finding.check, Verdict.GOOD), finding.verdict), key=rank.index)
        found[finding.check] = worst
    return found


def only(findings: Iterable[Finding]) -> Finding:
    """The one finding; what is no good says what to do."""
    (finding,) = findings
    assert (finding.verdict is Verdict.GOOD) == (finding.remedy == ""), finding
    return finding


def patient_of(data_dir: Path, *, link: str = "udpin:127.0.0.1:0", **settings: object) -> Patient:
    told: dict[str, object] = {"port": 0, "vehicles": (), "links": (LinkSetting(name="fleet", url=link),)}
    return Patient(Settings(data_dir=data_dir, **(told | settings)), {"PATH": ""})  # type: ignore[arg-type]


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return patient_of(tmp_path / "data")
