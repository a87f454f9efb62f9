"""One peer on the line: its own decoder, its own sequence numbers, its own stream rates, its own bounded outbox."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.flight.parameters import Reading
from simulator.protocol.codec import Codec, Message
from simulator.protocol.signing import Signing

OUTBOX_BYTES = 512 * 1024
"""Frames beyond this are dropped and counted until the outbox is taken."""


ROUNDING_S = 1e-6
"""Simulated time is a sum of steps; a message is not put off a whole step by the rounding of that sum."""


class Channel:
    """The vehicle's side of one connection.

    ``active`` becomes true with the first valid frame from the peer; before that it gets no status texts, as on
    ArduPilot.
    """

    def __init__(
        self, system_id: int, signing: Signing | None = None, link_id: int = 0, *, secure: bool = True
    ) -> None:
        """``secure``: it takes unsigned frames whatever the vehicle requires, as ArduPilot's USB port does."""
        self._codec = Codec(system_id)
        self._signing = signing or Signing()
        self.link_id = link_id
        self._secure = secure
        self.unsigned = 0
        self._outbox = bytearray()
        self.active = False
        self.dropped = 0
        self.sent = 0
        self.intervals_s: dict[int, float] = {}
        """Seconds between two messages of an id; absent: not streamed."""
        self.due_s: dict[int, float] = {}
        self.next_due_s = 0.0
        self.parameter_list: Iterator[Reading] | None = None
        self.text_id = 0

    @property
    def errors(self) -> int:
        """Broken or unknown frames received."""
        return self._codec.errors

    def decode(self, data: bytes) -> list[Message]:
        """Messages in the received bytes."""
        found = self._codec.decode(data)
        messages = [m for m in found if self._signing.accepts(m, self.link_id, secure=self._secure)]
        self.unsigned += len(found) - len(messages)
        self.active = self.active or bool(messages)
        return messages

    def send(self, message: Message) -> None:
        """Queue one message."""
        if len(self._outbox) > OUTBOX_BYTES:
            self.dropped += 1
            return
        signs = self._signing.key is not None
        frame = self._codec.encode(message, flagged=signs)
        self._outbox += frame + self._signing.signature(frame, self.link_id) if signs else frame
        self.sent += 1

    def take(self) -> bytes:
        """Everything queued, to be written to the peer."""
        if not self._outbox:
            return b""
        data = bytes(self._outbox)
        self._outbox.clear()
        return data

    def set_interval(self, message_id: int, interval_s: float | None, now_s: float) -> None:
        """Stream a message every so many seconds; None stops it."""
        if interval_s is None:
            self.intervals_s.pop(message_id, None)
            self.due_s.pop(message_id, None)
            return
        self.intervals_s[message_id] = interval_s
        self.due_s[message_id] = now_s + interval_s
        self.next_due_s = min(self.next_due_s, now_s + interval_s)

    def take_due(self, now_s: float) -> list[int]:
        """Ids of the messages to stream now; a late one is not made up for."""
        now_s += ROUNDING_S
        if now_s < self.next_due_s or not self.due_s:
            return []
        due = [message_id for message_id, at in self.due_s.items() if at <= now_s]
        for message_id in due:
            at = self.due_s[message_id] + self.intervals_s[message_id]
            self.due_s[message_id] = at if at > now_s else now_s + self.intervals_s[message_id]
        self.next_due_s = min(self.due_s.values())
        return due
