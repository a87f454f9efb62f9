"""A SQLite connection in a thread of its own: bounded queue in, results out, driver errors named."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from queue import PriorityQueue
from typing import Any, TypeVar

import apsw

from core.errors import Overloaded
from core.metrics import SHORT_S, Histogram

R = TypeVar("R")

BUSY_TIMEOUT_MS = 5_000
# Jobs that may wait for the thread, and twice as many once the urgent ones count; past it the store says so.
MAX_WAITING = 256
_FIRST, _URGENT, _USUAL, _LAST = range(4)


def connect(path: Path) -> apsw.Connection:
    """A connection set up so that what it commits survives a power cut (reliability guide, sections 2 and 5)."""
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    connection.pragma("foreign_keys", True)
    connection.pragma("trusted_schema", False)
    return connection


class _Thread:
    """A thread that does jobs one after the other, urgent ones first; those of one kind in the order of asking."""

    def __init__(self, name: str) -> None:
        self._jobs: PriorityQueue[tuple[int, int, Future[Any], Callable[[], Any]]] = PriorityQueue()
        self._number = count()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[], R], rank: int) -> Future[R]:
        """The result to be of `job`; lower ranks go first."""
        future: Future[R] = Future()
        self._jobs.put((rank, next(self._number), future, job))
        return future

    def _work(self) -> None:
        while True:
            rank, _, future, job = self._jobs.get()
            try:
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001 - whoever asked is told
                future.set_exception(error)
            if rank == _LAST:
                return


class Database:
    """One connection and the only thread that touches it. A caller that gives up does not undo its job."""

    def __init__(self, path: Path, *, name: str) -> None:
        self._thread = _Thread(name)
        self._connection = self._thread.submit(lambda: connect(path), _FIRST)
        self._waiting = 0
        self._closing: Future[None] | None = None
        self.refused = 0
        self.lasted = Histogram(SHORT_S)  # jobs, from their turn to their end: a write's end is on the disk

    @property
    def waiting(self) -> int:
        """Jobs asked for and not done yet."""
        return self._waiting

    async def read(self, job: Callable[[apsw.Connection], R], *, urgent: bool = False) -> R:
        """Runs `job` in the thread. Raises Overloaded when too many wait, it closes, or the disk or the lock says no.

        An `urgent` one waits for the job that is being done, and for no other.
        """
        if self._closing is not None:
            raise Overloaded("The database is closing")
        if self._waiting >= (2 * MAX_WAITING if urgent else MAX_WAITING):
            self.refused += 1
            raise Overloaded("The database is behind")
        done = asyncio.wrap_future(self._thread.submit(lambda: self._run(job), _URGENT if urgent else _USUAL))
        self._waiting += 1
        done.add_done_callback(self._was_done)
        # Shielded: a caller that gives up must not make the thread's answer an error, and its job still waits.
        return await asyncio.shield(done)

    def _was_done(self, done: asyncio.Future[Any]) -> None:
        self._waiting -= 1
        if not done.cancelled():
            done.exception()  # known to whoever still waits; that somebody gave up is no error

    async def write(self, job: Callable[[apsw.Connection], R], *, urgent: bool = False) -> R:
        """Runs `job` in one transaction that is on the disk when this returns, or has left no trace."""
        return await self.read(lambda connection: _in_transaction(connection, job), urgent=urgent)

    def _run(self, job: Callable[[apsw.Connection], R]) -> R:
        began_s = time.perf_counter()
        try:
            return job(self._connection.result())
        except apsw.BusyError as error:
            self.refused += 1
            raise Overloaded("The database is busy") from error
        except (apsw.FullError, apsw.IOError, apsw.ReadOnlyError) as error:
            self.refused += 1
            raise Overloaded(f"The disk does not take the data ({error})") from error
        finally:
            self.lasted.observe(time.perf_counter() - began_s)

    async def close(self) -> None:
        """Finishes what waits, then closes the connection; what is asked from now on is refused."""
        if self._closing is None:
            self._closing = self._thread.submit(self._close, _LAST)
        await asyncio.shield(asyncio.wrap_future(self._closing))

    def _close(self) -> None:
        if self._connection.exception() is None:
            self._connection.result().close()


def _in_transaction(connection: apsw.Connection, job: Callable[[apsw.Connection], R]) -> R:
    # IMMEDIATE: a second process waits here, not in the middle with a stale read.
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = job(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result
