"""Replacing what a vehicle holds, proven: uploaded means read back and equal to the approved list, by hash."""

from __future__ import annotations

from collections.abc import Sequence

from missions.items import Kind, items_hash
from missions.model import MissionItem
from telemetry.machine import NEVER_S, is_over
from telemetry.packets import Inbound, MissionType, Outbound
from telemetry.transfers import Clear, Download, Transfer, Upload

KIND: dict[MissionType, Kind] = {
    MissionType.MISSION: "mission",
    MissionType.FENCE: "fence",
    MissionType.RALLY: "rally",
}
# An upload whose end was guessed wrong is made good by the next; a vehicle that changes what it is given is not.
_MOST_MISMATCHES = 3


class Replacement:
    """Uploads `items` (() clears), reads them back and compares; begins again where the air broke it off.

    `done` only when what was read back has the hash of `items`. `held_hash`: of what was read back last, "" before
    that; a vehicle that keeps something else after several uploads is `is_idle` with `differs`.
    """

    def __init__(self, kind: MissionType, items: Sequence[MissionItem], *, now_s: float) -> None:
        self.kind = kind
        self.done = False
        self.differs = False
        self.held_hash = ""
        self.wanted_hash = items_hash(items, kind=KIND[kind])
        self.attempts = 0
        self._mismatches = 0
        self._items = tuple(items)
        self._step: Transfer = self._upload(now_s)

    @property
    def refused(self) -> int | None:
        return self._step.refused

    @property
    def said(self) -> int | None:
        """The last thing that the vehicle said against it, for whoever gives up waiting."""
        return self._step.said if isinstance(self._step, Upload) else None

    def due_s(self) -> float:
        return NEVER_S if self.done or self.differs else self._step.due_s()

    def is_idle(self, now_s: float) -> bool:  # noqa: ARG002 - as every machine
        """Whether the vehicle keeps something else. Silence is never the end: the caller has a deadline."""
        return self.differs

    def on_time(self, now_s: float) -> list[Outbound]:
        if self.done or self.differs or self.refused is not None:
            return []
        if self._step.is_idle(now_s):
            self._step = Download(self.kind, now_s=now_s) if self._is_reading else self._upload(now_s)
        before = self._step.attempts
        out = self._step.on_time(now_s)
        self.attempts += self._step.attempts - before
        return out

    def on_packet(self, packet: Inbound, now_s: float) -> list[Outbound]:
        if self.done or self.differs or is_over(self._step):
            return []
        out = self._step.on_packet(packet, now_s)
        if not self._step.done:
            return out
        if not isinstance(self._step, Download):
            self._step = Download(self.kind, now_s=now_s)
        else:
            self._compare(self._step, now_s)
        return [*out, *self.on_time(now_s)]

    @property
    def _is_reading(self) -> bool:
        return isinstance(self._step, Download)

    def _compare(self, read: Download, now_s: float) -> None:
        self.held_hash = items_hash(read.items, kind=KIND[self.kind])
        if self.held_hash == self.wanted_hash:
            self.done = True
            return
        self._mismatches += 1
        self.differs = self._mismatches >= _MOST_MISMATCHES
        if not self.differs:
            self._step = self._upload(now_s)

    def _upload(self, now_s: float) -> Transfer:
        if not self._items:
            return Clear(self.kind, now_s=now_s)
        return Upload(self.kind, self._items, now_s=now_s)
