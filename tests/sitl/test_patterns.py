"""Patterns with everything that a vehicle does at their waypoints, on the embedded simulator and on ArduCopter SITL.

A launch reads the mission back and refuses to fly one that differs: that it flies proves what is stored of each item.
"""

from __future__ import annotations

import pytest

from tests.platform import Json, Platform

pytestmark = pytest.mark.system

VEHICLE = "bl-03"
WATCHED = {"type": "MultiPoint", "coordinates": [[121.0508, 31.1080], [121.0503, 31.1075]]}
CENTER = {"type": "Point", "coordinates": [121.0508, 31.1078]}
WALL = {
    "type": "Polygon",
    "coordinates": [[[121.0506, 31.1077], [121.0508, 31.1077], [121.0508, 31.1078], [121.0506, 31.1077]]],
}


def feature(pattern: str, geometry: Json, **told: object) -> Json:
    properties = {"name": pattern, "pattern": pattern, "alt_rel_m": 40, "speed_mps": 8, "dock_id": "dock-zhujiajiao"}
    return {"type": "Feature", "geometry": geometry, "properties": properties | told}


# One flight in make test; the others add only other items to the same way, and are flown in make soak.
LONG = pytest.mark.soak


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(feature("watch", WATCHED, hold_s=4, look_deg=250, gimbal_deg=-45), id="watch"),
        pytest.param(
            feature("orbit", CENTER, radius_m=20, look_height_m=10, trigger_m=15, video=True), id="orbit", marks=LONG
        ),
        pytest.param(
            feature("facade", WALL, height_from_m=35, height_to_m=45, gimbal_deg=0, trigger_m=10, view_deg=60),
            id="facade",
            marks=LONG,
        ),
    ],
)
def test_what_is_done_at_the_waypoints_is_stored_and_flown(platform: Platform, asked: Json) -> None:
    platform.until_ready(VEHICLE)
    sortie = platform.until_state(platform.launched(asked, VEHICLE), "closed", within_s=240)
    assert sortie["outcome"] == "completed", sortie
    assert sortie["upload_verified"] is True
    assert sortie["waypoints_reached"] == sortie["waypoints_total"] > 0
    assert sortie["breaches"] == 0
