"""What the bench tells of the suite is what the suite's report says."""

from __future__ import annotations

import pytest

from bench.vehicles.sitl import of_suite, read_report, version_of

REPORT = """<testsuites><testsuite time="61.5">
<testcase name="patrol[ardupilot]"/>
<testcase name="storm[ardupilot]"><failure message="no breach"/></testcase>
<testcase name="kill[ardupilot]"><error message="no port"/></testcase>
<testcase name="long[ardupilot]"><skipped message="soak"/></testcase>
</testsuite></testsuites>"""


def test_failures_and_errors_count_and_what_was_skipped_was_not_run() -> None:
    told = read_report(REPORT)
    assert told.passed == ("patrol[ardupilot]",)
    assert set(told.failed) == {"storm[ardupilot]", "kill[ardupilot]"}
    assert [(figure.value, figure.met) for figure in of_suite(told)] == [(3.0, False), (2.0, False), (61.5, None)]


def test_a_suite_of_which_nothing_ran_has_not_passed() -> None:
    first, *_ = of_suite(read_report('<testsuites><testsuite time="0.1"></testsuite></testsuites>'))
    assert first.met is False


def test_the_version_is_read_from_the_autopilots_own_words() -> None:
    assert version_of("4.7.0-dev") == 4.7
    with pytest.raises(ValueError, match="no version"):
        version_of("unknown")
