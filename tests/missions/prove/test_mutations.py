"""Whatever breaks a rule is refused, by that rule; what it was made from is not."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from tests.missions.prove.mutations import FAMILIES, Family, Mutant

pytestmark = pytest.mark.thorough

SEEDS = 1  # the full set, 20 of each, runs in bench.planner.proof


def mutant(family: Family, seed: int) -> Mutant:
    return family(np.random.default_rng([zlib.crc32(family.__name__.encode()), seed]))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_what_breaks_a_rule_is_refused_by_that_rule(family: Family) -> None:
    for seed in range(SEEDS):
        made = mutant(family, seed)
        assert made.rule in made.broken.failed()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_what_a_mutation_starts_from_is_valid(family: Family) -> None:
    assert mutant(family, 0).base.failed() == set()
