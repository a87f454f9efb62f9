"""A sortie's record: a standard `.tlog`, byte-exact as received, and its positions in the store."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Sequence
from pathlib import Path

from core.clock import Clock
from core.errors import BailuError
from core.ids import SortieId
from missions.model import TrackPoint
from missions.ports import TrackStore

log = logging.getLogger("bailu.recorder")

FLUSH_S = 0.5
# What may wait when the disk or the store is slow; beyond that the oldest positions go, and are counted.
_MAX_POINTS = 20_000
_MAX_LOG_BYTES = 4 * 1024 * 1024


def tlog_path(data_dir: Path, sortie_id: SortieId) -> Path:
    """Where the telemetry log of a sortie lies."""
    return data_dir / "tlogs" / f"{sortie_id}.tlog"


class Recorder:
    """Takes frames and positions at any rate, writes them in batches; goes on after a restart where it stopped."""

    def __init__(self, sortie_id: SortieId, *, store: TrackStore, data_dir: Path, clock: Clock) -> None:
        self.sortie_id = sortie_id
        self.lost_points = 0
        self.lost_bytes = 0
        self._store = store
        self._path = tlog_path(data_dir, sortie_id)
        self._clock = clock
        self._log = bytearray()
        self._points: list[TrackPoint] = []
        self._complained = False
        self._flushing = asyncio.Lock()

    def frame(self, raw: bytes) -> None:
        """One received frame. A `.tlog` record is the big-endian Unix time in µs, then the frame (pymavlink)."""
        if len(self._log) + len(raw) + 8 > _MAX_LOG_BYTES:
            self.lost_bytes += len(raw)
            return
        self._log += struct.pack(">Q", int(self._clock.now().timestamp() * 1e6)) + raw

    def position(self, point: TrackPoint) -> None:
        """One position; never conflated."""
        if len(self._points) >= _MAX_POINTS:
            self._points.pop(0)
            self.lost_points += 1
        self._points.append(point)

    async def run(self) -> None:
        """Writes every half second until cancelled, and what is left then."""
        try:
            while True:
                await asyncio.sleep(FLUSH_S)
                await self.flush()
        finally:
            await asyncio.shield(self.flush())

    async def flush(self) -> None:
        """Writes what waits. A full disk or an absent store is told once; the next flush tries again."""
        # One at a time, or a late batch would overtake an early one.
        async with self._flushing:
            await self._flush()

    async def _flush(self) -> None:
        frames, self._log = bytes(self._log), bytearray()
        points, self._points = self._points, []
        try:
            if frames:
                await asyncio.to_thread(_append, self._path, frames)
                frames = b""
            if points:
                await self._store.append_track(self.sortie_id, points)
                points = []
        except (OSError, BailuError) as error:
            self._put_back(frames, points)
            if not self._complained:
                log.error("sortie %s is not recorded at the moment: %s", self.sortie_id, error)
            self._complained = True
        else:
            self._complained = False

    def _put_back(self, frames: bytes, points: Sequence[TrackPoint]) -> None:
        self._log[:0] = frames
        self._points[:0] = points


def _append(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as log_file:
        log_file.write(data)
