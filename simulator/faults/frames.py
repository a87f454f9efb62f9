"""MAVLink frames by their headers alone: where each begins and ends, its message id and who sent it.

Nothing is checked (no CRC, no signature): a link knows no more of what it carries. Source: MAVLink, "Packet
Serialization".
"""

from __future__ import annotations

from dataclasses import dataclass

MAVLINK_1, MAVLINK_2 = 0xFE, 0xFD
LONGEST_FRAME = 280
_OVERHEAD = {MAVLINK_1: 8, MAVLINK_2: 12}
_SIGNATURE_BYTES = 13


@dataclass(frozen=True, slots=True)
class Piece:
    """A frame, or bytes that are none (`message_id` None)."""

    data: bytes
    message_id: int | None = None
    system_id: int | None = None


def pieces(data: bytes) -> list[Piece]:
    """`data` cut at frame boundaries; put together again the pieces are `data`. A cut-off frame is no frame."""
    found, rest = _cut(data)
    return [*found, Piece(rest)] if rest else found


class Splitter:
    """Cuts a byte stream into pieces; the beginning of a frame waits for its end."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that are complete now. At most `LONGEST_FRAME` bytes wait for more."""
        found, rest = _cut(self._rest + data)
        begin = _unfinished_at(rest)
        self._rest = rest[begin:]
        return [*found, Piece(rest[:begin])] if begin else found

    @property
    def waiting(self) -> bool:
        """Whether the beginning of a frame waits for its end."""
        return bool(self._rest)

    def flush(self) -> list[Piece]:
        """What waits, given up as a frame."""
        rest, self._rest = self._rest, b""
        return [Piece(rest)] if rest else []


def _cut(data: bytes) -> tuple[list[Piece], bytes]:
    """The pieces up to the end of the last whole frame, and the bytes after it."""
    found: list[Piece] = []
    at = done = 0
    while at < len(data):
        length = _frame_bytes(data, at)
        if length is None or at + length > len(data):
            at += 1
            continue
        if at > done:
            found.append(Piece(data[done:at]))
        found.append(_piece(data[at : at + length]))
        at = done = at + length
    return found, data[done:]


def _unfinished_at(rest: bytes) -> int:
    """Where a frame begins whose end may still come; the length of `rest` when none does."""
    for at in range(max(0, len(rest) - LONGEST_FRAME), len(rest)):
        if rest[at] in _OVERHEAD:
            length = _frame_bytes(rest, at)
            if length is None or at + length > len(rest):
                return at
    return len(rest)


def _frame_bytes(data: bytes, at: int) -> int | None:
    """Bytes of the frame that begins at `at`; None: none does, or its header is not all there."""
    overhead = _OVERHEAD.get(data[at])
    if overhead is None or at + 2 >= len(data):
        return None
    signed = data[at] == MAVLINK_2 and data[at + 2] & 1
    return overhead + data[at + 1] + (_SIGNATURE_BYTES if signed else 0)


def _piece(frame: bytes) -> Piece:
    if frame[0] == MAVLINK_1:
        return Piece(frame, frame[5], frame[3])
    return Piece(frame, int.from_bytes(frame[7:10], "little"), frame[5])
