from __future__ import annotations

import itertools

import numpy as np
import pytest
import shapely
from shapely.geometry import Polygon

from geofence.freespace import FreeSpace
from missions.patterns.order import NO_WAY_M, Moves, Nodes, arranged, tour_m

FIELD = shapely.box(0, 0, 1000, 1000)
U_SHAPE = Polygon([(0, 0), (300, 0), (300, 400), (200, 400), (200, 100), (100, 100), (100, 400), (0, 400)])


def moves_of(ends: list[list[tuple[float, float]]], area: Polygon = FIELD) -> Moves:
    return Moves(np.array(ends, dtype=np.float64), FreeSpace.of([(area, 0.0)], [], np.empty(0)), area)


def shortest_m(moves: Moves, count: int) -> float:
    """By trying every order and every direction."""
    orders: list[Nodes] = [
        2 * np.array(order) + np.array(turned)
        for order in itertools.permutations(range(count))
        for turned in itertools.product((0, 1), repeat=count)
    ]
    return min(tour_m(entries, moves.metres) for entries in orders)


@pytest.mark.parametrize("seed", range(12))
def test_few_stretches_are_flown_in_nearly_the_best_order(seed: int) -> None:
    ends = np.random.default_rng(seed).uniform(10, 990, (5, 2, 2))
    moves = moves_of(ends.tolist())
    entries = arranged(moves)
    assert sorted((entries // 2).tolist()) == list(range(5))
    assert tour_m(entries, moves.metres) <= 1.1 * shortest_m(moves, 5)


def test_neighbouring_rows_are_flown_to_and_fro() -> None:
    rows = [[(10.0, y), (900.0, y)] for y in np.arange(50.0, 450.0, 50.0).tolist()]
    shuffled = np.random.default_rng(1).permutation(len(rows)).tolist()
    moves = moves_of([rows[index] for index in shuffled])
    assert tour_m(arranged(moves), moves.metres) == pytest.approx(50.0 * (len(rows) - 1))


def test_a_move_round_a_corner_counts_with_its_true_length_and_bends() -> None:
    moves = moves_of([[(50.0, 300.0), (50.0, 390.0)], [(250.0, 300.0), (250.0, 390.0)]], U_SHAPE)
    assert moves.metres[0, 2] == pytest.approx(200.0)
    assert moves.settle(np.array([0]), np.array([2]))
    assert moves.metres[0, 2] == pytest.approx(100 + 2 * np.hypot(50, 200), abs=0.1)
    assert moves.bends(0, 2) == pytest.approx(moves.bends(2, 0)[::-1])
    assert moves.bends(0, 2) == pytest.approx(np.array([[100, 100], [200, 100]]), abs=0.1)


def test_a_move_that_is_impossible_counts_as_longer_than_any() -> None:
    halves = shapely.MultiPolygon([shapely.box(0, 0, 100, 100), shapely.box(200, 0, 300, 100)])
    ends = np.array([[(10.0, 10.0), (90.0, 10.0)], [(210.0, 10.0), (290.0, 10.0)]])
    moves = Moves(ends, FreeSpace.of([(halves, 0.0)], [], np.empty(0)), halves)
    assert moves.settle(np.array([1]), np.array([2]))
    assert moves.metres[1, 2] == NO_WAY_M


def test_one_stretch_has_nothing_to_order() -> None:
    assert arranged(moves_of([[(10.0, 10.0), (90.0, 10.0)]])).tolist() in ([0], [1])
