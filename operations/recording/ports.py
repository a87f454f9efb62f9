"""What recording needs of a store: rows by vehicle and time, and who holds what."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from core.ids import OperatorId, SortieId, VehicleId
from operations.recording.history import History
from operations.recording.rows import RAW, Rows

FOREVER_US = 1 << 62


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of many vehicles (`rows.KEYED`); their keys are indexes into `names`."""

    names: tuple[str, ...]
    rows: Rows


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """What people were told at a moment, in the words of then; of no vehicle: of the platform as a whole.

    `others`: vehicles that the text names besides.
    """

    at_us: int
    severity: str
    code: str
    text: str
    vehicle_id: VehicleId | None = None
    sortie_id: SortieId | None = None
    others: tuple[VehicleId, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows: of a vehicle, of a sortie, or with neither of all vehicles; `from_us` <= time < `to_us`."""

    vehicle_id: VehicleId | None = None
    sortie_id: SortieId | None = None
    from_us: int = 0
    to_us: int = FOREVER_US
    level: int = RAW


@dataclass(frozen=True, slots=True)
class Extent:
    """From when to when there are rows, and the finest level that has the first of those that are wanted."""

    from_us: int
    to_us: int
    finest: int


@dataclass(frozen=True, slots=True)
class Slice:
    """What all vehicles did in a short time, in its order; keys are indexes into `names`, -1 is none."""

    from_us: int
    to_us: int
    names: tuple[str, ...]
    rows: Rows


@dataclass(frozen=True, slots=True)
class Gone:
    """How many rows and events were deleted, and from when to when those rows were; none of them: zeros."""

    rows: int = 0
    from_us: int = 0
    to_us: int = 0
    events: int = 0

    def __bool__(self) -> bool:
        return bool(self.rows or self.events)

    def __add__(self, other: Gone) -> Gone:
        events = self.events + other.events
        if not self.rows or not other.rows:
            return replace(self if self.rows else other, events=events)
        return Gone(self.rows + other.rows, min(self.from_us, other.from_us), max(self.to_us, other.to_us), events)


@dataclass(frozen=True, slots=True)
class Deleted:
    """What retention took away, and why: age · size. `logs`: the sorties whose telemetry logs, `bytes` of them."""

    at: datetime
    why: str
    rows: int
    logs: tuple[SortieId, ...]
    bytes: int
    from_at: datetime | None
    to_at: datetime | None
    events: int = 0


class EventSink(Protocol):
    """Where what people were told is written."""

    async def note(self, events: Sequence[RecordedEvent]) -> None:
        """Raises Overloaded when the disk does not take it; then nothing of it is stored."""
        ...


class RowSink(Protocol):
    """Where the recorder writes; one process does. What `append` acknowledged survives a kill and a power cut."""

    async def append(self, batch: Batch) -> None:
        """Raises Overloaded when the disk does not take it; then nothing of it is stored."""
        ...

    async def compact(self, now_us: int) -> int:
        """Makes blobs and coarser levels of what waits long enough; gives how many rows still wait."""
        ...

    async def expire(self, levels: Sequence[int], before_us: int, held: Collection[SortieId]) -> Gone:
        """Deletes the rows of `levels` that were recorded before a time, but those of held sorties; with rows of the
        finest level the events of that time."""
        ...

    async def expire_oldest(self, most_bytes: int, held: Collection[SortieId]) -> Gone:
        """Deletes the oldest rows, every row before coarser levels, until all take `most_bytes` at the most."""
        ...

    async def journal(self, deleted: Deleted) -> None:
        """Writes down what was deleted."""
        ...


class RecordSink(RowSink, EventSink, Protocol):
    """Where the recorder writes."""


class RowStore(Protocol):
    """Recorded rows, for whoever reads them."""

    def read(self, wanted: Wanted) -> AsyncIterator[Rows]:
        """Rows of one vehicle or one sortie in the order of time, a few thousand at once."""
        ...

    def slices(self, from_us: int, to_us: int, *, step_s: float) -> AsyncIterator[Slice]:
        """What all vehicles did, a slice of `step_s` after the other; those without rows too."""
        ...

    async def extent(self, wanted: Wanted) -> Extent | None:
        """From when to when rows were recorded, in whatever level; None without any.

        Of `wanted` it matters whose they are, and `from_us` to `finest`: it is that of the rows from then on.
        """
        ...

    async def deletions(self, *, limit: int) -> Sequence[Deleted]:
        """Newest first."""
        ...


class EventStore(Protocol):
    """Recorded events, for whoever reads them."""

    async def events(
        self, from_us: int, to_us: int, *, vehicle_id: VehicleId | None = None, limit: int
    ) -> Sequence[RecordedEvent]:
        """Those of `from_us` <= time < `to_us` in the order of time; of a vehicle: and of the platform as a whole."""
        ...


class RecordStore(RowStore, EventStore, Protocol):
    """All that was recorded."""


class HistoryStore(Protocol):
    """What the journal knows of a time that is over."""

    async def history(self, from_at: datetime, to_at: datetime, *, vehicle_id: VehicleId | None = None) -> History:
        """The sorties, alarms and commands of that time; of a vehicle, or of all. The newest, when they are many."""
        ...


@dataclass(frozen=True, slots=True)
class Hold:
    """A case keeps the record of a sortie from being deleted."""

    sortie_id: SortieId
    reason: str
    by: OperatorId
    at: datetime
    released_by: OperatorId | None = None
    released_at: datetime | None = None


class HoldStore(Protocol):
    """Who holds which record; released holds stay to be read."""

    async def hold(self, hold: Hold) -> Hold:
        """Stores it; a sortie that is held already stays held as it is, and that hold is returned."""
        ...

    async def release(self, sortie_id: SortieId, by: OperatorId, at: datetime) -> Hold:
        """Raises NotFound when nobody holds it."""
        ...

    async def holds(self, *, sortie_id: SortieId | None = None, open_only: bool = True) -> Sequence[Hold]:
        """Oldest first."""
        ...
