"""The map of a sketch: zones, on-board fence, path with its numbered waypoints, conflicts, north and scale."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from api.sketch.svg import (
    ADVISORY,
    CONFLICT,
    DIM,
    EXCLUSION,
    FENCE,
    HOME,
    INCLUSION,
    LAND,
    NO_FILM,
    PATH,
    TEXT,
    WATER,
    element,
    group,
    path_of,
    titled,
)
from geofence.frame import Array, LocalFrame
from geofence.zones import Airspace, Role
from missions.model import Plan

WIDTH, HEIGHT = 1200.0, 800.0
_EDGE = 70.0
_MOST_NUMBERS = 60
_COLOURS = {
    Role.INCLUSION: INCLUSION,
    Role.EXCLUSION: EXCLUSION,
    Role.ADVISORY: ADVISORY,
    Role.NO_FILM: NO_FILM,
}


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Metres to the drawing's units: `scale` units per metre, y downwards."""

    frame: LocalFrame
    middle: Array
    scale: float

    @classmethod
    def around(cls, frame: LocalFrame, xy: Array) -> Sheet:
        """A sheet on which all of `xy` (N, 2) metres has room."""
        low, high = xy.min(axis=0), xy.max(axis=0)
        extent = np.maximum(high - low, 100.0)
        scale = float(min((WIDTH - 2 * _EDGE) / extent[0], (HEIGHT - 2 * _EDGE) / extent[1]))
        return cls(frame, (low + high) / 2, scale)

    def units(self, xy: Array) -> Array:
        """Metres (N, 2) in units."""
        moved: Array = np.array([WIDTH / 2, HEIGHT / 2]) + (xy - self.middle) * np.array([self.scale, -self.scale])
        return moved

    def drawn(self, geometry: BaseGeometry) -> BaseGeometry:
        """A geometry in metres, in units, cut to the sheet and a little around it."""
        moved: BaseGeometry = shapely.transform(geometry, self.units)
        return shapely.clip_by_rect(moved, -50.0, -50.0, WIDTH + 50.0, HEIGHT + 50.0)


def plane(plan: Plan, airspace: Airspace) -> str:
    """The map as a group of SVG elements, `WIDTH` × `HEIGHT`."""
    frame = LocalFrame(plan.home)
    path = frame.to_xy((plan.home, *(step.place for step in plan.waypoints), plan.home))
    sheet = Sheet.around(frame, np.vstack((path, _fence_corners(plan, frame))))
    parts = [
        element("rect", width=WIDTH, height=HEIGHT, fill=WATER),
        group(zones_of(airspace, sheet)),
        group(_fence(plan, sheet)),
        group(_path(plan, sheet, path)),
        group(_conflicts(plan, sheet)),
        scale_bar(sheet),
        north(),
    ]
    return group(parts)


def _fence_corners(plan: Plan, frame: LocalFrame) -> Array:
    polygons = plan.fence.polygons if plan.fence else ()
    return frame.to_xy([vertex for polygon in polygons for vertex in polygon.ring])


def zones_of(airspace: Airspace, sheet: Sheet) -> Iterator[str]:
    """Where flying is allowed is land; the others lie on it in their role's colour, and tell their name."""
    for zone in sorted(airspace.zones, key=lambda each: each.role is not Role.INCLUSION):
        shape = sheet.drawn(sheet.frame.shape_of(zone))
        if shape.is_empty:
            continue
        colour = _COLOURS[zone.role]
        inner = zone.role is Role.INCLUSION
        dashes = None if zone.role in (Role.INCLUSION, Role.EXCLUSION) else "6 4"
        drawn = element(
            "path",
            d=path_of(shape),
            fill=LAND if inner else colour,
            fill_opacity=1.0 if inner else 0.16,
            fill_rule="evenodd",
            stroke=colour,
            stroke_width=1.4,
            stroke_dasharray=dashes,
        )
        band = " – ".join(str(end) for end in (zone.band.floor, zone.band.ceiling) if end)
        yield titled(drawn, f"{zone.name} · {zone.role}{' · ' + band if band else ''}")


