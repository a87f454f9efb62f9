"""The docks and airframes that a fresh installation knows, read from the packaged data."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

from core.geo import LatLon
from core.ids import DockId
from missions.energy import AIRFRAMES
from missions.model import Airframe, Dock

DEFAULT_AIRFRAME = "quad-3kg"
SITL_AIRFRAME = "arducopter-sitl"


@cache
def default_docks() -> tuple[Dock, ...]:
    """Three schematic docks (示意) in Qingpu: two on the ground, one on a roof of 20 m."""
    text = resources.files("missions").joinpath("data/docks.json").read_text(encoding="utf-8")
    return tuple(
        Dock(
            id=DockId(entry["id"]),
            name=entry["name"],
            name_en=entry["name_en"],
            place=LatLon(entry["lat_deg"], entry["lon_deg"]),
            ground_amsl_m=entry["ground_amsl_m"],
            height_agl_m=entry["height_agl_m"],
        )
        for entry in json.loads(text)
    )


def default_airframe() -> Airframe:
    """The 3.2 kg quadrotor of the planning guide's section 10, with a battery for a patrol of 6 to 8 km."""
    return AIRFRAMES[DEFAULT_AIRFRAME]
