"""What the planner promises: safe, short and quick plans, each figure over a random set repeatable by its seed."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figure import Figure
from bench.planner import coverage, deconflict, fences, fields, fleets, formats, patterns, plans, proof, routing


def planner() -> Iterator[Figure]:
    """Every figure of the planner, the quick ones first; the whole takes about two hours on two cores."""
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