def _fence(plan: Plan, sheet: Sheet) -> Iterator[str]:
    for polygon in plan.fence.polygons if plan.fence else ():
        shape = sheet.drawn(sheet.frame.polygon(polygon.ring))
        fill = FENCE if polygon.inclusion else EXCLUSION
        drawn = element(
            "path",
            d=path_of(shape),
            fill=fill,
            fill_opacity=0.06,
            stroke=FENCE,
            stroke_width=1.6,
            stroke_dasharray="8 5",
        )
        yield titled(drawn, f"on-board fence, {len(polygon.ring)} vertices")


def _path(plan: Plan, sheet: Sheet, path: Array) -> Iterator[str]:
    units = sheet.units(path)
    line = path_of(shapely.LineString(units))
    yield element("path", d=line, fill="none", stroke=WATER, stroke_width=5.0, stroke_linejoin="round")
    yield element("path", d=line, fill="none", stroke=PATH, stroke_width=2.4, stroke_linejoin="round")
    yield from arrows(units)
    numbered = len(plan.waypoints) <= _MOST_NUMBERS
    for number, (at, step) in enumerate(zip(units[1:-1], plan.waypoints, strict=True), start=1):
        radius = 9.0 if numbered else 2.5
        mark = [element("circle", cx=float(at[0]), cy=float(at[1]), r=radius, fill=PATH, stroke=WATER)]
        if numbered:
            mark.append(label(at + np.array([0.0, 3.5]), str(number), fill="#08121f", size=10, anchor="middle"))
        acts = "".join(f" · {action.kind} {action.value:g}" for action in step.actions)
        yield titled("".join(mark), f"{number}: {step.alt_rel_m:g} m above home{acts}")
    x, y = units[0].tolist()
    yield titled(
        element("rect", x=x - 8, y=y - 8, width=16, height=16, rx=3, fill=HOME, stroke=WATER, stroke_width=2),
        "home",
    )


def arrows(units: Array, colour: str = PATH) -> Iterator[str]:
    """The direction of flight in the middle of every leg that has room for it."""
    for start, end in pairwise(units):
        length = float(np.hypot(*(end - start)))
        if length < 40.0:
            continue
        x, y = ((start + end) / 2).tolist()
        turn = math.degrees(math.atan2(end[1] - start[1], end[0] - start[0]))
        yield element(
            "path", d="M-5 -4L4 0L-5 4Z", fill=colour, transform=f"translate({x:.1f} {y:.1f}) rotate({turn:.1f})"
        )


def _conflicts(plan: Plan, sheet: Sheet) -> Iterator[str]:
    for conflict in plan.conflicts:
        if conflict.geometry is None:
            continue
        lonlat = shapely.from_geojson(json.dumps(conflict.geometry))
        shape = sheet.drawn(shapely.transform(lonlat, sheet.frame.project))
        solid = shape.area > 0.0
        drawn = element(
            "path",
            d=path_of(shape),
            fill=CONFLICT if solid else "none",
            fill_opacity=0.35,
            stroke=CONFLICT,
            stroke_width=2.0 if solid else 5.0,
        )
        yield titled(drawn, conflict.detail)


def scale_bar(sheet: Sheet) -> str:
    wanted_m = 180.0 / sheet.scale
    step = 10.0 ** math.floor(math.log10(wanted_m))
    length_m = max(each * step for each in (1, 2, 5) if each * step <= wanted_m)
    x, y, width = 40.0, HEIGHT - 30.0, length_m * sheet.scale
    words = f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m:g} m"
    bar = element("path", d=f"M{x} {y - 5}V{y}H{x + width:.1f}V{y - 5}", fill="none", stroke=TEXT, stroke_width=1.5)
    return bar + label(np.array([x + width + 8, y]), words, fill=TEXT, size=13)


def north() -> str:
    x, y = WIDTH - 40.0, 52.0
    arrow = element("path", d=f"M{x} {y - 26}L{x + 8} {y}L{x} {y - 6}L{x - 8} {y}Z", fill=DIM)
    return arrow + label(np.array([x, y + 15]), "N", fill=DIM, size=13, anchor="middle")


def label(at: Array, words: str, *, fill: str, size: int, anchor: str = "start") -> str:
    return element("text", words, x=float(at[0]), y=float(at[1]), fill=fill, font_size=size, text_anchor=anchor)
