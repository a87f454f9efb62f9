"""What speaks against a flight: its legs, its ways home, its columns and its heights against an airspace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from core.errors import Conflict
from geofence.frame import Array, LocalFrame
from geofence.profile import agl_profile
from geofence.scene import VERTICAL_MARGIN_M, WP_RADIUS_M, Flight, Geometries, Parts, Scene
from geofence.space import Space
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


@dataclass(frozen=True, slots=True, eq=False)
class _Rule:
    """One thing to keep: at least `margin_m` from `area`, or inside it where it is an inclusion."""

    zone: Zone | None
    margin_m: float
    inclusion: bool
    area: BaseGeometry


@dataclass(frozen=True, slots=True, eq=False)
class _Near:
    """The parts of one kind that break a rule: their numbers and their distances, both (K,)."""

    kind: str
    parts: Parts
    numbers: Indices
    gap_m: Array


@dataclass(frozen=True, slots=True, eq=False)
class Offence:
    """Parts of one kind that break one rule, not yet told: telling takes longer than finding."""

    rule: _Rule
    near: _Near

    @property
    def code(self) -> str:
        """That of the conflict that it is told as."""
        start = "leg" if self.near.kind in (_LEG, _TURN, _COLUMN) else "return"
        return f"{start}-leaves-inclusion" if self.rule.inclusion else f"{start}-crosses-exclusion"

    @property
    def worst(self) -> BaseGeometry:
        """The part that comes nearest, or leaves."""
        shape: BaseGeometry = self.near.parts.shapes[self.near.numbers[np.argmin(self.near.gap_m)]]
        return shape

    @property
    def leg(self) -> int:
        """That of the worst part."""
        return int(self.near.parts.leg_of[self.near.numbers[np.argmin(self.near.gap_m)]])


class Surroundings:
    """The exclusions about a flight: which of its parts are how near to which of them, each measured once."""

    def __init__(self, scene: Scene, space: Space) -> None:
        self.scene = scene
        self.space = space
        self.margins_m = np.maximum(space.margins_m, scene.flight.margin_m)
        self._reach_m = float(self.margins_m.max(initial=0.0)) + TOUCH_M
        # A way back along the path has the path's own shapes.
        self._known: dict[int, tuple[Indices, Indices, Array]] = {}

    def near(self, parts: Parts) -> tuple[Indices, Indices, Array, NDArray[np.bool_]]:
        """Parts and zones within reach of each other, their distances, and whether they share a height: (K,) each."""
        part, zone, gap_m = self._measured(parts.shapes)
        low_m, high_m = self.space.low_rel_m, self.space.high_rel_m
        return part, zone, gap_m, (low_m[zone] <= parts.high_m[part]) & (high_m[zone] >= parts.low_m[part])

    def _measured(self, shapes: Geometries) -> tuple[Indices, Indices, Array]:
        if id(shapes) not in self._known:
            part, zone = self.space.tree.query(shapes, predicate="dwithin", distance=self._reach_m)
            gap_m = np.asarray(shapely.distance(shapes[part], self.space.shapes[zone]))
            self._known[id(shapes)] = part, zone, gap_m
        return self._known[id(shapes)]


def evaluate(scene: Scene, space: Space, terrain: Terrain | None) -> tuple[Conflict, ...]:
    """Every conflict: of each rule at most one on the legs and one on the ways home; () when the flight is clear.

    A leg is an index pair into `flight.places`. Distances are measured to the zones as drawn, not to widened ones
    (planning guide, finding 1). `terrain` None: flat ground, as far below home as the flight says.
    """
    return told(scene, offences(Surroundings(scene, space), terrain))


def offences(about: Surroundings, terrain: Terrain | None) -> tuple[Conflict | Offence, ...]:
    """What `evaluate` tells, in its order and number: enough to know whether a flight is clear."""
    scene, space = about.scene, about.space
    return (
        *_altitude_conflicts(scene, space, terrain),
        *_inclusion_offences(scene, space),
        *_exclusion_offences(about),
    )


def told(scene: Scene, found: Sequence[Conflict | Offence]) -> tuple[Conflict, ...]:
    """The conflicts of a flight, each with the geometry that offends."""
    missing = [each for each in found if isinstance(each, Offence)]
    where = _geojsons(scene.frame, _offending(missing))
    return tuple(_conflict(each, scene, next(where)) if isinstance(each, Offence) else each for each in found)


def passed_by(about: Surroundings) -> Indices:
    """The exclusions over or under which the flight passes nearer than their margin, by number.

    A turn lies too near to its legs to pass over anything that they do not.
    """
    found = []
    for parts in (about.scene.legs, about.scene.returns, about.scene.climbs):
        _, zone, gap_m, meets = about.near(parts)
        found.append(zone[(gap_m < about.margins_m[zone]) & ~meets])
    return np.unique(np.concatenate(found))


def _kinds(scene: Scene) -> Iterator[tuple[str, Parts]]:
    yield from ((_LEG, scene.legs), (_TURN, scene.turns), (_RETURN, scene.returns))
    yield from ((_CLIMB, scene.climbs), (_COLUMN, scene.columns))


def _inclusion_offences(scene: Scene, space: Space) -> Iterator[Offence]:
    for rule in _inclusion_rules(scene, space):
        shapely.prepare(rule.area)
        edge = rule.area.boundary
        shapely.prepare(edge)
        near = []
        for kind, parts in ((_LEG, scene.legs), (_TURN, scene.turns), (_RETURN, scene.returns)):
            reach = np.asarray(shapely.distance(edge, parts.shapes))
            gap_m = np.where(shapely.covers(rule.area, parts.shapes), reach, -1.0)
            numbers = np.flatnonzero(gap_m < rule.margin_m - _LESS_M.get(kind, 0.0) + TOUCH_M)
            near.append(_Near(kind, parts, numbers, gap_m[numbers]))
        yield from _worth_telling(rule, near)


def _inclusion_rules(scene: Scene, space: Space) -> Iterator[_Rule]:
    floor_m = scene.flight.margin_m
    if space.airspace.combination is Combination.INTERSECTION and space.inclusions and space.permitted:
        for one in space.inclusions:
            yield _Rule(one.zone, max(one.zone.margin_m, floor_m), inclusion=True, area=one.shape)
        return
    margin_m = max((one.zone.margin_m for one in space.inclusions), default=0.0)
    only = space.inclusions[0].zone if len(space.inclusions) == 1 else None
    yield _Rule(only, max(margin_m, floor_m), inclusion=True, area=space.allowed())


def _exclusion_offences(about: Surroundings) -> Iterator[Offence]:
    found: dict[int, list[_Near]] = {}
    for kind, parts in _kinds(about.scene):
        for number, near in _too_near(kind, parts, about):
            found.setdefault(number, []).append(near)
    for number, nears in sorted(found.items()):
        one = about.space.exclusions[number]
        margin_m = max(one.zone.margin_m, about.scene.flight.margin_m)
        yield from _worth_telling(_Rule(one.zone, margin_m, inclusion=False, area=one.shape), nears)


def _too_near(kind: str, parts: Parts, about: Surroundings) -> Iterator[tuple[int, _Near]]:
    """Zone by zone, the parts that come too near to it at heights where it counts."""
    part, zone, gap_m, meets = about.near(parts)
    bad = np.flatnonzero(meets & (gap_m < about.margins_m[zone] - _LESS_M.get(kind, 0.0) + TOUCH_M))
    bad = bad[np.argsort(zone[bad], kind="stable")]
    numbers, first = np.unique(zone[bad], return_index=True)
    for number, here in zip(numbers.tolist(), np.split(bad, first[1:]), strict=False):
        yield number, _Near(kind, parts, part[here], gap_m[here])


def _worth_telling(rule: _Rule, nears: list[_Near]) -> Iterator[Offence]:
    """One offence of legs and turns, one of the ways home from legs that are clear themselves, one of columns."""
    legs = [near for near in nears if near.kind in (_LEG, _TURN) and len(near.numbers)]
    bad_legs = {leg for near in legs for leg in near.parts.leg_of[near.numbers].tolist()}
    if legs:
        yield Offence(rule, legs[0])
    ways = [_without(near, bad_legs) for near in nears if near.kind in (_RETURN, _CLIMB)]
    ways = [near for near in ways if len(near.numbers)]
    if ways:
        yield Offence(rule, min(ways, key=lambda near: float(near.gap_m.min())))
    if not legs:
        yield from (Offence(rule, near) for near in nears if near.kind == _COLUMN)


def _without(near: _Near, legs: set[int]) -> _Near:
    if not legs:
        return near
    kept = ~np.isin(near.parts.leg_of[near.numbers], list(legs))
    return _Near(near.kind, near.parts, near.numbers[kept], near.gap_m[kept])


def _offending(found: Sequence[Offence]) -> Geometries:
    """What offends of each: the parts' share of where they must not be; of all of them at once."""
    if not found:
        return np.empty(0, dtype=np.object_)
    counts = [len(each.near.numbers) for each in found]
    parts = np.concatenate([each.near.parts.shapes[each.near.numbers] for each in found])
    rules = [each.rule for each in found]
    away_m = np.array([-rule.margin_m if rule.inclusion else rule.margin_m + TOUCH_M for rule in rules])
    areas = shapely.buffer(np.array([rule.area for rule in rules], dtype=np.object_), away_m, quad_segs=16)
    rule_of = np.repeat(np.arange(len(found)), counts)
    inside = np.array([rule.inclusion for rule in rules])[rule_of]
    bad = np.empty(len(parts), dtype=np.object_)
    bad[inside] = shapely.difference(parts[inside], areas[rule_of[inside]])
    bad[~inside] = shapely.intersection(parts[~inside], areas[rule_of[~inside]])
    whole = [shapely.union_all(each) for each in np.split(bad, np.cumsum(counts)[:-1])]
    # What is closer than `TOUCH_M` to being fine has no bad part.
    return np.array([one if not one.is_empty else each.worst for one, each in zip(whole, found, strict=True)])


def _geojsons(frame: LocalFrame, shapes: Geometries) -> Iterator[dict[str, Any]]:
    """Geometries of the plane as GeoJSON, lon/lat rounded to 1e-7 degree."""
    lonlat = shapely.transform(shapes, lambda xy: np.round(frame.unproject(xy), 7))
    return map(msgspec.json.decode, shapely.to_geojson(lonlat).tolist())


def _conflict(found: Offence, scene: Scene, where: dict[str, Any]) -> Conflict:
    rule, near, leg = found.rule, found.near, found.leg
    others = len(set(near.parts.leg_of[near.numbers].tolist())) - 1
    return Conflict(
        code=found.code,
        detail=f"{_where(near.kind, scene.flight, leg, others)} {_how(rule, float(near.gap_m.min()))}",
        pointer="/properties/dock_id" if near.kind == _COLUMN else "/geometry",
        zone_id=rule.zone.id if rule.zone else None,
        zone_name=rule.zone.name if rule.zone else None,
        leg=(leg, leg + 1),
        geometry=where,
    )


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
