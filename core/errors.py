"""Errors of the domain: a class each, with a slug, typed fields and a sentence built from them; none knows HTTP."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar


@dataclass(eq=False)
class BailuError(Exception):
    """Base of every expected failure; `slug` names the cause all the way up to the person."""

    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"

    @property
    def detail(self) -> str:
        """One sentence for a person, built from the fields."""
        return self.title

    def __str__(self) -> str:
        return self.detail

    def facts(self) -> dict[str, Any]:
        """The typed fields by name, for a problem document or the bus."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with a request: `pointer` is a JSON pointer (RFC 6901) to the member."""

    pointer: str
    detail: str


@dataclass(eq=False)
class InvalidRequest(BailuError):
    """The request itself is wrong; nothing was done."""

    slug: ClassVar[str] = "invalid-request"
    title: ClassVar[str] = "The request is not valid"
    errors: tuple[FieldError, ...] = ()

    @property
    def detail(self) -> str:
        return "; ".join(f"{error.pointer or '/'}: {error.detail}" for error in self.errors) or self.title


@dataclass(eq=False)
class NotFound(BailuError):
    slug: ClassVar[str] = "not-found"
    title: ClassVar[str] = "There is no such thing"
    kind: str
    id: str

    @property
    def detail(self) -> str:
        return f"There is no {self.kind} {self.id!r}."


@dataclass(eq=False)
class RevisionRequired(BailuError):
    slug: ClassVar[str] = "revision-required"
    title: ClassVar[str] = "The revision that the change is based on is missing"
    kind: str
    id: str

    @property
    def detail(self) -> str:
        return f"Send If-Match with the revision of {self.kind} {self.id!r} that this change is based on."


@dataclass(eq=False)
class StaleRevision(BailuError):
    slug: ClassVar[str] = "stale-revision"
    title: ClassVar[str] = "Somebody changed it meanwhile"
    kind: str
    id: str
    current: int
    given: int

    @property
    def detail(self) -> str:
        return f"{self.kind} {self.id!r} is at revision {self.current}; the change was based on {self.given}."


@dataclass(frozen=True, slots=True)
class Encounter:
    """When and between which altitudes a flight may first be too near to another one of our own.

    `flight_id`: of the other sortie, or of the other mission while it is planned. `horizontal_m`, `vertical_m`:
    between the two paths then.
    """

    flight_id: str
    flight_name: str
    from_at: datetime
    until_at: datetime
    low_amsl_m: float
    high_amsl_m: float
    horizontal_m: float
    vertical_m: float


@dataclass(frozen=True, slots=True)
class Conflict:
    """One reason why a plan may not fly.

    `code` names the rule; `pointer` the member of the request to change; `geometry` is the offending
    place as GeoJSON (lon, lat); `leg` the ends of the worst leg: 0 and N + 1 are home, n is waypoint number n of N.
    `encounter`: only where another flight is the reason.
    """

    code: str
    detail: str
    pointer: str
    zone_id: str | None = None
    zone_name: str | None = None
    leg: tuple[int, int] | None = None
    geometry: dict[str, Any] | None = None
    encounter: Encounter | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """Something that would fly instead of what was asked. `kind`: shorten, delay, layer, vehicle; of a diversion
    nearby, altitude, shorter-hold, fewer-turns, radius, skip.

    `change`: a JSON merge patch (RFC 7396) of the mission feature, or the diversion's parameters, that asks for it.
    """

    kind: str
    detail: str
    change: dict[str, Any]


@dataclass(eq=False)
class MissionConflict(BailuError):
    """Nothing was done; `proposals` are what would fly instead, each of them checked."""

    slug: ClassVar[str] = "mission-conflict"
    title: ClassVar[str] = "The plan violates the airspace, the vehicle's limits or the air of another flight"
    conflicts: tuple[Conflict, ...]
    proposals: tuple[Proposal, ...] = ()

    @property
    def detail(self) -> str:
        return "; ".join(conflict.detail for conflict in self.conflicts)


