"""The nearest mission that fits: the longest beginning of a path for which an on-board fence exists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from core.altitude import Datum
from core.errors import Proposal
from core.geo import LatLon
from geofence.geometry import line_coordinates
from missions.model import MissionRequest, Pattern, Waypoint
from missions.patterns.catalog import CATALOG, PatternSpec

# Each one tried is a whole plan.
_MOST_TRIES = 8


def shortened(
    request: MissionRequest, steps: Sequence[Waypoint], flies: Callable[[MissionRequest], bool]
) -> Proposal | None:
    """A route along the first of `steps` that `flies`, by bisection; None when none does.

    A route is kept vertex by vertex as it was drawn; of other patterns the path is kept, not their camera.
    """
    line = request.line if request.pattern is Pattern.ROUTE else tuple(step.place for step in steps)
    fits, fails = 1, len(line)
    for _ in range(_MOST_TRIES):
        if fails - fits <= 1:
            break
        middle = (fits + fails) // 2
        if flies(_route(request, line[:middle])):
            fits = middle
        else:
            fails = middle
    if fits < 2:
        return None
    detail = (
        f"A fence that the autopilot can hold exists for the first {fits} of {len(line)} waypoints; fly the rest as "
        "another mission."
    )
    return Proposal("shorten", detail, _change(request, line[:fits]))


def _route(request: MissionRequest, line: Sequence[LatLon]) -> MissionRequest:
    return replace(
        request, pattern=Pattern.ROUTE, line=tuple(line), ring=(), holes=(), points=(), parameters={}, template=""
    )


def _change(request: MissionRequest, line: Sequence[LatLon]) -> dict[str, Any]:
    """The JSON merge patch (RFC 7396) that makes the request a route along `line`."""
    geometry = {"type": "LineString", "coordinates": line_coordinates(line)}
    if request.pattern is Pattern.ROUTE:
        return {"geometry": geometry}
    spec: PatternSpec = CATALOG[request.pattern]
    own = {each.name: None for each in spec.parameters}
    altitude = "alt_agl_m" if request.alt_datum is Datum.AGL else "alt_rel_m"
    properties: dict[str, Any] = own | {"pattern": str(Pattern.ROUTE), "template": None, altitude: request.alt_m}
    return {"geometry": geometry, "properties": properties}
