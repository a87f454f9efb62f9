"""The one module of the simulator that touches pymavlink: bytes to messages and back, without sockets or clocks."""

from __future__ import annotations

import struct
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as dialect

__all__ = ["Codec", "Message", "dialect"]

Message = Any
"""A pymavlink message object; its class is generated, so its fields are known to the dialect only."""

MAX_PENDING_BYTES = 4096
"""More undecoded input than this is thrown away: no frame is longer than 280 bytes."""


class Codec:
    """Decoder and encoder of one channel. Garbage costs nothing but the garbage; it is counted in ``errors``."""

    def __init__(self, system_id: int, component_id: int = 1) -> None:
        self._mav = dialect.MAVLink(None, srcSystem=system_id, srcComponent=component_id)
        self._mav.robust_parsing = True
        self.errors = 0

    def decode(self, data: bytes) -> list[Message]:
        """Every valid message in the bytes so far; unknown message ids and broken frames are passed over."""
        try:
            found = self._mav.parse_buffer(data) or []
        except (struct.error, ValueError, IndexError, KeyError, dialect.MAVError):
            self._restart()
            return []
        if len(self._mav.buf) > MAX_PENDING_BYTES:
            self._restart()
        good = [m for m in found if not isinstance(m, dialect.MAVLink_bad_data | dialect.MAVLink_unknown)]
        self.errors += len(found) - len(good)
        return good

    def encode(self, message: Message, *, flagged: bool = False) -> bytes:
        """One MAVLink 2 frame, numbered in this channel's own sequence; `flagged`: its signature will follow."""
        frame: bytes = message.pack(self._mav)
        self._mav.seq = (self._mav.seq + 1) % 256
        if not flagged:
            return frame
        head = bytearray(frame[:-2])
        head[2] |= dialect.MAVLINK_IFLAG_SIGNED
        crc = dialect.x25crc(head[1:])
        crc.accumulate(bytes((message.crc_extra,)))
        return bytes(head) + struct.pack("<H", crc.crc)

    def _restart(self) -> None:
        self.errors += 1
        sequence, system, component = self._mav.seq, self._mav.srcSystem, self._mav.srcComponent
        self._mav = dialect.MAVLink(None, srcSystem=system, srcComponent=component)
        self._mav.robust_parsing = True
        self._mav.seq = sequence
