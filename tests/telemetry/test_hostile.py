"""The hostile bench in short: nothing damaged, forged or replayed gets in, and nothing genuine is kept out."""

from __future__ import annotations

import pytest

from bench.vehicles.hostile import hostile


@pytest.mark.thorough
def test_no_hostile_frame_gets_in_and_no_genuine_one_is_kept_out() -> None:
    figures = {figure.name: figure for figure in hostile(malformed=20_000, forged=5_000)}
    assert [figure.name for figure in figures.values() if figure.met is False] == []
    assert figures["hostile.malformed.passed_checksum"].value == 0
