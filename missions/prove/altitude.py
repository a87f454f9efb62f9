"""No leg and no return is too high above the ground (真高) or too near to it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from geofence.zones import Airspace
from missions.model import ProofCheck
from missions.prove.facts import VERTICAL_MARGIN_M
from missions.prove.findings import Measured, lines, told
from missions.prove.heights import Samples, samples
from missions.prove.parts import Parts
from missions.prove.planes import Array
from missions.prove.rules import Movement, Rule
from missions.prove.subject import Subject

Bools = NDArray[np.bool_]


def keep_heights(subject: Subject, airspace: Airspace) -> Iterator[ProofCheck]:
    """Ceiling and ground clearance of legs and returns, each with the vertical margin (国令761, Art. 19)."""
    for parts in subject.parts:
        if parts.movement not in (Movement.LEG, Movement.RETURN):
            continue
        under = samples(parts, subject.heights)
        unknown = np.asarray(np.isnan(under.ground_rel_m).any(axis=1))
        yield _known(parts, under, unknown)
        low, high = parts.low_rel_m[under.part], parts.high_rel_m[under.part]
        above = airspace.ceiling_agl_m - (high - under.ground_rel_m[:, 0])
        yield from _lines(subject, Rule.CEILING, _measured(subject, parts, under, ~unknown, above), airspace)
        below = low - under.ground_rel_m[:, 1]
        yield from _lines(subject, Rule.GROUND, _measured(subject, parts, under, ~unknown, below), airspace)


def _known(parts: Parts, under: Samples, unknown: Bools) -> ProofCheck:
    if not unknown.any():
        return told(Rule.TERRAIN, [], "The ground is known everywhere.")
    leg = int(parts.leg[under.part[unknown]][0])
    detail = f"There are no terrain data under the {parts.movement} {leg} → {leg + 1}."
    return ProofCheck(Rule.TERRAIN, ok=False, detail=detail, leg=(leg, leg + 1))


def _measured(subject: Subject, parts: Parts, under: Samples, known: Bools, room_m: Array) -> Measured:
    part = under.part[known]
    return Measured(
        parts=parts,
        part=part,
        gap_m=room_m[known],
        needed_m=np.full(len(part), VERTICAL_MARGIN_M),
        group=np.full(len(part), -1),
        zones=(),
        waypoints=subject.flight.waypoints,
    )


def _lines(subject: Subject, rule: Rule, found: Measured, airspace: Airspace) -> Iterator[ProofCheck]:
    def wording(at: int) -> str:
        if rule is Rule.GROUND:
            return f"comes within {found.gap_m[at]:.1f} m of the ground; the margin is {VERTICAL_MARGIN_M:g} m."
        agl_m = airspace.ceiling_agl_m - found.gap_m[at]
        return (
            f"reaches {agl_m:.1f} m above ground; with a margin of {VERTICAL_MARGIN_M:g} m "
            f"the limit of {airspace.ceiling_agl_m:g} m AGL allows {airspace.ceiling_agl_m - VERTICAL_MARGIN_M:g} m."
        )

    yield from lines(rule, found, subject.planes, lambda at: found.parts.true[found.part[at]], wording)
