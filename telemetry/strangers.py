"""Who speaks on our links without being enrolled: listed, asked who it is, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from telemetry.identity import Place
from telemetry.messages import UnenrolledVehicle
from telemetry.packets import AutopilotVersion, Heartbeat
from telemetry.wire import Frame

MAX_STRANGERS = 64
_FORGOTTEN_S = 60.0
_QUESTIONS = 3
_ASK_EVERY_S = 1.0

Key = tuple[Place, int]


@dataclass(slots=True)
class _Stranger:
    told: UnenrolledVehicle
    heard_s: float
    asked_s: float = 0.0
    questions: int = 0


@dataclass(slots=True)
class Strangers:
    """At most 64 of them, each by place and system id; one that was silent for a minute makes room for the next."""

    refused: int = 0
    _seen: dict[Key, _Stranger] = field(default_factory=dict)

    def hear(self, place: Place, frame: Frame, at: datetime, now_s: float, why: str) -> UnenrolledVehicle | None:
        """Takes a frame of somebody who is not enrolled; the entry when it is a new one.

        Only an autopilot's heartbeat makes an entry, later frames of it keep it fresh.
        """
        key = (place, frame.source.system_id)
        stranger = self._seen.get(key)
        is_new = stranger is None
        if stranger is None:
            if not isinstance(frame.packet, Heartbeat) or not frame.packet.is_autopilot or not self._room(now_s):
                return None
            link, (host, port) = place
            told = UnenrolledVehicle(link, f"{host}:{port}", frame.source.system_id, why, at, at)
            stranger = self._seen[key] = _Stranger(told, now_s)
        stranger.heard_s = now_s
        stranger.told = replace(stranger.told, last_heard_at=at, why=why)
        if isinstance(frame.packet, AutopilotVersion):
            stranger.told = replace(stranger.told, uid=frame.packet.uid, firmware=frame.packet.firmware)
        return stranger.told if is_new else None

    def _room(self, now_s: float) -> bool:
        if len(self._seen) < MAX_STRANGERS:
            return True
        oldest = min(self._seen, key=lambda key: self._seen[key].heard_s)
        if now_s - self._seen[oldest].heard_s < _FORGOTTEN_S:
            self.refused += 1
            return False
        del self._seen[oldest]
        return True

    def believe(self, place: Place, system_id: int) -> None:
        """It has proven who it is."""
        self._seen.pop((place, system_id), None)

    def forget(self, link: str, system_id: int) -> None:
        """It was enrolled."""
        for key in [key for key in self._seen if key[0][0] == link and key[1] == system_id]:
            del self._seen[key]

    def to_ask(self, now_s: float) -> Iterable[Key]:
        """Whom to ask for its autopilot's id now: each at most three times, one of them a second."""
        for key, stranger in self._seen.items():
            due = now_s - stranger.asked_s >= _ASK_EVERY_S and now_s - stranger.heard_s < _ASK_EVERY_S
            if due and stranger.told.uid is None and stranger.questions < _QUESTIONS:
                stranger.asked_s = now_s
                stranger.questions += 1
                yield key
                return

    def listed(self) -> tuple[UnenrolledVehicle, ...]:
        """All of them, the one heard last first."""
        return tuple(
            sorted((each.told for each in self._seen.values()), key=lambda it: it.last_heard_at, reverse=True)
        )
