"""Every part of every plan in random fields, measured against the zones as drawn; the bench tries 100 000."""

from __future__ import annotations

import pytest

from missions.model import ReturnMode
from tests.field_plans import ROUNDING_M, diverted, planned, rooms_m

pytestmark = pytest.mark.thorough

_FIELDS = 50


def test_no_part_of_any_plan_comes_nearer_than_the_margin() -> None:
    found = [planned(seed) for seed in range(_FIELDS)]
    flown = [(made, field) for made, field in found if made is not None and not made.conflicts]
    assert len(flown) >= _FIELDS * 0.7
    assert all(made.proof is not None and made.proof.valid for made, _ in flown)
    assert min(min(rooms_m(made, field)) for made, field in flown) >= -ROUNDING_M


def test_no_part_of_any_plan_from_the_air_comes_nearer_than_the_margin() -> None:
    found = [diverted(seed) for seed in range(_FIELDS)]
    flown = [(made, field) for made, field in found if made is not None and not made.conflicts]
    assert len(flown) >= _FIELDS * 0.4
    assert all(made.begins_at is not None and made.proof is not None and made.proof.valid for made, _ in flown)
    assert {made.returns for made, _ in flown} == set(ReturnMode)
    assert min(min(rooms_m(made, field)) for made, field in flown) >= -ROUNDING_M
