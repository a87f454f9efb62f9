from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.altitude import Altitude, AltitudeBand, Datum
from core.clock import ManualClock
from core.errors import all_errors
from core.geo import LatLon, from_e7, ground_distance_m, to_e7

places = st.builds(LatLon, st.floats(-80, 80), st.floats(-179, 179))


@pytest.mark.parametrize(("lat", "lon"), [(90.1, 0), (-91, 0), (0, 180.1), (math.nan, 0), (0, math.inf)])
def test_a_place_outside_the_globe_is_refused(lat: float, lon: float) -> None:
    with pytest.raises(ValueError, match="not within"):
        LatLon(lat, lon)


@given(st.integers(-1_800_000_000, 1_800_000_000))
def test_a_stored_coordinate_survives_degrees(e7: int) -> None:
    assert to_e7(from_e7(e7)) == e7


@given(places, places)
def test_distance_is_symmetric(a: LatLon, b: LatLon) -> None:
    assert ground_distance_m(a, b) == pytest.approx(ground_distance_m(b, a))


def test_a_degree_of_latitude_is_about_111_kilometres() -> None:
    assert ground_distance_m(LatLon(31, 121), LatLon(32, 121)) == pytest.approx(111_195, rel=1e-3)


def test_a_band_upside_down_is_refused() -> None:
    with pytest.raises(ValueError, match="above the ceiling"):
        AltitudeBand(Altitude(2.0, Datum.AGL), Altitude(1.0, Datum.AGL))


def test_ends_of_different_datums_are_not_compared() -> None:
    assert AltitudeBand(Altitude(9.0, Datum.AMSL), Altitude(1.0, Datum.AGL)).floor is not None


def test_every_error_has_a_slug_and_a_title_of_its_own() -> None:
    found = all_errors()
    assert len({error.title for error in found.values()}) == len(found)
    assert all(error.slug == slug for slug, error in found.items())


def test_a_manual_clock_moves_both_hands_and_never_back() -> None:
    clock = ManualClock()
    began = clock.now()
    clock.advance(2.5)
    assert clock.mono_s() == 2.5
    assert (clock.now() - began).total_seconds() == 2.5
    with pytest.raises(ValueError, match="step back"):
        clock.advance(-1)
