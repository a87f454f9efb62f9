"""An area for several vehicles: covered once, the path shared, each share a route with the camera on.

Why routes: a survey's rows depend on its dock, on the way home and on the airspace at the time that it is planned, so
that shares planned apart from each other would not fit together. A route is flown as it was drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import shapely

from core.errors import FieldError, InvalidRequest
from geofence.frame import Array
from geofence.search import SearchTooLarge
from missions.drafting import CAMERA_HEIGHTS_M
from missions.fleets.air import Air, FleetTask, lowest_agl_m
from missions.fleets.partition import MOST_SHARES, Share, TooFar, share
from missions.fleets.request import AreaRequest
from missions.fleets.tours import FleetPreview, Tour, Uncovered, departing, marked
from missions.model import MissionRequest, Parameter, Pattern
from missions.patterns.camera import CAMERAS, Shooting, shooting, speed_error
from missions.patterns.coverage import QUICK, THOROUGH, coverage
from missions.patterns.draft import Piece

# Rows that an area may have across its longer side: laying more takes longer than anybody waits for.
MOST_ROWS = 250
# Who wants an answer sooner gets rows laid in one way only.
_THOROUGH_S = 1.0
# A leg that no vehicle can fly alone is cut in two, down to this length.
_SHORT_LEG_M = 100.0
_MOST_CUTS = 20
# Parameters of the survey that hold for the routes, too.
_TAKEN_OVER = ("gimbal_deg", "trigger_m", "video")


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The path that sees all of an area, whoever flies it, and how its camera is to be flown."""

    pieces: tuple[Piece, ...]
    shot: Shooting | None


def laid_out(asked: AreaRequest, air: Air) -> Layout:
    """Raises InvalidRequest for what no camera and no fleet can do."""
    shot = _shooting(asked)
    return Layout(_pieces(asked, air, shot.swath_m if shot else float(asked.parameters["spacing_m"])), shot)


def covered(task: FleetTask, asked: AreaRequest, air: Air, layout: Layout) -> FleetPreview:
    """Tours that fly the layout together."""
    shares, uncovered = _shared(asked, air, layout.pieces)
    tours = tuple(departing(_tour(asked, air, each, layout.shot), task) for each in _timed(asked, shares))
    return FleetPreview(
        tours=tours,
        unvisited=(),
        total_m=sum(tour.length_m for tour in tours),
        period_s=max((tour.begins_s + tour.flight_s for tour in tours), default=0.0),
        exact=True,
        airspace_version=task.airspace.version,
        uncovered=tuple(uncovered),
    )


def _shooting(asked: AreaRequest) -> Shooting | None:
    name = asked.parameters.get("camera")
    if name is None:
        return None
    low_m, high_m = CAMERA_HEIGHTS_M
    found = shooting(
        CAMERAS[str(name)],
        alt_agl_m=lowest_agl_m(asked),
        side_overlap=float(asked.parameters["side_overlap"]),
        front_overlap=float(asked.parameters["front_overlap"]),
        lowest_agl_m=low_m,
        highest_agl_m=high_m,
        pointer="",
    )
    error = speed_error(CAMERAS[str(name)], found, asked.speed_mps, "/speed_mps")
    if error:
        raise InvalidRequest((error,))
    return found


def _pieces(asked: AreaRequest, air: Air, swath_m: float) -> tuple[Piece, ...]:
    area = air.frame.polygon(asked.ring, asked.holes)
    west, south, east, north = area.bounds
    rows = max(east - west, north - south) / swath_m
    least_s = area.area / swath_m / asked.speed_mps
    most_s = MOST_SHARES * max(craft.limit_s for craft in air.crafts)
    if rows > MOST_ROWS:
        raise _too_large(f"has {rows:.0f} rows of {swath_m:g} m; at most {MOST_ROWS} can be laid")
    if least_s > most_s > 0.0:
        raise _too_large(f"takes {least_s / 3600:.1f} h of flight; {MOST_SHARES} flights last {most_s / 3600:.1f} h")
    heading = asked.parameters.get("heading_deg")
    homes = {craft.home for craft in air.crafts}
    return coverage(
        area,
        air.free,
        swath_m,
        alt_rel_m=asked.alt_m,
        heading_deg=None if heading is None else float(heading),
        home=np.array(homes.pop()) if len(homes) == 1 else None,
        effort=QUICK if asked.seconds < _THOROUGH_S else THOROUGH,
    )


def _too_large(detail: str) -> InvalidRequest:
    return InvalidRequest((FieldError("/area", detail),))


def _shared(asked: AreaRequest, air: Air, pieces: Sequence[Piece]) -> tuple[list[Share], list[Uncovered]]:
    """Shares for as many rounds as were asked for, and the stretches that are left."""
    if not pieces:
        return [], [_nothing(asked, air)]
    kept, far, why = list(pieces), list[Piece](), ""
    for _ in range(_MOST_CUTS):
        if not kept:
            break
        try:
            shares = share(kept, air.crafts, air.free)
        except TooFar as too_far:
            kept, dropped = _nearer(kept, too_far)
            far += dropped
            why = (
                f"it is too far away: {too_far.needed_s:.0f} s alone, the limit is {max(0.0, too_far.limit_s):.0f} s"
            )
        except (ValueError, SearchTooLarge):
            return [], [_uncovered(air, [*kept, *far], f"it takes more than {MOST_SHARES} flights")]
        else:
            worked = [each for each in shares if any(piece.working for piece in each.pieces)]
            over = [piece for each in worked if each.round >= asked.rounds for piece in each.pieces]
            late = f"{asked.rounds} flights of each vehicle leave no time for it"
            left = [_uncovered(air, some, reason) for some, reason in ((far, why), (over, late)) if some]
            return [each for each in worked if each.round < asked.rounds], left
    return [], [_uncovered(air, [*kept, *far], why)]


