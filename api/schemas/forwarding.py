"""Forwarding rules and how they stand; secrets come in here and never go out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.schemas.geojson import PolygonGeometry, Strict
from api.settings import Id
from core.ids import OperatorId, VehicleId
from geofence.geometry import parse_polygon, ring_coordinates
from geofence.zones import PolygonShape
from operations.alarms import Severity
from operations.forwarding.addresses import TargetKind
from operations.forwarding.ports import Standing, State
from operations.forwarding.rules import (
    MAX_KEPT_S,
    MAX_RATE_HZ,
    MAX_SPOOL_BYTES,
    MIN_KEPT_S,
    MIN_RATE_HZ,
    MIN_SPOOL_BYTES,
    Confirm,
    Filter,
    MqttVersion,
    Rule,
    RuleId,
    Secrets,
    Target,
    What,
    is_overheard,
)

Name = Annotated[str, Field(min_length=1, max_length=80)]
Url = Annotated[str, Field(min_length=1, max_length=2_048)]
Topic = Annotated[str, Field(min_length=1, max_length=1_024)]
Secret = Annotated[str, Field(min_length=1, max_length=1_024, pattern=r"^[\x20-\x7e]+$")]
Password = Annotated[str, Field(min_length=1, max_length=1_024)]
Rate = Annotated[float, Field(ge=MIN_RATE_HZ, le=MAX_RATE_HZ)]
SpoolBytes = Annotated[int, Field(ge=MIN_SPOOL_BYTES, le=MAX_SPOOL_BYTES)]
Kept = Annotated[float, Field(ge=MIN_KEPT_S, le=MAX_KEPT_S)]
Whats = Annotated[list[What], Field(min_length=1, max_length=len(What))]


class FilterIn(Strict):
    """Of whom and of what is told; what is left out narrows nothing. A unit is that of the vehicle."""

    vehicle_ids: tuple[Id, ...] = Field(default=(), max_length=1_000)
    units: tuple[Id, ...] = Field(default=(), max_length=1_000)
    codes: tuple[Id, ...] = Field(default=(), max_length=100)
    severities: tuple[Severity, ...] = Field(default=(), max_length=3)
    area: PolygonGeometry | None = None

    def filter(self) -> Filter:
        """Raises InvalidRequest when the area is no polygon."""
        area = None if self.area is None else parse_polygon(self.area.model_dump(), "/filter/area")
        return Filter(
            tuple(map(VehicleId, self.vehicle_ids)),
            tuple(self.units),
            tuple(self.codes),
            tuple(self.severities),
            area,
        )


class WebSocketTargetIn(Strict):
    """A WebSocket server: one CloudEvent a frame. `token`: sent as a bearer token."""

    kind: Literal["websocket"]
    url: Url
    confirm: Confirm = Confirm.ACK
    token: Secret | None = None


class MqttTargetIn(Strict):
    """A broker. Topics may hold {unit}, {vehicle_id} and {what}."""

    kind: Literal["mqtt"]
    url: Url
    version: MqttVersion = MqttVersion.V5
    state_topic: Topic = "bailu/{unit}/{vehicle_id}/state"
    event_topic: Topic = "bailu/{unit}/{vehicle_id}/{what}"
    retain_state: bool = False
    username: Name | None = None
    password: Password | None = None


class HttpTargetIn(Strict):
    """A server that takes batches of CloudEvents. `signing_key`: signs them; `token`: sent as a bearer token."""

    kind: Literal["http"]
    url: Url
    token: Secret | None = None
    signing_key: Secret | None = None


TargetIn = Annotated[WebSocketTargetIn | MqttTargetIn | HttpTargetIn, Field(discriminator="kind")]
SECRETS = ("password", "token", "signing_key")


def target_of(told: WebSocketTargetIn | MqttTargetIn | HttpTargetIn) -> Target:
    """The target without its secrets."""
    known = told.model_dump(exclude={"kind", *SECRETS})
    return Target(TargetKind(told.kind), **known)


def secrets_of(told: WebSocketTargetIn | MqttTargetIn | HttpTargetIn) -> dict[str, str | None]:
    """The secrets that were given, null included."""
    given: dict[str, str | None] = told.model_dump(include=set(SECRETS), exclude_unset=True)
    return given


class RuleIn(Strict):
    """A rule to make. `rate_hz` is of telemetry."""

    id: Id | None = None
    name: Name
    what: Whats
    target: TargetIn
    filter: FilterIn = FilterIn()
    rate_hz: Rate = 1.0
    backfill: bool = False
    paused: bool = False
    spool_bytes: SpoolBytes = 64 << 20
    kept_s: Kept = 7 * 86_400.0

    def rule(self, rule_id: RuleId, at: datetime, by: OperatorId) -> Rule:
        """Raises InvalidRequest."""
        return Rule(
            id=rule_id,
            name=self.name,
            what=tuple(self.what),
            target=target_of(self.target),
            created_at=at,
            created_by=by,
            filter=self.filter.filter(),
            rate_hz=self.rate_hz,
            backfill=self.backfill,
            paused=self.paused,
            spool_bytes=self.spool_bytes,
            kept_s=self.kept_s,
        )

    def secrets(self) -> Secrets:
        return Secrets(**secrets_of(self.target))


class RuleChange(Strict):
    """What is to change; what is left out stays. `filter` and `target` are replaced as a whole, but for secrets that
    are left out: these stay as long as the target is the same host.
    """

    name: Name | None = None
    what: Whats | None = None
    target: TargetIn | None = None
    filter: FilterIn | None = None
    rate_hz: Rate | None = None
    backfill: bool | None = None
    paused: bool | None = None
    spool_bytes: SpoolBytes | None = None
    kept_s: Kept | None = None

    def changes(self) -> dict[str, Any]:
        """The members of a `Rule` that are to change. Raises InvalidRequest."""
        told: dict[str, Any] = {
            name: getattr(self, name) for name in self.model_fields_set if getattr(self, name) is not None
        }
        if self.what is not None:
            told["what"] = tuple(self.what)
        if self.filter is not None:
            told["filter"] = self.filter.filter()
        if self.target is not None:
            told["target"] = target_of(self.target)
        return told


class FilterOut(BaseModel):
    vehicle_ids: list[str]
    units: list[str]
    codes: list[str]
    severities: list[Severity]
    area: dict[str, Any] | None


class TargetOut(BaseModel):
    """The target; of its secrets, which ones are stored. `overheard`: they cross the network in the clear."""

    kind: TargetKind
    url: str
    confirm: Confirm
    version: MqttVersion
    state_topic: str
    event_topic: str
    retain_state: bool
    username: str | None
    secrets: list[str]
    overheard: bool


class StandingOut(BaseModel):
    """How far the rule is. `lag_s`: the age of the oldest event that waits, 0 when none does.

    `dead`: single events that the target refused for good; `lost_*`: given up because the spool was full or they were
    too old.
    """

    state: State
    lag_s: float
    waiting_events: int
    waiting_telemetry: int
    spool_bytes: int
    sent_events: int
    sent_telemetry: int
    lost_events: int
    lost_telemetry: int
    dead: int
    last_sent_at: datetime | None
    last_error: str | None
    last_error_at: datetime | None


class RuleOut(BaseModel):
    id: str
    name: str
    what: list[What]
    target: TargetOut
    filter: FilterOut
    rate_hz: float
    backfill: bool
    paused: bool
    spool_bytes: int
    kept_s: float
    created_at: datetime
    created_by: str
    revision: int
    status: StandingOut

    @classmethod
    def of(cls, rule: Rule, standing: Standing, now: datetime) -> RuleOut:
        same = ("id", "name", "rate_hz", "backfill", "paused", "spool_bytes", "kept_s", "created_at", "created_by")
        return cls(
            **{name: getattr(rule, name) for name in same},
            what=list(rule.what),
            target=_target_out(rule),
            filter=_filter_out(rule.filter),
            revision=rule.row_revision,
            status=_standing_out(standing, now),
        )


class RuleList(BaseModel):
    items: list[RuleOut]


def _target_out(rule: Rule) -> TargetOut:
    told = {name: getattr(rule.target, name) for name in TargetOut.model_fields if hasattr(rule.target, name)}
    return TargetOut(**told, secrets=list(rule.secrets), overheard=is_overheard(rule))


def _filter_out(told: Filter) -> FilterOut:
    return FilterOut(
        vehicle_ids=list(told.vehicle_ids),
        units=list(told.units),
        codes=list(told.codes),
        severities=list(told.severities),
        area=None if told.area is None else _polygon_out(told.area),
    )


def _polygon_out(shape: PolygonShape) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [ring_coordinates(ring) for ring in (shape.outer, *shape.holes)]}


def _standing_out(standing: Standing, now: datetime) -> StandingOut:
    lag_s = 0.0 if standing.oldest_at is None else max(0.0, (now - standing.oldest_at).total_seconds())
    told = {name: getattr(standing, name) for name in StandingOut.model_fields if name != "lag_s"}
    return StandingOut(**told, lag_s=round(lag_s, 3))
