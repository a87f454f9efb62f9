"""Two missions from two docks of the default fleet whose ways cross at one height, and one far from both."""

from __future__ import annotations

from typing import Any

FIRST_DOCK, SECOND_DOCK, FAR_DOCK = "dock-xiayang", "dock-yingpu", "dock-zhujiajiao"
# The second dock stands on a roof of 20 m: both fly at 64 m above the sea.
_FIRST = ((121.1238, 31.1460), (121.1200, 31.1535))
_SECOND = ((121.1130, 31.1535), (121.1240, 31.1490))
_FAR = ((121.0505, 31.1085), (121.0508, 31.1070))


def crossing(dock_id: str, **properties: Any) -> dict[str, Any]:
    """The mission that starts at one of the docks, some of its properties replaced."""
    line, alt_m = {FIRST_DOCK: (_FIRST, 60.0), SECOND_DOCK: (_SECOND, 40.0), FAR_DOCK: (_FAR, 60.0)}[dock_id]
    told = {"name": f"往返 {dock_id}", "pattern": "route", "alt_rel_m": alt_m, "speed_mps": 8.0, "dock_id": dock_id}
    return {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": [list(at) for at in line]},
        "properties": told | properties,
    }
