"""From a request to the pieces of its pattern: all but coverage, which must know where a vehicle may fly."""

from __future__ import annotations

from typing import cast

import numpy as np

from geofence.frame import Array, LocalFrame
from missions.model import MissionRequest, Pattern
from missions.patterns.corridor import corridor
from missions.patterns.draft import Piece
from missions.patterns.facade import Passes, facade, pass_spacing_m
from missions.patterns.orbit import orbit
from missions.patterns.perimeter import perimeter
from missions.patterns.route import route
from missions.patterns.search import expanding_square, legs_for, sector
from missions.patterns.shaping import cannot, check_count, vertices, with_camera
from missions.patterns.tour import shortest_tour
from missions.patterns.watch import Tour, watch


def drawn_pieces(request: MissionRequest, frame: LocalFrame) -> tuple[Piece, ...]:
    """The pieces of every pattern but survey, to fly in their order, home being the frame's centre.

    All heights, those looked at included, count from the datum of the request's altitude. Raises InvalidRequest, with
    a pointer to the parameter to change, for what the pattern cannot do.
    """
    match request.pattern:
        case Pattern.WATCH:
            return _watch(request, frame)
        case Pattern.FACADE:
            return _facade(request, frame)
        case _:
            return photographed(_flown(request, frame), request)


def photographed(pieces: tuple[Piece, ...], request: MissionRequest) -> tuple[Piece, ...]:
    """The pieces with gimbal, pictures and video as the request's parameters ask."""
    return with_camera(
        pieces,
        gimbal_deg=_number(request, "gimbal_deg"),
        trigger_m=_number(request, "trigger_m"),
        video=bool(request.parameters.get("video", False)),
    )


def _flown(request: MissionRequest, frame: LocalFrame) -> tuple[Piece, ...]:
    asked, alt_m = request.parameters, request.alt_m
    match request.pattern:
        case Pattern.ROUTE:
            return route(frame.to_xy(request.line), alt_m)
        case Pattern.CORRIDOR:
            return corridor(
                frame.to_xy(request.line),
                alt_m,
                width_m=float(asked["width_m"]),
                spacing_m=float(asked["spacing_m"]),
                banks=bool(asked["banks"]),
            )
        case Pattern.PERIMETER:
            return perimeter(
                frame.to_xy(request.ring),
                [frame.to_xy(hole) for hole in request.holes],
                alt_m,
                offset_m=float(asked["offset_m"]),
                laps=int(asked["laps"]),
                clockwise=asked["direction"] == "clockwise",
                around_holes=bool(asked["holes"]),
            )
        case Pattern.ORBIT:
            return _orbits(request, frame)
        case Pattern.EXPANDING_SQUARE:
            spacing_m = float(asked["spacing_m"])
            legs = int(asked["legs"]) if "legs" in asked else legs_for(float(asked["radius_m"]), spacing_m)
            return expanding_square(
                _only(request, frame),
                alt_m,
                spacing_m=spacing_m,
                legs=legs,
                heading_deg=float(asked["heading_deg"]),
                turn_right=asked["turns"] == "right",
            )
        case Pattern.SECTOR:
            return sector(
                _only(request, frame),
                alt_m,
                radius_m=float(asked["radius_m"]),
                heading_deg=float(asked["heading_deg"]),
                repeats=int(asked["repeats"]),
                turn_right=asked["turns"] == "right",
            )
        case _:
            raise AssertionError(request.pattern)


def _orbits(request: MissionRequest, frame: LocalFrame) -> tuple[Piece, ...]:
    """One after the other, in the order of the shortest tour over their centres."""
    asked = request.parameters
    turn_deg = float(asked["arc_deg"]) if "arc_deg" in asked else 360.0 * float(asked["laps"])
    centers = frame.to_xy(request.points)
    found: list[Piece] = []
    home = np.zeros(2)
    for index in shortest_tour(centers, home).tolist():
        found += orbit(
            centers[index],
            request.points[index],
            request.alt_m,
            radius_m=float(asked["radius_m"]),
            turn_deg=turn_deg,
            clockwise=asked["direction"] == "clockwise",
            from_deg=_number(request, "from_deg"),
            look_alt_rel_m=float(asked["look_height_m"]),
            home=home,
        )
        check_count(vertices(found), "laps")
        home = found[-1].xyz[-1, :2]
    return tuple(found)


def _facade(request: MissionRequest, frame: LocalFrame) -> tuple[Piece, ...]:
    asked = request.parameters
    if request.holes:
        raise cannot(
            "", "a structure has one wall around it: a facade is flown from outside, so draw it without holes"
        )
    passes = cast(Passes, asked["passes"])
    trigger_m = _number(request, "trigger_m")
    if passes == "vertical" and trigger_m is not None:
        raise cannot(
            "trigger_m", "counts metres over ground, of which a vertical pass has none: record a video instead"
        )
    spacing_m = pass_spacing_m(float(asked["standoff_m"]), float(asked["view_deg"]), float(asked["overlap"]))
    pieces = facade(
        frame.to_xy(request.ring),
        height_from_m=float(asked["height_from_m"]),
        height_to_m=float(asked["height_to_m"]),
        standoff_m=float(asked["standoff_m"]),
        spacing_m=spacing_m,
        passes=passes,
        clockwise=asked["direction"] == "clockwise",
    )
    return photographed(pieces, request)


def _watch(request: MissionRequest, frame: LocalFrame) -> tuple[Piece, ...]:
    asked = request.parameters
    return watch(
        frame.to_xy(request.points),
        request.alt_m,
        hold_s=float(asked["hold_s"]),
        look_deg=_number(request, "look_deg"),
        gimbal_deg=_number(request, "gimbal_deg"),
        photo=bool(asked["photo"]),
        rounds=int(asked["rounds"]),
        tour=cast(Tour, asked["tour"]),
    )


def _only(request: MissionRequest, frame: LocalFrame) -> Array:
    """The one point, (2,) metres."""
    point: Array = frame.to_xy(request.points[:1])[0]
    return point


def _number(request: MissionRequest, name: str) -> float | None:
    return float(request.parameters[name]) if name in request.parameters else None
