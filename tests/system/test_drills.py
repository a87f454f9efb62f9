"""A drill is flown from its file to its verdicts, and leaves nothing running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from tests.platform import ROOT

pytestmark = pytest.mark.system

DRILLS = ROOT / "examples" / "drills"


@pytest.fixture(autouse=True)
def _ctrl_c_is_heard() -> Iterator[None]:
    """A shell that runs the tests in the background has them, and whatever they start, ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def drill(*words: str, **more: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "api.cli.main", "drill", *words]
    environ = os.environ | {"NO_COLOR": "1"} | more
    return subprocess.Popen(
        line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, start_new_session=True
    )


def processes_with(marker: str) -> list[int]:
    """Processes whose environment has the marker: what a drill started has inherited it."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if marker.encode() in environ.read_bytes():
                found.append(int(environ.parent.name))
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]


def test_a_drill_is_flown_judged_and_told(tmp_path: Path) -> None:
    junit = tmp_path / "out.xml"
    flying = drill(str(DRILLS / "reboot-refused.yaml"), "--speedup", "10", "--json", "--junit", str(junit))
    out, err = flying.communicate(timeout=180)
    assert flying.returncode == 0, err
    told = json.loads(out)
    assert told["ok"], told["verdicts"]
    assert told["figures"]["bl-03"]["zone_distance_m"] > 0
    suite = Xml.parse(junit).getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == (str(len(told["verdicts"])), "0")
    assert "MAV_RESULT_FAILED" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_drill_that_is_broken_off_ends_everything_that_it_started(number: signal.Signals) -> None:
    flying = drill(str(DRILLS / "link-cut.yaml"), DRILL_TEST=f"broken-off-{os.getpid()}")
    marker = f"DRILL_TEST=broken-off-{os.getpid()}"
    deadline_s = time.monotonic() + 60
    while len(processes_with(marker)) < 2:
        assert time.monotonic() < deadline_s, "the platform did not start"
        time.sleep(0.2)
    flying.send_signal(number)
    assert flying.wait(60) == 130
    assert processes_with(marker) == []
    flying.communicate()
