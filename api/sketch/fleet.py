"""All tours of a fleet plan in one picture, a colour for each vehicle, and as a page with what each of them flies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from html import escape

import numpy as np
import shapely

from api.sketch.page import FONT, PAGE, list_of
from api.sketch.plane import HEIGHT, WIDTH, Sheet, arrows, label, north, scale_bar, zones_of
from api.sketch.svg import CONFLICT, HOME, WATER, element, group, path_of, titled
from core.geo import LatLon
from geofence.frame import LocalFrame
from geofence.zones import Airspace
from missions.fleets.request import AreaRequest, FleetRequest
from missions.fleets.tours import FleetPreview, Tour, workloads
from missions.model import Dock

# Apart from each other on the dark ground, also for people who do not see red and green apart (after Okabe and Ito).
COLOURS = ("#58a6ff", "#e69f00", "#2ec4a6", "#f0e442", "#cc79a7", "#d55e00", "#9ad0ff", "#b8a1ff")


def fleet_svg(made: FleetPreview, asked: FleetRequest, airspace: Airspace) -> str:
    """The map as an SVG document; a plan without tours shows what was asked for."""
    frame = LocalFrame(asked.vehicles[0].dock.place)
    colours = _colours(asked)
    docks = {vehicle.dock.id: vehicle.dock for vehicle in asked.vehicles}
    places = list(_wanted(asked))
    places += [place for tour in made.tours for place in _line(tour, docks[tour.request.dock_id])]
    sheet = Sheet.around(frame, frame.to_xy(places))
    parts = [
        element("rect", width=WIDTH, height=HEIGHT, fill=WATER),
        group(zones_of(airspace, sheet)),
        group(_target(asked, sheet)),
        group(_uncovered(made, sheet)),
        *(group(_tour(tour, docks[tour.request.dock_id], colours[tour.vehicle_id], sheet)) for tour in made.tours),
        group(_points(made, asked, sheet)),
        group(_docks(docks.values(), sheet)),
        group(_legend(colours)),
        scale_bar(sheet),
        north(),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" '
        f'font-family="{escape(FONT)}">{group(parts)}</svg>\n'
    )


def fleet_html(made: FleetPreview, asked: FleetRequest, airspace: Airspace) -> str:
    """The page; the map zooms with the wheel and moves with the pointer."""
    wrong = troubles(made)
    return PAGE.format(
        title=escape(asked.name),
        verdict="可以飞行 · clear to fly" if not wrong else "未能全部完成 · not all of it can be done",
        tone="ok" if not wrong else "bad",
        svg=fleet_svg(made, asked, airspace),
        facts="".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in facts(made, asked)
        ),
        conflicts=list_of("未完成 · Not done", wrong),
        proof="",
        font=FONT,
    )


def facts(made: FleetPreview, asked: FleetRequest) -> list[tuple[str, ...]]:
    """A heading, and a line for each vehicle."""
    rows: list[tuple[str, ...]] = [
        ("vehicle", "flights", "in the air", "landed after", "length", "energy", "battery")
    ]
    for each in workloads(made.tours, asked.vehicles):
        energy = "" if each.energy_wh is None else f"{each.energy_wh:.0f} Wh"
        battery = "" if each.battery_p95_pct is None else f"{each.battery_p95_pct:.0f} %"
        length = f"{each.length_m / 1000:.1f} km"
        times = (f"{each.flight_s / 60:.0f} min", f"{each.ends_s / 60:.0f} min")
        rows.append((str(each.vehicle_id), str(each.flights), *times, length, energy, battery))
    return rows


def troubles(made: FleetPreview) -> list[str]:
    """What of the task nobody does, and what speaks against a tour; [] when all is well."""
    found = [f"point {each.point}: {each.reason}" for each in made.unvisited]
    found += [f"{each.length_m:.0f} m of the area's path: {each.reason}" for each in made.uncovered]
    found += [f"{tour.request.name}: {conflict.detail}" for tour in made.tours for conflict in tour.conflicts]
    found += [
        f"point {each.point} is wanted every {each.period_s:.0f} s; it goes unseen for {each.worst_s:.0f} s"
        for each in made.watched
        if not each.kept
    ]
    return found


def _colours(asked: FleetRequest) -> dict[str, str]:
    return {str(vehicle.id): COLOURS[index % len(COLOURS)] for index, vehicle in enumerate(asked.vehicles)}


def _wanted(asked: FleetRequest) -> Sequence[LatLon]:
    return asked.ring if isinstance(asked, AreaRequest) else asked.points


def _line(tour: Tour, dock: Dock) -> list[LatLon]:
    """The path as planned, else the places that it visits one after the other."""
    if tour.plan is not None:
        return [dock.place, *(step.place for step in tour.plan.waypoints), dock.place]
    return [dock.place, *(tour.request.line or tour.request.points), dock.place]


def _target(asked: FleetRequest, sheet: Sheet) -> Iterator[str]:
    if isinstance(asked, AreaRequest):
        shape = sheet.drawn(sheet.frame.polygon(asked.ring, asked.holes))
        yield element(
            "path", d=path_of(shape), fill=HOME, fill_opacity=0.05, fill_rule="evenodd", stroke=HOME, stroke_width=1.0
        )


def _uncovered(made: FleetPreview, sheet: Sheet) -> Iterator[str]:
    for each in made.uncovered:
        shape = shapely.transform(shapely.from_geojson(json.dumps(each.geometry)), sheet.frame.project)
        drawn = element(
            "path",
            d=path_of(sheet.drawn(shape)),
            fill="none",
            stroke=CONFLICT,
            stroke_width=2.0,
            stroke_dasharray="3 4",
        )
        yield titled(drawn, each.reason)


def _tour(tour: Tour, dock: Dock, colour: str, sheet: Sheet) -> Iterator[str]:
    units = sheet.units(sheet.frame.to_xy(_line(tour, dock)))
    line = path_of(shapely.LineString(units))
    dashes = "7 4" if tour.conflicts else None
    yield element("path", d=line, fill="none", stroke=WATER, stroke_width=4.6, stroke_linejoin="round")
    drawn = element(
        "path", d=line, fill="none", stroke=colour, stroke_width=2.2, stroke_linejoin="round", stroke_dasharray=dashes
    )
    yield titled(drawn, f"{tour.request.name}: after {tour.begins_s / 60:.0f} min, {tour.flight_s / 60:.0f} min")
    yield from arrows(units, colour)


def _points(made: FleetPreview, asked: FleetRequest, sheet: Sheet) -> Iterator[str]:
    if isinstance(asked, AreaRequest):
        return
    reasons = {each.point: each.reason for each in made.unvisited}
    for number, (x, y) in enumerate(sheet.units(sheet.frame.to_xy(asked.points)).tolist()):
        colour = CONFLICT if number in reasons else HOME
        mark = element("circle", cx=x, cy=y, r=4.0, fill=colour, stroke=WATER)
        yield titled(mark, f"point {number}{': ' + reasons[number] if number in reasons else ''}")


def _docks(docks: Iterable[Dock], sheet: Sheet) -> Iterator[str]:
    for dock in docks:
        x, y = sheet.units(sheet.frame.to_xy([dock.place]))[0].tolist()
        square = element("rect", x=x - 8, y=y - 8, width=16, height=16, rx=3, fill=HOME, stroke=WATER, stroke_width=2)
        yield titled(square, f"{dock.name} · {dock.name_en}")


def _legend(colours: dict[str, str]) -> Iterator[str]:
    for row, (name, colour) in enumerate(colours.items()):
        y = 34.0 + 20.0 * row
        yield element("path", d=f"M40 {y}H66", stroke=colour, stroke_width=3.0)
        yield label(np.array([74.0, y + 4.0]), name, fill=colour, size=13)
