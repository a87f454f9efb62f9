"""A SQLite connection in a thread of its own: bounded queue in, results out, driver errors named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw

from core.errors import Overloaded

R = TypeVar("R")

BUSY_TIMEOUT_MS = 5_000
# Jobs that may wait for the thread; past it the store says so instead of piling up.
MAX_WAITING = 256


def connect(path: Path) -> apsw.Connection:
    """A connection set up so that what it commits survives a power cut (reliability guide, sections 2 and 5)."""
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    connection.pragma("foreign_keys", True)
    connection.pragma("trusted_schema", False)
    return connection


class Database:
    """One connection and the only thread that touches it. A caller that gives up does not undo its job."""

    def __init__(self, path: Path, *, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._connection = self._thread.submit(connect, path)
        self._waiting = 0

    async def read(self, job: Callable[[apsw.Connection], R]) -> R:
        """Runs `job` in the thread. Raises Overloaded when too many wait, or the disk or the lock says no."""
        if self._waiting >= MAX_WAITING:
            raise Overloaded("The database is behind")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, job)
        finally:
            self._waiting -= 1

    async def write(self, job: Callable[[apsw.Connection], R]) -> R:
        """Runs `job` in one transaction that is on the disk when this returns, or has left no trace."""
        return await self.read(lambda connection: _in_transaction(connection, job))

    def _run(self, job: Callable[[apsw.Connection], R]) -> R:
        try:
            return job(self._connection.result())
        except apsw.BusyError as error:
            raise Overloaded("The database is busy") from error
        except (apsw.FullError, apsw.IOError) as error:
            raise Overloaded(f"The disk does not take the data ({error})") from error

    async def close(self) -> None:
        """Finishes what waits, then closes the connection."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        finally:
            self._thread.shutdown(wait=False)

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
