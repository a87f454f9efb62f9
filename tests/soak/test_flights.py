"""Twenty plans on a real ArduCopter: what `bench.planner.sitl` measures has to meet its goals."""

from __future__ import annotations

import pytest

from bench.planner.sitl import figures, fly
from tests.platform import why_no_sitl

pytestmark = [pytest.mark.soak, pytest.mark.sitl]


def test_no_plan_touches_a_zone_and_each_comes_home_or_down() -> None:
    if why := why_no_sitl():
        pytest.skip(why)
    rows = list(fly(range(20), seed=2))
    assert not [figure.line() for figure in figures(rows) if figure.met is False]
    for row in rows:
        assert row.outcome == ("completed" if row.is_whole else "aborted"), row
        # A direct return ends at home; one that retraces its path may also have to land where it is.
        assert row.home_m < 2.0 or "LAND" in row.modes, row
