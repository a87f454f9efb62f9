"""What the planner promises: safe, short and quick plans, each figure over a random set repeatable by its seed."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figure import Figure
from bench.planner import coverage, deconflict, fences, fields, fleets, formats, patterns, plans, proof, routing, sitl
from tests.platform import why_no_sitl


def planner() -> Iterator[Figure]:
    """Every figure of the planner, the quick ones first; the whole takes some hours on two cores.

    The flights come last, and only where there is an ArduPilot SITL binary.
    """
    yield from patterns.patterns()
    yield from plans.plans()
    yield from fences.fences()
    yield from routing.ratios()
    yield from routing.cold()
    yield from proof.proof()
    yield from coverage.areas()
    yield from coverage.previews()
    yield from deconflict.deconflict()
    yield from fleets.fleets()
    yield from formats.formats()
    yield from fields.fields()
    if why_no_sitl() is None:
        yield from sitl.sitl()
