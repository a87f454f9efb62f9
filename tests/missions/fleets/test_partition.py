"""An area shared: nothing is left out or flown twice, shares take equally long, batteries hold."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from core.ids import VehicleId
from geofence.frame import Array
from missions.fleets.distances import OpenAir
from missions.fleets.model import Craft
from missions.fleets.partition import TooFar, share
from missions.model import Action, ActionKind
from missions.patterns.draft import Piece


def rows(count: int, length_m: float = 400.0) -> list[Piece]:
    """A sweep, each row a piece of its own, cut by a vertex in the middle."""
    made = []
    for row in range(count):
        along = np.linspace(0.0, length_m, 3)[:: 1 if row % 2 == 0 else -1]
        xyz = np.column_stack((along, np.full(3, 40.0 * row), np.full(3, 60.0)))
        made.append(Piece(xyz, actions=((0, (Action(ActionKind.PHOTO_EVERY, 20.0),)),)))
    return made


def crafts(*homes: tuple[float, float], limit_s: float = 1e6) -> list[Craft]:
    return [Craft(VehicleId(f"v{index}"), home, 10.0, limit_s, fixed_s=60.0) for index, home in enumerate(homes)]


def work(pieces: tuple[Piece, ...] | list[Piece]) -> list[Array]:
    """All legs in which something is seen, sorted."""
    legs = [np.concatenate(pair) for piece in pieces for pair in pairwise(piece.xyz)]
    return sorted(legs, key=lambda leg: tuple(leg.tolist()))


def flown_s(pieces: tuple[Piece, ...], craft: Craft) -> float:
    path = np.concatenate([np.array([craft.home]), *(piece.xyz[:, :2] for piece in pieces), np.array([craft.home])])
    legs_m = np.hypot(*np.diff(path, axis=0).T)
    return 60.0 + float((legs_m[legs_m > 0] / 10.0 + 6.5).sum())


@pytest.mark.parametrize("limit_s", [1e6, 420.0, 260.0])
@pytest.mark.parametrize("homes", [((0.0, 0.0),) * 3, ((0.0, 0.0), (500.0, 600.0)), ((-100.0, 300.0),)])
def test_every_leg_is_flown_once_and_batteries_hold(homes: tuple[tuple[float, float], ...], limit_s: float) -> None:
    pieces, fleet = rows(16), crafts(*homes, limit_s=limit_s)
    shares = share(pieces, fleet, OpenAir())
    assert np.array_equal(work([piece for each in shares for piece in each.pieces]), work(pieces))
    for each in shares:
        assert each.flight_s == pytest.approx(flown_s(each.pieces, fleet[each.craft]))
        assert each.flight_s - 60.0 <= limit_s
    assert len({(each.craft, each.round) for each in shares}) == len(shares)


def test_shares_are_balanced_as_well_as_cuts_at_vertices_allow() -> None:
    pieces, fleet = rows(9), crafts((0.0, 0.0), (400.0, 320.0))
    shares = share(pieces, fleet, OpenAir())
    best = min(
        max(flown_s(tuple(parts[0]), fleet[order[0]]), flown_s(tuple(parts[1]), fleet[order[1]]))
        for order in ((0, 1), (1, 0))
        for parts in _halves(pieces)
    )
    assert max(each.flight_s for each in shares) == pytest.approx(best)


def _halves(pieces: list[Piece]) -> list[tuple[list[Piece], list[Piece]]]:
    """All ways to cut the sweep in two, between pieces or at their middle vertex."""
    between = [(pieces[:at], pieces[at:]) for at in range(1, len(pieces))]
    within = [
        ([*pieces[:at], Piece(piece.xyz[:2])], [Piece(piece.xyz[1:]), *pieces[at + 1 :]])
        for at, piece in enumerate(pieces)
    ]
    return between + within


def test_actions_stay_with_their_vertices() -> None:
    shares = share(rows(6), crafts((0.0, 0.0), (0.0, 0.0)), OpenAir())
    kept = [piece for each in shares for piece in each.pieces if piece.actions]
    assert len(kept) == 6
    assert all(at == 0 and len(piece.xyz) in (2, 3) for piece in kept for at, _ in piece.actions)


def test_a_stretch_out_of_reach_is_named() -> None:
    far = [*rows(2), Piece(np.array([[5_000.0, 0.0, 60.0], [5_100.0, 0.0, 60.0]]))]
    with pytest.raises(TooFar, match="stretch 2 alone takes"):
        share(far, crafts((0.0, 0.0), limit_s=600.0), OpenAir())


def test_an_area_needs_a_craft() -> None:
    with pytest.raises(ValueError, match="needs a craft"):
        share(rows(1), [], OpenAir())
