"""What the rest of the gateway knows of a link: its port, its line of configuration and how well it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from telemetry.links.meter import SequenceWatch

# Where frames come from on a link. Network: address and port. Serial: device and baud rate. Replay: file and 0.
Peer = tuple[str, int]
OnData = Callable[[Peer, bytes], None]


class LinkError(Exception):
    """A link cannot be opened; the text says which, why and what to do."""


class LinkCondition(StrEnum):
    """Whether a link can carry frames."""

    UP = "up"
    DOWN = "down"
    REPLAYING = "replaying"  # what it brings was recorded; nothing is ever sent


@dataclass(frozen=True, slots=True)
class LinkConfig:
    """One line of configuration: a name and one of the forms of `telemetry.links.urls`."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class LinkHealth:
    """How a link does. Counters run since the gateway's start; `lost_share` and `rtt_s` tell of the last minute.

    `why`: why it is down. `connects`: how often it came up. `frames`: received with a right checksum. `bad_crc`:
    damaged ones. `lost_share`: 0…1 by sequence numbers, None before anything can be said. `duplicates`: frames that
    came twice. `rtt_s`: by TIMESYNC, of the vehicle that answered best. `oversized`: datagrams beyond any MAVLink
    link's. `refused`: datagrams and peers over a bound. `unsent`: frames dropped because a peer does not read.
    `dropped`: datagrams that the kernel had no room for, because nobody took them in time.
    """

    name: str
    url: str
    state: LinkCondition
    since: datetime
    why: str | None = None
    connects: int = 0
    rx_bytes: int = 0
    tx_bytes: int = 0
    frames: int = 0
    bad_crc: int = 0
    lost_share: float | None = None
    duplicates: int = 0
    rtt_s: float | None = None
    oversized: int = 0
    refused: int = 0
    unsent: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A link was lost, or is back; told once each."""

    name: str
    up: bool
    text: str


OnChange = Callable[[LinkChange], None]


class FrameCounts(Protocol):
    """Where a decoder tells what it found on a link, so that the link's health knows it."""

    def frame(self, source: tuple[Peer, int, int], sequence: int) -> None:
        """A frame with a right checksum. `source`: peer, system id, component id."""
        ...

    def watch(self, source: tuple[Peer, int, int]) -> SequenceWatch:
        """What is counted of one sender, for `frame_of`."""
        ...

    def frame_of(self, watch: SequenceWatch, sequence: int) -> None:
        """`frame` for who keeps the sender's watch."""
        ...

    def damaged(self, count: int) -> None:
        """So many frames, or runs of bytes, that are none."""
        ...

    def round_trip(self, seconds: float) -> None:
        """A TIMESYNC answer came back after so long."""
        ...


class Link(Protocol):
    """A transport that carries frames of any number of vehicles; supervises itself while `run` runs."""

    name: str
    listens: bool  # peers come to us; else we call one, or play a recording
    replays: bool  # what it brings was recorded: nobody there can be asked anything

    @property
    def counts(self) -> FrameCounts:
        """Where whoever decodes its bytes tells what it found."""
        ...

    @property
    def address(self) -> Peer:
        """Where it is bound (listeners) or connects to (clients)."""
        ...

    async def open(self) -> None:
        """Binds what must be bound. Raises LinkError."""
        ...

    async def run(self) -> None:
        """Serves until cancelled; expected failures are handled here."""
        ...

    def send(self, peer: Peer, data: bytes) -> None:
        """Hands `data`, whole frames, over for `peer`; what cannot be sent now is dropped, as a radio would."""
        ...

    def hurry(self, seconds: float) -> None:
        """Somebody waits for what comes: a link that reads by the clock does so more often for so long."""
        ...

    def health(self) -> LinkHealth:
        """How it does, as of now."""
        ...

    def descriptor(self, peer: Peer) -> int | None:
        """The file descriptor that frames to `peer` leave by; None while there is none.

        It stays the link's own: another process may be handed a copy. An unconnected socket needs `peer` as address.
        """
        ...
