"""The altitude profile of a sketch: height above home over the distance flown, with the fence's ceiling."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import shapely

from api.sketch.svg import DIM, FENCE, GRID, LAND, PATH, element, group, path_of
from geofence.frame import Array, LocalFrame
from missions.model import Plan

WIDTH, HEIGHT = 1200.0, 190.0
_LEFT, _RIGHT, _TOP, _LOW = 60.0, 30.0, 20.0, 30.0


def profile(plan: Plan) -> str:
    """The profile as a group of SVG elements, `WIDTH` × `HEIGHT`."""
    distance_m, alt_m = _flown(plan)
    ceiling_m = plan.fence.alt_max_rel_m if plan.fence else None
    top_m = max(float(alt_m.max()), ceiling_m or 0.0, 20.0) * 1.1
    units = np.column_stack((_x(distance_m / distance_m[-1]), _y(alt_m / top_m)))
    area = np.vstack((units, [[units[-1, 0], _y(0.0)], [units[0, 0], _y(0.0)]]))
    parts = [
        element("rect", width=WIDTH, height=HEIGHT, fill=LAND),
        *_grid(top_m, float(distance_m[-1])),
        element("path", d=path_of(shapely.Polygon(area)), fill=PATH, fill_opacity=0.12),
        element("path", d=path_of(shapely.LineString(units)), fill="none", stroke=PATH, stroke_width=2.0),
    ]
    if ceiling_m is not None:
        y = float(_y(ceiling_m / top_m))
        parts.append(
            element("path", d=f"M{_LEFT} {y}H{WIDTH - _RIGHT}", stroke=FENCE, stroke_dasharray="8 5", fill="none")
        )
        parts.append(_label(WIDTH - _RIGHT, y - 5, f"fence ceiling {ceiling_m:g} m", anchor="end", fill=FENCE))
    return group(parts)


def _flown(plan: Plan) -> tuple[Array, Array]:
    """Distance along the ground and height above home of every vertex, take-off and landing included."""
    xy = LocalFrame(plan.home).to_xy((plan.home, *(step.place for step in plan.waypoints), plan.home))
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))))
    heights = [step.alt_rel_m for step in plan.waypoints]
    distance_m = np.concatenate(([0.0], along, along[-1:]))
    return np.maximum(distance_m, [*[0.0] * (len(distance_m) - 1), 1.0]), np.array(
        [0.0, heights[0], *heights, heights[-1], 0.0]
    )


def _x(share: Array) -> Array:
    return _LEFT + share * (WIDTH - _LEFT - _RIGHT)


def _y(share: Array | float) -> Array:
    return np.asarray(HEIGHT - _LOW - np.asarray(share) * (HEIGHT - _LOW - _TOP))


def _grid(top_m: float, length_m: float) -> Iterator[str]:
    for alt_m in np.arange(0.0, top_m, 20.0 if top_m < 140 else 50.0).tolist():
        y = float(_y(alt_m / top_m))
        yield element("path", d=f"M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}", stroke=GRID, fill="none")
        yield _label(_LEFT - 8, y + 4, f"{alt_m:g} m", anchor="end")
    yield _label(_LEFT, HEIGHT - 10, "above home, over the distance flown")
    yield _label(WIDTH - _RIGHT, HEIGHT - 10, f"{length_m / 1000:.2f} km", anchor="end")


def _label(x: float, y: float, words: str, *, anchor: str = "start", fill: str = DIM) -> str:
    return element("text", words, x=x, y=y, fill=fill, font_size=12, text_anchor=anchor)
