"""The docks that are configured; without any those of a fresh installation."""

from __future__ import annotations

from api.settings import Settings
from core.geo import LatLon
from core.ids import DockId
from missions.fleet import default_docks
from missions.model import Dock


def docks_by_id(settings: Settings) -> dict[DockId, Dock]:
    """The configured docks; without any those of a fresh installation."""
    told = [
        Dock(
            id=DockId(each.id),
            name=each.name,
            name_en=each.name,
            place=LatLon(each.lat_deg, each.lon_deg),
            ground_amsl_m=each.ground_amsl_m,
            height_agl_m=each.height_agl_m,
        )
        for each in settings.docks
    ]
    return {dock.id: dock for dock in told or default_docks()}
