"""Every piece of a flight stays inside what may be flown in, for as long as the flight takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofence.zones import Airspace, Combination, Role, Zone
from missions.model import ProofCheck
from missions.prove.facts import VERTICAL_MARGIN_M
from missions.prove.findings import Measured, lines, told
from missions.prove.ground import ZoneIndex, in_plane, of_role
from missions.prove.heights import samples
from missions.prove.parts import Parts, Shapes
from missions.prove.planes import Array
from missions.prove.rules import Movement, Rule, inclusion_rule
from missions.prove.subject import Subject

# How finely a circle is drawn where it must be joined with other shapes: its chords stay within 1 mm of it.
_CHORD_M = 0.001
_UP_AND_AWAY = (Movement.LEG, Movement.RETURN, Movement.RETRACE)


@dataclass(frozen=True, slots=True)
class Area:
    """Where flying is allowed, in both planes. With `radius_m` > 0 a circle round the points `true` and `flat`."""

    true: BaseGeometry
    flat: BaseGeometry
    radius_m: float = 0.0

    def room_m(self, parts: Parts) -> Array:
        """How far each part stays inside, the lesser of both planes; negative where it leaves."""
        if self.radius_m > 0.0:
            far = np.maximum(_farthest_m(parts.true, self.true), _farthest_m(parts.flat, self.flat))
            return np.asarray(self.radius_m - far)
        return np.minimum(_depth_m(parts.true, self.true), _depth_m(parts.flat, self.flat))

    def drawn(self) -> BaseGeometry:
        """The area in the true plane as a polygon within it."""
        return _circle(self.true, self.radius_m) if self.radius_m > 0.0 else self.true


def stay_inside(subject: Subject, airspace: Airspace) -> tuple[ProofCheck, ...]:
    """Horizontally by the combination rule, vertically between floor and ceiling, and permitted all the time."""
    index = ZoneIndex(zone for zone in of_role(airspace.zones, Role.INCLUSION) if zone.validity.meets(subject.window))
    lasting = np.array([zone.validity.covers(subject.window) for zone in index.zones], dtype=np.bool_)
    checks = [_permission(index, lasting)]
    if airspace.combination is Combination.UNION:
        for parts in subject.parts:
            checks += _inside_union(subject, parts, index, lasting)
        return tuple(checks)
    areas = areas_of(subject, index)
    rooms: dict[int, list[Array]] = {}
    for parts in subject.parts:
        # A way back along the path, and what is above and below it, have the path's own shapes.
        if id(parts.true) not in rooms:
            rooms[id(parts.true)] = [area.room_m(parts) for area in areas]
        checks += _inside_each(subject, parts, index, areas, rooms[id(parts.true)])
    checks += _within_bands(subject, index)
    return tuple(checks)


def _permission(index: ZoneIndex, lasting: NDArray[np.bool_]) -> ProofCheck:
    names = ", ".join(zone.label for zone in index.zones)
    problem = f"Nothing permits flying during all of the flight ({names or 'there is no inclusion zone'})."
    return told(Rule.PERMISSION, [] if lasting.any() else [problem], "An inclusion permits all of the flight's time.")


def areas_of(subject: Subject, index: ZoneIndex) -> list[Area]:
    """Each inclusion in both planes."""
    true = in_plane(index.shapes, subject.planes.true)
    flat = in_plane(index.shapes, subject.planes.flat)
    radii = index.radius_m.tolist()
    return [Area(_sound(a), _sound(b), radius_m) for a, b, radius_m in zip(true, flat, radii, strict=True)]


def union_of(areas: Sequence[Area]) -> Area:
    """Several areas as one; a single one stays as exact as it is."""
    if len(areas) == 1:
        return areas[0]
    true = [_circle(area.true, area.radius_m) if area.radius_m > 0.0 else area.true for area in areas]
    flat = [_circle(area.flat, area.radius_m) if area.radius_m > 0.0 else area.flat for area in areas]
    return Area(shapely.union_all(true), shapely.union_all(flat))


def _inside_each(
    subject: Subject, parts: Parts, index: ZoneIndex, areas: list[Area], rooms: list[Array]
) -> Iterator[ProofCheck]:
    count = len(parts)
    every = np.tile(np.arange(count), len(areas))
    zone = np.repeat(np.arange(len(areas)), count)
    needed_m = np.maximum(index.margin_m[zone], parts.budget_m[every]) + parts.more_m
    found = Measured(
        parts=parts,
        part=every,
        gap_m=np.concatenate(rooms) if rooms else np.empty(0),
        needed_m=needed_m,
        group=zone,
        zones=index.zones,
        waypoints=subject.flight.waypoints,
    )
    yield from _lines(subject, found, lambda at: areas[int(zone[at])])


def _inside_union(
    subject: Subject, parts: Parts, index: ZoneIndex, lasting: NDArray[np.bool_]
) -> Iterator[ProofCheck]:
    """Inside all those together that permit the whole time at the part's height; the widest margin of them counts."""
    fits = lasting & _fits(subject, parts, index)
    areas = areas_of(subject, index)
    room, margin = np.full(len(parts), -1.0), np.zeros(len(parts))
    joined: dict[bytes, Area] = {}
    for row in np.unique(fits, axis=0):
        which = (fits == row).all(axis=1)
        if not row.any():
            continue
        joined[row.tobytes()] = union_of([area for area, fit in zip(areas, row.tolist(), strict=True) if fit])
        room[which] = joined[row.tobytes()].room_m(parts)[which]
        margin[which] = index.margin_m[row].max()
    found = Measured(
        parts=parts,
        part=np.arange(len(parts)),
        gap_m=room,
        needed_m=np.maximum(margin, parts.budget_m) + parts.more_m,
        group=np.full(len(parts), 0 if len(index) == 1 else -1),
        zones=index.zones,
        waypoints=subject.flight.waypoints,
    )
    nothing = Area(shapely.Polygon(), shapely.Polygon())
    yield from _lines(subject, found, lambda at: joined.get(fits[at].tobytes(), nothing))


