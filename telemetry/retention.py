"""Deletes what was recorded long enough ago, and writes down what and why."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path

from core.clock import Clock
from core.errors import BailuError
from core.ids import SortieId
from operations.recording.ports import Deleted, Gone, HoldStore, RowSink
from operations.recording.retention import KeepPolicy, LogFile, too_many, too_old
from operations.recording.rows import LEVELS, RAW
from operations.recording.tracks import micros_of, time_of
from telemetry.messages import FleetEvent

log = logging.getLogger("bailu.retention")

FIRST_AFTER_S = 60.0
EVERY_S = 600.0
# Of the allowed size, what telemetry logs may take at the most: rows are worth more.
_LOGS_SHARE = 0.5
_NOTHING = Gone()


class Retention:
    """Looks every ten minutes. `open_logs`: the sorties whose logs are being written."""

    def __init__(
        self,
        policy: KeepPolicy,
        sink: RowSink,
        holds: HoldStore,
        *,
        data_dir: Path,
        clock: Clock,
        tell: Callable[[FleetEvent], None],
        open_logs: Callable[[], Collection[SortieId]],
    ) -> None:
        self._policy = policy
        self._sink = sink
        self._holds = holds
        self._folder = data_dir / "tlogs"
        self._clock = clock
        self._tell = tell
        self._open_logs = open_logs
        self._untold: Deleted | None = None

    async def run(self) -> None:
        """Until cancelled; a store that is away is tried again the next time."""
        await asyncio.sleep(FIRST_AFTER_S)
        while True:
            try:
                await self.look()
            except (BailuError, OSError) as error:
                log.warning("old records are not deleted now: %s", error)
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Deletes what is due now, and writes each part down as it is done: before that nothing more is deleted."""
        await self._write_down()
        # Read anew each time: a hold that came after this look began is safe at the latest from the next one on.
        held = {each.sortie_id for each in await self._holds.holds()}
        await self._by_age(held)
        await self._by_size(held)

    async def _by_age(self, held: Collection[SortieId]) -> None:
        now_us, policy = micros_of(self._clock.now()), self._policy
        before_us = policy.raw_before_us(now_us)
        await self._told("age", await self._sink.expire((RAW,), before_us, held))
        await self._told("age", await self._sink.expire(LEVELS[1:], policy.levels_before_us(now_us), held))
        logs = await asyncio.to_thread(_logs, self._folder)
        await self._told("age", logs=await asyncio.to_thread(self._unlink, too_old(logs, before_us, held)))

    async def _by_size(self, held: Collection[SortieId]) -> None:
        most = self._policy.most_bytes
        logs = await asyncio.to_thread(_logs, self._folder)
        surplus = too_many(logs, round(most * _LOGS_SHARE), held, self._open_logs())
        unlinked = await asyncio.to_thread(self._unlink, surplus)
        await self._told("size", logs=unlinked)
        left = sum(each.bytes for each in logs) - sum(each.bytes for each in unlinked)
        await self._told("size", await self._sink.expire_oldest(max(0, most - left), held))

    def _unlink(self, logs: Sequence[LogFile]) -> tuple[LogFile, ...]:
        """Those that are gone now; one that cannot be deleted does not keep the others."""
        gone = []
        for each in logs:
            try:
                (self._folder / f"{each.sortie_id}.tlog").unlink(missing_ok=True)
            except OSError as error:
                log.error("the telemetry log of sortie %s is not deleted: %s", each.sortie_id, error.strerror)
            else:
                gone.append(each)
        return tuple(gone)

    async def _told(self, why: str, gone: Gone = _NOTHING, logs: Sequence[LogFile] = ()) -> None:
        if not gone and not logs:
            return
        size = sum(each.bytes for each in logs)
        from_at, to_at = (time_of(gone.from_us), time_of(gone.to_us)) if gone.rows else (None, None)
        self._untold = Deleted(
            self._clock.now(),
            why,
            gone.rows,
            tuple(each.sortie_id for each in logs),
            size,
            from_at,
            to_at,
            gone.events,
        )
        await self._write_down()

    async def _write_down(self) -> None:
        """The last part; what the store does not take now is written before the next one. Raises Overloaded."""
        deleted = self._untold
        if deleted is None:
            return
        await self._sink.journal(deleted)
        self._untold = None
        what = f"{deleted.rows} positions, {deleted.events} events, {len(deleted.logs)} logs"
        text = f"Records were deleted for their {deleted.why}: {what}."
        log.info("%s", text)
        self._tell(FleetEvent(deleted.at, "info", "records-deleted", text))


def _logs(folder: Path) -> tuple[LogFile, ...]:
    found = []
    for path in folder.glob("*.tlog"):
        with suppress(FileNotFoundError):  # somebody took it away just now
            stat = path.stat()
            found.append(LogFile(SortieId(path.stem), round(stat.st_mtime * 1e6), stat.st_size))
    return tuple(found)
