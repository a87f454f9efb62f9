"""What mutations start from: random valid flights, and ways to change them a little."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from geofence.frame import Array
from geofence.terrain import Lattice, grid_terrain
from geofence.zones import Role, Zone
from missions.model import Plan
from tests.missions.prove.builder import (
    FRAME,
    HOME,
    Case,
    a_plan,
    airspace,
    band,
    block,
    circle_zone,
    place,
    polygon_zone,
)

Path = list[tuple[float, float, float]]
Family = Callable[[Generator], "Mutant"]

MARGIN_M = 15.0


@dataclass(frozen=True)
class Mutant:
    """A case that breaks `rule`, and the valid one that it was made from."""

    rule: str
    base: Case
    broken: Case


def a_path(rng: Generator, *, least: int = 4, most: int = 9) -> Path:
    """Round home, convex, so that it and its returns are one region without holes; at one height."""
    count = int(rng.integers(least, most + 1))
    angles = np.sort(rng.uniform(0.0, 0.8, count) + np.arange(count)) * (math.pi / count)
    reach = rng.uniform(400.0, 700.0)
    alt = float(np.round(rng.uniform(40.0, 90.0), 2))
    return [(reach * math.cos(a), reach * math.sin(a), alt) for a in angles.tolist()]


def valid_case(rng: Generator) -> Case:
    """A random flight that keeps off its zones: one far, one below it, one where nothing may be filmed."""
    path = a_path(rng)
    alt = path[0][2]
    zones = [
        polygon_zone("far", block(0.0, -400.0, 60.0, float(rng.uniform(0.0, 90.0))), margin_m=MARGIN_M),
        circle_zone("below", *middle(path, 1), 40.0, band=band(None, alt - 6.0)),
        polygon_zone("quiet", block(*middle(path, 2), 30.0), Role.NO_FILM, margin_m=5.0),
    ]
    return Case(a_plan(path, speed_mps=float(rng.choice((6.0, 8.0, 10.0)))), airspace(*zones))


def middle(path: Path, leg: int) -> tuple[float, float]:
    """The middle of the leg from waypoint `leg` to the next one, counted from 1."""
    (ax, ay, _), (bx, by, _) = path[leg - 1], path[leg]
    return (ax + bx) / 2, (ay + by) / 2


def with_zones(case: Case, *zones: Zone) -> Case:
    return replace(case, airspace=replace(case.airspace, zones=(*case.airspace.zones, *zones)))


def with_plan(case: Case, plan: Plan) -> Case:
    return replace(case, plan=plan)


def beside(case: Case, rng: Generator, gap_m: float, half_m: float = 20.0) -> list[tuple[float, float]]:
    """A square outside of the path whose nearest edge runs along a leg, `gap_m` from it."""
    xy = path_xy(case)
    leg = int(rng.integers(1, len(xy) - 2))
    along = xy[leg + 1] - xy[leg]
    along /= np.hypot(*along)
    out = np.array((along[1], -along[0]))
    center = (xy[leg] + xy[leg + 1]) / 2 + out * (gap_m + half_m)
    return block(float(center[0]), float(center[1]), half_m, math.degrees(math.atan2(along[1], along[0])))


def path_xy(case: Case) -> Array:
    """home and the waypoints in metres."""
    return FRAME.to_xy((HOME, *(step.place for step in case.plan.waypoints)))


def needed_m(case: Case, margin_m: float = MARGIN_M) -> float:
    return max(margin_m, 8.0 + 0.2 * case.plan.speed_mps)


def altitude_m(case: Case) -> float:
    return case.plan.waypoints[0].alt_rel_m


def path_of(case: Case) -> Path:
    """The waypoints in metres."""
    return [(float(x), float(y), altitude_m(case)) for x, y in path_xy(case)[1:]]


def edited(case: Case, number: int, **changes: object) -> Plan:
    """The plan with one item changed; hashes as they were."""
    items = list(case.plan.items)
    items[number] = replace(items[number], **changes)  # type: ignore[arg-type]
    return replace(case.plan, items=tuple(items))


def waypoint_seq(case: Case, rng: Generator) -> int:
    places = [item.seq for item in case.plan.items[1:] if item.command == 16]
    return int(rng.choice(places))


def terrain_of(base: Case, height_m: float, hill_m: float = 0.0, at: tuple[float, float] = (0.0, 500.0)) -> Case:
    """Ground of one height, posts some 100 m apart, with a hill at one place."""
    step = 0.001
    lattice = Lattice(HOME.lon_deg - 0.05, HOME.lat_deg + 0.05, step, step)
    heights = np.full((101, 101), height_m, dtype=np.float32)
    spot = place(*at)
    row = round((lattice.north_deg - spot.lat_deg) / step)
    column = round((spot.lon_deg - lattice.west_deg) / step)
    heights[row - 1 : row + 2, column - 1 : column + 2] += np.float32(hill_m)
    return replace(base, terrain=grid_terrain(heights, lattice, void=-9999.0))
