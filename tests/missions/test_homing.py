"""Ruling out straight ways home in advance, against the whole judgement."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from core.ids import DockId
from missions.drafting import pieces_in
from missions.fleet import default_airframe
from missions.homing import surely_barred
from missions.model import Dock, ReturnMode
from missions.options import options
from missions.planner import Conditions, plan
from missions.task import Task, task_of
from missions.transits import Transits
from tests.fields import FRAME, random_field, watch_request

CONDITIONS = Conditions(datetime(2026, 3, 1, tzinfo=UTC), quick=True)


def task_among(seed: int, zones: int, returns: ReturnMode | None = None) -> Task:
    """A watch of two points."""
    rng = np.random.default_rng(seed)
    field = random_field(rng, zones, banded=True)
    home, *places = FRAME.to_places(field.free_points(rng, 3))
    dock = Dock(DockId("dock"), "dock", "dock", home, 4.0)
    asked = watch_request(rng, dock, places, returns)
    return task_of(asked, dock, field.airspace(), default_airframe(), CONDITIONS)


def barred(task: Task) -> bool:
    pieces = pieces_in(task, task.space)
    return surely_barred(task.space, pieces, Transits(task, pieces, task.space).highest_m)


def test_straight_ways_home_that_are_ruled_out_are_never_clear() -> None:
    tasks = [task_among(seed, zones, ReturnMode.DIRECT) for seed in range(12) for zones in (4, 12)]
    ruled_out = [task for task in tasks if barred(task)]
    assert 4 <= len(ruled_out) < len(tasks)
    for task in ruled_out:
        assert all(option.conflicts for option in options(task))


def test_what_is_ruled_out_is_still_told_first_when_nothing_else_flies() -> None:
    told = 0
    for seed in range(12):
        task = task_among(seed, 40)
        found = list(options(task))
        if barred(task) and found[-1].conflicts and found[0].returns is ReturnMode.DIRECT:
            made = plan(task.request, task.dock, task.airspace, task.airframe, task.conditions)
            straight = replace(task.request, returns=ReturnMode.DIRECT)
            alone = plan(straight, task.dock, task.airspace, task.airframe, task.conditions)
            assert len(made.conflicts) <= len(alone.conflicts)
            told += 1
    assert told
