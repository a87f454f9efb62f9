"""The express way of one fleet: who may use it, and the calls of the compiled loop."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
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
from telemetry.framing import MARKER_2
from telemetry.links import Link, quota
from telemetry.links.batch import Batch, Datagrams
from telemetry.links.meter import Meter, SequenceWatch
from telemetry.links.port import Peer
from telemetry.links.quota import SenderQuota
from telemetry.links.udp import AT_ONCE, BUFFER_BYTES, UdpLink
from telemetry.messages import VehicleState

if TYPE_CHECKING:
    from telemetry.channels import Channel
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
    watch: SequenceWatch = field(default_factory=SequenceWatch)


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
        self._gates: dict[str, Gate] = {}

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

    def serve(self, links: Iterable[Link]) -> None:
        """Has what they bring offered here first. Raises OSError where the system has no batches."""
        batch = Batch(AT_ONCE, BUFFER_BYTES)
        for number, link in enumerate(links):
            if isinstance(link, UdpLink):
                gate = self._gates[link.name] = Gate(number, link.meter, link.quota)
                link.in_batches(batch, partial(self.take, gate, batch.datagrams))

    # --- who may ---

    def settle(self, channel: Channel, data: bytes) -> None:
        """Python is about to take `data`: what was counted of who says it is told to who counts there."""
        for seat in _seats_of(channel, data):
            self._settle(seat)

    def _settle(self, seat: Seat) -> None:
        row = seat.table.seats[seat.number]
        if row[EXPECTED] >= 0:
            seat.watch.expected, seat.watch.used, seat.watch.seen = int(row[EXPECTED]), int(row[USED]), int(row[SEEN])
            row[EXPECTED] = -1

    def open(self, channel: Channel, data: bytes) -> None:
        """Python has taken `data`: who said it is let in from now on, if nothing is special about it."""
        route = channel.routes.get(data[5]) if len(data) > 5 else None
        gate, address = self._gates.get(channel.link.name), address_of(channel.peer)
        if route is None or gate is None or address is None or route.version != self._directory.version:
            return
        bucket = gate.quota.lend(channel.peer, address)
        if bucket is None or channel.framer.held or not is_plain(route.identity, route.path):
            return
        seat, path, watch = channel.seats.get(data[5]), route.path, route.watch
        if seat is None or seat.table is not self._table:
            seat = channel.seats[data[5]] = self._seat(key_of(address, data[5]), gate.number)
        seat.watch = watch
        heard_s, number = self._table.heard_s, seat.number
        heard_s[number] = path.heard_s
        path.taken_s = lambda: float(heard_s[number])
        columns = [VERSION, ROW, EXPECTED, BUCKET, USED, SEEN]
        values = route.version, route.vehicle.row, watch.expected, bucket, watch.used, watch.seen
        self._table.seats[number, columns] = values

    def _seat(self, key: int, link: int) -> Seat:
        """A seat for who speaks there. When all are taken, everybody gets a new one."""
        if len(self._seats) == SEATS:
            for each in self._seats:
                self._settle(each)
            self._seats, self._table = [], empty_seats()
        keys, at, seats, _ = self._table
        number, slot = len(self._seats), slot_of(key)
        while at[slot] >= 0:
            if keys[slot] == key and seats[at[slot], LINK] == link:
                found: Seat = self._seats[at[slot]]  # the channel was forgotten in between
                return found
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


def _seats_of(channel: Channel, data: bytes) -> Iterable[Seat]:
    """Those whose vehicles `data` may be of: of one, if it looks like one frame, else of all."""
    is_one = len(data) >= 12 and data[0] == MARKER_2 and not data[2] and data[1] + 12 == len(data)
    if is_one and not channel.framer.held:
        seat = channel.seats.get(data[5])
        return () if seat is None else (seat,)
    return tuple(channel.seats.values())


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
