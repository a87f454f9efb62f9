"""The pieces of a request in one space: what its pattern draws, covers or circles, at heights above home."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray

from core.altitude import Datum
from core.errors import FieldError, InvalidRequest
from geofence.frame import Array, LocalFrame
from geofence.space import Space
from geofence.terrain import Terrain
from missions.model import Action, ActionKind, MissionRequest, Parameter, Pattern
from missions.patterns.camera import CAMERAS, Shooting, shooting, speed_error
from missions.patterns.coverage import QUICK, THOROUGH, coverage
from missions.patterns.draft import Piece
from missions.patterns.drawn import drawn_pieces, photographed
from missions.patterns.shaping import cannot
from missions.task import Task

Indices = NDArray[np.intp]

# How far a path over uneven ground may depart from the height asked for, and how often the ground is looked at.
FOLLOWS_WITHIN_M = 3.0
_LOOK_EVERY_M = 30.0
# Heights at which a camera is of use, above ground.
CAMERA_HEIGHTS_M = (5.0, 500.0)


def pieces_in(task: Task, space: Space) -> tuple[Piece, ...]:
    """The pattern's pieces, metres above home, to fly in their order.

    Raises InvalidRequest, with a pointer, for what the pattern cannot do, or for heights above ground that nobody
    knows.
    """
    request = task.request
    if task.pieces is not None:
        return task.pieces
    if request.alt_datum is Datum.AGL and task.conditions.terrain is None:
        raise cannot("alt_agl_m", "cannot be planned: there is no terrain data; tell alt_rel_m, above home")
    drawn = _covering(task, space) if request.pattern is Pattern.SURVEY else drawn_pieces(request, task.frame)
    if request.alt_datum is not Datum.AGL or task.conditions.terrain is None:
        return drawn
    return tuple(_above_home(piece, task.frame, task.conditions.terrain, task.dock.alt_amsl_m) for piece in drawn)


def _covering(task: Task, space: Space) -> tuple[Piece, ...]:
    """Rows over the area, clear of every zone in it; only so high as the ground below it makes them."""
    request = task.request
    area = task.frame.polygon(request.ring, request.holes)
    low_m, high_m = _heights(task, area.bounds)
    shot = _shooting(request, task)
    heading = request.parameters.get("heading_deg")
    pieces = coverage(
        area,
        space.layer(low_m, high_m),
        shot.swath_m if shot else float(request.parameters["spacing_m"]),
        alt_rel_m=request.alt_m,
        heading_deg=None if heading is None else float(heading),
        home=np.zeros(2),
        effort=QUICK if task.conditions.quick else THOROUGH,
    )
    if shot and "trigger_m" not in request.parameters:
        triggered: dict[str, Parameter] = request.parameters | {"trigger_m": round(shot.trigger_distance_m, 2)}
        request = replace(request, parameters=triggered)
    return photographed(pieces, request)


def _heights(task: Task, bounds: tuple[float, float, float, float]) -> tuple[float, float]:
    """The lowest and greatest height above home of the request's altitude over a box in metres."""
    request, terrain = task.request, task.conditions.terrain
    if request.alt_datum is not Datum.AGL or terrain is None:
        return request.alt_m, request.alt_m
    west, south, east, north = bounds
    lonlat = task.frame.unproject(np.array([(west, south), (west, north), (east, south), (east, north)]))
    found = terrain.range_amsl_m(*lonlat.min(axis=0).tolist(), *lonlat.max(axis=0).tolist())
    if found is None:
        raise cannot("alt_agl_m", "cannot be planned: a part of the area has no terrain data")
    low_m, high_m = (ground_m - task.dock.alt_amsl_m + request.alt_m for ground_m in found)
    return low_m - FOLLOWS_WITHIN_M, high_m + FOLLOWS_WITHIN_M


