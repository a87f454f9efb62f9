"""Replays: sessions that play a recording on a stream of their own; few at a time, and none that nobody looks at."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from core.clock import Clock
from core.errors import FieldError, InvalidRequest, NotFound, Overloaded
from core.ids import SortieId, VehicleId, new_id
from missions.model import Sortie
from missions.ports import SortieStore
from operations.recording.history import History
from operations.recording.ports import HistoryStore, RecordStore, Wanted
from operations.recording.tracks import micros_of, time_of
from telemetry.chronicle import Chronicle
from telemetry.messages import VehicleState
from telemetry.replay import Reel, ReelClock, Replay, Stage

log = logging.getLogger("bailu.replays")

MOST_REPLAYS = 8
LONGEST = timedelta(hours=24)
# So long a session waits for its first viewer, or for one to come back.
IDLE_S = 60.0
_BEAT_S = 1.0
# So long after its last row a sortie's last step still belongs to it.
_LAST_STEP_US = 60_000_000


class ReplayStore(SortieStore, HistoryStore, Protocol):
    """What the journal knows of what is played."""


class ReplayHub(Stage, Protocol):
    """A stream hub, as far as a session needs it."""

    @property
    def viewer_count(self) -> int: ...

    def beat(self) -> None: ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class Session:
    """A replay at work, with the hub that shows it."""

    id: str
    replay: Replay
    hub: ReplayHub
    seen_s: float
    task: asyncio.Task[None] | None = None


class Replays:
    """The sessions of one process. `new_hub` makes an empty hub on a recording's clock; `describe` knows the vehicles
    of today.
    """

    def __init__(
        self,
        store: ReplayStore,
        records: RecordStore,
        clock: Clock,
        *,
        new_hub: Callable[[Clock], ReplayHub],
        describe: Callable[[VehicleId], VehicleState],
    ) -> None:
        self._store = store
        self._records = records
        self._clock = clock
        self._new_hub = new_hub
        self._describe = describe
        self._sessions: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def session(self, replay_id: str) -> Session:
        """Raises NotFound."""
        if replay_id not in self._sessions:
            raise NotFound("replay", replay_id)
        return self._sessions[replay_id]

    async def of_sortie(self, sortie_id: SortieId, speed: float) -> Session:
        """Plays a sortie. Raises NotFound, also when nothing was recorded of it, and Overloaded."""
        sortie = await self._store.sortie(sortie_id)
        extent = await self._records.extent(Wanted(sortie_id=sortie_id))
        if extent is None:
            raise NotFound("record of sortie", sortie_id)
        to_us = max(extent.to_us, min(_ended_us(sortie), extent.to_us + _LAST_STEP_US))
        reel = Reel(extent.from_us, to_us, sortie_id)
        whole = await self._history(reel, sortie.vehicle_id)
        return self._start(reel, replace(whole, sorties=(sortie,)), speed, sortie.vehicle_id)

    async def of_fleet(self, from_at: datetime, to_at: datetime, speed: float) -> Session:
        """Plays what all vehicles did. Raises InvalidRequest and Overloaded."""
        if from_at >= to_at:
            raise InvalidRequest((FieldError("/to", "is not after from"),))
        if to_at - from_at > LONGEST:
            raise InvalidRequest((FieldError("/to", "is more than 24 hours after from"),))
        reel = Reel(micros_of(from_at), micros_of(to_at))
        return self._start(reel, await self._history(reel, None), speed, None)

    async def _history(self, reel: Reel, vehicle_id: VehicleId | None) -> History:
        return await self._store.history(time_of(reel.from_us), time_of(reel.to_us), vehicle_id=vehicle_id)

    def _start(self, reel: Reel, history: History, speed: float, vehicle_id: VehicleId | None) -> Session:
        if len(self._sessions) >= MOST_REPLAYS:
            raise Overloaded(f"{MOST_REPLAYS} recordings are being played already")
        reel_clock = ReelClock(self._clock, reel.from_us)
        hub = self._new_hub(reel_clock)
        replay = Replay(
            reel,
            self._records,
            hub,
            chronicle=Chronicle(history, self._records, vehicle_id),
            clock=reel_clock,
            describe=self._describe,
            speed=speed,
        )
        session = Session(new_id("replay"), replay, hub, self._clock.mono_s())
        session.task = asyncio.create_task(self._play(session), name=session.id)
        self._sessions[session.id] = session
        return session

    async def _play(self, session: Session) -> None:
        """Until it is ended, or nobody looks at it any more."""
        playing = asyncio.create_task(session.replay.run(), name=f"{session.id} ticks")
        try:
            while not playing.done() and not self._is_idle(session):
                session.hub.beat()
                await asyncio.wait({playing}, timeout=_BEAT_S)
        finally:
            playing.cancel()
            self._sessions.pop(session.id, None)
            (failed,) = await asyncio.gather(playing, return_exceptions=True)
            if isinstance(failed, Exception):
                log.error("%s ended: %s", session.id, failed)
            await session.hub.close()

    def _is_idle(self, session: Session) -> bool:
        if session.hub.viewer_count:
            session.seen_s = self._clock.mono_s()
        return self._clock.mono_s() - session.seen_s > IDLE_S

    async def end(self, replay_id: str) -> None:
        """Ends a session and sends its viewers away. Raises NotFound."""
        task = self.session(replay_id).task
        del self._sessions[replay_id]  # a task that has not begun cleans nothing up
        assert task is not None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def close(self) -> None:
        """Ends all of them."""
        for replay_id in tuple(self._sessions):
            await self.end(replay_id)


def _ended_us(sortie: Sortie) -> int:
    """When it made its last step: its rows end a moment before. 0: it made none."""
    return micros_of(sortie.transitions[-1].at) if sortie.transitions else 0


@asynccontextmanager
async def running_replays(replays: Replays) -> AsyncIterator[None]:
    """Sessions may be made while the context is open; all are ended after it."""
    try:
        yield
    finally:
        await replays.close()
