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

from adapters.sqlite.reserve import Reserve
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


class _Kept:
    """A connection as long as it can be trusted, and another one then. Belongs to the database's thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection, self._identity = _opened(path)
        self.openings = 1
        # After a failed write or sync nothing is known of what went through this connection.
        self.is_doubtful = False

    def connection(self) -> apsw.Connection:
        """Raises Overloaded while the file is not where it was: what is written to a removed one is lost."""
        identity = _identity(self._path)
        if identity is None:
            raise Overloaded(f"{self._path.name} is not in its folder any more")
        if self.is_doubtful or identity != self._identity:
            fresh = _opened(self._path)
            self.close()  # SQLite leaves the log of a file alone that was put in this one's place
            self._connection, self._identity = fresh
            self.openings += 1
            self.is_doubtful = False
        return self._connection

    def close(self) -> None:
        self._connection.close()


def _opened(path: Path) -> tuple[apsw.Connection, tuple[int, int] | None]:
    """A connection, and which file it is to: the one that lay there before, or that this has made."""
    while True:
        before, connection, after = _identity(path), connect(path), _identity(path)
        if before in (None, after):
            return connection, after
        connection.close()  # the file was replaced in this instant: nobody knows which one was opened


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file lies there; None when none does, or nobody can say."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


# What is the disk's fault, not the statement's. A page that a power cut damaged too: what brings a vehicle home goes
# out without its journal entry, and the gateway lives.
_BAD_DISK = (
    apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError, apsw.CorruptError, apsw.NotADBError,
)  # fmt: skip


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
    """One connection and the only thread that touches it. A caller that gives up does not undo its job.

    A file that was taken away is not written to; when one lies there again it is opened anew (`openings` counts).
    """

    def __init__(self, path: Path, *, name: str, reserve: Reserve | None = None) -> None:
        """`reserve`: room that a write may have when the disk has none."""
        self._thread = _Thread(name)
        self._reserve = reserve or Reserve(path, 0)
        self._kept = self._thread.submit(lambda: _Kept(path), _FIRST)
        self._waiting = 0
        self._closing: Future[None] | None = None
        self.refused = 0
        self.lasted = Histogram(SHORT_S)  # jobs, from their turn to their end: a write's end is on the disk

    @property
    def waiting(self) -> int:
        """Jobs asked for and not done yet."""
        return self._waiting

    @property
    def openings(self) -> int:
        """How often the file was opened; asked within a job."""
        return self._kept.result().openings

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
        return await self.read(lambda connection: self._written(connection, job), urgent=urgent)

    def _written(self, connection: apsw.Connection, job: Callable[[apsw.Connection], R]) -> R:
        """One transaction; a disk that is full is asked once more when the reserve has been given up."""
        try:
            result = _in_transaction(connection, job)
        except (apsw.FullError, apsw.IOError):  # a quota that is used up is an I/O error to SQLite
            if not self._reserve.release():
                raise
            result = _in_transaction(connection, job)
        self._reserve.hold()
        return result

    def _run(self, job: Callable[[apsw.Connection], R]) -> R:
        began_s, kept = time.perf_counter(), self._kept.result()
        try:
            return job(kept.connection())
        except apsw.BusyError as error:
            self.refused += 1
            raise Overloaded("The database is busy") from error
        except _BAD_DISK as error:
            kept.is_doubtful = not isinstance(error, apsw.FullError)
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
        if self._kept.exception() is None:
            self._kept.result().close()


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
