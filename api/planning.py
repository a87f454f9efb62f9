"""Planning away from the event loop: in a worker process that a deadline can end, or in a thread for tests."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from multiprocessing.connection import wait
from typing import Any, Protocol, TypeVar

from core.errors import Overloaded
from geofence.zones import Airspace
from missions.model import Airframe, Dock, MissionRequest, Plan
from missions.planner import Conditions, plan

T = TypeVar("T")

DEADLINE_S = 20.0
# Requests that may wait for the worker; the next one is told to come back.
MAX_WAITING = 16


class Planner(Protocol):
    """Makes plans without blocking the event loop."""

    async def plan(
        self, request: MissionRequest, dock: Dock, airspace: Airspace, airframe: Airframe, conditions: Conditions
    ) -> Plan:
        """Raises Overloaded when it takes too long or too many wait."""
        ...


class ThreadPlanner:
    """Plans in a thread: no start-up cost, but nothing ends a plan that does not."""

    async def plan(
        self, request: MissionRequest, dock: Dock, airspace: Airspace, airframe: Airframe, conditions: Conditions
    ) -> Plan:
        return await asyncio.to_thread(plan, request, dock, airspace, airframe, conditions)


class WorkerPlanner:
    """Plans in one worker process; a plan over its deadline costs the worker, never the loop."""

    def __init__(self, *, deadline_s: float = DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._waiting = 0
        self._pool = _new_pool()

    async def plan(
        self, request: MissionRequest, dock: Dock, airspace: Airspace, airframe: Airframe, conditions: Conditions
    ) -> Plan:
        if self._waiting >= MAX_WAITING:
            raise Overloaded("Too many plans are being made")
        self._waiting += 1
        pool = self._pool
        try:
            async with asyncio.timeout(self._deadline_s):
                return await _submitted(pool, plan, request, dock, airspace, airframe, conditions)
        except (TimeoutError, BrokenProcessPool) as error:
            self._replace(pool)
            raise Overloaded(f"No plan was found within {self._deadline_s:.0f} s") from error
        finally:
            self._waiting -= 1

    def _replace(self, pool: ProcessPoolExecutor) -> None:
        """Ends the worker of `pool` unless another waiter already did."""
        if pool is self._pool:
            self._pool = _new_pool()
            _end(pool)

    def close(self) -> None:
        _end(self._pool)


def _submitted(pool: ProcessPoolExecutor, job: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
    """Submits with Ctrl-C blocked: a worker that starts here inherits that and cannot die of it while it imports."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return asyncio.get_running_loop().run_in_executor(pool, job, *arguments)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _new_pool() -> ProcessPoolExecutor:
    # spawn: a forked child would inherit the sockets and threads of the service.
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_init_worker)


def _end(pool: ProcessPoolExecutor) -> None:
    for process in list((pool._processes or {}).values()):
        process.terminate()
    pool.shutdown(wait=False, cancel_futures=True)


def _init_worker() -> None:
    """Ctrl-C is the parent's to handle; and a parent that was killed takes the worker with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_leave_with, args=(parent.sentinel,), daemon=True).start()


def _leave_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


@asynccontextmanager
async def running_planner() -> AsyncIterator[WorkerPlanner]:
    """A worker planner while the context is open, its process already started and warm."""
    planner = WorkerPlanner()
    warm = _submitted(planner._pool, os.getpid)
    try:
        yield planner
    finally:
        warm.cancel()
        planner.close()
