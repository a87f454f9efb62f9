"""Every piece of a flight keeps its distance from every exclusion that it could meet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from missions.model import ProofCheck
from missions.prove.facts import ROUNDING_M
from missions.prove.findings import Measured, lines
from missions.prove.ground import Indices, Pairs, ZoneIndex, in_plane, pairs
from missions.prove.parts import Parts
from missions.prove.rules import exclusion_rule
from missions.prove.subject import Subject


@dataclass(frozen=True, slots=True)
class Kept:
    """The lines of the proof, and the zones that the flight passes over or under nearer than their margin."""

    checks: tuple[ProofCheck, ...]
    passed: frozenset[int]


def keep_off(subject: Subject, index: ZoneIndex) -> Kept:
    """Legs, turns, columns and returns against all exclusions of `index`."""
    checks: list[ProofCheck] = []
    passed: set[int] = set()
    known: dict[int, Pairs] = {}
    for parts in subject.parts:
        # A way back along the path, and what is above and below it, have the path's own shapes.
        if id(parts.true) not in known:
            known[id(parts.true)] = pairs(parts, index, subject.planes, subject.window)
        found, over = _measured(subject, parts, known[id(parts.true)], index)
        checks += _lines(subject, found, index)
        passed |= set(over.tolist())
    return Kept(tuple(checks), frozenset(passed))


def _measured(subject: Subject, parts: Parts, found: Pairs, index: ZoneIndex) -> tuple[Measured, Indices]:
    """Distances to the zones whose bands the parts meet; and which of the others are nearer than they should be."""
    needed_m = np.maximum(index.margin_m[found.zone], parts.budget_m[found.part]) + parts.more_m
    met = subject.heights.met(parts, found.part, index, found.zone)
    over = found.zone[~met & (found.gap_m < needed_m - ROUNDING_M)]
    kept = Measured(
        parts=parts,
        part=found.part[met],
        gap_m=found.gap_m[met],
        needed_m=needed_m[met],
        group=found.zone[met],
        zones=index.zones,
        waypoints=subject.flight.waypoints,
    )
    return kept, over


def _lines(subject: Subject, found: Measured, index: ZoneIndex) -> Iterator[ProofCheck]:
    def wording(at: int) -> str:
        name = index.zones[int(found.group[at])].label
        if found.gap_m[at] <= 0.0:
            return f"runs through {name}; it must stay {found.needed_m[at]:g} m away."
        return f"comes within {found.gap_m[at]:.1f} m of {name}; the margin is {found.needed_m[at]:g} m."

    def offence(at: int) -> BaseGeometry:
        zone = int(found.group[at])
        shape = in_plane(index.shapes[zone : zone + 1], subject.planes.true)[0]
        kept_off = shape.buffer(float(found.needed_m[at] + index.radius_m[zone]), quad_segs=4)
        part: BaseGeometry = found.parts.true[found.part[at]]
        both = shapely.intersection(part, kept_off)
        return part if both.is_empty else both

    yield from lines(exclusion_rule(found.parts.movement), found, subject.planes, offence, wording)
