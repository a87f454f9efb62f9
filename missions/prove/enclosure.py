"""The on-board fence against the flight that it holds and the zones that it must keep out."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geofence.zones import Airspace, Combination, Role
from missions.model import ProofCheck, ReturnMode
from missions.prove.facts import FENCE_SLACK_M, ROUNDING_M, VERTICAL_MARGIN_M
from missions.prove.fence import Fence
from missions.prove.findings import Measured, geojson, lines
from missions.prove.ground import ZoneIndex, in_plane, of_role
from missions.prove.heights import Heights, samples
from missions.prove.inclusions import Area, areas_of, union_of
from missions.prove.parts import Parts
from missions.prove.planes import Array
from missions.prove.rules import Movement, Rule
from missions.prove.subject import Subject


def holds_flight(subject: Subject, fence: Fence) -> Iterator[ProofCheck]:
    """Every piece of the flight lies inside, `FENCE_SLACK_M` from the edge."""
    area = Area(fence.true, fence.flat)
    for parts in subject.parts:
        if parts.movement is Movement.LANDING:  # the same places as the legs
            continue
        found = Measured(
            parts=parts,
            part=np.arange(len(parts)),
            gap_m=area.room_m(parts),
            needed_m=np.full(len(parts), FENCE_SLACK_M),
            group=np.full(len(parts), -1),
            zones=(),
            waypoints=subject.flight.waypoints,
        )
        yield from _holding(subject, found, fence)


def _holding(subject: Subject, found: Measured, fence: Fence) -> Iterator[ProofCheck]:
    def wording(at: int) -> str:
        if found.gap_m[at] < 0.0:
            return f"leaves the on-board fence; it must stay {FENCE_SLACK_M:g} m inside."
        return f"comes within {found.gap_m[at]:.1f} m of the on-board fence; {FENCE_SLACK_M:g} m are needed."

    def offence(at: int) -> BaseGeometry:
        part: BaseGeometry = found.parts.true[found.part[at]]
        outside = shapely.difference(part, fence.true.buffer(-FENCE_SLACK_M))
        return part if outside.is_empty else outside

    yield from lines(Rule.FENCE_HOLDS, found, subject.planes, offence, wording)


def off_exclusions(subject: Subject, fence: Fence, index: ZoneIndex, passed: frozenset[int]) -> Iterator[ProofCheck]:
    """The fence touches no exclusion whose band meets any height of the flight.

    A fence is flat: a zone that the flight itself passes over or under (`passed`) cannot be kept out of it.
    """
    whole = _whole(subject, fence)
    _, zone = index.near(whole.lonlat)
    zone = zone[index.counted(zone, subject.window) & ~np.isin(zone, sorted(passed))]
    zone = zone[subject.heights.met(whole, np.zeros(len(zone), dtype=np.intp), index, zone)]
    shapes = in_plane(index.shapes[zone], subject.planes.true)
    gap_m = shapely.distance(fence.true, shapes) - index.radius_m[zone]
    flat_m = shapely.distance(fence.flat, in_plane(index.shapes[zone], subject.planes.flat)) - index.radius_m[zone]
    gap_m = np.minimum(gap_m, flat_m)
    touched = np.flatnonzero(gap_m <= 0.0)
    if not len(touched):
        least = float(gap_m.min()) if len(gap_m) else None
        detail = "The on-board fence keeps every exclusion out."
        yield ProofCheck(Rule.FENCE_EXCLUSION, ok=True, detail=detail, gap_m=least, needed_m=0.0)
    for at in touched.tolist():
        one = index.zones[int(zone[at])]
        bad = fence.true & (shapes[at].buffer(index.radius_m[zone[at]]) if index.radius_m[zone[at]] else shapes[at])
        yield ProofCheck(
            Rule.FENCE_EXCLUSION,
            ok=False,
            detail=f"The on-board fence takes in some of {one.label}.",
            gap_m=0.0,
            needed_m=0.0,
            zone_id=one.id,
            geometry=geojson(fence.true.boundary if bad.is_empty else bad, subject.planes),
        )


def _whole(subject: Subject, fence: Fence) -> Parts:
    """The fence as one part, from the lowest to the highest that the flight is anywhere away from its columns."""
    legs = [parts for parts in subject.parts if parts.movement in (Movement.LEG, Movement.RETURN)]
    lowest = min(float(parts.low_rel_m.min()) for parts in legs)
    if subject.plan.returns is ReturnMode.RETRACE:
        lowest = -math.inf  # it may land anywhere
    highest = max(float(parts.high_rel_m.max()) for parts in legs)
    return Parts(
        movement=Movement.LEG,
        more_m=0.0,
        leg=np.zeros(1, dtype=np.intp),
        low_rel_m=np.array([lowest]),
        high_rel_m=np.array([highest]),
        budget_m=np.zeros(1),
        lonlat=np.array([fence.lonlat], dtype=object),
        true=np.array([fence.true], dtype=object),
        flat=np.array([fence.flat], dtype=object),
    )


def inside_inclusions(subject: Subject, fence: Fence, airspace: Airspace) -> Iterator[ProofCheck]:
    """The fence lies inside what may be flown in: in each inclusion, or in all together that last long enough."""
    zones = of_role(airspace.zones, Role.INCLUSION)
    if airspace.combination is Combination.UNION:
        index = ZoneIndex(zone for zone in zones if zone.validity.covers(subject.window))
        areas = [union_of(areas_of(subject, index))] if len(index) else []
        names = ["the combined inclusion zones"]
    else:
        index = ZoneIndex(zone for zone in zones if zone.validity.meets(subject.window))
        areas, names = areas_of(subject, index), [zone.label for zone in index.zones]
    problems = [
        f"The on-board fence reaches out of {name}."
        for area, name in zip(areas, names, strict=False)
        if not area.drawn().buffer(ROUNDING_M).covers(fence.true)
    ]
    if not areas:
        problems = ["There is no inclusion zone for the on-board fence to lie in."]
    good = "The on-board fence lies inside what may be flown in."
    yield ProofCheck(Rule.FENCE_INCLUSION, ok=not problems, detail=" ".join(problems) or good)


def ceiling_fits(subject: Subject, airspace: Airspace) -> Iterator[ProofCheck]:
    """The fence's ceiling: above all of the flight by the vertical margin, and below the legal one (真高)."""
    if subject.plan.fence is None:
        return
    ceiling_m = subject.plan.fence.alt_max_rel_m
    legs = [parts for parts in subject.parts if parts.movement in (Movement.LEG, Movement.RETURN)]
    room_m = ceiling_m - max(float(parts.high_rel_m.max()) for parts in legs)
    legal_m = min(_lowest(parts, subject.heights) for parts in legs) + airspace.ceiling_agl_m
    problems = []
    if not room_m >= VERTICAL_MARGIN_M - ROUNDING_M:
        problems.append(
            f"The fence's ceiling leaves {room_m:.1f} m above the flight; it needs {VERTICAL_MARGIN_M:g} m."
        )
    if not ceiling_m <= legal_m + ROUNDING_M:
        problems.append(f"The fence's ceiling, {ceiling_m:g} m above home, is over the limit of {legal_m:.1f} m.")
    good = f"The fence's ceiling is {ceiling_m:g} m above home."
    detail = " ".join(problems) or good
    yield ProofCheck(Rule.FENCE_CEILING, not problems, detail, gap_m=room_m, needed_m=VERTICAL_MARGIN_M)


def _lowest(parts: Parts, heights: Heights) -> float:
    ground: Array = samples(parts, heights).ground_rel_m[:, 0]
    return float(ground.min())
