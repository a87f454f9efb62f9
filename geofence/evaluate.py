"""What speaks against a flight: its legs, its ways home, its columns and its heights against an airspace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from core.errors import Conflict
from geofence.frame import Array, LocalFrame
from geofence.profile import agl_profile
from geofence.scene import VERTICAL_MARGIN_M, WP_RADIUS_M, Flight, Geometries, Parts, Scene
from geofence.space import Placed, Space
from geofence.terrain import Terrain
from geofence.zones import Combination, Zone

Indices = NDArray[np.intp]

# Coordinates are stored to 1e-7 degree: a vertex moves by up to 8 mm.
TOUCH_M = 0.015
# The lowest height above home that is flown at.
LOWEST_REL_M = 1.0
_LEG, _TURN, _RETURN, _CLIMB, _COLUMN = "leg", "turn", "return", "climb", "column"
# How much less than a margin a cut corner keeps: the budget of a margin holds that already (WPNAV_RADIUS).
_LESS_M = {_TURN: WP_RADIUS_M}


@dataclass(frozen=True, slots=True)
class _Rule:
    """One thing to keep: at least `margin_m` from it; `bad_part` of a geometry that does not."""

    zone: Zone | None
    margin_m: float
    inclusion: bool
    bad_part: Callable[[BaseGeometry], BaseGeometry]


@dataclass(frozen=True, slots=True)
class _Near:
    """The parts of one kind that break a rule: their numbers and their distances, both (K,)."""

    kind: str
    parts: Parts
    numbers: NDArray[np.intp]
    gap_m: Array


def evaluate(scene: Scene, space: Space, terrain: Terrain | None) -> tuple[Conflict, ...]:
    """Every conflict: of each rule at most one on the legs and one on the ways home; () when the flight is clear.

    A leg is an index pair into `flight.places`. Distances are measured to the zones as drawn, not to widened ones
    (planning guide, finding 1). `terrain` None: flat ground, as far below home as the flight says.
    """
    return (
        *_altitude_conflicts(scene, space, terrain),
        *_inclusion_conflicts(scene, space),
        *_exclusion_conflicts(scene, space),
    )


def _kinds(scene: Scene) -> Iterator[tuple[str, Parts]]:
    yield from ((_LEG, scene.legs), (_TURN, scene.turns), (_RETURN, scene.returns))
    yield from ((_CLIMB, scene.climbs), (_COLUMN, scene.columns))


def _inclusion_conflicts(scene: Scene, space: Space) -> Iterator[Conflict]:
    for rule, area in _inclusion_rules(scene, space):
        shapely.prepare(area)
        edge = area.boundary
        near = []
        for kind, parts in ((_LEG, scene.legs), (_TURN, scene.turns), (_RETURN, scene.returns)):
            reach = np.asarray(shapely.distance(edge, parts.shapes))
            gap_m = np.where(shapely.covers(area, parts.shapes), reach, -1.0)
            numbers = np.flatnonzero(gap_m < rule.margin_m - _LESS_M.get(kind, 0.0) + TOUCH_M)
            near.append(_Near(kind, parts, numbers, gap_m[numbers]))
        yield from _told(rule, scene, near)


def _inclusion_rules(scene: Scene, space: Space) -> Iterator[tuple[_Rule, BaseGeometry]]:
    floor_m = scene.flight.margin_m
    if space.airspace.combination is Combination.INTERSECTION and space.inclusions and space.permitted:
        for one in space.inclusions:
            margin_m = max(one.zone.margin_m, floor_m)
            yield _inclusion_rule(one.zone, one.shape, margin_m), one.shape
        return
    margin_m = max((one.zone.margin_m for one in space.inclusions), default=0.0)
    only = space.inclusions[0].zone if len(space.inclusions) == 1 else None
    allowed = space.allowed()
    yield _inclusion_rule(only, allowed, max(margin_m, floor_m)), allowed


def _inclusion_rule(zone: Zone | None, area: BaseGeometry, margin_m: float) -> _Rule:
    return _Rule(zone, margin_m, inclusion=True, bad_part=lambda part: part - area.buffer(-margin_m))


def _exclusion_conflicts(scene: Scene, space: Space) -> Iterator[Conflict]:
    found: dict[int, list[_Near]] = {}
    for kind, parts in _kinds(scene):
        for number, near in _too_near(kind, parts, space, scene.flight.margin_m):
            found.setdefault(number, []).append(near)
    for number, nears in sorted(found.items()):
        yield from _told(_exclusion_rule(space.exclusions[number], scene.flight), scene, nears)


def _too_near(kind: str, parts: Parts, space: Space, floor_m: float) -> Iterator[tuple[int, _Near]]:
    """Zone by zone, the parts that come too near to it at heights where it counts."""
    margins = np.maximum(space.margins_m, floor_m) - _LESS_M.get(kind, 0.0)
    part, zone, meets = _pairs(parts, space, floor_m + TOUCH_M)
    part, zone = part[meets], zone[meets]
    gap_m = np.asarray(shapely.distance(parts.shapes[part], space.shapes[zone]))
    bad = gap_m < margins[zone] + TOUCH_M
    for number in np.unique(zone[bad]).tolist():
        here = bad & (zone == number)
        yield number, _Near(kind, parts, part[here], gap_m[here])


def passed_by(scene: Scene, space: Space) -> NDArray[np.intp]:
    """The exclusions over or under which the flight passes nearer than their margin, by number.

    A turn lies too near to its legs to pass over anything that they do not.
    """
    found = []
    for parts in (scene.legs, scene.returns, scene.climbs):
        part, zone, meets = _pairs(parts, space, scene.flight.margin_m)
        gap_m = np.asarray(shapely.distance(parts.shapes[part], space.shapes[zone]))
        near = gap_m < np.maximum(space.margins_m, scene.flight.margin_m)[zone]
        found.append(zone[near & ~meets])
    return np.unique(np.concatenate(found))


def _pairs(parts: Parts, space: Space, more_m: float = 0.0) -> tuple[Indices, Indices, NDArray[np.bool_]]:
    """Parts and zones within reach of each other, (K,) each, and whether they share a height."""
    reach_m = float(space.margins_m.max(initial=0.0)) + more_m
    part, zone = space.tree.query(parts.shapes, predicate="dwithin", distance=reach_m)
    meets = (space.low_rel_m[zone] <= parts.high_m[part]) & (space.high_rel_m[zone] >= parts.low_m[part])
    return part, zone, meets


def _exclusion_rule(one: Placed, flight: Flight) -> _Rule:
    margin_m = max(one.zone.margin_m, flight.margin_m)
    return _Rule(
        one.zone, margin_m, inclusion=False, bad_part=lambda part: part & one.shape.buffer(margin_m + TOUCH_M)
    )


def _told(rule: _Rule, scene: Scene, nears: list[_Near]) -> Iterator[Conflict]:
    """One conflict of legs and turns, one of the ways home from legs that are clear themselves, one of columns."""
    legs = [near for near in nears if near.kind in (_LEG, _TURN) and len(near.numbers)]
    bad_legs = {leg for near in legs for leg in near.parts.leg_of[near.numbers].tolist()}
    if legs:
        yield _conflict(rule, scene, legs[0])
    ways = [_without(near, bad_legs) for near in nears if near.kind in (_RETURN, _CLIMB)]
    ways = [near for near in ways if len(near.numbers)]
    if ways:
        yield _conflict(rule, scene, min(ways, key=lambda near: float(near.gap_m.min())))
    if not legs:
        yield from (_conflict(rule, scene, near) for near in nears if near.kind == _COLUMN)


def _without(near: _Near, legs: set[int]) -> _Near:
    kept = ~np.isin(near.parts.leg_of[near.numbers], list(legs))
    return _Near(near.kind, near.parts, near.numbers[kept], near.gap_m[kept])


def _conflict(rule: _Rule, scene: Scene, near: _Near) -> Conflict:
    worst = int(np.argmin(near.gap_m))
    leg = int(near.parts.leg_of[near.numbers[worst]])
    others = len(set(near.parts.leg_of[near.numbers].tolist())) - 1
    shapes: Geometries = near.parts.shapes[near.numbers]
    offending = shapely.union_all([rule.bad_part(shape) for shape in shapes])
    if offending.is_empty:  # closer than TOUCH_M to being fine
        offending = shapes[worst]
    where = _where(near.kind, scene.flight, leg, others)
    return Conflict(
        code=_code(rule, near.kind),
        detail=f"{where} {_how(rule, float(near.gap_m[worst]))}",
        pointer="/properties/dock_id" if near.kind == _COLUMN else "/geometry",
        zone_id=rule.zone.id if rule.zone else None,
        zone_name=rule.zone.name if rule.zone else None,
        leg=(leg, leg + 1),
        geometry=scene.frame.geojson(offending),
    )


def _code(rule: _Rule, kind: str) -> str:
    start = "leg" if kind in (_LEG, _TURN, _COLUMN) else "return"
    return f"{start}-leaves-inclusion" if rule.inclusion else f"{start}-crosses-exclusion"


def _where(kind: str, flight: Flight, leg: int, others: int) -> str:
    if kind == _COLUMN:
        return "Take-off and landing at home"
    last = len(flight.places) - 1
    start, end = ("home" if index in (0, last) else str(index) for index in (leg, leg + 1))
    more = f" (and {others} more)" if others else ""
    if kind == _LEG:
        return f"The leg {start} → {end}{more}"
    if kind == _TURN:
        return f"The turn at {end}{more}"
    if kind == _CLIMB and flight.direct:
        return f"The climb to the return height from between {start} and {end}{more}"
    if kind == _CLIMB:
        return f"A landing on the spot between {start} and {end}{more}"
    way = "straight return home" if flight.direct else "way back along the path"
    return f"The {way} from between {start} and {end}{more}"


def _how(rule: _Rule, gap_m: float) -> str:
    name = rule.zone.label if rule.zone else "the combined inclusion zones"
    if gap_m < 0:
        return f"leaves {name}; it must stay {rule.margin_m:g} m inside."
    if not rule.inclusion and gap_m == 0:
        return f"runs through {name}; it must stay {rule.margin_m:g} m away."
    edge = "the edge of " if rule.inclusion else ""
    return f"comes within {gap_m:.1f} m of {edge}{name}; the margin is {rule.margin_m:g} m."


def _altitude_conflicts(scene: Scene, space: Space, terrain: Terrain | None) -> Iterator[Conflict]:
    flight, ceiling_m = scene.flight, space.airspace.ceiling_agl_m
    yield from _below_home(flight)
    if terrain is None:
        yield from _above(flight, ceiling_m - flight.pad_agl_m, None, f"{ceiling_m:g} m AGL")
    else:
        yield from _true_height_conflicts(flight, scene.frame, terrain, ceiling_m)
    for one in space.inclusions:
        band = one.zone.band
        if band.ceiling is not None:
            yield from _above(flight, one.high_rel_m, one.zone, f"{band.ceiling} of {one.zone.label}")
        if band.floor is not None:
            yield from _below(flight, one.low_rel_m, one.zone)


def _true_height_conflicts(
    flight: Flight, frame: LocalFrame, terrain: Terrain, ceiling_m: float
) -> Iterator[Conflict]:
    """The ceiling counts from the ground under the aircraft (真高): the worst leg that passes it, or has no data."""
    path = np.column_stack((frame.to_xy(flight.places), np.maximum(flight.alts_rel_m, _returns_at(flight))))
    heights = agl_profile(path, flight.pad_amsl_m, terrain, frame)
    unknown = next((leg for leg, height in enumerate(heights) if height is None), None)
    if unknown is not None:
        start, end = _ends(flight, unknown)
        detail = f"There is no terrain data under the leg {start} → {end}; its height above ground is not known."
        yield _altitude_conflict("terrain-unknown", detail, None, (unknown, unknown + 1))
        return
    highest = [height.highest_agl_m for height in heights if height is not None]
    worst = int(np.argmax(highest))
    over_m = highest[worst] + VERTICAL_MARGIN_M - ceiling_m
    if over_m > 0:
        at_m = max(flight.alts_rel_m)
        yield _too_high(
            flight, at_m, highest[worst] + VERTICAL_MARGIN_M, f"{ceiling_m:g} m AGL", most_rel_m=at_m - over_m
        )


def _returns_at(flight: Flight) -> float:
    return flight.return_alt_rel_m if flight.direct else 0.0


def _ends(flight: Flight, leg: int) -> tuple[str, str]:
    last = len(flight.places) - 1
    start, end = ("home" if index in (0, last) else str(index) for index in (leg, leg + 1))
    return start, end


def _above(flight: Flight, limit_rel_m: float, zone: Zone | None, limit: str) -> Iterator[Conflict]:
    """The ceiling is kept by a vertical margin; on a roof the pad's height counts (真高, domain guide 7.1)."""
    if flight.top_rel_m > limit_rel_m:
        needs_agl_m = flight.top_rel_m + flight.pad_agl_m
        at_m = flight.highest_rel_m
        yield _too_high(flight, at_m, needs_agl_m, limit, most_rel_m=limit_rel_m - VERTICAL_MARGIN_M, zone=zone)


