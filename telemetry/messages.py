"""What crosses the bus between the gateway role and the api role."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.errors import Encounter
from core.ids import DockId, MissionId, OperatorId, SortieId, VehicleId
from missions.model import CommandKind, CommandRecord, Sortie
from operations.alarms import Alarm
from telemetry.columns import Rows, packed, rows
from telemetry.links.port import LinkHealth

# Subjects. A gateway serves the vehicles that it owns, so requests carry the vehicle in the subject.
FLEET_TICK = "fleet.tick"
LINKS_TICK = "fleet.links"
SORTIE_CHANGED = "sorties.changed"
FLEET_EVENT = "fleet.event"
AIRSPACE_REVIEWED = "airspace.reviewed"
ALARM_CHANGED = "alarms.changed"
COMMAND_CHANGED = "commands.changed"

UNENROLLED_ASKED = "fleet.unenrolled"
FOLLOW_ASKED = "fleet.follow"


def launch_subject(vehicle_id: VehicleId) -> str:
    return f"vehicle.{vehicle_id}.launch"


def pulse_subject(gateway: str) -> str:
    # A host's name may hold dots, which part the words of a subject.
    return f"gateway.{gateway.replace('.', '-')}.pulse"


def command_subject(vehicle_id: VehicleId) -> str:
    return f"vehicle.{vehicle_id}.command"


def vehicle_update_subject(vehicle_id: VehicleId) -> str:
    """Where each single update of a vehicle is told while somebody follows it."""
    return f"vehicle.{vehicle_id}.update"


def safety_subject(vehicle_id: VehicleId) -> str:
    return f"vehicle.{vehicle_id}.safety"


def logs_subject(vehicle_id: VehicleId) -> str:
    return f"vehicle.{vehicle_id}.logs"


class LinkState(StrEnum):
    """How well a vehicle is heard (reliability guide, section 2)."""

    NEVER = "never"
    LIVE = "live"  # a heartbeat within 1.5 s
    STALE = "stale"  # older than that
    LOST = "lost"  # older than 5 s
    REPLAYED = "replayed"  # a recording is played: shown, never commanded


class Landed(StrEnum):
    """MAV_LANDED_STATE."""

    UNKNOWN = "unknown"
    ON_GROUND = "on_ground"
    TAKING_OFF = "taking_off"
    IN_AIR = "in_air"
    LANDING = "landing"


@dataclass(frozen=True, slots=True)
class Ghost:
    """Where a vehicle that is not heard may be now, if `belief` is true; within `radius_m` of there.

    `belief`: mission (it hears us and flies on) · failsafe (it does not hear us either) · unknown.
    """

    belief: str
    lat_deg: float
    lon_deg: float
    alt_rel_m: float
    radius_m: float
    text: str


@dataclass(frozen=True, slots=True)
class SortieProgress:
    """How far a flight is, of what it flies now, and with how much battery it will land. None: not known.

    Seconds of the vehicle's time from now; `reserve_pct` is what no plan may touch.
    """

    waypoints_reached: int
    waypoints_total: int
    eta_next_s: float | None = None  # until the waypoint ahead; None: all are behind
    eta_landing_s: float | None = None
    lands_with_pct: float | None = None
    lands_with_p95_pct: float | None = None  # 95 of 100 flights land with more
    reserve_pct: float | None = None


@dataclass(frozen=True, slots=True)
class Quiet:
    """Data that a vehicle told and tells no more while it is heard. `since`: when they came last."""

    what: str  # attitude, battery (with the autopilot's checks), gps, estimator, landed
    since: datetime


@dataclass(frozen=True, slots=True)
class VehicleState:
    """The one canonical record of a vehicle as the gateway last knew it. None: never received.

    Ages are seconds at the tick that carries the record. While it is heard, the position is as old as
    `position_age_s` says, what `quiet` names as it says, and anything else that keeps coming at most six seconds.
    Positions are WGS-84; `alt_amsl_m` above mean sea level, `alt_rel_m` above home, `alt_agl_m` above the
    ground (flat ground of the dock).
    """

    vehicle_id: VehicleId
    name: str
    dock_id: DockId | None
    system_id: int
    link_name: str
    airframe: str
    link: LinkState = LinkState.NEVER
    last_heard_at: datetime | None = None
    heard_age_s: float | None = None
    position_age_s: float | None = None
    lat_deg: float | None = None
    lon_deg: float | None = None
    alt_amsl_m: float | None = None
    alt_rel_m: float | None = None
    alt_agl_m: float | None = None
    heading_deg: float | None = None
    course_deg: float | None = None
    ground_speed_mps: float | None = None
    climb_mps: float | None = None
    north_mps: float | None = None  # velocity over ground
    east_mps: float | None = None
    roll_deg: float | None = None
    pitch_deg: float | None = None
    battery_pct: float | None = None
    battery_v: float | None = None
    battery_a: float | None = None
    gps_fix: int | None = None  # GPS_FIX_TYPE: 3 and more is a 3-D fix
    satellites: int | None = None
    hdop: float | None = None
    mode: str | None = None
    armed: bool | None = None
    landed: Landed = Landed.UNKNOWN
    prearm_ok: bool | None = None  # the autopilot's own checks
    position_ok: bool | None = None  # its estimator has an absolute position
    vibration_mps2: float | None = None  # of the worst axis
    ready: bool = False  # heard, on the ground, disarmed, both of the above, no sortie
    fence_enabled: bool | None = None
    fence_breached: bool | None = None
    mission_seq: int | None = None
    mission_total: int | None = None
    home_lat_deg: float | None = None
    home_lon_deg: float | None = None
    home_amsl_m: float | None = None
    firmware: str | None = None
    uid: str | None = None
    signed: bool = False  # its frames are verified by its own key
    unit: str = "default"  # whose it is; viewers of other units are told nothing of it
    ambiguous: bool = False  # another autopilot answers under its name: nobody is commanded until that is over
    sortie_id: SortieId | None = None
    last_texts: tuple[str, ...] = ()  # newest last, at most 5 STATUSTEXTs
    progress: SortieProgress | None = None  # of its sortie, while it flies
    ghosts: tuple[Ghost, ...] = ()  # while it flies and is not heard
    quiet: tuple[Quiet, ...] = ()  # what it tells no more, while it is heard


@dataclass(frozen=True, slots=True)
class FleetTick:
    """All vehicles of one gateway at one instant; published every tick.

    `number` counts the ticks of a gateway's run. `ids`: its vehicles; one that is missing was retired. `fast`:
    float64 little-endian, a row of `columns.FAST` for each of `ids`. `changed`: the records of which any other field
    changed since the tick before, all of them when `full`: at first, when vehicles come or go, and once a second, so
    that a lost tick heals. Their quick fields are not kept up: `columns.merged` puts both together.
    """

    gateway: str
    at: datetime
    number: int
    ids: tuple[VehicleId, ...]
    fast: bytes
    changed: tuple[VehicleState, ...]
    full: bool

    @classmethod
    def of(cls, gateway: str, at: datetime, states: Sequence[VehicleState], number: int = 1) -> FleetTick:
        """A full tick of whole records."""
        ids = tuple(state.vehicle_id for state in states)
        return cls(gateway, at, number, ids, packed(states), tuple(states), full=True)

    def rows(self) -> Rows:
        """`fast` as an array, N × `len(columns.FAST)`, read-only."""
        return rows(self.fast)


@dataclass(frozen=True, slots=True)
class FollowAsked:
    """Somebody follows a vehicle; published again every 2 s, and its gateway tells each update until 5 s after."""

    vehicle_id: VehicleId


@dataclass(frozen=True, slots=True)
class VehicleUpdate:
    """A followed vehicle as one packet has just changed it. `number` counts on while it is followed."""

    at: datetime
    number: int
    state: VehicleState


@dataclass(frozen=True, slots=True)
class LinksTick:
    """How the links of one gateway do; published once a second.

    `heart`: whether heartbeats go out. `recording`: whether everything is recorded that should be.
    """

    gateway: str
    at: datetime
    links: tuple[LinkHealth, ...]
    heart: bool
    recording: bool = True


@dataclass(frozen=True, slots=True)
class Pulse:
    """The gateway asks itself over the bus, the way that commands come; the answer feeds its heart."""

    number: int


@dataclass(frozen=True, slots=True)
class UnenrolledVehicle:
    """An autopilot that speaks on one of our links and is no enrolled vehicle; shown, never mixed in.

    `why`: unknown (nobody is enrolled there under that system id) · unproven (it did not prove to be who is) ·
    another-autopilot (its id is not the enrolled one's).
    """

    link: str
    address: str
    system_id: int
    why: str
    first_heard_at: datetime
    last_heard_at: datetime
    uid: str | None = None
    firmware: str | None = None


@dataclass(frozen=True, slots=True)
class UnenrolledQuestion:
    """Who speaks without being enrolled?"""


@dataclass(frozen=True, slots=True)
class UnenrolledList:
    """Answer to it: the one heard last first, at most 64."""

    vehicles: tuple[UnenrolledVehicle, ...]


@dataclass(frozen=True, slots=True)
class SortieChanged:
    """A sortie made a step; never conflated."""

    sortie: Sortie


@dataclass(frozen=True, slots=True)
class FleetEvent:
    """Something a person should know now: an autopilot's text, a breach, a lost link. Never conflated.

    `others`: vehicles that the text names besides; it is for those who may know of all of them.
    """

    at: datetime
    severity: str  # info · warning · critical
    code: str  # statustext · link-lost · link-back · pilot-mode · unenrolled …
    text: str
    vehicle_id: VehicleId | None = None
    sortie_id: SortieId | None = None
    others: tuple[VehicleId, ...] = ()


@dataclass(frozen=True, slots=True)
class CommandChanged:
    """A command was journalled, or how it ended was; told after that, in order. Never conflated."""

    record: CommandRecord


@dataclass(frozen=True, slots=True)
class AlarmChanged:
    """An alarm began, grew worse, was taken note of or ended. Never conflated."""

    alarm: Alarm


@dataclass(frozen=True, slots=True)
class FailingFlight:
    """A sortie that an airspace version makes unflyable, and what is proposed for it. Details are in the review."""

    sortie_id: SortieId
    vehicle_id: VehicleId
    mission_id: MissionId
    revision: int
    mission_name: str
    why: tuple[str, ...]
    zone_ids: tuple[str, ...]
    proposal: str | None  # replan · return · hold · land
    proposed_because: str


@dataclass(frozen=True, slots=True)
class AirspaceReviewed:
    """Missions were looked at again for an airspace version. Never conflated.

    Told first when the sorties are through (`complete` false) and once more with the planned missions.
    `flights_failing` counts all of them, `failing` names the first ones (`MAX_FAILING_TOLD`).
    """

    version: int
    at: datetime
    severity: str  # info · warning: planned missions fail · critical: one in the air does
    text: str
    complete: bool
    missions_failing: int
    flights_failing: int
    failing: tuple[FailingFlight, ...]


MAX_FAILING_TOLD = 200


@dataclass(frozen=True, slots=True)
class FlightMet:
    """One of two flights that meet. `flight_id`: of its sortie, or of its mission while it is planned."""

    flight_id: str
    name: str
    airborne: bool
    vehicle_id: VehicleId | None = None


@dataclass(frozen=True, slots=True)
class Remedy:
    """What the flight that gives way can do so that it meets nobody; looked at against all flights.

    `kind`: delay (before take-off), hold (stop in the air) or return; `wait_s`: for how long of the first two.
    """

    kind: str
    detail: str
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class TrafficConflict:
    """Two of our own flights that may come too near to each other.

    `first` goes first, `yields` gives way. `encounter` is told from the side of who gives way, `geometry` is the room
    of the other one (GeoJSON), None for those who may not know whose that is. `remedies`: () when nothing was found,
    or too much was to be looked at.
    """

    id: str
    began_at: datetime
    severity: str  # critical: both are in the air · warning
    text: str
    first: FlightMet
    yields: FlightMet
    encounter: Encounter
    geometry: dict[str, Any] | None
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True, slots=True)
class TrafficNews:
    """A conflict between flights came up, changed who or how severe, or is over. Never conflated."""

    at: datetime
    phase: str  # begin · change · end
    conflict: TrafficConflict


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """Fly the stored sortie; everything else is in the store."""

    sortie_id: SortieId
    mission_id: MissionId
    revision: int


@dataclass(frozen=True, slots=True)
class LaunchAccepted:
    """The gateway has taken the sortie over; its progress is in the store and on the stream."""

    sortie: Sortie


@dataclass(frozen=True, slots=True)
class VehicleCommand:
    """An operator's command to a flying vehicle. After `deadline_at` it is not sent any more."""

    vehicle_id: VehicleId
    kind: CommandKind
    by: OperatorId
    idempotency_key: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    deadline_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SafetyRequest:
    """Compare what a vehicle is set to with the safety profile; with `apply` set what differs, and compare again."""

    vehicle_id: VehicleId
    by: OperatorId
    apply: bool = False


@dataclass(frozen=True, slots=True)
class SafetySetting:
    """One parameter of the safety profile. `wanted` None: it is only looked at; `held` None: there is none."""

    parameter: str
    wanted: float | None
    held: float | None
    ok: bool
    why: str


@dataclass(frozen=True, slots=True)
class SafetyState:
    """What a vehicle holds of the safety profile, read from it just now. `changed`: what was set, and held after."""

    vehicle_id: VehicleId
    profile: str
    ok: bool
    settings: tuple[SafetySetting, ...]
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogsQuestion:
    """Which logs has the vehicle on board?"""

    vehicle_id: VehicleId


@dataclass(frozen=True, slots=True)
class VehicleLog:
    """One log of the autopilot. `ended_at` None: its clock was not set."""

    id: int
    ended_at: datetime | None
    size_bytes: int


@dataclass(frozen=True, slots=True)
class LogList:
    """The newest logs on board, in ascending order of their numbers; `on_board`: how many there are in all."""

    vehicle_id: VehicleId
    on_board: int
    logs: tuple[VehicleLog, ...]


@dataclass(frozen=True, slots=True)
class CommandDone:
    """The command was carried out and its effect was seen."""

    record: CommandRecord
