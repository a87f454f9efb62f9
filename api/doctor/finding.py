"""What a check finds, and what it may look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from api.settings import Settings


class Verdict(StrEnum):
    """How bad it is: a platform runs with warnings, and not, or not safely, with failures."""

    GOOD = "good"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `remedy`: what to do, "" when there is nothing to do."""

    check: str
    verdict: Verdict
    found: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined. `proc`: where the kernel tells of itself (proc(5))."""

    settings: Settings
    environ: Mapping[str, str]
    proc: Path = Path("/proc")


# Looks at one thing; OSError and ValueError count as its failure.
Check = Callable[[Patient], Iterable[Finding]]


def good(check: str, found: str) -> Finding:
    return Finding(check, Verdict.GOOD, found)


def warning(check: str, found: str, remedy: str) -> Finding:
    return Finding(check, Verdict.WARNING, found, remedy)


def failure(check: str, found: str, remedy: str) -> Finding:
    return Finding(check, Verdict.FAILURE, found, remedy)
