"""A recording played: rows as ticks, and what happened as news; of a sortie or of all, faster, from any moment on."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol, assert_never

import numpy as np
import numpy.typing as npt

from core.clock import Clock
from core.ids import SortieId, VehicleId
from missions.model import CommandRecord, Sortie, TrackPoint
from missions.sortie import is_finished
from operations.alarms import Alarm
from operations.recording.ports import RowStore, Slice, Wanted
from operations.recording.rows import LEVELS, Rows
from operations.recording.tracks import time_of, track_points
from telemetry.chronicle import Chronicle, Standing
from telemetry.columns import COLUMN, FAST
from telemetry.messages import FleetEvent, FleetTick, Landed, LinkState, VehicleState

TICK_S = 0.1
SLOWEST, FASTEST = 1.0, 60.0
# Before the moment that is sought, so that a vehicle with a row a second is there at once.
_LEAD_US = 5_000_000
_SLICE_S = 10.0
# A process that stood still for longer goes on from where it was.
_MOST_AT_ONCE_S = 1.0
_FULL_EVERY = 10  # ticks
# Of so many sorties at the most the track is shown that they have flown by a moment that is gone to.
_MOST_TRACKS = 20
_SAME = tuple(name for name in FAST if not name.endswith("_age_s") and name not in ("lat_deg", "lon_deg"))


Tracks = dict[SortieId, list[TrackPoint]]


class Stage(Protocol):
    """Who is shown it: a hub of its own."""

    def tick(self, tick: FleetTick) -> None: ...

    def sortie_changed(self, sortie: Sortie) -> None: ...

    def alarm(self, alarm: Alarm) -> None: ...

    def command(self, record: CommandRecord) -> None: ...

    def event(self, event: FleetEvent) -> None: ...

    def go_to(self, standing: Standing, tracks: Tracks) -> None:
        """Another moment: what was told before counts no more, and things stand so."""
        ...


class ReelClock:
    """The clock of a recording that is played: its wall clock shows the moment that is shown, its seconds are ours.

    A stage on this clock tells each frame as of that moment, and ages go on from there.
    """

    def __init__(self, ours: Clock, shown_us: int) -> None:
        self._ours = ours
        self.shown_us = shown_us

    def now(self) -> datetime:
        return time_of(self.shown_us)

    def unix_us(self) -> int:
        return self.shown_us

    def mono_s(self) -> float:
        return self._ours.mono_s()


@dataclass(frozen=True, slots=True)
class Reel:
    """What is played: from when to when, and of a sortie's vehicle only, or of all."""

    from_us: int
    to_us: int
    sortie_id: SortieId | None = None


