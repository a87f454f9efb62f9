"""Rows that are read from the store once, and kept beside it for those passes over them that come after."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from types import TracebackType

import numpy as np

from operations.recording.rows import ROW, Rows

# Of one file's rows: up to the first in memory, beyond it in a temporary file, beyond the second nowhere:
# to be rid of a file of that size takes some milliseconds, of a larger one longer.
_IN_MEMORY_BYTES = 4 << 20
_MOST_BYTES = 128 << 20


class Scratch:
    """Passes over the same rows. Those that are too many, or find no room, are read from the store by each pass.

    Close it (it is a context manager) to be rid of the temporary file; killing the process is as good.
    """

    def __init__(self, read: Callable[[], AsyncGenerator[Rows]]) -> None:
        self._read = read
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - closed in __exit__
        self._sizes: list[int] = []
        self._is_whole: bool | None = None  # None until the end of the first pass

    def __enter__(self) -> Scratch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._close()

    async def parts(self) -> AsyncGenerator[Rows]:
        """One pass; the next begins when it has ended. A part holds its rows until the next one is asked for."""
        if self._is_whole:
            async with aclosing(self._kept()) as kept:
                async for rows in kept:
                    yield rows
            return
        async with aclosing(self._read()) as parts:
            async for rows in parts:
                if self._is_whole is None:
                    await asyncio.to_thread(self._keep, rows)
                yield rows
        self._is_whole = self._is_whole is None

    async def _kept(self) -> AsyncGenerator[Rows]:
        # One piece of memory for all: to be given a fresh one by the system costs more than to read the rows.
        room = memoryview(bytearray(max(self._sizes, default=0)))
        self._file.seek(0)
        for size in self._sizes:
            await asyncio.to_thread(self._file.readinto, room[:size])
            yield np.frombuffer(room[:size], ROW)

    def _keep(self, rows: Rows) -> None:
        if sum(self._sizes) + rows.nbytes > _MOST_BYTES:
            return self._give_up()
        try:
            self._file.write(rows.tobytes())
            self._file.flush()  # no later than here is a full disk no harm
            self._sizes.append(rows.nbytes)
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        self._is_whole = False
        self._close()

    def _close(self) -> None:
        with suppress(OSError):  # on a full disk: what was still to be written
            self._file.close()
