"""How what was measured becomes lines of a proof: one line when a rule holds, one for each zone that breaks it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofence.zones import Zone
from missions.model import ProofCheck
from missions.prove.facts import ROUNDING_M
from missions.prove.ground import Indices
from missions.prove.parts import Parts, Planes
from missions.prove.planes import Array
from missions.prove.rules import Rule, subject_of

# So many zones are named for one rule; of the rest the number is told.
MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Measured:
    """K distances for one rule. `group` (K,) is the zone of each, an index into `zones`; −1 is no zone at all."""

    parts: Parts
    part: Indices
    gap_m: Array
    needed_m: Array
    group: Indices
    zones: Sequence[Zone]
    waypoints: int

    @property
    def bad(self) -> NDArray[np.bool_]:
        return np.asarray(self.gap_m < self.needed_m - ROUNDING_M)


Offence = Callable[[int], BaseGeometry]
Wording = Callable[[int], str]


def lines(rule: str, found: Measured, planes: Planes, offence: Offence, wording: Wording) -> Iterator[ProofCheck]:
    """The lines of one rule. `offence(k)` is the bad place of the kth distance, `wording(k)` how it is told."""
    bad = found.bad
    if not bad.any():
        yield _holds(rule, found)
        return
    worst = worst_by_group(found, bad)
    for at in worst[:MOST_NAMED]:
        same = bad & (found.group == found.group[at])
        others = len(set(found.parts.leg[found.part[same]].tolist())) - 1
        leg = int(found.parts.leg[found.part[at]])
        zone = found.zones[int(found.group[at])] if found.group[at] >= 0 else None
        unnamed = len(worst) - MOST_NAMED if at == worst[:MOST_NAMED][-1] else 0
        more = f" {unnamed} more zones are as bad." if unnamed > 0 else ""
        yield ProofCheck(
            rule=rule,
            ok=False,
            detail=f"{subject_of(found.parts.movement, leg, found.waypoints, others)} {wording(at)}{more}",
            gap_m=round(float(found.gap_m[at]), 3),
            needed_m=float(found.needed_m[at]),
            zone_id=zone.id if zone else None,
            leg=(leg, leg + 1),
            geometry=geojson(offence(at), planes),
        )


def worst_by_group(found: Measured, bad: NDArray[np.bool_]) -> list[int]:
    """The index of the worst distance of each group, the worst group first."""
    room = np.where(bad, found.gap_m - found.needed_m, np.inf)
    order = np.argsort(room, kind="stable")[: int(bad.sum())]
    _, first = np.unique(found.group[order], return_index=True)
    return [int(at) for at in order[np.sort(first)]]


def _holds(rule: str, found: Measured) -> ProofCheck:
    if not len(found.gap_m):
        return ProofCheck(rule, ok=True, detail="Nothing that this rule looks at is near.")
    at = int(np.argmin(found.gap_m - found.needed_m))
    leg = int(found.parts.leg[found.part[at]])
    zone = found.zones[int(found.group[at])] if found.group[at] >= 0 else None
    name = f" ({zone.label})" if zone else ""
    subject = subject_of(found.parts.movement, leg, found.waypoints)
    needed_m = float(found.needed_m[at])
    return ProofCheck(
        rule=rule,
        ok=True,
        detail=f"{subject} has the least room: {found.gap_m[at]:.1f} m{name}; {needed_m:g} m are needed.",
        gap_m=round(float(found.gap_m[at]), 3),
        needed_m=needed_m,
        zone_id=zone.id if zone else None,
        leg=(leg, leg + 1),
    )


def told(rule: Rule, problems: Sequence[str], good: str) -> ProofCheck:
    """A line of a rule that measures nothing."""
    return ProofCheck(rule, ok=not problems, detail=" ".join(problems) if problems else good)


def geojson(shape: BaseGeometry, planes: Planes) -> dict[str, Any]:
    """A shape of the true plane as GeoJSON, lon/lat rounded to 1e-7 degree."""
    lonlat = shapely.transform(shape, lambda xy: np.round(planes.true.to_lonlat(xy), 7))
    found: dict[str, Any] = json.loads(shapely.to_geojson(lonlat))
    return found


def merged(before: Sequence[ProofCheck], after: Sequence[ProofCheck]) -> tuple[ProofCheck, ...]:
    """Former lines and new ones of the same rules: failures stay, of two that hold the tighter one is kept."""
    rules = dict.fromkeys(check.rule for check in (*before, *after))
    found: list[ProofCheck] = []
    for rule in rules:
        both = [check for check in (*before, *after) if check.rule == rule]
        failed = [check for check in both if not check.ok]
        found += failed or [min(both, key=_room_m)]
    return tuple(found)


def _room_m(check: ProofCheck) -> float:
    return check.gap_m - check.needed_m if check.gap_m is not None and check.needed_m is not None else np.inf
