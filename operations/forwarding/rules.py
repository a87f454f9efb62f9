"""A forwarding rule as a value: what is told, of whom, how often, to whom, and how much is kept for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from core.errors import FieldError, InvalidRequest
from core.ids import OperatorId, VehicleId
from geofence.zones import PolygonShape
from operations.alarms import Severity
from operations.forwarding.addresses import SCHEMES, TargetKind, url_errors
from operations.forwarding.topics import topic_errors

RuleId = NewType("RuleId", str)

MAX_RULES = 64
MIN_RATE_HZ, MAX_RATE_HZ = 0.1, 10.0
MIN_SPOOL_BYTES, MAX_SPOOL_BYTES = 64 << 10, 4 << 30
MIN_KEPT_S, MAX_KEPT_S = 1.0, 30 * 86_400.0


class What(StrEnum):
    """Kinds of things that are forwarded."""

    TELEMETRY = "telemetry"  # the latest state of each vehicle, at the rule's rate
    EVENTS = "events"  # what people are told: texts of autopilots, links lost, reviews
    ALARMS = "alarms"  # an alarm began, grew worse, was taken note of or ended
    SORTIES = "sorties"  # a sortie made a step
    COMMANDS = "commands"  # a command was journalled, or ended: done, failed, expired, unknown
    TRAFFIC = "traffic"  # two of our own flights come too near to each other, or no longer do


class MqttVersion(StrEnum):
    V311 = "3.1.1"
    V5 = "5"


class Confirm(StrEnum):
    """What tells that the far end of a WebSocket has a frame."""

    ACK = "ack"  # it answered `{"ack": "<id>"}` with the id of the last event that it has stored
    PONG = "pong"  # its library answered a ping that was sent after it; what it had not read by a crash is lost


@dataclass(frozen=True, slots=True)
class Filter:
    """Of whom and of what is told; an empty member leaves everybody in.

    `vehicle_ids`, `units` and `area` narrow everything: what concerns no vehicle passes only without them. `area`
    looks at where the vehicle is, or was last. What names several vehicles passes `units` only when all are of them.
    `codes` and `severities` narrow events, alarms and traffic.
    """

    vehicle_ids: tuple[VehicleId, ...] = ()
    units: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    area: PolygonShape | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Who is told. `version`, the topics, `retain_state` and `username` are MQTT's; `confirm` is a WebSocket's."""

    kind: TargetKind
    url: str
    confirm: Confirm = Confirm.ACK
    version: MqttVersion = MqttVersion.V5
    state_topic: str = "bailu/{unit}/{vehicle_id}/state"
    event_topic: str = "bailu/{unit}/{vehicle_id}/{what}"
    retain_state: bool = False
    username: str | None = None


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a target asks for, never shown again: MQTT's password, a bearer token, the key of HTTP signatures."""

    password: str | None = None
    token: str | None = None
    signing_key: str | None = None

    @property
    def held(self) -> tuple[str, ...]:
        """Which of them there are, by name."""
        return tuple(name for name in ("password", "token", "signing_key") if getattr(self, name) is not None)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Paused, nothing is sent and events are kept as for a target that is away.

    `backfill`: telemetry is kept as well while the target is away and sent later, marked; else only the latest.
    `spool_bytes`, `kept_s`: how much and how long is kept; telemetry goes first, then events.
    `since`: the number in the outbox after which its events begin.
    """

    id: RuleId
    name: str
    what: tuple[What, ...]
    target: Target
    created_at: datetime
    created_by: OperatorId
    filter: Filter = Filter()
    rate_hz: float = 1.0
    backfill: bool = False
    paused: bool = False
    spool_bytes: int = 64 << 20
    kept_s: float = 7 * 86_400.0
    secrets: tuple[str, ...] = ()  # the names of those that are stored
    since: int = 0
    row_revision: int = 1

    @property
    def tells_telemetry(self) -> bool:
        return What.TELEMETRY in self.what


def check(rule: Rule) -> None:
    """That the rule makes sense. Raises InvalidRequest that names each wrong member."""
    errors = [*_range_errors(rule), *url_errors(rule.target.kind, rule.target.url), *_target_errors(rule)]
    if errors:
        raise InvalidRequest(tuple(errors))


def _range_errors(rule: Rule) -> list[FieldError]:
    wrong = []
    if not rule.what or len(set(rule.what)) != len(rule.what):
        wrong.append(FieldError("/what", "name at least one of " + ", ".join(What) + ", each once"))
    for member, value, low, high in (
        ("rate_hz", rule.rate_hz, MIN_RATE_HZ, MAX_RATE_HZ),
        ("spool_bytes", rule.spool_bytes, MIN_SPOOL_BYTES, MAX_SPOOL_BYTES),
        ("kept_s", rule.kept_s, MIN_KEPT_S, MAX_KEPT_S),
    ):
        if not low <= value <= high:
            wrong.append(FieldError(f"/{member}", f"is {value:g}; it must be from {low:g} to {high:g}"))
    return wrong


def _target_errors(rule: Rule) -> list[FieldError]:
    target, wrong = rule.target, list[FieldError]()
    fitting = {
        TargetKind.WEBSOCKET: ("token",),
        TargetKind.MQTT: ("password",),
        TargetKind.HTTP: ("token", "signing_key"),
    }[target.kind]
    wrong += [
        FieldError(f"/target/{name}", f"is not for a target of kind {target.kind}")
        for name in rule.secrets
        if name not in fitting
    ]
    if "password" in rule.secrets and target.username is None:
        wrong.append(FieldError("/target/username", "is missing beside the password"))
    if target.kind is TargetKind.MQTT:
        wrong += topic_errors("/target/state_topic", target.state_topic)
        wrong += topic_errors("/target/event_topic", target.event_topic)
    return wrong


def is_overheard(rule: Rule) -> bool:
    """Whether its secrets cross the network in the clear."""
    secure, _ = SCHEMES[rule.target.kind]
    return bool(rule.secrets) and not rule.target.url.startswith(f"{secure}:")
