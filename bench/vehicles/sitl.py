"""The scenario suite on a real ArduCopter, and eight of them in the air at once.

`python -m bench.vehicles.sitl` prints these figures alone.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as Xml

from bench.figure import Figure
from tests.platform import ROOT, why_no_sitl
from tests.sitl.crowd import Flown, fly, members

_SUITE = "tests/sitl"
_SUITE_WITHIN_S = 3_600.0
_TOGETHER = 8
# What `make test` flies; fewer means that some were lost on the way.
_SCENARIOS = 17


@dataclass(frozen=True, slots=True)
class Told:
    """What a run of the suite came to: `passed` and `failed` scenarios by name, and how long it took."""

    passed: tuple[str, ...]
    failed: tuple[str, ...]
    took_s: float


def sitl(speedup: float = 4.0) -> Iterator[Figure]:
    """Nothing, loudly, where there is no SITL."""
    if why := why_no_sitl():
        print(why, file=sys.stderr)
        return
    yield from of_suite(run_suite())
    with tempfile.TemporaryDirectory() as folder:
        yield from of_crowd(fly(Path(folder) / "data", members(_TOGETHER), sitl=True, speedup=speedup))


def run_suite() -> Told:
    """Every scenario of the suite that `make test` flies, on ArduCopter; what fails is told on stderr."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        line = [sys.executable, "-m", "pytest", "-q", _SUITE, "-m", "sitl and not soak", f"--junitxml={report}"]
        subprocess.run(line, cwd=ROOT, env=os.environ, stdout=sys.stderr, timeout=_SUITE_WITHIN_S, check=False)
        return read_report(report.read_text(encoding="utf-8"))


def read_report(xml: str) -> Told:
    """A report in JUnit's form; a scenario that was skipped was not run."""
    suite = Xml.fromstring(xml).find("testsuite")
    assert suite is not None
    cases = [case for case in suite.iter("testcase") if case.find("skipped") is None]
    failed = {case for case in cases if case.find("failure") is not None or case.find("error") is not None}
    names = tuple(str(case.get("name")) for case in cases if case not in failed)
    return Told(names, tuple(str(case.get("name")) for case in failed), float(suite.get("time", "nan")))


def of_suite(told: Told) -> Iterator[Figure]:
    """How many scenarios ran, and that all of them passed."""
    run = len(told.passed) + len(told.failed)
    yield Figure("vehicles.sitl.scenarios", float(run), "scenarios", float(_SCENARIOS), "higher")
    yield Figure("vehicles.sitl.scenarios.failed", float(len(told.failed)), "scenarios", 0.0)
    yield Figure("vehicles.sitl.scenarios.time", told.took_s, "s")


def of_crowd(flown: Flown) -> Iterator[Figure]:
    """Eight patrols at once, and what they flew with."""
    completed = sum(sortie["outcome"] == "completed" for sortie in flown.sorties)
    yield Figure("vehicles.sitl.version", version_of(flown.firmware[0]), flown.firmware[0])
    yield Figure("vehicles.sitl.together", float(flown.together), "vehicles", float(_TOGETHER), "higher")
    yield Figure("vehicles.sitl.together.completed", float(completed), "patrols", float(_TOGETHER), "higher")
    breaches = sum(sortie["breaches"] for sortie in flown.sorties)
    yield Figure("vehicles.sitl.together.breaches", float(breaches), "breaches", 0.0)
    yield Figure("vehicles.sitl.together.alarms", float(len(flown.alarms)), "alarms", 0.0)
    yield Figure("vehicles.sitl.together.platform-cpu", flown.platform_cpu, "cores")
    yield Figure("vehicles.sitl.together.vehicles-cpu", flown.vehicles_cpu, "cores")


def version_of(firmware: str) -> float:
    """4.7 of "ArduCopter 4.7.0-dev". Raises ValueError for what has no number."""
    found = re.search(r"(\d+\.\d+)", firmware)
    if found is None:
        raise ValueError(f"{firmware!r} has no version")
    return float(found[1])


if __name__ == "__main__":
    for figure in sitl():
        print(figure.line(), flush=True)
