"""A watch: many points, looked at one after the other, round after round."""

from __future__ import annotations

from typing import Literal

import numpy as np

from geofence.frame import Array
from missions.model import Action, ActionKind
from missions.patterns.draft import Piece
from missions.patterns.shaping import at_height, check_count, with_actions
from missions.patterns.tour import shortest_tour

Tour = Literal["closed", "open", "as-drawn"]


def watch(
    points: Array,
    alt_rel_m: float,
    *,
    hold_s: float,
    look_deg: float | None = None,
    gimbal_deg: float | None = None,
    photo: bool = True,
    rounds: int = 1,
    tour: Tour = "closed",
    home: Array | None = None,
) -> tuple[Piece, ...]:
    """A piece of one vertex for each of `points`, (N ≥ 1, 2) metres, `rounds` times in the same order.

    closed: the shortest tour from `home` (2,) and back to it; open: the shortest that ends at a point. At each the
    nose turns to `look_deg`, the vehicle stays for `hold_s` and then takes a picture. Raises InvalidRequest when that
    takes too many waypoints.
    """
    check_count(rounds * len(points), "rounds")
    start = np.zeros(2) if home is None else home
    order = np.arange(len(points)) if tour == "as-drawn" else shortest_tour(points, start, back=tour == "closed")
    actions: list[Action] = []
    if look_deg is not None:
        actions.append(Action(ActionKind.HEADING, look_deg))
    if photo:
        actions.append(Action(ActionKind.PHOTO))
    stops = [
        Piece(at_height(points[index : index + 1], alt_rel_m), actions=((0, tuple(actions)),), holds=((0, hold_s),))
        for index in np.tile(order, rounds).tolist()
    ]
    if gimbal_deg is not None:
        stops[0] = with_actions(stops[0], 0, Action(ActionKind.GIMBAL, gimbal_deg))
    return tuple(stops)