class Cast:
    """The vehicles as they are at the moment that is played; `describe` knows their names."""

    def __init__(self, name: str, describe: Callable[[VehicleId], VehicleState]) -> None:
        self._name = name
        self._describe = describe
        self._rows: dict[VehicleId, np.void] = {}
        self._sorties: dict[VehicleId, SortieId | None] = {}
        self._said: dict[VehicleId, bytes] = {}
        self._number = 0

    def clear(self) -> None:
        """Nobody is there any more, as after a jump."""
        self._rows.clear()
        self._sorties.clear()

    def take(self, names: tuple[str, ...], rows: Rows) -> None:
        """Takes over the newest of each vehicle's rows. `rows`: KEYED, in the order of time."""
        last = len(rows) - 1 - np.unique(rows["vehicle"][::-1], return_index=True)[1]
        for row in rows[last]:
            vehicle_id = VehicleId(names[row["vehicle"]])
            self._rows[vehicle_id] = row
            self._sorties[vehicle_id] = SortieId(names[row["sortie"]]) if row["sortie"] >= 0 else None

    def tick(self, at_us: int) -> FleetTick:
        """All of them, as old as they are at `at_us`."""
        self._number += 1
        ids = tuple(self._rows)
        slow = {vehicle_id: _slow_bytes(row) for vehicle_id, row in self._rows.items()}
        full = self._number % _FULL_EVERY == 1 or slow.keys() != self._said.keys()
        changed = [each for each in ids if full or slow[each] != self._said[each]]
        self._said = slow
        states = tuple(self._state(each, at_us) for each in changed)
        fast = _fast(np.array([*self._rows.values()]), at_us) if ids else np.empty((0, len(FAST)))
        return FleetTick(self._name, time_of(at_us), self._number, ids, fast.tobytes(), states, full)

    def _state(self, vehicle_id: VehicleId, at_us: int) -> VehicleState:
        row = self._rows[vehicle_id]
        numbers = _fast(np.array([row]), at_us)[0].tolist()
        quick: dict[str, Any] = {
            name: None if math.isnan(value) else value for name, value in zip(FAST, numbers, strict=True)
        }
        return replace(
            self._describe(vehicle_id),
            **quick,
            link=LinkState.REPLAYED,
            last_heard_at=time_of(int(row["at_us"])),
            sortie_id=self._sorties[vehicle_id],
            hdop=_told(row["hdop"]),
            vibration_mps2=_told(row["vibration_mps2"]),
            gps_fix=_whole(row["gps_fix"]),
            satellites=_whole(row["satellites"]),
            mission_seq=_whole(row["mission_seq"]),
            armed=None if row["armed"] < 0 else bool(row["armed"]),
            landed=Landed(row["landed"].decode() or Landed.UNKNOWN),
            mode=row["mode"].decode() or None,
        )


def _slow_bytes(row: np.void) -> bytes:
    """What of a row is no quick number; equal bytes are equal states."""
    parts = [row[name].tobytes() for name in ("hdop", "gps_fix", "satellites", "mission_seq", "armed", "sortie")]
    return b"".join([*parts, bytes(row["landed"]), b"|", bytes(row["mode"])])


def _fast(rows: Rows, at_us: int) -> npt.NDArray[np.float64]:
    numbers = np.empty((len(rows), len(FAST)))
    for name in _SAME:
        numbers[:, COLUMN[name]] = rows[name]
    for name in ("lat", "lon"):
        numbers[:, COLUMN[f"{name}_deg"]] = rows[f"{name}_e7"] / 1e7
    age_s = np.maximum(0.0, (at_us - rows["at_us"]) / 1e6)
    numbers[:, COLUMN["heard_age_s"]] = numbers[:, COLUMN["position_age_s"]] = np.round(age_s, 3)
    return numbers


def _told(value: Any) -> float | None:
    return None if np.isnan(value) else round(float(value), 3)


def _whole(value: Any) -> int | None:
    return None if value < 0 else int(value)


