"""Routes in KML: a plan as a line that any map shows, and the first line of a file as a route to fly."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.geo import LatLon
from geofence.formats.facts import LONGEST_NAME, words
from geofence.formats.intake import Intake, refusal
from geofence.formats.kml import coordinates, geometries, placemarks
from geofence.formats.kml_write import document, xml_text
from geofence.formats.report import Change
from geofence.formats.rings import place
from geofence.formats.safely import Element
from geofence.geometry import line_coordinates
from missions.model import Pattern, Plan

# A route has one altitude; heights that differ by less than this are one.
_SURE_M = 0.01


def has_route(root: Element) -> bool:
    """Whether a document has a line and no polygon: what somebody drew to fly."""
    kinds = {element.tag for mark in placemarks(root) for element, _ in geometries(mark.element, mark.path)}
    return "LineString" in kinds and "Polygon" not in kinds


def read_route(root: Element, name: str, intake: Intake) -> dict[str, Any]:
    """The mission feature of the first line. Its altitude is not told: a map's heights count from elsewhere.

    Raises InvalidRequest.
    """
    found = [
        (mark, element, path)
        for mark in placemarks(root)
        for element, path in geometries(mark.element, mark.path)
        if element.tag == "LineString"
    ]
    if not found:
        raise refusal("", "the file has no line")
    mark, element, path = found[0]
    if len(found) > 1:
        intake.note(path, Change.LEFT_OUT, f"{len(found) - 1} more lines: a route is the first")
    lonlat = coordinates(element, path)
    intake.spend_vertices(len(lonlat), path)
    line: list[LatLon] = []
    for index in range(len(lonlat)):
        at = place(lonlat[index : index + 1, :2], f"{path}/coordinates[{index + 1}]", intake, order="longitude first")
        if at is not None and (not line or line[-1] != at):
            line.append(at)
    intake.problems.raise_any()
    if len(line) < 2:
        raise refusal(path, f"a route needs two different places at least, this line has {len(line)}")
    properties: dict[str, Any] = {"name": words(mark.name or name, LONGEST_NAME) or "route"}
    properties["pattern"] = str(Pattern.ROUTE)
    _tell_heights(lonlat[:, 2], path, intake)
    geometry = {"type": "LineString", "coordinates": line_coordinates(line)}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def write_route(plan: Plan, name: str) -> bytes:
    """The path from home over the waypoints and back, at its altitudes above mean sea level (EGM96)."""
    home = f"{plan.home.lon_deg:.9f},{plan.home.lat_deg:.9f},{plan.home_amsl_m:g}"
    steps = [
        f"{step.place.lon_deg:.9f},{step.place.lat_deg:.9f},{plan.home_amsl_m + step.alt_rel_m:g}"
        for step in plan.waypoints
    ]
    line = " ".join([home, *steps, home])
    marks = (
        f"<Placemark><name>{xml_text(name)}</name><LineString><extrude>1</extrude><tessellate>1</tessellate>"
        f"<altitudeMode>absolute</altitudeMode><coordinates>{line}</coordinates></LineString></Placemark>"
        f"<Placemark><name>home</name><Point><altitudeMode>absolute</altitudeMode>"
        f"<coordinates>{home}</coordinates></Point></Placemark>"
    )
    return document(f"<name>{xml_text(name)}</name>{marks}")


def _tell_heights(heights: np.ndarray[Any, np.dtype[np.float64]], path: str, intake: Intake) -> None:
    known = heights[np.isfinite(heights) & (np.abs(heights) > _SURE_M)]
    said = f" The file's run from {known.min():g} to {known.max():g} m." if len(known) else ""
    intake.note(path, Change.LEFT_OUT, f"heights: say how high above home the route is flown (alt_rel_m).{said}")
