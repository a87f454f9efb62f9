"""Two missions from two docks of the default fleet whose ways cross at one height, and which of them meets whom."""

from __future__ import annotations

from typing import Any

FIRST_DOCK, SECOND_DOCK = "dock-xiayang", "dock-yingpu"
# The second dock stands on a roof of 20 m: both fly at 64 m above the sea.
_FIRST = ((121.1238, 31.1460), (121.1200, 31.1535))
_SECOND = ((121.1130, 31.1535), (121.1240, 31.1490))


def crossing(dock_id: str, **properties: Any) -> dict[str, Any]:
    """The mission that starts at one of the two docks, some of its properties replaced."""
    line, alt_m = (_FIRST, 60.0) if dock_id == FIRST_DOCK else (_SECOND, 40.0)
    told = {"name": f"往返 {dock_id}", "pattern": "route", "alt_rel_m": alt_m, "speed_mps": 8.0, "dock_id": dock_id}
    return {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": [list(at) for at in line]},
        "properties": told | properties,
    }
