"""MAVLink 2 signing as ArduCopter does it: one key for all channels, 16 streams, a time that a restart sets ahead.

Source: ArduPilot, GCS_Signing.cpp; MAVLink developer guide, "Message Signing". The checks are written from those, not
taken from the codec, whose own verifier remembers a frame's time before it looks at its hash.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from simulator.protocol.codec import Message, dialect

MAX_STREAMS = 16
MINUTE = 60 * 100_000
"""Time stamps count 10 µs."""
SAVE_EVERY_S = 30.0
EPOCH_S = 1_420_070_400
"""2015-01-01 in Unix time."""
ALWAYS_ACCEPTED = frozenset({dialect.MAVLINK_MSG_ID_RADIO, dialect.MAVLINK_MSG_ID_RADIO_STATUS})


@dataclass(slots=True)
class Signing:
    """The autopilot's stored key and time, and the streams it has heard since it was switched on."""

    key: bytes | None = None
    stored: int = 0
    streams: dict[tuple[int, int, int], int] = field(default_factory=dict)
    saved_s: float = 0.0
    times: dict[int, int] = field(default_factory=dict)
    """Each channel's own time stamp, by its link id."""

    def setup(self, key: bytes, timestamp: int) -> None:
        """SETUP_SIGNING: active at once; zeros switch signing off."""
        self.stored = timestamp
        self.key = key if timestamp or any(key) else None
        self.times.clear()

    def boot(self) -> None:
        """The key is kept, the streams are not."""
        self.streams.clear()
        self.times.clear()
        self.saved_s = 0.0

    def save(self, now_s: float) -> None:
        """The time is stored every 30 s."""
        if now_s - self.saved_s >= SAVE_EVERY_S:
            self.saved_s = now_s
            self.stored = max([self.stored, *self.times.values()])

    def raise_to(self, unix_s: float) -> None:
        """GPS tells the time."""
        ticks = int(unix_s - EPOCH_S) * 100_000
        self.times = {link_id: max(ticks, at) for link_id, at in self.times.items()}

    def time(self, link_id: int) -> int:
        """A channel's time; a minute ahead of the stored one to begin with."""
        return self.times.setdefault(link_id, self.stored + MINUTE)

    def stamp(self, link_id: int) -> int:
        """The time stamp of one frame to send."""
        self.times[link_id] = self.time(link_id) + 1
        return self.times[link_id] - 1

    def accepts(self, message: Message, link_id: int, *, secure: bool) -> bool:
        """Whether a frame is acted upon. `secure`: it came on the channel that takes anything (USB, SERIAL0)."""
        return self.key is None or self._is_good(message, link_id) or secure or message.get_msgId() in ALWAYS_ACCEPTED

    def _is_good(self, message: Message, link_id: int) -> bool:
        data = bytes(message.get_msgbuf())
        if data[0] != 0xFD or not data[2] & 1 or self.key is None:
            return False
        if hashlib.sha256(self.key + data[:-6]).digest()[:6] != data[-6:]:
            return False
        timestamp = int.from_bytes(data[-12:-6], "little")
        stream = (data[-13], message.get_srcSystem(), message.get_srcComponent())
        last = self.streams.get(stream)
        if last is None and (len(self.streams) >= MAX_STREAMS or timestamp + MINUTE < self.time(link_id)):
            return False
        if last is not None and timestamp <= last:
            return False
        self.streams[stream] = timestamp
        self.times[link_id] = max(self.time(link_id), timestamp)
        return True

    def signature(self, frame: bytes, link_id: int) -> bytes:
        """The 13 bytes that follow a frame whose flag says that it is signed."""
        assert self.key is not None
        block = bytes((link_id,)) + self.stamp(link_id).to_bytes(6, "little")
        return block + hashlib.sha256(self.key + frame + block).digest()[:6]
