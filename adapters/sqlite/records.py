"""The store of `operations.recording.ports` on SQLite, in a database of its own beside the journal's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import apsw

from adapters.sqlite import chunks
from adapters.sqlite import events as event_rows
from adapters.sqlite.database import Database
from adapters.sqlite.migrate import TELEMETRY_MIGRATIONS, migrate
from adapters.sqlite.rows import body, time_text, value
from core.errors import Overloaded
from core.ids import SortieId, VehicleId
from operations.recording.ports import FOREVER_US, Batch, Deleted, Extent, Gone, RecordedEvent, Slice, Wanted
from operations.recording.rows import LEVELS, RAW, Rows

R = TypeVar("R")

FILE = "telemetry.db"
# Batches become blobs when the oldest waits for so long, or so many rows wait. A blob costs the same for any length:
# the more rows, the better; but what waits is looked through whole by whoever asks for a track.
COMPACT_AFTER_S = 20.0
_COMPACT_ROWS = 200_000
# Of a track this much is read and written at a time, however long it is.
_PAGE_ROWS = 40_000
_VEHICLES_AT_ONCE = 16
_EXPIRED_AT_ONCE = 32
_EVENTS_EXPIRED_AT_ONCE = 1_000


class Records:
    """Rows and events of all vehicles. One process writes; any number read."""

    def __init__(self, writer: Database, reader: Database) -> None:
        self._writer = writer
        self._reader = reader
        self._numbers: dict[str, int] = {}
        self._openings = 0  # of the file whose numbers these are

    # --- writing ---

    async def append(self, batch: Batch) -> None:
        if len(batch.rows) == 0:
            return
        self._numbers.update(await self._write(lambda db: chunks.append(db, batch, self._known())))

    async def note(self, events: Sequence[RecordedEvent]) -> None:
        if events:
            self._numbers.update(await self._write(lambda db: event_rows.note(db, events, self._known())))

    def _known(self) -> dict[str, int]:
        """The numbers of names in the file that is open now; asked within a job."""
        if self._openings != self._writer.openings:
            self._numbers, self._openings = {}, self._writer.openings
        return self._numbers

    async def compact(self, now_us: int) -> int:
        """Blobs of what waits, then coarser levels of spans that are over; a little at a time, so that no batch waits
        long for its turn. What a crash left undone is done at the next call."""
        count, first_us = await _told(self._writer.read(chunks.waiting))
        if count >= _COMPACT_ROWS or (count and now_us - first_us >= COMPACT_AFTER_S * 1e6):
            count -= await self._write(lambda db: chunks.compact(db, _COMPACT_ROWS))
        for level in LEVELS[1:]:
            await self._roll_up(level, now_us)
        return count

    async def _roll_up(self, level: int, now_us: int) -> None:
        while await self._write(lambda db: chunks.roll_up(db, level, now_us, _VEHICLES_AT_ONCE)):
            pass  # batches that were handed in meanwhile had their turn

    async def expire(self, levels: Sequence[int], before_us: int, held: Collection[SortieId]) -> Gone:
        return await self._expire(levels, before_us, held, until_bytes=None)

    async def expire_oldest(self, most_bytes: int, held: Collection[SortieId]) -> Gone:
        gone = await self._expire((RAW,), FOREVER_US, held, until_bytes=most_bytes)
        return await self._expire(LEVELS[1:], FOREVER_US, held, until_bytes=most_bytes, gone=gone)

    async def _expire(
        self,
        levels: Sequence[int],
        before_us: int,
        held: Collection[SortieId],
        until_bytes: int | None,
        gone: Gone = Gone(),  # noqa: B008 - a frozen value
    ) -> Gone:
        """`gone` and what goes now, step by step; when a step fails, those before it are told all the same."""

        def step(db: apsw.Connection) -> Gone:
            if until_bytes is not None and chunks.used_bytes(db) <= until_bytes:
                return Gone()
            spared = [chunks.number(db, sortie_id) for sortie_id in held]
            gone = chunks.expire(db, levels, before_us, spared, _EXPIRED_AT_ONCE)
            if RAW not in levels:
                return gone
            # For their size events go with the rows of their time, and by themselves when there are no rows left.
            until_us = gone.to_us if gone.rows and until_bytes is not None else before_us
            return gone + Gone(events=event_rows.expire(db, until_us, spared, _EVENTS_EXPIRED_AT_ONCE))

        try:
            while more := await self._write(step):
                gone += more
        except Overloaded:
            if not gone:
                raise
        return gone

    async def journal(self, deleted: Deleted) -> None:
        row = (time_text(deleted.at), body(deleted))
        await self._write(lambda db: db.execute("INSERT INTO deletions (at, body) VALUES (?, ?)", row))

    async def _write(self, job: Callable[[apsw.Connection], R]) -> R:
        """One transaction. Whatever is wrong with it, live goes on: the recorder tells, and tries again."""
        return await _told(self._writer.write(job))

    # --- reading ---

    async def read(self, wanted: Wanted) -> AsyncIterator[Rows]:
        which = await self._reader.read(lambda db: _selection(db, wanted))
        from_us = wanted.from_us
        while from_us < wanted.to_us:
            rows, from_us = await self._page(which, from_us, wanted.to_us)
            if len(rows):
                yield rows

    async def _page(self, which: chunks.Selection, from_us: int, to_us: int) -> tuple[Rows, int]:
        return await self._reader.read(
            lambda db: _in_snapshot(db, lambda: chunks.page(db, which, from_us, to_us, _PAGE_ROWS))
        )

    async def slices(self, from_us: int, to_us: int, *, step_s: float) -> AsyncIterator[Slice]:
        step_us = int(step_s * 1e6)
        for start in range(from_us, to_us, step_us):
            yield await self._slice(start, min(start + step_us, to_us))

    async def _slice(self, from_us: int, to_us: int) -> Slice:
        def job(db: apsw.Connection) -> Slice:
            rows = chunks.window(db, from_us, to_us)
            names = chunks.names_of(db)
            index = {number: at for at, number in enumerate(names)} | {chunks.NOBODY: -1}
            for key in ("vehicle", "sortie"):
                rows[key] = [index[number] for number in rows[key].tolist()]
            return Slice(from_us, to_us, tuple(names.values()), rows)

        return await self._reader.read(lambda db: _in_snapshot(db, lambda: job(db)))

    async def extent(self, wanted: Wanted) -> Extent | None:
        def job(db: apsw.Connection) -> Extent | None:
            return chunks.extent(db, _selection(db, wanted), wanted.from_us)

        return await self._reader.read(lambda db: _in_snapshot(db, lambda: job(db)))

    async def events(
        self, from_us: int, to_us: int, *, vehicle_id: VehicleId | None = None, limit: int
    ) -> Sequence[RecordedEvent]:
        return await self._reader.read(lambda db: event_rows.events(db, from_us, to_us, vehicle_id, limit))

    async def deletions(self, *, limit: int) -> Sequence[Deleted]:
        query = "SELECT body FROM deletions ORDER BY n DESC LIMIT ?"
        return await self._reader.read(
            lambda db: tuple(value(text, Deleted) for (text,) in db.execute(query, (limit,)))
        )

    async def used_bytes(self) -> int:
        return await _told(self._reader.read(chunks.used_bytes))


def _selection(db: apsw.Connection, wanted: Wanted) -> chunks.Selection:
    vehicle = chunks.number(db, wanted.vehicle_id) if wanted.vehicle_id is not None else None
    sortie = chunks.number(db, wanted.sortie_id) if wanted.sortie_id is not None else None
    return chunks.Selection(vehicle, sortie, wanted.level)


def _in_snapshot(db: apsw.Connection, job: Callable[[], R]) -> R:
    """All that `job` reads is of one moment."""
    db.execute("BEGIN")
    try:
        return job()
    finally:
        db.execute("COMMIT")


async def _told(work: Awaitable[R]) -> R:
    """What `work` gives; whatever is wrong with the file is told in a way that the gateway's tasks outlive."""
    try:
        return await work
    except apsw.Error as error:
        raise Overloaded(f"The telemetry database fails ({error})") from error


@asynccontextmanager
async def open_records(path: Path) -> AsyncIterator[Records]:
    """The telemetry database in `path`, made or migrated first. Raises NewerDatabase."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = Database(path, name="telemetry-writer")
    try:
        await writer.read(lambda db: migrate(db, TELEMETRY_MIGRATIONS))
        reader = Database(path, name="telemetry-reader")
        try:
            yield Records(writer, reader)
        finally:
            await reader.close()
    finally:
        await writer.close()
