"""Mission and fence transfer as state machines without I/O: packets and time in, packets out.

ArduPilot's upload is not atomic and its requests get lost, so an upload keeps re-sending what the vehicle still lacks
instead of only answering (reliability guide, finding 4), and nothing counts as uploaded before it was read back.
"""

from __future__ import annotations

from collections.abc import Sequence

from missions.model import MissionItem
from telemetry.packets import (
    Inbound,
    MissionAck,
    MissionCount,
    MissionItemInt,
    MissionRequest,
    MissionRequestList,
    MissionResult,
    MissionType,
    Outbound,
)

# MAVLink's mission protocol advises 250 ms per item and 1.5 s otherwise.
ITEM_RESEND_S = 0.25
START_RESEND_S = 0.5
# ArduPilot drops an upload after 8 s without an accepted item; longer silence means that it must start again.
IDLE_LIMIT_S = 8.0
_READ_WINDOW = 4


class Upload:
    """Sends `items` (seq 0…n−1) of one `kind`.

    `done` when the vehicle says that it has all; `refused` holds its MAV_MISSION_RESULT when it will not take them.
    """

    def __init__(self, kind: MissionType, items: Sequence[MissionItem], *, now_s: float) -> None:
        self.kind = kind
        self.done = False
        self.refused: int | None = None
        self.attempts = 0
        self._items = tuple(items)
        self._sent_last = False
        self._next: int | None = None  # the item that the vehicle lacks; None until it asked for one
        self._due_s = now_s
        self._progress_s = now_s

    def due_s(self) -> float:
        """When `on_time` wants to be called next."""
        return self._due_s

    def is_idle(self, now_s: float) -> bool:
        """Whether nothing moved for so long that the vehicle has given the upload up."""
        return now_s - self._progress_s > IDLE_LIMIT_S

    def on_time(self, now_s: float) -> list[Outbound]:
        """What to send because time passed: the count until the first request, then the items still lacking."""
        if self.done or self.refused is not None or now_s < self._due_s:
            return []
        self.attempts += 1
        if self._next is None:
            self._due_s = now_s + START_RESEND_S
            return [MissionCount(len(self._items), self.kind)]
        self._due_s = now_s + ITEM_RESEND_S
        return [self._wire(seq) for seq in (self._next, self._next + 1) if seq < len(self._items)]

    def on_packet(self, packet: Inbound, now_s: float) -> list[Outbound]:
        """What to send because `packet` came."""
        match packet:
            case MissionRequest(seq, kind) if kind is self.kind and seq < len(self._items):
                if self._next is None or seq > self._next:
                    self._progress_s = now_s
                self._next = seq
                self._due_s = now_s + ITEM_RESEND_S
                return [self._wire(seq)]
            case MissionAck(result, kind) if kind is self.kind:
                self._on_ack(result)
        return []

    def _on_ack(self, result: int) -> None:
        if result == MissionResult.ACCEPTED:
            # An acceptance before the last item was sent can only answer an empty list or an upload before this one.
            self.done = self.done or self._sent_last or not self._items
        elif result == MissionResult.INVALID_SEQUENCE:
            return  # a late or doubled item; the request that follows says what is lacking
        elif result == MissionResult.ERROR and self._sent_last:
            self.done = True  # a doubled last item after completion: the read-back decides
        else:
            self.refused = result

    def _wire(self, seq: int) -> MissionItemInt:
        item = self._items[seq]
        self._sent_last = self._sent_last or seq == len(self._items) - 1
        return MissionItemInt(
            item.seq, item.frame, item.command, item.params, item.x_e7, item.y_e7, item.z_m, self.kind
        )


class Download:
    """Reads all items of one `kind`, several requests in flight; `items` in order when `done`."""

    def __init__(self, kind: MissionType, *, now_s: float, bound: int = 1000) -> None:
        self.kind = kind
        self.done = False
        self.refused: int | None = None
        self.attempts = 0
        self._bound = bound
        self._count: int | None = None
        self._got: dict[int, MissionItem] = {}
        self._due_s = now_s
        self._progress_s = now_s

    @property
    def items(self) -> tuple[MissionItem, ...]:
        return tuple(self._got[seq] for seq in sorted(self._got))

    def due_s(self) -> float:
        """When `on_time` wants to be called next."""
        return self._due_s

    def is_idle(self, now_s: float) -> bool:
        """Whether the vehicle has been silent for too long."""
        return now_s - self._progress_s > IDLE_LIMIT_S

    def on_time(self, now_s: float) -> list[Outbound]:
        """Asks again for what is missing."""
        if self.done or self.refused is not None or now_s < self._due_s:
            return []
        self.attempts += 1
        self._due_s = now_s + START_RESEND_S
        if self._count is None:
            return [MissionRequestList(self.kind)]
        return [MissionRequest(seq, self.kind) for seq in self._missing()[:_READ_WINDOW]]

    def on_packet(self, packet: Inbound, now_s: float) -> list[Outbound]:
        """Takes what came and asks for the next."""
        match packet:
            case MissionCount(count, kind) if kind is self.kind and self._count is None:
                self._progress_s = now_s
                self._due_s = now_s + START_RESEND_S
                if count > self._bound:
                    self.refused = MissionResult.NO_SPACE
                    return []
                self._count = count
                if count == 0:
                    return self._finish()
                return [MissionRequest(seq, self.kind) for seq in range(min(count, _READ_WINDOW))]
            case MissionItemInt() if packet.kind is self.kind and self._count is not None:
                return self._take(packet, now_s)
            case MissionAck(MissionResult.UNSUPPORTED, kind) if kind is self.kind:
                # Any other refusal may answer the upload before this, or an upload that the vehicle is about to
                # give up (it denies reading meanwhile): asking again settles it.
                self.refused = MissionResult.UNSUPPORTED
        return []

    def _take(self, packet: MissionItemInt, now_s: float) -> list[Outbound]:
        if packet.seq in self._got or packet.seq >= (self._count or 0):
            return []
        self._got[packet.seq] = MissionItem(
            packet.seq, packet.frame, packet.command, packet.params, packet.x_e7, packet.y_e7, packet.z_m
        )
        self._progress_s = now_s
        self._due_s = now_s + START_RESEND_S
        missing = self._missing()
        if not missing:
            return self._finish()
        ahead = packet.seq + _READ_WINDOW
        return [MissionRequest(ahead, self.kind)] if ahead in missing else []

    def _missing(self) -> list[int]:
        return [seq for seq in range(self._count or 0) if seq not in self._got]

    def _finish(self) -> list[Outbound]:
        self.done = True
        return [MissionAck(MissionResult.ACCEPTED, self.kind)]


Transfer = Upload | Download