def _too_high(
    flight: Flight, at_m: float, needs_agl_m: float, limit: str, *, most_rel_m: float, zone: Zone | None = None
) -> Conflict:
    pad = f" from a pad {flight.pad_agl_m:g} m above ground" if flight.pad_agl_m else ""
    detail = (
        f"{at_m:g} m above home{pad} needs {needs_agl_m:g} m above ground with "
        f"{VERTICAL_MARGIN_M:g} m of margin; the limit is {limit}, so at most {most_rel_m:g} m above home."
    )
    return _altitude_conflict("altitude-above-limit", detail, zone)


def _below_home(flight: Flight) -> Iterator[Conflict]:
    """An autopilot takes no height below home, and 0 as the height that it has."""
    lowest_m = min(flight.alts_rel_m)
    if lowest_m < LOWEST_REL_M:
        detail = f"The lowest height is {lowest_m:g} m above home; an autopilot flies from {LOWEST_REL_M:g} m on."
        yield _altitude_conflict("altitude-below-minimum", detail, None)


def _below(flight: Flight, limit_rel_m: float, zone: Zone) -> Iterator[Conflict]:
    lowest_m = min(flight.alts_rel_m)
    if lowest_m < limit_rel_m:
        detail = f"{lowest_m:g} m above home is below the floor of {zone.label}: {limit_rel_m:g} m above home."
        yield _altitude_conflict("altitude-below-minimum", detail, zone)


def _altitude_conflict(code: str, detail: str, zone: Zone | None, leg: tuple[int, int] | None = None) -> Conflict:
    return Conflict(
        code=code,
        detail=detail,
        pointer="/properties/alt_rel_m",
        zone_id=zone.id if zone else None,
        zone_name=zone.name if zone else None,
        leg=leg,
    )