def _shooting(request: MissionRequest, task: Task) -> Shooting | None:
    """How the request's camera has to be flown; None without a camera. Raises InvalidRequest."""
    name = request.parameters.get("camera")
    if name is None:
        return None
    camera = CAMERAS[str(name)]
    pad_m = 0.0 if request.alt_datum is Datum.AGL else task.dock.height_agl_m
    found = shooting(
        camera,
        alt_agl_m=request.alt_m + pad_m,
        side_overlap=float(request.parameters["side_overlap"]),
        front_overlap=float(request.parameters["front_overlap"]),
        lowest_agl_m=CAMERA_HEIGHTS_M[0],
        highest_agl_m=CAMERA_HEIGHTS_M[1],
    )
    error: FieldError | None = speed_error(camera, found, request.speed_mps, "/properties/speed_mps")
    if error:
        raise InvalidRequest((error,))
    return found


def _above_home(piece: Piece, frame: LocalFrame, terrain: Terrain, home_amsl_m: float) -> Piece:
    """A piece given above ground, followed over its ground by vertices of its own. Raises InvalidRequest."""
    xyz, number_of = _looked_at(piece.xyz)
    ground_m = terrain.heights_amsl_m(frame.unproject(xyz[:, :2]))
    if np.isnan(ground_m).any():
        raise cannot("alt_agl_m", "cannot be planned: a part of the path has no terrain data")
    xyz = np.column_stack((xyz[:, :2], xyz[:, 2] + ground_m - home_amsl_m))
    kept = np.array(sorted({*_needed(xyz), *number_of.tolist()}))
    place = np.searchsorted(kept, number_of)

    def lifted(action: Action) -> Action:
        if action.place is None:
            return action
        at = np.array([[action.place.lon_deg, action.place.lat_deg]])
        ground_m = float(terrain.heights_amsl_m(at)[0])
        if np.isnan(ground_m):
            raise cannot("alt_agl_m", "cannot be planned: what is looked at has no terrain data under it")
        return replace(action, alt_rel_m=action.alt_rel_m + ground_m - home_amsl_m)

    told = {index: tuple(lifted(action) for action in acts) for index, acts in piece.actions}
    return replace(
        piece,
        xyz=xyz[kept],
        actions=tuple(_repeated(told, place)),
        holds=tuple((int(place[index]), hold_s) for index, hold_s in piece.holds),
    )


def _repeated(told: dict[int, tuple[Action, ...]], place: Indices) -> Iterator[tuple[int, tuple[Action, ...]]]:
    """The actions at their vertices' new numbers; a heading holds up to the next vertex, so each says it again."""
    for index, first in enumerate(place.tolist()):
        acts = told.get(index, ())
        if acts:
            yield first, acts
        headings = tuple(action for action in acts if action.kind is ActionKind.HEADING)
        following = int(place[index + 1]) if index + 1 < len(place) else first + 1
        if headings:
            yield from ((number, headings) for number in range(first + 1, following))


def _looked_at(xyz: Array) -> tuple[Array, Indices]:
    """The piece with vertices every `_LOOK_EVERY_M`, and the numbers of the former ones among them."""
    legs = np.diff(xyz, axis=0)
    counts = np.maximum(1, np.ceil(np.hypot(legs[:, 0], legs[:, 1]) / _LOOK_EVERY_M)).astype(int)
    number_of = np.concatenate(([0], np.cumsum(counts)))
    along = [xyz[leg] + np.arange(count)[:, None] / count * legs[leg] for leg, count in enumerate(counts.tolist())]
    return np.concatenate((*along, xyz[-1:])), number_of


def _needed(xyz: Array) -> Iterator[int]:
    """The vertices that keep the height within `FOLLOWS_WITHIN_M` when all others are left out."""
    along_m = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(xyz[:, :2], axis=0).T))))
    if len(xyz) < 3:
        yield from range(len(xyz))
        return
    # Numbers ride along as a third coordinate; simplify looks at the first two.
    line = shapely.LineString(np.column_stack((along_m, xyz[:, 2], np.arange(len(xyz)))))
    for _, _, number in shapely.get_coordinates(
        line.simplify(FOLLOWS_WITHIN_M, preserve_topology=False), include_z=True
    ):
        yield round(number)
