"""The airspace that a fresh installation starts with: a schematic Qingpu and invented zones, all marked 示意."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from geofence.geojson import parse_zones, zone_collection
from geofence.terrain import Box, FlatTerrain
from geofence.zones import Airspace, Combination, Zone

DISTRICT_ID = "qingpu"
_GROUND_AMSL_M = 4.0
_AROUND = Box(120.7, 30.8, 121.5, 31.4)


def default_airspace() -> Airspace:
    """Version 1: stay inside the district, off the invented exclusions, below 120 m 真高 (国令761, Art. 19)."""
    return Airspace(
        version=1,
        zones=_zones(),
        combination=Combination.INTERSECTION,
        ceiling_agl_m=120.0,
        published_by="bailu",
        note="示意：默认空域，仅供演示与测试 / schematic default airspace, for demonstration and tests only",
    )


def default_terrain() -> FlatTerrain:
    """Schematic (示意): the district as one plane, 4 m above the sea; it is flat, about 2 to 5 m (domain guide, 10).

    No data outside of the district and a hand's breadth around it.
    """
    return FlatTerrain(_GROUND_AMSL_M, _AROUND)


def district_feature_collection() -> dict[str, Any]:
    """The schematic outline alone, with its notice: the console's base map without a tile server."""
    district = tuple(zone for zone in _zones() if zone.id == DISTRICT_ID)
    return zone_collection(district) | {"notice": _file()["notice"]}


@cache
def _zones() -> tuple[Zone, ...]:
    return parse_zones(_file())


@cache
def _file() -> dict[str, Any]:
    text = resources.files("geofence").joinpath("data/qingpu.geojson").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
