"""The list of the logs on board, as a state machine without I/O (MAVLink LOG_REQUEST_LIST and LOG_ENTRY)."""

from __future__ import annotations

from telemetry.machine import NEVER_S
from telemetry.packets import Inbound, LogEntry, LogRequestList, Outbound

_ALL = 0xFFFF
_ASK_AGAIN_S = 1.0
IDLE_LIMIT_S = 8.0


class ListLogs:
    """Reads which logs there are; gaps are asked for again. `logs` in the order of their ids when `done`.

    `bound`: of more logs the newest ones only, so that a full card does not keep the link busy.
    """

    refused: int | None = None

    def __init__(self, *, now_s: float, bound: int = 500) -> None:
        self.done = False
        self.attempts = 0
        self._bound = bound
        self._got: dict[int, LogEntry] = {}
        self._expected: range | None = None
        self._due_s = now_s
        self._progress_s = now_s

    @property
    def logs(self) -> tuple[LogEntry, ...]:
        return tuple(self._got[number] for number in sorted(self._got))

    def due_s(self) -> float:
        return NEVER_S if self.done else self._due_s

    def is_idle(self, now_s: float) -> bool:
        return now_s - self._progress_s > IDLE_LIMIT_S

    def on_time(self, now_s: float) -> list[Outbound]:
        if self.done or now_s < self._due_s:
            return []
        self.attempts += 1
        self._due_s = now_s + _ASK_AGAIN_S
        if self._expected is None:
            return [LogRequestList(0, _ALL)]
        first, last = self._first_gap(self._expected)
        return [LogRequestList(first, last)]

    def on_packet(self, packet: Inbound, now_s: float) -> list[Outbound]:
        if self.done or not isinstance(packet, LogEntry):
            return []
        self._progress_s = now_s
        self._due_s = now_s + _ASK_AGAIN_S
        if packet.count == 0:
            self.done = True  # one entry that says that there is none
            return []
        self._expected = range(packet.last - min(packet.count, self._bound) + 1, packet.last + 1)
        if packet.id in self._expected:
            self._got[packet.id] = packet
        self.done = all(number in self._got for number in self._expected)
        return []

    def _first_gap(self, expected: range) -> tuple[int, int]:
        """The first run of logs that are missing: first and last of it."""
        first = next(number for number in expected if number not in self._got)
        last = first
        while last + 1 in expected and last + 1 not in self._got:
            last += 1
        return first, last