def _fits(subject: Subject, parts: Parts, index: ZoneIndex) -> NDArray[np.bool_]:
    """Which inclusions hold each part between floor and ceiling, (parts, zones); columns are free of floors."""
    below, above = _band_room_m(subject, parts, index)
    enough = above >= VERTICAL_MARGIN_M
    if parts.movement in _UP_AND_AWAY:
        enough &= below >= VERTICAL_MARGIN_M
    return np.asarray(enough)


def _within_bands(subject: Subject, index: ZoneIndex) -> Iterator[ProofCheck]:
    """Legs and returns of an intersection: above every floor and below every ceiling, by the vertical margin."""
    for parts in subject.parts:
        if parts.movement not in _UP_AND_AWAY or not len(index):
            continue
        below, above = _band_room_m(subject, parts, index)
        room = np.minimum(below, above)
        bounded = room < np.inf
        part, zone = np.nonzero(bounded)
        found = Measured(
            parts=parts,
            part=part,
            gap_m=room[bounded],
            needed_m=np.full(len(part), VERTICAL_MARGIN_M),
            group=zone,
            zones=index.zones,
            waypoints=subject.flight.waypoints,
        )
        yield from _band_lines(subject, found)


def _band_lines(subject: Subject, found: Measured) -> Iterator[ProofCheck]:
    def wording(at: int) -> str:
        zone = found.zones[int(found.group[at])]
        band = f"{zone.band.floor or 'the ground'} to {zone.band.ceiling or 'the sky'}"
        return f"must stay {VERTICAL_MARGIN_M:g} m within the heights of {zone.label}: {band}."

    yield from lines(Rule.BAND, found, subject.planes, lambda at: found.parts.true[found.part[at]], wording)


def _band_room_m(subject: Subject, parts: Parts, index: ZoneIndex) -> tuple[Array, Array]:
    """Room above the floor and below the ceiling of each inclusion, (parts, zones); −∞ where no ground is known."""
    under = samples(parts, subject.heights)
    shape = (len(parts), len(index))
    below, above = np.full(shape, np.inf), np.full(shape, np.inf)
    for number in range(len(index)):
        which = np.full(len(under.part), number)
        floor = subject.heights.above_home(index.floor, which, under.ground_rel_m[:, 1])
        ceiling = subject.heights.above_home(index.ceiling, which, under.ground_rel_m[:, 0])
        np.minimum.at(below[:, number], under.part, _difference(parts.low_rel_m[under.part], floor))
        np.minimum.at(above[:, number], under.part, _difference(ceiling, parts.high_rel_m[under.part]))
    return below, above


def _difference(high: Array, low: Array) -> Array:
    """high − low; infinite without an end on either side, minus infinity where the ground is not known."""
    known = np.where(np.isnan(high) | np.isnan(low), -np.inf, np.inf)
    return np.subtract(high, low, out=known, where=np.isfinite(high) & np.isfinite(low))


def _lines(subject: Subject, found: Measured, area_of: Callable[[int], Area]) -> Iterator[ProofCheck]:
    def name(at: int) -> str:
        zone: Zone | None = found.zones[int(found.group[at])] if found.group[at] >= 0 else None
        return zone.label if zone else "the combined inclusion zones"

    def wording(at: int) -> str:
        if found.gap_m[at] < 0.0:
            return f"leaves {name(at)}; it must stay {found.needed_m[at]:g} m inside."
        return (
            f"comes within {found.gap_m[at]:.1f} m of the edge of {name(at)}; the margin is {found.needed_m[at]:g} m."
        )

    def offence(at: int) -> BaseGeometry:
        part: BaseGeometry = found.parts.true[found.part[at]]
        outside = shapely.difference(part, area_of(at).drawn().buffer(-float(found.needed_m[at])))
        return part if outside.is_empty else outside

    yield from lines(inclusion_rule(found.parts.movement), found, subject.planes, offence, wording)


def _depth_m(shapes: Shapes, area: BaseGeometry) -> Array:
    edge = area.boundary
    shapely.prepare([area, edge])
    return np.where(shapely.covers(area, shapes), shapely.distance(edge, shapes), -1.0)


def _farthest_m(shapes: Shapes, center: BaseGeometry) -> Array:
    """The distance of the farthest corner of each shape from a point; the shapes are convex."""
    corners, owner = shapely.get_coordinates(shapes, return_index=True)
    far = np.zeros(len(shapes))
    np.maximum.at(far, owner, np.hypot(*(corners - shapely.get_coordinates(center)[0]).T))
    return far


def _circle(center: BaseGeometry, radius_m: float) -> BaseGeometry:
    """A polygon within the circle, its chords within `_CHORD_M` of it."""
    corners = int(np.clip(np.ceil(np.pi / np.sqrt(2.0 * _CHORD_M / radius_m)), 16, 4_000))
    angles = np.linspace(0.0, 2.0 * np.pi, corners, endpoint=False)
    ring = np.column_stack((np.cos(angles), np.sin(angles))) * radius_m + shapely.get_coordinates(center)[0]
    return shapely.Polygon(ring)


def _sound(shape: BaseGeometry) -> BaseGeometry:
    return shape if shape.is_valid else shapely.make_valid(shape)
