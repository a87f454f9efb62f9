from __future__ import annotations

import math

import pytest

from geofence.geoid import REGION, OutsideGrid, undulation_m


@pytest.mark.parametrize(
    ("lat_deg", "lon_deg", "expected_m"),
    [
        (31.15, 121.12, 9.83),  # planning guide, section 2
        # What the package egm96 0.3.0 says with its own code and its whole-globe grid:
        (31.1182, 125.4056, 22.7099),
        (29.1183, 119.0799, 5.6580),
        (34.2770, 118.9104, 0.7249),
        (31.4959, 114.3307, -15.2232),
    ],
)
def test_the_geoid_is_the_published_one_to_a_centimetre(lat_deg: float, lon_deg: float, expected_m: float) -> None:
    assert undulation_m(lat_deg, lon_deg) == pytest.approx(expected_m, abs=0.01)


@pytest.mark.parametrize(
    ("lat_deg", "lon_deg"), [(48.14, 11.58), (36.01, 120.0), (30.0, 113.99), (math.nan, 120.0), (31.0, math.inf)]
)
def test_beyond_the_region_nothing_is_guessed(lat_deg: float, lon_deg: float) -> None:
    with pytest.raises(OutsideGrid, match="known from 26° to 36° north"):
        undulation_m(lat_deg, lon_deg)


def test_the_regions_own_edge_is_known() -> None:
    for lat_deg in (REGION.south_deg, REGION.north_deg):
        for lon_deg in (REGION.west_deg, REGION.east_deg):
            assert -20.0 < undulation_m(lat_deg, lon_deg) < 31.0
