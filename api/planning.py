"""Planning away from the event loop: in a worker process that a deadline can end, or in a thread for tests."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import signal
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Protocol, TypeVar

from api.worker import begin
from core.errors import Overloaded
from geofence.freespace import warm_up
from geofence.zones import Airspace
from missions.fleets.preview import FleetPreview, FleetTask, preview
from missions.model import Airframe, Dock, MissionRequest, Plan
from missions.planner import Conditions, plan
from missions.reroute import rerouted
from missions.review import Looked, ReviewTask, look_again

T = TypeVar("T")

# Of processor time: on a machine that is short of it a plan takes longer, it is not worse. A job that takes none, or
# does not hear of its end, is ended with its process after so many times that on the clock.
DEADLINE_S = 20.0
PATIENCE = 3.0
# After so long a fleet plan searches no further; what it has by then takes some seconds to finish.
FLEET_BUDGET_S = 10.0
# How long a process may take to start, the very first time to compile the router, and a request to wait for its turn.
START_DEADLINE_S = 60.0
QUEUE_DEADLINE_S = 60.0
# Requests that may wait for the worker; the next one is told to come back.
MAX_WAITING = 16


class Planner(Protocol):
    """Makes plans, and reviews them, without blocking the event loop."""

    async def plan(
        self, request: MissionRequest, dock: Dock, airspace: Airspace, airframe: Airframe, conditions: Conditions
    ) -> Plan:
        """Raises Overloaded when it takes too long or too many wait."""
        ...

    async def review(self, task: ReviewTask, budget_s: float) -> Looked:
        """As `missions.review.look_again`, no new way sought after `budget_s`. Raises Overloaded."""
        ...

    async def run(self, job: Callable[..., T], *arguments: Any) -> T:
        """Any other work that is too long for the event loop. Raises Overloaded, and what `job` raises."""
        ...

    async def fleet(self, task: FleetTask) -> FleetPreview:
        """As `missions.fleets.preview.preview`, within FLEET_BUDGET_S. Raises Overloaded."""
        ...


class ThreadPlanner:
    """Plans in a thread: no start-up cost, but nothing ends a plan that does not."""

    async def plan(
        self, request: MissionRequest, dock: Dock, airspace: Airspace, airframe: Airframe, conditions: Conditions
    ) -> Plan:
        return await asyncio.to_thread(plan, request, dock, airspace, airframe, conditions)

    async def review(self, task: ReviewTask, budget_s: float) -> Looked:
        return await asyncio.to_thread(_review, task, budget_s)

    async def run(self, job: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.to_thread(job, *arguments)

    async def fleet(self, task: FleetTask) -> FleetPreview:
        return await asyncio.to_thread(_fleet, task)


class WorkerPlanner:
    """Plans in one worker process and reviews in another: an alarm does not wait until a plan is made."""

    def __init__(self, *, deadline_s: float = DEADLINE_S) -> None:
        self._plans = _Worker(deadline_s=deadline_s)
        self._reviews = _Worker(deadline_s=deadline_s)
        self._starting: list[asyncio.Future[None]] = []

    async def plan(
        self, request: MissionRequest, dock: Dock, airspace: Airspace, airframe: Airframe, conditions: Conditions
    ) -> Plan:
        return await self._plans.run(plan, request, dock, airspace, airframe, conditions)

    async def review(self, task: ReviewTask, budget_s: float) -> Looked:
        return await self._reviews.run(_review, task, budget_s)

    async def run(self, job: Callable[..., T], *arguments: Any) -> T:
        return await self._plans.run(job, *arguments)

    async def fleet(self, task: FleetTask) -> FleetPreview:
        return await self._plans.run(_fleet, task)

    def warm_up(self) -> None:
        """Starts both processes and has them get ready. Once what is more urgent has started: they import a lot."""
        self._starting = [_submitted(worker.pool, _get_ready) for worker in (self._plans, self._reviews)]

    def close(self) -> None:
        for each in self._starting:
            each.cancel()
        for worker in (self._plans, self._reviews):
            _end(worker.pool)


def _review(task: ReviewTask, budget_s: float) -> Looked:
    end_s = time.monotonic() + budget_s
    return look_again(task, rerouted, lambda: time.monotonic() > end_s)


def _fleet(task: FleetTask) -> FleetPreview:
    end_s = time.monotonic() + FLEET_BUDGET_S
    return preview(task, lambda: end_s - time.monotonic())


class _Worker:
    """One process that does one job at a time; a job over its deadline costs the job or the process, never the loop.

    The deadline is processor time, counted from when the process is ready and free: nothing must be ended for what
    else the machine does.
    """

    def __init__(self, *, deadline_s: float) -> None:
        self.deadline_s = deadline_s
        self.pool = _new_pool()
        self._asked = 0
        self._turn = asyncio.Lock()

    async def run(self, job: Callable[..., T], *arguments: Any) -> T:
        """Raises Overloaded when too many wait, or it waits too long, or the deadline passes."""
        if self._asked >= MAX_WAITING:
            raise Overloaded("Too many plans are being made")
        from api.tracing import span  # noqa: PLC0415 - the workers that import this module trace nothing

        self._asked += 1
        try:
            with span("plan", job=getattr(job, "__name__", type(job).__name__).strip("_")):
                await self._take_turn()
                try:
                    return await self._alone(job, *arguments)
                finally:
                    self._turn.release()
        finally:
            self._asked -= 1

    async def _take_turn(self) -> None:
        try:
            async with asyncio.timeout(QUEUE_DEADLINE_S):
                await self._turn.acquire()
        except TimeoutError as error:
            raise Overloaded(f"The planner was busy for {QUEUE_DEADLINE_S:.0f} s") from error

    async def _alone(self, job: Callable[..., T], *arguments: Any) -> T:
        pool = self.pool
        try:
            async with asyncio.timeout(START_DEADLINE_S):
                await _submitted(pool, _get_ready)
            async with asyncio.timeout(PATIENCE * self.deadline_s):
                return await _submitted(pool, _within, self.deadline_s, job, *arguments)
        except OutOfTime as error:
            raise Overloaded(f"No answer was found within {self.deadline_s:.0f} s") from error
        except (TimeoutError, BrokenProcessPool) as error:
            self._replace(pool)
            raise Overloaded(f"No answer was found within {self.deadline_s:.0f} s") from error

    def _replace(self, pool: ProcessPoolExecutor) -> None:
        """Ends the process of `pool` unless another waiter already did."""
        if pool is self.pool:
            self.pool = _new_pool()
            _end(pool)


class OutOfTime(Exception):
    """A job used up its processor time."""


def _within(limit_s: float, job: Callable[..., T], *arguments: Any) -> T:
    """Runs `job` in the main thread of a worker process for so much processor time. Raises OutOfTime."""

    def stop(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, limit_s)
    try:
        return job(*arguments)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


def _submitted(pool: ProcessPoolExecutor, job: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
    """Submits with Ctrl-C blocked: a worker that starts here inherits that and cannot die of it while it imports."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return asyncio.get_running_loop().run_in_executor(pool, job, *arguments)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _new_pool() -> ProcessPoolExecutor:
    # spawn: a forked child would inherit the sockets and threads of the service.
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=begin)


def _end(pool: ProcessPoolExecutor) -> None:
    for process in list((pool._processes or {}).values()):
        process.terminate()
    pool.shutdown(wait=False, cancel_futures=True)


@cache
def _get_ready() -> None:
    """Pays at once what the first plan would wait for; later calls cost nothing."""
    warm_up()
    # A full collection would look again and again at what was imported, a tenth of a second that some plan waits for.
    gc.freeze()


@asynccontextmanager
async def running_planner() -> AsyncIterator[WorkerPlanner]:
    """A worker planner while the context is open; `warm_up` starts its processes, or the first who asks."""
    planner = WorkerPlanner()
    try:
        yield planner
    finally:
        planner.close()