class Replay:
    """Plays a reel on a stage. Times are of the recording; `at_us` is the moment that it goes on from.

    `clock` is the stage's too: it shows the moment that the stage was told of.
    """

    def __init__(
        self,
        reel: Reel,
        records: RowStore,
        stage: Stage,
        *,
        chronicle: Chronicle,
        clock: ReelClock,
        describe: Callable[[VehicleId], VehicleState],
        speed: float = 1.0,
    ) -> None:
        self.reel = reel
        self.at_us = reel.from_us
        self.speed = speed
        self.is_playing = True
        self._records = records
        self._stage = stage
        self._chronicle = chronicle
        self._clock = clock
        self._cast = Cast("replay", describe)
        self._jumped = True

    @property
    def is_over(self) -> bool:
        return self.at_us >= self.reel.to_us

    def seek(self, at_us: int) -> None:
        """Goes on from another moment of the reel."""
        self.at_us = min(max(at_us, self.reel.from_us), self.reel.to_us)
        self._jumped = True

    async def run(self) -> None:
        """Shows a tick ten times a second until cancelled, while it stands still too: a viewer may come then."""
        source = _Source(self._records, self.reel)
        due_s = shown_s = self._clock.mono_s()
        told_us = self.at_us
        try:
            while True:
                # Whoever seeks meanwhile is heeded in the next round.
                at_us, jumped, self._jumped = self.at_us, self._jumped, False
                if jumped:
                    self._cast.clear()
                    await source.go_to(max(self.reel.from_us, at_us - _LEAD_US))
                for names, rows in await source.until(at_us):
                    self._cast.take(names, rows)
                await (self._go_to(at_us) if jumped else self._tell(told_us, at_us))
                told_us = at_us
                self._stage.tick(self._cast.tick(at_us))
                due_s = max(due_s + TICK_S, self._clock.mono_s())
                await asyncio.sleep(due_s - self._clock.mono_s())
                # By the clock: where a large fleet takes longer than a tick, it is shown less often, not more slowly.
                went_s, shown_s = min(due_s - shown_s, _MOST_AT_ONCE_S), due_s
                if self.is_playing and not self._jumped:
                    self.at_us = min(self.at_us + round(went_s * 1e3) * round(self.speed * 1e3), self.reel.to_us)
        finally:
            await source.close()

    async def _tell(self, after_us: int, until_us: int) -> None:
        """What happened since the last tick, in its order."""
        happened = await self._chronicle.between(after_us, until_us)
        self._clock.shown_us = until_us
        for each in happened:
            match each:
                case Sortie():
                    self._stage.sortie_changed(each)
                case Alarm():
                    self._stage.alarm(each)
                case CommandRecord():
                    self._stage.command(each)
                case FleetEvent():
                    self._stage.event(each)
                case _:
                    assert_never(each)

    async def _go_to(self, at_us: int) -> None:
        """Shows how things stood then; what happened before is not told again."""
        standing = self._chronicle.standing(at_us)
        tracks = await self._tracks(standing, at_us)
        self._clock.shown_us = at_us
        self._stage.go_to(standing, tracks)

    async def _tracks(self, standing: Standing, at_us: int) -> Tracks:
        """What the sorties that are not over have flown by then, a point a second."""
        unfinished = [each.id for each in standing.sorties if not is_finished(each.state)]
        tracks: Tracks = {}
        for sortie_id in unfinished[-_MOST_TRACKS:]:
            wanted = Wanted(sortie_id=sortie_id, to_us=at_us + 1, level=LEVELS[1])
            tracks[sortie_id] = [point async for rows in self._records.read(wanted) for point in track_points(rows)]
        return tracks


class _Source:
    """The rows of a reel as they are needed: a few seconds of them are held."""

    def __init__(self, records: RowStore, reel: Reel) -> None:
        self._records = records
        self._reel = reel
        self._slices: AsyncIterator[Slice] | None = None
        self._held: Slice | None = None

    async def go_to(self, at_us: int) -> None:
        """From now on from `at_us` on."""
        await self.close()
        self._slices = self._records.slices(at_us, self._reel.to_us + 1, step_s=_SLICE_S)
        self._held = await anext(self._slices, None)

    async def until(self, at_us: int) -> list[tuple[tuple[str, ...], Rows]]:
        """All rows up to `at_us`, each once."""
        taken = []
        while self._held is not None:
            held = self._mine(self._held)
            split = int(np.searchsorted(held.rows["at_us"], at_us, side="right"))
            if split:
                taken.append((held.names, held.rows[:split]))
            self._held = replace(held, rows=held.rows[split:])
            if held.to_us > at_us or self._slices is None:
                break
            self._held = await anext(self._slices, None)
        return taken

    def _mine(self, held: Slice) -> Slice:
        """Of a sortie only its own rows."""
        sortie_id = self._reel.sortie_id
        if sortie_id is None:
            return held
        number = held.names.index(sortie_id) if sortie_id in held.names else -2
        return replace(held, rows=held.rows[held.rows["sortie"] == number])

    async def close(self) -> None:
        if isinstance(self._slices, AsyncGenerator):
            await self._slices.aclose()