@dataclass(eq=False)
class IllegalTransition(BailuError):
    slug: ClassVar[str] = "illegal-transition"
    title: ClassVar[str] = "That does not follow from the present state"
    kind: str
    id: str
    from_state: str
    to_state: str

    @property
    def detail(self) -> str:
        return f"{self.kind} {self.id!r} is {self.from_state}; it cannot become {self.to_state} from there."


@dataclass(eq=False)
class VehicleBusy(BailuError):
    slug: ClassVar[str] = "vehicle-busy"
    title: ClassVar[str] = "The vehicle is busy"
    vehicle_id: str
    doing: str

    @property
    def detail(self) -> str:
        return f"Vehicle {self.vehicle_id!r} is busy: {self.doing}."


@dataclass(eq=False)
class VehicleOffline(BailuError):
    slug: ClassVar[str] = "vehicle-offline"
    title: ClassVar[str] = "The vehicle is not heard"
    vehicle_id: str
    last_seen_at: datetime | None = None

    @property
    def detail(self) -> str:
        seen = f"last heard at {self.last_seen_at:%Y-%m-%d %H:%M:%S} UTC" if self.last_seen_at else "never heard"
        return f"Vehicle {self.vehicle_id!r} is offline ({seen})."


@dataclass(eq=False)
class VehicleRejected(BailuError):
    slug: ClassVar[str] = "vehicle-rejected"
    title: ClassVar[str] = "The autopilot refused"
    vehicle_id: str
    command: str
    mav_result: str
    texts: tuple[str, ...] = ()

    @property
    def detail(self) -> str:
        said = f" It said: {' · '.join(self.texts)}" if self.texts else ""
        return f"Vehicle {self.vehicle_id!r} answered {self.command} with {self.mav_result}.{said}"


@dataclass(eq=False)
class VehicleAmbiguous(BailuError):
    slug: ClassVar[str] = "vehicle-ambiguous"
    title: ClassVar[str] = "Several vehicles answer under one name"
    vehicle_id: str
    uids: tuple[str, ...]

    @property
    def detail(self) -> str:
        known = f" (autopilots {', '.join(self.uids)})" if self.uids else ""
        return (
            f"More than one autopilot speaks as vehicle {self.vehicle_id!r}{known}; nothing is sent to either. "
            "Switch one off or give it another system id, or enrol the vehicle with its autopilot's id."
        )


@dataclass(eq=False)
class LinkTimeout(BailuError):
    slug: ClassVar[str] = "link-timeout"
    title: ClassVar[str] = "The vehicle did not answer in time"
    vehicle_id: str
    waiting_for: str
    attempts: int

    @property
    def detail(self) -> str:
        return f"Vehicle {self.vehicle_id!r} did not answer: {self.waiting_for}, {self.attempts} attempts."


@dataclass(eq=False)
class OutcomeUnknown(BailuError):
    """It was sent, and nothing tells whether it was carried out; it is not sent again."""

    slug: ClassVar[str] = "outcome-unknown"
    title: ClassVar[str] = "Whether the vehicle did it is not known"
    vehicle_id: str
    command: str
    texts: tuple[str, ...] = ()

    @property
    def detail(self) -> str:
        said = f" It said: {' · '.join(self.texts)}" if self.texts else ""
        return (
            f"Whether vehicle {self.vehicle_id!r} carried out {self.command} is not known: "
            f"look at it before asking again.{said}"
        )


@dataclass(eq=False)
class CommandExpired(BailuError):
    """Too late: what was asked then may be wrong now."""

    slug: ClassVar[str] = "command-expired"
    title: ClassVar[str] = "The command is too old to be sent"
    vehicle_id: str
    command: str
    deadline_at: datetime

    @property
    def detail(self) -> str:
        return (
            f"{self.command} to vehicle {self.vehicle_id!r} was to be sent until "
            f"{self.deadline_at:%Y-%m-%d %H:%M:%S} UTC and was not sent."
        )


