"""Planning away from the loop: a worker process that keeps the loop free and a deadline that ends it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from api import planning
from api.planning import WorkerPlanner
from core.errors import Overloaded
from geofence.qingpu import default_airspace
from missions.fleet import default_airframe
from tests.samples import CONDITIONS, DOCK, REQUEST, a_plan

pytestmark = pytest.mark.thorough


def _asleep(*_: object) -> None:
    time.sleep(60)


def _endless(*_: object) -> None:
    while True:
        pass


@pytest.fixture
def planner() -> Iterator[WorkerPlanner]:
    made = WorkerPlanner(deadline_s=10.0)
    yield made
    made.close()


@pytest.mark.parametrize(("job", "survives"), [(_endless, True), (_asleep, False)])
async def test_a_worker_gives_the_same_plan_and_an_endless_job_costs_no_more_than_the_worker(
    planner: WorkerPlanner, monkeypatch: pytest.MonkeyPatch, job: Callable[..., None], survives: bool
) -> None:
    asked = (REQUEST, DOCK, default_airspace(), default_airframe(), CONDITIONS)
    assert await planner.plan(*asked) == a_plan()
    process = await planner.run(os.getpid)
    monkeypatch.setattr(planner._plans, "deadline_s", 0.2)
    monkeypatch.setattr(planning, "PATIENCE", 100.0 if survives else 2.0)
    with pytest.raises(Overloaded, match="No answer was found"):
        await planner.run(job)
    monkeypatch.undo()
    assert await planner.plan(*asked) == a_plan()
    assert (await planner.run(os.getpid) == process) is survives


async def test_a_job_with_no_name_of_its_own_is_done(planner: WorkerPlanner) -> None:
    assert await planner.run(partial(pow, 2), 5) == 32


async def test_what_waits_for_the_processor_is_not_ended_for_it(
    planner: WorkerPlanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that is twice its deadline on the clock, and not on the processor, is answered."""
    await planner.run(time.sleep, 0.0)
    monkeypatch.setattr(planner._plans, "deadline_s", 0.5)
    await planner.run(time.sleep, 1.0)


async def test_too_many_requests_are_told_to_come_back(
    planner: WorkerPlanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "MAX_WAITING", 1)
    asked = (REQUEST, DOCK, default_airspace(), default_airframe(), CONDITIONS)
    first = asyncio.create_task(planner.plan(*asked))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="Too many"):
        await planner.plan(*asked)
    assert await first == a_plan()


async def test_the_deadline_does_not_count_the_wait_for_ones_turn(
    planner: WorkerPlanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three jobs of 0.4 s one after the other, with 1 s for each."""
    await planner.run(time.sleep, 0.0)  # the process is up
    monkeypatch.setattr(planner._plans, "deadline_s", 1.0)
    jobs = [planner.run(time.sleep, 0.4) for _ in range(3)]
    assert await asyncio.gather(*jobs) == [None] * 3


async def test_who_waits_too_long_for_a_turn_is_told(planner: WorkerPlanner, monkeypatch: pytest.MonkeyPatch) -> None:
    await planner.run(time.sleep, 0.0)
    monkeypatch.setattr(planning, "QUEUE_DEADLINE_S", 0.1)
    first = asyncio.create_task(planner.run(time.sleep, 0.5))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="busy"):
        await planner.run(time.sleep, 0.0)
    await first
