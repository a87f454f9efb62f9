"""Alarms: what a dispatcher must know of a vehicle, with severity, beginning, end and who has taken note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from core.ids import AlarmId, OperatorId, SortieId, VehicleId


class AlarmKind(StrEnum):
    """What is wrong."""

    LINK_LOST = "link-lost"
    STALE_TELEMETRY = "stale-telemetry"
    LOW_BATTERY = "low-battery"
    GPS = "gps"
    ESTIMATE = "estimate"  # the estimator (EKF) has no position
    VIBRATION = "vibration"
    FENCE_AHEAD = "fence-ahead"  # too fast to stop before the fence
    FENCE_BREACH = "fence-breach"
    ZONE_ENTERED = "zone-entered"  # it flies in a zone that is closed to flights now
    FENCE_OFF = "fence-off"  # armed on a sortie, and the autopilot's own fence does not hold
    SIGNING_KEY = "signing-key"  # it should sign, and its key cannot be read: it is neither heard nor commanded
    MODE_SURPRISE = "mode-surprise"  # it does what the platform did not ask for: a pilot, another station, a failsafe


class Severity(StrEnum):
    """How soon a person must act, in rising order."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


RANK = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Alarm:
    """One condition of one vehicle from its beginning to its end. `severity` is the greatest that it had.

    Taking note (`acknowledged_*`) ends nothing: an alarm is open until its condition is over.
    """

    id: AlarmId
    kind: AlarmKind
    severity: Severity
    text: str
    vehicle_id: VehicleId
    sortie_id: SortieId | None
    began_at: datetime
    ended_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: OperatorId | None = None

    @property
    def is_open(self) -> bool:
        return self.ended_at is None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A condition as one look at a vehicle shows it."""

    kind: AlarmKind
    severity: Severity
    text: str


class AlarmStore(Protocol):
    """Where alarms are kept."""

    async def save_alarm(self, alarm: Alarm) -> Alarm:
        """Stores a new alarm or what became of it, and returns it with who took note.

        Who took note of a lesser severity has not taken note of a greater one.
        """
        ...

    async def acknowledge_alarm(self, alarm_id: AlarmId, by: OperatorId, at: datetime) -> Alarm:
        """The first to take note stays. Raises NotFound."""
        ...

    async def alarms(
        self, *, limit: int, open_only: bool = False, vehicle_id: VehicleId | None = None
    ) -> Sequence[Alarm]:
        """Newest first."""
        ...


def escalated(alarm: Alarm, sighting: Sighting) -> Alarm:
    """The alarm after one more look; the same value when nothing a person would notice has changed."""
    if RANK[sighting.severity] <= RANK[alarm.severity]:
        return alarm
    # Who took note of less has not taken note of this.
    return replace(alarm, severity=sighting.severity, text=sighting.text, acknowledged_at=None, acknowledged_by=None)