@dataclass(eq=False)
class UploadMismatch(BailuError):
    """Promise 1: what was read back differs from the approved plan; the vehicle must not arm."""

    slug: ClassVar[str] = "upload-mismatch"
    title: ClassVar[str] = "The vehicle does not hold the approved plan"
    vehicle_id: str
    what: str
    expected_hash: str
    actual_hash: str

    @property
    def detail(self) -> str:
        return (
            f"The {self.what} read back from vehicle {self.vehicle_id!r} has the hash "
            f"{self.actual_hash[:12]}, the approved one is {self.expected_hash[:12]}."
        )


@dataclass(eq=False)
class DiversionFailed(BailuError):
    """A mission was not replaced in the air; the vehicle holds, or does what came first."""

    slug: ClassVar[str] = "diversion-failed"
    title: ClassVar[str] = "The vehicle does not fly the new plan"
    vehicle_id: str
    asked_for: str
    why: str

    @property
    def detail(self) -> str:
        return f"Vehicle {self.vehicle_id!r} does not fly the {self.asked_for}: {self.why}"


@dataclass(frozen=True, slots=True)
class PreflightCheck:
    """One line of the preflight report; what is not `required` is told and refuses nothing."""

    check: str
    ok: bool
    detail: str
    required: bool = True


@dataclass(eq=False)
class PreflightFailed(BailuError):
    slug: ClassVar[str] = "preflight-failed"
    title: ClassVar[str] = "The vehicle may not take off"
    vehicle_id: str
    checks: tuple[PreflightCheck, ...]

    @property
    def detail(self) -> str:
        failed = " · ".join(check.detail for check in self.checks if check.required and not check.ok)
        return f"Vehicle {self.vehicle_id!r} may not take off: {failed}."


@dataclass(eq=False)
class IdempotencyKeyReused(BailuError):
    slug: ClassVar[str] = "idempotency-key-reused"
    title: ClassVar[str] = "The Idempotency-Key belongs to another request"
    key: str

    @property
    def detail(self) -> str:
        return f"The Idempotency-Key {self.key!r} was used before with a different request."


@dataclass(eq=False)
class Overloaded(BailuError):
    slug: ClassVar[str] = "overloaded"
    title: ClassVar[str] = "Too much at once"
    what: str

    @property
    def detail(self) -> str:
        return f"{self.what}; try again shortly."


@dataclass(eq=False)
class GatewayUnavailable(BailuError):
    """Nobody serves the vehicle on the bus: its gateway is not running or not reachable."""

    slug: ClassVar[str] = "gateway-unavailable"
    title: ClassVar[str] = "The vehicle's gateway does not answer"
    subject: str

    @property
    def detail(self) -> str:
        return f"No gateway answers for {self.subject!r}."


@dataclass(eq=False)
class TerrainUnusable(BailuError):
    """Configured terrain data cannot be read: heights above ground are not known, so nothing is planned with them."""

    slug: ClassVar[str] = "terrain-unusable"
    title: ClassVar[str] = "The terrain data cannot be used"
    file: str
    reason: str

    @property
    def detail(self) -> str:
        return f"{self.file}: {self.reason}"


@dataclass(eq=False)
class NotAllowed(BailuError):
    slug: ClassVar[str] = "not-allowed"
    title: ClassVar[str] = "Not allowed"
    operator_id: str
    action: str

    @property
    def detail(self) -> str:
        return f"Operator {self.operator_id!r} may not {self.action}."


def all_errors(base: type[BailuError] = BailuError) -> dict[str, type[BailuError]]:
    """Every error class by slug, subclasses of subclasses included."""
    found = {base.slug: base}
    for child in base.__subclasses__():
        found |= all_errors(child)
    return found
