"""What forwarding needs: a store of rules, an outbox that things are committed to, a spool, targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from core.ids import VehicleId
from operations.forwarding.matching import LonLat
from operations.forwarding.rules import Rule, RuleId, Secrets, What

# Rows that the outbox holds at most, of things that nobody forwarded yet; then the oldest go, and are counted.
MAX_OUTBOX = 200_000


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """Something that was committed, as JSON of its kind (`what`). `number` rises, never repeats."""

    number: int
    what: What
    stored_at: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class Item:
    """One thing for a target: a CloudEvent as JSON, and what its topic is made of. `number`: its place in the spool,
    0 for telemetry that is sent as it is and never kept.
    """

    what: What
    unit: str | None
    vehicle_id: VehicleId | None
    body: bytes
    at: datetime
    number: int = 0

    @property
    def is_telemetry(self) -> bool:
        return self.what is What.TELEMETRY

    @property
    def topic_facts(self) -> dict[str, str | None]:
        return {"unit": self.unit, "vehicle_id": self.vehicle_id, "what": str(self.what)}


@dataclass(frozen=True, slots=True)
class Loss:
    """What a spool gave up: it was full or too old."""

    events: int = 0
    telemetry: int = 0

    def __bool__(self) -> bool:
        return bool(self.events or self.telemetry)

    def __add__(self, other: Loss) -> Loss:
        return Loss(self.events + other.events, self.telemetry + other.telemetry)


class State(StrEnum):
    """How a target does."""

    IDLE = "idle"  # nothing was sent since the start
    CONNECTED = "connected"
    AWAY = "away"  # it does not take anything; what counts is kept
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a rule is. Counts go on over restarts; `cursor`: the last number of the outbox that was looked at.

    `dead`: single events that the target refused for good. `waiting_telemetry` counts reports, each of one vehicle.
    """

    cursor: int = 0
    state: State = State.IDLE
    sent_events: int = 0
    sent_telemetry: int = 0
    lost_events: int = 0
    lost_telemetry: int = 0
    dead: int = 0
    waiting_events: int = 0
    waiting_telemetry: int = 0
    spool_bytes: int = 0
    oldest_at: datetime | None = None
    last_sent_at: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fresh:
    """What is added for one rule. `missed`: numbers that the outbox gave up before they were read; `unkept`: reports
    of an absence that there was no room for before the spool took them.
    """

    rule: Rule
    cursor: int
    items: tuple[Item, ...] = ()
    missed: int = 0
    unkept: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """What a courier reports: what came through since its last report, and how the target does now."""

    state: State
    sent_telemetry: int = 0
    last_sent_at: datetime | None = None
    error: str | None = None
    error_at: datetime | None = None


class RuleStore(Protocol):
    """Rules and their secrets under lock."""

    async def rules(self) -> Sequence[Rule]:
        """In the order of their making."""
        ...

    async def save_rule(self, rule: Rule, secrets: bytes | None) -> Rule:
        """Stores it with its secrets, or replaces the row whose revision is `row_revision - 1`.

        A new rule begins after what is in the outbox. Raises StaleRevision, and Overloaded past `MAX_RULES`.
        """
        ...

    async def rule_secrets(self, rule_id: RuleId) -> bytes | None: ...

    async def remove_rule(self, rule_id: RuleId) -> None:
        """Raises NotFound."""
        ...

    async def rules_version(self) -> int:
        """Grows with every change of any of them."""
        ...


class Outbox(Protocol):
    """Things in the order of their being committed; alarms, sorties and commands come in with their own write."""

    async def wanted(self) -> bool:
        """Whether anybody has a rule."""
        ...

    async def append(self, what: What, bodies: Sequence[bytes], at: datetime) -> None:
        """Commits them, unless nobody has a rule. Past `MAX_OUTBOX` the oldest go."""
        ...

    async def after(self, number: int, *, limit: int) -> Sequence[OutboxRow]: ...

    async def prune(self, upto: int) -> None:
        """Forgets what every rule has."""
        ...

    async def stream(self) -> str:
        """A name of this outbox that no other has: with it a number is an id for ever."""
        ...


class Spool(Protocol):
    """What waits for each target, on the disk and bounded."""

    async def add(
        self, fresh: Sequence[Fresh], *, now: datetime, places: Mapping[VehicleId, tuple[str | None, LonLat]]
    ) -> Mapping[RuleId, Loss]:
        """Adds all of it in one step with the cursors, then drops what is over a rule's bounds."""
        ...

    async def waiting(self, rule_id: RuleId, *, telemetry: bool, limit: int) -> Sequence[Item]:
        """The oldest ones."""
        ...

    async def delivered(self, rule_id: RuleId, items: Sequence[Item], *, at: datetime, dead: bool = False) -> None:
        """They arrived, or will never be taken: forgets them and counts."""
        ...

    async def report(self, reports: Mapping[RuleId, Progress]) -> None: ...

    async def standings(self) -> Mapping[RuleId, Standing]: ...

    async def forget(self, keep: Sequence[RuleId]) -> None:
        """Drops everything of rules that are no more."""
        ...

    async def places(self) -> Mapping[VehicleId, tuple[str | None, LonLat]]:
        """Where vehicles were last, as it was told with `add`."""
        ...


@dataclass
class TargetAway(Exception):
    """The target does not take anything at the moment. `retry_after_s`: when it asked to be left alone."""

    why: str
    retry_after_s: float = 0.0

    def __str__(self) -> str:
        return self.why


@dataclass
class ItemsRefused(Exception):
    """The target will not take these items, whenever they are sent; others it may."""

    why: str

    def __str__(self) -> str:
        return self.why


class Session(Protocol):
    """A way to a target that is open. `proves`: that it is open shows that the target is there."""

    proves: bool

    async def send(self, items: Sequence[Item]) -> None:
        """Returns when the target has all of them. Raises TargetAway, ItemsRefused; the caller sets the deadline."""
        ...

    async def gone(self) -> None:
        """Raises TargetAway when the far end leaves while nothing is sent; never returns."""
        ...


class Opener(Protocol):
    """Makes the way to a rule's target."""

    def __call__(self, rule: Rule, secrets: Secrets) -> AbstractAsyncContextManager[Session]:
        """Entering raises TargetAway."""
        ...


@dataclass
class Waits:
    """How long things may take, in seconds; tests are in more of a hurry."""

    connect: float = 15.0
    send: float = 20.0
    first_retry: float = 0.5
    last_retry: float = 60.0
    longest_retry_after: float = 3_600.0
    look: float = 1.0
    first_tick: float = 5.0
    report: float = 1.0
    told_again: float = 60.0
