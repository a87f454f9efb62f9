"""No camera runs where filming is forbidden."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from shapely.geometry.base import BaseGeometry

from missions.model import ProofCheck
from missions.prove.findings import Measured, lines
from missions.prove.ground import ZoneIndex, pairs
from missions.prove.parts import Parts, Piece, gathered
from missions.prove.planes import line
from missions.prove.rules import Movement, Rule
from missions.prove.subject import Subject


def keep_cameras_off(subject: Subject, index: ZoneIndex) -> Iterator[ProofCheck]:
    """Legs flown with a camera on, and places where pictures are taken, against the no-film zones of `index`."""
    parts = _filmed(subject)
    found = pairs(parts, index, subject.planes, subject.window)
    met = subject.heights.met(parts, found.part, index, found.zone)
    # A zone without a margin must not be entered; rounding alone would let a path onto its edge.
    needed_m = np.maximum(index.margin_m[found.zone[met]], 0.05)
    measured = Measured(
        parts=parts,
        part=found.part[met],
        gap_m=found.gap_m[met],
        needed_m=needed_m,
        group=found.zone[met],
        zones=index.zones,
        waypoints=subject.flight.waypoints,
    )

    def wording(at: int) -> str:
        return (
            f"is flown with a camera on within {measured.gap_m[at]:.1f} m of {index.zones[measured.group[at]].label}."
        )

    def offence(at: int) -> BaseGeometry:
        shape: BaseGeometry = parts.true[measured.part[at]]
        return shape

    yield from lines(Rule.NO_FILM, measured, subject.planes, offence, wording)


def _filmed(subject: Subject) -> Parts:
    flight = subject.flight
    pieces = []
    for leg in np.flatnonzero(flight.filming).tolist():
        ends = flight.points[leg : leg + 2]
        low, high = sorted(ends[:, 2].tolist())
        pieces.append(Piece(line(ends[0, :2], ends[1, :2]), leg, low, high, 0.0))
    for place in np.flatnonzero(flight.photo).tolist():
        at = flight.points[place]
        pieces.append(Piece(at[None, :2], max(place - 1, 0), float(at[2]), float(at[2]), 0.0))
    return gathered(Movement.LEG, 0.0, pieces, subject.planes)
