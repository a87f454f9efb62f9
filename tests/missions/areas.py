"""Random areas to cover: concave, with holes, seeded; shared by tests and bench."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import shapely
from shapely.affinity import rotate, scale, translate
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

MOST_HOLES = 12


def random_area(rng: np.random.Generator, area_m2: float, holes: int) -> Polygon:
    """A concave polygon of about `area_m2` round (0, 0) with up to `holes` holes, all apart from each other."""
    outline = _outline(rng)
    outline = translate(outline, -outline.centroid.x, -outline.centroid.y)
    factor = math.sqrt(area_m2 / outline.area)
    outline = rotate(scale(outline, factor, factor, origin=(0, 0)), rng.uniform(0, 360), origin=(0, 0))
    return with_holes(rng, outline, holes, math.sqrt(area_m2))


def with_holes(rng: np.random.Generator, outline: Polygon, holes: int, side_m: float) -> Polygon:
    """The outline with that many star-shaped holes of 2 to 8 % of `side_m` in radius; fewer where none fits."""
    found: list[Polygon] = []
    room: BaseGeometry = outline.buffer(-0.05 * side_m)
    for _ in range(40 * holes):
        if len(found) == holes or room.is_empty:
            break
        radius_m = side_m * rng.uniform(0.02, 0.08)
        hole = translate(star(rng, 4, 10, 0.5), *_somewhere(rng, room))
        hole = scale(hole, radius_m, radius_m)
        if room.covers(hole):
            found.append(hole)
            room = room.difference(hole.buffer(0.03 * side_m))
    return Polygon(outline.exterior, [hole.exterior for hole in found])


def star(rng: np.random.Generator, fewest: int, most: int, least_radius: float) -> Polygon:
    """A star-shaped polygon round (0, 0), radii between `least_radius` and 1."""
    count = int(rng.integers(fewest, most + 1))
    angles = (np.arange(count) + rng.uniform(-0.3, 0.3, count)) * 2 * math.pi / count
    radii = rng.uniform(least_radius, 1.0, count)
    return Polygon(np.column_stack((radii * np.cos(angles), radii * np.sin(angles))))


def _outline(rng: np.random.Generator) -> Polygon:
    kind = rng.integers(3)
    if kind == 0:
        return star(rng, 6, 16, 0.45)
    if kind == 1:
        return _boxes(rng)
    return _bitten(rng)


def _boxes(rng: np.random.Generator) -> Polygon:
    """Boxes in one direction that overlap: the shapes of L, T, U and worse."""
    shape: Any = shapely.box(-0.5, -0.5, 0.5, 0.5)
    for _ in range(int(rng.integers(1, 5))):
        x, y = _somewhere(rng, shape)
        w, h = rng.uniform(0.25, 0.9, 2)
        shape = shape.union(shapely.box(x - w, y - h / 2, x + w, y + h / 2))
    return Polygon(shape.exterior)


def _bitten(rng: np.random.Generator) -> Polygon:
    """A rounded field from whose edge wedges were taken."""
    shape: Any = star(rng, 12, 24, 0.85)
    for _ in range(int(rng.integers(1, 5))):
        toward = rng.uniform(0, 2 * math.pi)
        wide, deep = rng.uniform(0.05, 0.3), rng.uniform(0.2, 0.8)
        bite = Polygon([(1.5, -wide), (1.5, wide), (deep, rng.uniform(-0.1, 0.1))])
        shape = shape.difference(rotate(bite, toward, origin=(0, 0), use_radians=True))
    return Polygon(max(shapely.get_parts(shape), key=shapely.area).exterior)


def _somewhere(rng: np.random.Generator, shape: BaseGeometry) -> tuple[float, float]:
    left, low, right, high = shape.bounds
    for _ in range(1000):
        x, y = rng.uniform(left, right), rng.uniform(low, high)
        if shapely.intersects_xy(shape, x, y):
            return float(x), float(y)
    inside = shape.representative_point()
    return inside.x, inside.y