def _nearer(pieces: Sequence[Piece], too_far: TooFar) -> tuple[list[Piece], list[Piece]]:
    """The pieces with the legs that are too far cut in two; short ones are left out and come second."""
    kept, dropped = list(pieces), list[Piece]()
    for at, leg in sorted(too_far.legs, reverse=True):
        piece = kept[at]
        ends = piece.xyz[leg : leg + 2]
        if len(ends) == 2 and float(np.hypot(*(ends[1] - ends[0])[:2])) > _SHORT_LEG_M:
            kept[at] = replace(piece, xyz=np.insert(piece.xyz, leg + 1, ends.mean(axis=0), axis=0))
            continue
        dropped.append(replace(piece, xyz=ends))
        parts = (piece.xyz[: leg + 1], piece.xyz[leg + 1 :])
        kept[at : at + 1] = [replace(piece, xyz=xyz) for xyz in parts if len(xyz) > 1]
    return kept, dropped


def _nothing(asked: AreaRequest, air: Air) -> Uncovered:
    area = air.frame.polygon(asked.ring, asked.holes)
    return Uncovered(0.0, "flying is allowed nowhere in it, by the margin", air.frame.geojson(area))


def _uncovered(air: Air, pieces: Sequence[Piece], reason: str) -> Uncovered:
    worked = [piece.xyz[:, :2] for piece in pieces if piece.working]
    lines = shapely.MultiLineString([xy if len(xy) > 1 else np.repeat(xy, 2, axis=0) for xy in worked])
    return Uncovered(float(lines.length), reason, air.frame.geojson(lines))


@dataclass(frozen=True, slots=True, eq=False)
class _Flight:
    """A share with when it begins and its number among those of its craft."""

    share: Share
    begins_s: float
    number: int


def _timed(asked: AreaRequest, shares: Sequence[Share]) -> list[_Flight]:
    """One flight of a vehicle after the other, with a change of battery in between."""
    free_s, flown = dict.fromkeys(range(len(asked.vehicles)), 0.0), dict.fromkeys(range(len(asked.vehicles)), 0)
    found = []
    for each in sorted(shares, key=lambda one: (one.round, one.craft)):
        flown[each.craft] += 1
        found.append(_Flight(each, free_s[each.craft], flown[each.craft]))
        free_s[each.craft] += each.flight_s + asked.swap_s
    return sorted(found, key=lambda one: (one.share.craft, one.number))


def _tour(asked: AreaRequest, air: Air, flight: _Flight, shot: Shooting | None) -> Tour:
    vehicle = asked.vehicles[flight.share.craft]
    line = _line(flight.share.pieces, air)
    parameters: dict[str, Parameter] = {
        name: asked.parameters[name] for name in _TAKEN_OVER if name in asked.parameters
    }
    if shot and "trigger_m" not in parameters:
        parameters["trigger_m"] = round(shot.trigger_distance_m, 2)
    request = MissionRequest(
        name=marked(asked.name, f"{vehicle.id} · {flight.number}"),
        dock_id=vehicle.dock.id,
        pattern=Pattern.ROUTE,
        alt_m=asked.alt_m,
        alt_datum=asked.alt_datum,
        speed_mps=asked.speed_mps,
        line=tuple(air.frame.to_places(line)),
        parameters=parameters,
    )
    home = np.array(air.crafts[flight.share.craft].home)
    ways = (_way(home, line[0], air), line, _way(line[-1], home, air))
    length_m = sum(float(np.hypot(*np.diff(way, axis=0).T).sum()) for way in ways)
    return Tour(vehicle.id, flight.number, flight.begins_s, flight.share.flight_s, length_m, (), request)


def _line(pieces: Sequence[Piece], air: Air) -> Array:
    """The pieces from the first that works to the last, and the ways between them, (N ≥ 2, 2) metres."""
    working = [index for index, piece in enumerate(pieces) if piece.working]
    flown = [piece.xyz[:, :2] for piece in pieces[working[0] : working[-1] + 1]]
    parts = [flown[0]]
    for before, after in pairwise(flown):
        parts += [_way(before[-1], after[0], air)[1:-1], after]
    line = np.concatenate(parts)
    line = line[np.append(True, np.hypot(*np.diff(line, axis=0).T) > 0.05)]
    return line if len(line) > 1 else np.vstack((line, line + np.array([0.1, 0.0])))


def _way(start: Array, end: Array, air: Air) -> Array:
    """A free way; straight where none is found, for the mission's plan to say what is in between."""
    try:
        way = air.free.way(start, end)
    except SearchTooLarge:
        way = None
    return np.stack((start, end)) if way is None else way
