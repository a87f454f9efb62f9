"""The express way of one fleet: who may use it, and the calls of the compiled loop."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from core.ids import VehicleId
from telemetry.board import Board
from telemetry.express.tables import (
    BUCKET,
    COUNTS,
    EXPECTED,
    FRAMES,
    LINK,
    LOG,
    LOGGED,
    LOST,
    OCTETS,
    ROW,
    SEATS,
    SEEN,
    USED,
    VERSION,
    Seats,
    empty_log,
    empty_seats,
    key_of,
    rules,
    slot_of,
)
from telemetry.links import quota
from telemetry.links.batch import Datagrams
from telemetry.links.meter import Meter, SequenceWatch
from telemetry.links.port import Peer
from telemetry.links.quota import SenderQuota
from telemetry.messages import VehicleState

if TYPE_CHECKING:
    from telemetry.identity import Directory, Identity, Path
    from telemetry.vehicle import Vehicle

# As `telemetry.express.kernel.take`.
Take = Callable[..., int]


class PlaceLog(Protocol):
    """Where positions are recorded many at a time."""

    def room(self) -> int:
        """How many it takes now without looking at each; 0: each one has to be told by itself."""
        ...

    def places(self, slow: Iterable[VehicleState], seen: bytes, heartbeat_ages_s: Iterable[float]) -> None:
        """Vehicles have new positions. `seen`: of each one an item of `board.SEEN`."""
        ...


@dataclass(frozen=True, slots=True)
class Gate:
    """One link that brings its datagrams in batches."""

    number: int
    meter: Meter
    quota: SenderQuota


@dataclass(slots=True)
class Seat:
    """A sender on the express way. `watch`: its sequence numbers, which are its seat's while it is open."""

    number: int
    table: Seats  # in which it is
    watch: SequenceWatch | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose the unsigned frames of a system id at a place are."""

    gate: Gate
    peer: Peer
    system_id: int
    identity: Identity
    path: Path
    watch: SequenceWatch


class Express:
    """Takes what comes all the time. A seat is open for a vehicle's only place, while its unsigned frames are
    believed there; whatever its vehicle says in another way shuts it until that is over."""

    def __init__(
        self,
        take: Take,
        board: Board,
        vehicles: Mapping[VehicleId, Vehicle],
        directory: Directory,
        places: PlaceLog | None,
    ) -> None:
        self._take = take
        self._board = board
        self._vehicles = vehicles
        self._directory = directory
        self._rules, self._table, self._log = rules(), empty_seats(), empty_log()
        self._counts = np.zeros(COUNTS, np.int64)
        self._by_row: dict[int, Vehicle] = {}
        self._version = -1
        self._seats: list[Seat] = []
        self._places = places

    @staticmethod
    def rehearse(take: Take) -> None:
        """Calls the loop as it will be called, with nothing to take."""
        room, gate = np.zeros((1, 1), np.uint8), SenderQuota(0.0)
        # As they are in a batch: sizes are a column of a larger array.
        datagrams = Datagrams(room, np.zeros((2, 2), np.uint32)[:, 0], room)
        take(
            datagrams, 0, 0, 0, 0, 0.0, 0, rules(), empty_seats(), Board().ground, gate.buckets, 1.0, 1.0,
            empty_log(), 0, np.zeros(COUNTS, np.int64),
        )  # fmt: skip

    # --- who may ---

    def settle(self, seat: Seat) -> None:
        """What was counted of it is told to who counts in Python, and it is shut."""
        row = seat.table.seats[seat.number]
        if row[EXPECTED] >= 0 and seat.watch is not None:
            seat.watch.expected, seat.watch.used = int(row[EXPECTED]), int(row[USED])
            seat.watch.seen = int(row[SEEN])
            row[EXPECTED] = -1

    def open(self, who: Sender, seat: Seat | None, version: int) -> Seat | None:
        """Lets it in from now on, if nothing is special about it; its seat."""
        address = address_of(who.peer)
        bucket = None if address is None else who.gate.quota.lend(who.peer, address)
        if address is None or bucket is None or not is_plain(who.identity, who.path):
            return seat
        if seat is None or seat.table is not self._table:
            seat = self._seat(key_of(address, who.system_id), who.gate.number)
        heard_s, number = self._table.heard_s, seat.number
        seat.watch = who.watch
        heard_s[number] = who.path.heard_s
        who.path.taken_s = lambda: float(heard_s[number])
        row = self._vehicles[who.identity.id].row
        columns, watch = [VERSION, ROW, EXPECTED, BUCKET, USED, SEEN], who.watch
        self._table.seats[number, columns] = version, row, watch.expected, bucket, watch.used, watch.seen
        return seat

    def _seat(self, key: int, link: int) -> Seat:
        """A seat for who speaks there. When all are taken, everybody gets a new one."""
        if len(self._seats) == SEATS:
            for each in self._seats:
                self.settle(each)
            self._seats, self._table = [], empty_seats()
        keys, at, seats, _ = self._table
        number, slot = len(self._seats), slot_of(key)
        while at[slot] >= 0:
            slot = (slot + 1) % len(at)
        keys[slot], at[slot], seats[number, LINK] = key, number, link
        self._seats.append(Seat(number, self._table))
        return self._seats[-1]

    # --- taking ---

    def take(self, gate: Gate, datagrams: Datagrams, begin: int, count: int, now_s: float) -> int:
        """Takes datagrams from `begin` on; the number of the first one that it left, or `count`."""
        if begin >= count:
            return count
        counts, room = self._counts, 0 if self._places is None else min(LOG, self._places.room())
        counts[:] = 0
        meter, version = gate.meter, self._directory.version
        reached = self._take(
            datagrams, begin, count, gate.number, version, now_s, meter.frames, self._rules, self._table,
            self._board.ground, gate.quota.buckets, quota.DATAGRAMS_PER_S, quota.DATAGRAMS_AT_ONCE, self._log, room,
            counts,
        )  # fmt: skip
        if counts[FRAMES]:
            meter.frames_of_many(int(counts[FRAMES]), int(counts[OCTETS]), int(counts[LOST]))
        if counts[LOGGED]:
            self._record(int(counts[LOGGED]), version)
        return int(reached)

    def _record(self, count: int, version: int) -> None:
        if version != self._version:
            self._version = version
            self._by_row = {vehicle.row: vehicle for vehicle in self._vehicles.values()}
        assert self._places is not None
        rows, ages_s, seen = self._log
        slow = [self._by_row[row].slow for row in rows[:count].tolist()]
        self._places.places(slow, seen[:count].tobytes(), ages_s[:count].tolist())


def is_plain(identity: Identity, path: Path) -> bool:
    """Whether whatever comes there unsigned is the vehicle's, and speaks for it."""
    return (
        identity.active is path
        and identity.spoken_on is path
        and len(identity.paths) == 1
        and path.signed_s is None
        and not identity.replayed
    )


def address_of(peer: Peer) -> int | None:
    """An IPv4 address and port as one number."""
    try:
        return int.from_bytes(socket.inet_aton(peer[0]), "big") << 16 | peer[1]
    except OSError:
        return None
