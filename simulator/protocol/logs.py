"""The logs on board, as far as a ground station can list them: a file for each boot that was armed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.flight.aircraft import Aircraft
from simulator.flight.kinds import Severity
from simulator.protocol.channel import Channel
from simulator.protocol.codec import Message, dialect

BYTES_PER_S = 40_000
"""How fast a file grows; only its order of magnitude is meant."""
MOST = 500
"""ArduPilot's card holds so many, and begins again at the first (AP_Logger, LOG_MAX_FILES)."""


@dataclass(slots=True)
class _Log:
    utc_s: float
    armed_s: float = 0.0


class Logs:
    """What stays through a reboot."""

    def __init__(self) -> None:
        self._logs: list[_Log] = []
        self._open: _Log | None = None
        self._armed_at_s: float | None = None

    def boot(self) -> None:
        """The next arming begins a new file."""
        self._open = self._armed_at_s = None

    def note(self, craft: Aircraft) -> None:
        """It was armed or disarmed, maybe."""
        if craft.armed and self._armed_at_s is None:
            self._armed_at_s = craft.now_s
            if self._open is None:
                self._open = _Log(craft.epoch_s + craft.now_s)
                self._logs = [*self._logs, self._open][-MOST:]
        elif not craft.armed and self._armed_at_s is not None and self._open is not None:
            self._open.armed_s += craft.now_s - self._armed_at_s
            self._open.utc_s = craft.epoch_s + craft.now_s
            self._armed_at_s = None

    def tell(self, channel: Channel, craft: Aircraft, message: Message) -> None:
        """LOG_REQUEST_LIST. Nothing while it is armed; one entry with the number 0 when there is none.

        Source: AP_Logger_MAVLinkLogTransfer.cpp, handle_log_message and handle_log_request_list.
        """
        if craft.armed:
            craft.say(Severity.ERROR, "Disarm for log download")
            return
        for entry in self._entries(max(1, message.start), min(len(self._logs), message.end)):
            channel.send(entry)

    def _entries(self, first: int, last: int) -> Iterator[Message]:
        count = len(self._logs)
        if not count:
            yield dialect.MAVLink_log_entry_message(0, 0, 0, 0, 0)
        for number in range(first, last + 1):
            log = self._logs[number - 1]
            yield dialect.MAVLink_log_entry_message(
                number, count, count, int(log.utc_s), int(log.armed_s * BYTES_PER_S)
            )
