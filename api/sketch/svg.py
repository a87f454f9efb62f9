"""The few SVG elements that a sketch needs, with their text escaped."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

import shapely
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array

# The console's colours (console/src/map/palette.ts), so that a sketch reads like the map.
WATER, LAND, GRID, TEXT, DIM = "#0b1118", "#111a23", "#1a2632", "#c6d2de", "#7f8fa0"
INCLUSION, EXCLUSION, ADVISORY, NO_FILM = "#3f9c8a", "#e5534b", "#d29b33", "#b07fd6"
PATH, FENCE, CONFLICT, HOME = "#58a6ff", "#7ee0c8", "#ff6a5f", "#dbe6f0"


def element(name: str, text: str | None = None, **attributes: object) -> str:
    """One element; an underscore in an attribute's name stands for a hyphen, a last one is dropped."""
    told = "".join(
        f" {key.rstrip('_').replace('_', '-')}={quoteattr(_value(value))}"
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{told}/>" if text is None else f"<{name}{told}>{escape(text)}</{name}>"


def group(children: Iterable[str], **attributes: object) -> str:
    """Children that share attributes."""
    opening = element("g", "", **attributes).removesuffix("</g>")
    return f"{opening}{''.join(children)}</g>"


def titled(shape: str, title: str) -> str:
    """An element that tells its title when the pointer rests on it."""
    return f"<g>{element('title', title)}{shape}</g>"


def path_of(geometry: BaseGeometry) -> str:
    """The `d` of any geometry already in the drawing's coordinates; points are left out."""
    rings: list[str] = []
    for part in shapely.get_parts(geometry):
        if part.geom_type == "Polygon":
            rings += [_line(shapely.get_coordinates(ring)[:-1]) + "Z" for ring in (part.exterior, *part.interiors)]
        elif part.geom_type in ("LineString", "LinearRing"):
            rings.append(_line(shapely.get_coordinates(part)))
    return "".join(rings)


def _line(xy: Array) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in xy)


def _value(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
