"""A launch that is called off before take-off: nothing flies, and the vehicle takes the next launch."""

from __future__ import annotations

import pytest

from tests.platform import Json, Platform
from tests.sitl.stage import VEHICLE, asked, hop, river, steps

pytestmark = pytest.mark.system


def on_the_ground(platform: Platform, sortie: Json) -> None:
    """Nothing was armed, nothing flew, and nobody holds the vehicle."""
    assert (sortie["state"], sortie["outcome"], sortie["armed_at"]) == ("aborted", "aborted", None), sortie
    assert "taking_off" not in dict(steps(sortie))
    platform.until(lambda: platform.vehicle(VEHICLE)["sortie_id"] is None, within_s=10, what="a free vehicle")
    vehicle = platform.vehicle(VEHICLE)
    assert (vehicle["armed"], vehicle["landed"]) == (False, "on_ground"), vehicle
    track = platform.get(f"/sorties/{sortie['sortie_id']}/track")["geometry"]["coordinates"]
    assert all(place[2] < vehicle["alt_amsl_m"] + 3.0 for place in track)


def test_what_is_called_off_while_it_is_checked_or_loaded_never_arms_and_the_next_launch_flies(
    far_away: Platform,
) -> None:
    platform = far_away
    for state in ("preflight", "uploading"):
        platform.until_ready(VEHICLE)
        sortie_id = platform.launched(river(), VEHICLE)
        platform.until_state(sortie_id, state)
        asked(platform, "abort")
        sortie = platform.until_state(sortie_id, "aborted")
        assert sortie["transitions"][-1]["from_state"] == state, steps(sortie)
        assert sortie["transitions"][-1]["why"] == "called off before take-off"
        on_the_ground(platform, sortie)
    platform.until_ready(VEHICLE)
    flown = platform.until_state(platform.launched(hop(), VEHICLE), "on_mission")
    assert flown["upload_verified"] is True  # over what the broken-off upload left
    refused = platform.request("POST", f"/vehicles/{VEHICLE}/commands", {"kind": "abort"})
    assert refused.status_code == 409, refused.text  # a flight ends by a return or a landing
