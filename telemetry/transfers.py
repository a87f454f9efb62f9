"""Mission, fence and rally transfer as state machines without I/O: packets and time in, packets out.

ArduPilot's upload is not atomic and its requests get lost, so an upload keeps re-sending what the vehicle still lacks
instead of only answering (reliability guide, finding 4), and nothing counts as uploaded before it was read back
(`telemetry.replacing`).
"""

from __future__ import annotations

from collections.abc import Sequence

from missions.model import MissionItem
from telemetry.machine import NEVER_S
from telemetry.packets import (
    Inbound,
    MissionAck,
    MissionClearAll,
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
# Items on their way at once. ArduPilot takes only the next one in order: more of them help while none is lost.
_SEND_AHEAD = 5
# An item that the vehicle says is not the next one: the next one is sent again, when it is not still on its way.
_LOST_AFTER_S = 0.1
# Requests on their way at once, and how long an answer may take: twice the round trip, within these bounds.
_READ_AHEAD = 16
_READ_AGAIN_S = (0.25, 1.5)
# Not about these items: late, doubled or of the upload before; what the vehicle does next tells.
_ADVISORY = frozenset(
    {MissionResult.INVALID_SEQUENCE, MissionResult.DENIED, MissionResult.OPERATION_CANCELLED, MissionResult.ERROR}
)


class Upload:
    """Sends `items` (seq 0…n−1, n ≥ 1) of one `kind`.

    `done` when the vehicle says that it has all: not proof of anything. `refused` holds its MAV_MISSION_RESULT when
    it will not take them, `said` the last one that was not ACCEPTED.
    """

    def __init__(self, kind: MissionType, items: Sequence[MissionItem], *, now_s: float) -> None:
        self.kind = kind
        self.done = False
        self.refused: int | None = None
        self.said: int | None = None
        self.attempts = 0
        self._items = tuple(items)
        self._sent_s: dict[int, float] = {}
        self._next: int | None = None  # the item that the vehicle lacks; None until it asked for one
        self._steps_back = 0
        self._broken = False
        self._due_s = now_s
        self._progress_s = now_s

    def due_s(self) -> float:
        return NEVER_S if self.done or self.refused is not None else self._due_s

    def is_idle(self, now_s: float) -> bool:
        """Whether nothing moved for so long that the vehicle has given the upload up, or it says so."""
        return self._broken or now_s - self._progress_s > IDLE_LIMIT_S

    def on_time(self, now_s: float) -> list[Outbound]:
        """The count until the first request, then the items still lacking."""
        if self.done or self.refused is not None or now_s < self._due_s:
            return []
        self.attempts += 1
        if self._next is None:
            self._due_s = now_s + START_RESEND_S
            return [MissionCount(len(self._items), self.kind)]
        return self._send(now_s)

    def on_packet(self, packet: Inbound, now_s: float) -> list[Outbound]:
        match packet:
            case MissionRequest(seq, kind) if kind is self.kind and seq < len(self._items):
                self._on_request(seq, now_s)
                return self._send(now_s)
            case MissionAck(result, kind) if kind is self.kind and not self.done:
                return self._on_ack(result, now_s)
        return []

    def _on_request(self, seq: int, now_s: float) -> None:
        """A step back is an old request that was overtaken; the second one in a row is a vehicle that began anew."""
        if self._next is not None and seq < self._next:
            self._steps_back += 1
            if self._steps_back == 1:
                return
        if self._next is None or seq > self._next:
            self._progress_s = now_s
        self._steps_back = 0
        self._next = seq

    def _on_ack(self, result: int, now_s: float) -> list[Outbound]:
        sent_last = len(self._items) - 1 in self._sent_s
        if result == MissionResult.ACCEPTED:
            # An acceptance before the last item was sent can only answer an upload before this one.
            self.done = sent_last
            return []
        self.said = result
        if result == MissionResult.INVALID_SEQUENCE:
            return self._send(now_s, hurry=True)
        if result == MissionResult.ERROR and self._next is not None:
            # It receives no more: it has all and the last item came twice (the read-back decides), or it gave up.
            self.done, self._broken = sent_last, not sent_last
        elif result not in _ADVISORY:
            self.refused = result
        return []

    def _send(self, now_s: float, *, hurry: bool = False) -> list[Outbound]:
        """The next items, but for those that are still on their way."""
        if self._next is None:
            return []
        again_after_s = _LOST_AFTER_S if hurry else ITEM_RESEND_S
        ahead = range(self._next, min(self._next + _SEND_AHEAD, len(self._items)))
        lacking = [seq for seq in ahead if now_s - self._sent_s.get(seq, -NEVER_S) >= again_after_s - 1e-9]
        self._sent_s.update((seq, now_s) for seq in lacking)
        self._due_s = min(self._sent_s[seq] for seq in ahead) + ITEM_RESEND_S
        return [self._wire(seq) for seq in lacking]

    def _wire(self, seq: int) -> MissionItemInt:
        item = self._items[seq]
        return MissionItemInt(
            item.seq, item.frame, item.command, item.params, item.x_e7, item.y_e7, item.z_m, self.kind
        )


class Clear:
    """Empties the list of one `kind`. Refused in flight by a vehicle that runs the mission."""

    def __init__(self, kind: MissionType, *, now_s: float) -> None:
        self.kind = kind
        self.done = False
        self.refused: int | None = None
        self.attempts = 0
        self._began_s = self._due_s = now_s

    def due_s(self) -> float:
        return NEVER_S if self.done or self.refused is not None else self._due_s

    def is_idle(self, now_s: float) -> bool:
        return now_s - self._began_s > IDLE_LIMIT_S

    def on_time(self, now_s: float) -> list[Outbound]:
        if self.done or self.refused is not None or now_s < self._due_s:
            return []
        self.attempts += 1
        self._due_s = now_s + START_RESEND_S
        return [MissionClearAll(self.kind)]

    def on_packet(self, packet: Inbound, now_s: float) -> list[Outbound]:  # noqa: ARG002 - as every machine
        match packet:
            case MissionAck(MissionResult.ACCEPTED, kind) if kind is self.kind:
                self.done = self.attempts > 0
            case MissionAck(result, kind) if kind is self.kind and result != MissionResult.INVALID_SEQUENCE:
                # One may answer what was before it.
                self.refused = result if self.attempts > 1 else None
        return []


class Download:
    """Reads all items of one `kind`, several requests on their way; `items` in order when `done`.

    `bound`: more items than that are refused (NO_SPACE).
    """

    def __init__(self, kind: MissionType, *, now_s: float, bound: int = 1000) -> None:
        self.kind = kind
        self.done = False
        self.refused: int | None = None
        self.attempts = 0
        self._bound = bound
        self._count: int | None = None
        self._got: dict[int, MissionItem] = {}
        self._asked_s: dict[int, float] = {}
        self._asked_twice: set[int] = set()
        self._again_s = START_RESEND_S
        self._due_s = now_s
        self._progress_s = now_s

    @property
    def items(self) -> tuple[MissionItem, ...]:
        return tuple(self._got[seq] for seq in sorted(self._got))

    def due_s(self) -> float:
        return NEVER_S if self.done or self.refused is not None else self._due_s

    def is_idle(self, now_s: float) -> bool:
        """Whether the vehicle has been silent for too long."""
        return now_s - self._progress_s > IDLE_LIMIT_S

    def on_time(self, now_s: float) -> list[Outbound]:
        """Asks for what is missing."""
        if self.done or self.refused is not None or now_s < self._due_s:
            return []
        self.attempts += 1
        if self._count is None:
            self._due_s = now_s + START_RESEND_S
            return [MissionRequestList(self.kind)]
        return self._ask(now_s)

    def on_packet(self, packet: Inbound, now_s: float) -> list[Outbound]:
        """Takes what came and asks for the next."""
        if self.done or self.refused is not None:
            return []
        match packet:
            case MissionCount(count, kind) if kind is self.kind and count != self._count:
                return self._begin(count, now_s)
            case MissionItemInt() if packet.kind is self.kind and self._count is not None:
                return self._take(packet, now_s)
            case MissionAck(MissionResult.UNSUPPORTED, kind) if kind is self.kind:
                # Any other refusal may answer the upload before this, or an upload that the vehicle is about to
                # give up (it denies reading meanwhile): asking again settles it.
                self.refused = MissionResult.UNSUPPORTED
        return []

    def _begin(self, count: int, now_s: float) -> list[Outbound]:
        """The first count; or another one, when somebody changed the list while it was read."""
        self._progress_s = now_s
        self._got.clear()
        self._asked_s.clear()
        if count > self._bound:
            self.refused = MissionResult.NO_SPACE
            return []
        self._count = count
        return self._finish() if count == 0 else self._ask(now_s)

    def _take(self, packet: MissionItemInt, now_s: float) -> list[Outbound]:
        seq = packet.seq
        if seq in self._got or seq >= (self._count or 0):
            return []
        self._got[seq] = MissionItem(
            seq, packet.frame, packet.command, packet.params, packet.x_e7, packet.y_e7, packet.z_m
        )
        self._progress_s = now_s
        asked_s = self._asked_s.pop(seq, None)
        if asked_s is not None and seq not in self._asked_twice:
            # Only an item asked for once tells the round trip (P. Karn, C. Partridge, SIGCOMM 1987).
            low, high = _READ_AGAIN_S
            self._again_s = min(high, max(low, 2.0 * (now_s - asked_s)))
        return self._finish() if len(self._got) == self._count else self._ask(now_s)

    def _ask(self, now_s: float) -> list[Outbound]:
        """What was asked for too long ago, and the next ones as far as there is room on the way."""
        late = [seq for seq, asked_s in self._asked_s.items() if now_s - asked_s >= self._again_s - 1e-9]
        room = _READ_AHEAD - len(self._asked_s)
        fresh = (seq for seq in range(self._count or 0) if seq not in self._got and seq not in self._asked_s)
        wanted = [*late, *(seq for _, seq in zip(range(room), fresh, strict=False))]
        self._asked_twice.update(late)
        self._asked_s.update((seq, now_s) for seq in wanted)
        self._due_s = min(self._asked_s.values()) + self._again_s
        return [MissionRequest(seq, self.kind) for seq in wanted]

    def _finish(self) -> list[Outbound]:
        self.done = True
        return [MissionAck(MissionResult.ACCEPTED, self.kind)]


Transfer = Upload | Download | Clear
