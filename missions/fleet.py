"""The docks and airframes that a fresh installation knows, read from the packaged data."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from core.geo import LatLon
from core.ids import DockId
from missions.model import Airframe, Dock

DEFAULT_AIRFRAME = "quad-3kg"


@cache
def default_docks() -> tuple[Dock, ...]:
    """Three schematic docks (示意) in Qingpu: two on the ground, one on a roof of 20 m."""
    return tuple(
        Dock(
            id=DockId(entry["id"]),
            name=entry["name"],
            name_en=entry["name_en"],
            place=LatLon(entry["lat_deg"], entry["lon_deg"]),
            ground_amsl_m=entry["ground_amsl_m"],
            height_agl_m=entry["height_agl_m"],
        )
        for entry in _load("docks.json")
    )


@cache
def airframes() -> dict[str, Airframe]:
    """Every airframe by its name."""
    loaded = [Airframe(**{key: entry[key] for key in entry if key != "note"}) for entry in _load("airframes.json")]
    return {airframe.name: airframe for airframe in loaded}


def default_airframe() -> Airframe:
    """The 3.2 kg quadrotor of the planning guide's section 10, with a battery for a patrol of 6 to 8 km."""
    return airframes()[DEFAULT_AIRFRAME]


def _load(name: str) -> Any:
    return json.loads(resources.files("missions").joinpath(f"data/{name}").read_text(encoding="utf-8"))
