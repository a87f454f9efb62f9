"""The mission protocol for missions, fences and rally points, with ArduPilot's rules.

A mission upload is not atomic: MISSION_COUNT shortens the old list at once and items are replaced in place. A fence
is collected and stored as a whole at the end. The vehicle asks again every second and gives up after eight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from simulator.flight.aircraft import Aircraft
from simulator.flight.kinds import ItemResult, ListKind, Severity
from simulator.protocol.channel import Channel
from simulator.protocol.codec import Message, dialect

RETRY_S = 1.0
STALL_S = 8.0


@dataclass(frozen=True, slots=True)
class WireItem:
    """An item as it travels in MISSION_ITEM_INT."""

    seq: int
    command: int
    frame: int
    params: tuple[float, float, float, float]
    x: int
    y: int
    z: float


class ItemStore(Protocol):
    """Where a kind of list is kept."""

    kind: ListKind
    title: str
    max_items: int

    def count(self) -> int:
        """Items stored."""

    def get(self, seq: int) -> WireItem | ItemResult:
        """One item as read back."""

    def begin(self, count: int) -> None:
        """An upload of so many items begins."""

    def put(self, item: WireItem) -> ItemResult:
        """The next uploaded item."""

    def finish(self) -> ItemResult:
        """All items are there."""

    def clear(self) -> bool:
        """Forget all; False when that is not allowed now."""


@dataclass(slots=True)
class _Upload:
    channel: Channel
    peer: tuple[int, int]
    next_seq: int
    last_seq: int
    heard_s: float
    asked_s: float


class ListTransfer:
    """One list's side of the protocol: at most one upload at a time, whoever reads meanwhile is denied."""

    def __init__(self, store: ItemStore, craft: Aircraft) -> None:
        self._store = store
        self._craft = craft
        self._upload: _Upload | None = None
        self._warned_item = self._warned_request = False

    @property
    def receiving(self) -> bool:
        """Whether an upload is under way."""
        return self._upload is not None

    def count(self, channel: Channel, message: Message, peer: tuple[int, int]) -> None:
        """MISSION_COUNT: an upload begins; the same sender may begin again."""
        if not self._may_restart(channel, peer):
            return
        if message.count > self._store.max_items:
            self._ack(channel, peer, ItemResult.NO_SPACE)
            self._craft.say(Severity.WARNING, f"Only {self._store.max_items} items are supported")
            return
        self._store.begin(message.count)
        if message.count == 0:
            self._ack(channel, peer, self._store.finish())
            return
        self._begin(channel, peer, 0, message.count - 1)

    def write_partial(self, channel: Channel, message: Message, peer: tuple[int, int]) -> None:
        """MISSION_WRITE_PARTIAL_LIST: replace a range; only missions and rally points can be changed in part."""
        if self._upload is not None:
            self._ack(channel, peer, ItemResult.DENIED)
            return
        first, last, count = message.start_index, message.end_index, self._store.count()
        if not 0 <= first <= last <= count or self._store.kind is ListKind.FENCE:
            self._craft.say(Severity.WARNING, "Flight plan update rejected")
            self._ack(channel, peer, ItemResult.ERROR)
            return
        self._begin(channel, peer, first, last)

    def item(self, channel: Channel, item: WireItem, peer: tuple[int, int], legacy: bool) -> None:
        """MISSION_ITEM_INT, or the old MISSION_ITEM."""
        if legacy and not self._warned_item:
            self._warned_item = True
            self._craft.say(Severity.WARNING, "got MISSION_ITEM; GCS should send MISSION_ITEM_INT")
        upload = self._upload
        if upload is None:
            self._ack(channel, peer, ItemResult.ERROR)
            return
        if item.seq != upload.next_seq:
            self._ack(upload.channel, peer, ItemResult.INVALID_SEQUENCE)
            return
        if peer != upload.peer:
            self._ack(upload.channel, peer, ItemResult.DENIED)
            return
        result = self._store.put(item)
        if result is not ItemResult.ACCEPTED:
            self._end(upload, peer, result)
            return
        upload.heard_s = self._craft.now_s
        upload.next_seq += 1
        if upload.next_seq > upload.last_seq:
            self._end(upload, peer, self._store.finish())
        else:
            self._ask(upload)

    def request_list(self, channel: Channel, peer: tuple[int, int]) -> None:
        """MISSION_REQUEST_LIST: answers with the count."""
        if self._upload is not None:
            self._ack(channel, peer, ItemResult.DENIED)
            return
        channel.send(dialect.MAVLink_mission_count_message(*peer, self._store.count(), self._store.kind))

    def request_int(self, channel: Channel, seq: int, peer: tuple[int, int]) -> None:
        """MISSION_REQUEST_INT: answers with one item, or with the true count and an error."""
        if self._upload is not None:
            self._ack(channel, peer, ItemResult.DENIED)
            return
        item = self._store.get(seq)
        if isinstance(item, WireItem):
            onward = int(self._store.kind is ListKind.MISSION)
            channel.send(
                dialect.MAVLink_mission_item_int_message(
                    *peer,
                    seq,
                    item.frame,
                    item.command,
                    0,
                    onward,
                    *item.params,
                    item.x,
                    item.y,
                    item.z,
                    self._store.kind,
                )
            )
            return
        if item is ItemResult.INVALID_SEQUENCE:
            channel.send(dialect.MAVLink_mission_count_message(*peer, self._store.count(), self._store.kind))
        self._ack(channel, peer, item)

    def request_float(self, channel: Channel, seq: int, peer: tuple[int, int]) -> None:
        """The old MISSION_REQUEST: answers with MISSION_ITEM in degrees, float32."""
        item = self._store.get(seq)
        if not isinstance(item, WireItem):
            self._ack(channel, peer, item)
            return
        if not self._warned_request:
            self._warned_request = True
            self._craft.say(Severity.WARNING, "got MISSION_REQUEST; use MISSION_REQUEST_INT!")
        x, y = (item.x * 1e-7, item.y * 1e-7) if is_place(item.command) else (float(item.x), float(item.y))
        channel.send(
            dialect.MAVLink_mission_item_message(
                *peer, seq, item.frame, item.command, 0, 1, *item.params, x, y, item.z, self._store.kind
            )
        )

    def clear_all(self, channel: Channel, peer: tuple[int, int]) -> None:
        """MISSION_CLEAR_ALL: ends an upload of the same sender, then empties the list."""
        if self._may_restart(channel, peer):
            self._ack(channel, peer, ItemResult.ACCEPTED if self._store.clear() else ItemResult.ERROR)
        else:
            self._ack(channel, peer, ItemResult.ERROR)

    def step(self) -> None:
        """Ask again after a second of silence, give up after eight without an accepted item."""
        upload = self._upload
        if upload is None:
            return
        now = self._craft.now_s
        if now - upload.heard_s > STALL_S:
            self._craft.say(Severity.WARNING, f"{self._store.title} upload timeout")
            self._end(upload, upload.peer, ItemResult.OPERATION_CANCELLED)
        elif now - upload.asked_s > RETRY_S:
            self._ask(upload)

    def forget(self, channel: Channel) -> None:
        """A channel closed: nobody to ask any more, the upload stalls out at once."""
        if self._upload is not None and self._upload.channel is channel:
            self._upload = None

    def _begin(self, channel: Channel, peer: tuple[int, int], first: int, last: int) -> None:
        now = self._craft.now_s
        self._upload = _Upload(channel, peer, first, last, now, now)
        self._warned_item = self._warned_request = False
        self._ask(self._upload)

    def _end(self, upload: _Upload, peer: tuple[int, int], result: ItemResult) -> None:
        self._ack(upload.channel, peer, result)
        self._upload = None

    def _may_restart(self, channel: Channel, peer: tuple[int, int]) -> bool:
        if self._upload is not None and self._upload.peer != peer:
            self._ack(channel, peer, ItemResult.DENIED)
            return False
        self._upload = None
        return True

    def _ask(self, upload: _Upload) -> None:
        upload.asked_s = self._craft.now_s
        upload.channel.send(dialect.MAVLink_mission_request_message(*upload.peer, upload.next_seq, self._store.kind))

    def _ack(self, channel: Channel, peer: tuple[int, int], result: ItemResult) -> None:
        channel.send(dialect.MAVLink_mission_ack_message(*peer, result, self._store.kind))


NOT_PLACES = frozenset({112, 114, 115, 177, 178, 181, 183, 193, 203, 202, 205, 206, 207, 20, 93})
"""Commands whose x and y are no latitude and longitude, in the float form of an item."""


def is_place(command: int) -> bool:
    """Whether x and y of the float form are degrees."""
    return command not in NOT_PLACES
