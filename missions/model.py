"""Missions, revisions, plans and sorties as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.altitude import Datum
from core.errors import Conflict, PreflightCheck
from core.errors import Proposal as Proposal  # noqa: PLC0414  (part of a plan: exported)
from core.geo import LatLon
from core.ids import CommandId, DiversionId, DockId, MissionId, OperatorId, SortieId, VehicleId
from geofence.onboard import FencePolygon as FencePolygon  # noqa: PLC0414  (part of a plan: exported)
from geofence.onboard import OnboardFence as OnboardFence  # noqa: PLC0414  (part of a plan: exported)
from missions.wind import Wind


class Pattern(StrEnum):
    """How a geometry becomes a path."""

    ROUTE = "route"  # fly the line as drawn
    SURVEY = "survey"  # cover an area by rows and what they leave
    CORRIDOR = "corridor"  # lanes along a line: river, pipeline, road
    PERIMETER = "perimeter"  # once or more around an area
    ORBIT = "orbit"  # circles around a point, looking at it
    EXPANDING_SQUARE = "expanding-square"  # search from a last known position outwards
    SECTOR = "sector"  # search through a last known position in several directions
    FACADE = "facade"  # up and down the walls of a structure
    WATCH = "watch"  # many points, looked at one after the other


class ReturnMode(StrEnum):
    """The way that the autopilot takes home by itself when something fails, or on command."""

    DIRECT = "direct"  # RTL: up to the return altitude, then straight to home or the nearest rally point
    RETRACE = "retrace"  # SmartRTL: back along the path flown; lands where it is when it cannot


class ActionKind(StrEnum):
    """What a vehicle does on arriving at a waypoint."""

    PHOTO = "photo"  # one picture
    PHOTO_EVERY = "photo-every"  # `value` metres of flight between pictures; 0 stops
    VIDEO = "video"  # `value` 1 starts, 0 stops
    LOOK_AT = "look-at"  # nose and gimbal at `place`, `alt_rel_m`
    LOOK_AHEAD = "look-ahead"  # ends LOOK_AT
    GIMBAL = "gimbal"  # `value` pitch in degrees: 0 level, -90 straight down
    HEADING = "heading"  # `value` true heading of the nose in degrees, up to the next waypoint
    SPEED = "speed"  # `value` m/s over ground from here on


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do on arriving at a waypoint; what `value` means, `ActionKind` says."""

    kind: ActionKind
    value: float = 0.0
    place: LatLon | None = None
    alt_rel_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Dock:
    """A place where vehicles stand (机场). Its pad is `height_agl_m` above ground that lies at `ground_amsl_m`."""

    id: DockId
    name: str
    name_en: str
    place: LatLon
    ground_amsl_m: float
    height_agl_m: float = 0.0

    @property
    def alt_amsl_m(self) -> float:
        """Altitude of the pad, which is the vehicle's home."""
        return self.ground_amsl_m + self.height_agl_m


@dataclass(frozen=True, slots=True)
class Airframe:
    """What a vehicle can do, calibrated from its logs (planning guide, section 10). Powers in watt at the battery."""

    name: str
    battery_wh: float
    hover_w: float
    cruise_w: float
    cruise_mps: float
    climb_j_per_m: float
    max_speed_mps: float
    climb_mps: float
    descent_mps: float
    reserve: float = 0.25  # share of the battery that a plan may not touch
    lift_share: float = 0.0  # of the hover power: what forward flight can save; 0: it only costs
    spread: float = 0.1  # standard deviation of the real power about this calibration, as a share


Parameter = float | str | bool


@dataclass(frozen=True, slots=True)
class MissionRequest:
    """What a person asked for.

    Geometry by pattern: `line` N ≥ 2 places, `ring` N ≥ 3 vertices (open) with `holes`, `points` N ≥ 1 places; the
    others are (). `parameters`: the pattern's own, complete and checked (`missions.patterns.catalog`).
    `alt_m` counts from `alt_datum`: above home, or above the ground at every point. `departs_at` None: at once.
    `returns` None: the planner's choice. `wind`: the forecast; None: calm.
    """

    name: str
    dock_id: DockId
    pattern: Pattern
    alt_m: float
    speed_mps: float
    line: tuple[LatLon, ...] = ()
    ring: tuple[LatLon, ...] = ()
    holes: tuple[tuple[LatLon, ...], ...] = ()
    points: tuple[LatLon, ...] = ()
    parameters: dict[str, Parameter] = field(default_factory=dict)
    alt_datum: Datum = Datum.REL
    departs_at: datetime | None = None
    returns: ReturnMode | None = None
    rally: tuple[LatLon, ...] = ()
    template: str = ""
    wind: Wind | None = None


@dataclass(frozen=True, slots=True)
class Waypoint:
    """A step of a plan; `alt_rel_m` above home.

    It turns nose and camera as `actions` say, stays for `hold_s` and then does the other `actions` in their order.
    """

    place: LatLon
    alt_rel_m: float
    hold_s: float = 0.0
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class MissionItem:
    """The wire form of one step, as MAVLink's MISSION_ITEM_INT stores it, independent of its encoding.

    `frame` is MAV_FRAME (0 global, 3 relative to home), `x_e7`/`y_e7` latitude and longitude in 1e-7 degree,
    `z_m` altitude in the frame, metres. Item 0 is home and belongs to the vehicle.
    """

    seq: int
    frame: int
    command: int
    params: tuple[float, float, float, float]
    x_e7: int
    y_e7: int
    z_m: float


@dataclass(frozen=True, slots=True)
class ProofCheck:
    """One rule of a proof. `gap_m`: the least room found, `needed_m`: what the rule asks; None where it has none.

    `leg`: the ends of the worst leg as in `core.errors.Conflict`; `geometry`: the offending place as GeoJSON.
    """

    rule: str
    ok: bool
    detail: str
    gap_m: float | None = None
    needed_m: float | None = None
    zone_id: str | None = None
    leg: tuple[int, int] | None = None
    geometry: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """The verdict of a checker that shares nothing with the planner, on the items as they go over the wire.

    It holds for the mission and fence with these hashes, against this airspace version, while the flight stays
    between `holds_from` and `holds_until`.
    """

    valid: bool
    airspace_version: int
    mission_hash: str
    fence_hash: str
    holds_from: datetime
    holds_until: datetime
    checks: tuple[ProofCheck, ...]


@dataclass(frozen=True, slots=True)
class ProofSummary:
    """What a sortie's record keeps of the proof that it flew under; the lines are the revision's, or not kept.

    `checks`: how many rules were held. `least_gap_m`: the room at the place that has the least to spare, of
    `least_gap_rule`, which asks for `least_needed_m`, and of `least_gap_zone_id` where the rule is about a zone.
    """

    valid: bool
    airspace_version: int
    mission_hash: str
    fence_hash: str
    holds_from: datetime
    holds_until: datetime
    checks: int
    least_gap_m: float | None = None
    least_needed_m: float | None = None
    least_gap_rule: str | None = None
    least_gap_zone_id: str | None = None


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where in the air a plan begins, holding; `alt_rel_m` above its real home, to which it returns.

    `battery_pct`: what is left; `flown`: the corners of the path flown so far, without home and this place: what
    SmartRTL would fly back along. `return_alt_rel_m`: the height to which RTL climbs as it is set, or more.
    """

    place: LatLon
    alt_rel_m: float
    battery_pct: float = 100.0
    flown: tuple[Waypoint, ...] = ()
    return_alt_rel_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A path from `home` and back to it, what it costs and what speaks against it.

    `waypoints` are the steps between take-off and return, in order. `hash` is the hash of the mission items that
    will be uploaded, `fence_hash` that of the fence items, `rally_hash` that of the rally points; all empty when
    there are conflicts. `return_alt_rel_m`: the height to which RTL climbs first. `offsets_s`: when each waypoint is
    reached, in seconds after take-off begins. `battery_p95_pct`: what 95 of 100 flights need at most, reserve
    included; `battery_needed_pct` is the median.

    With `begins_at` it begins there instead of at home, and the first waypoint is that very place. Seconds, metres
    and percents then count from there. `homeward`: so many of the last waypoints only lead home.
    """

    home: LatLon
    home_amsl_m: float
    waypoints: tuple[Waypoint, ...]
    speed_mps: float
    length_m: float
    duration_s: float
    energy_wh: float
    battery_needed_pct: float
    airspace_version: int
    conflicts: tuple[Conflict, ...]
    fence: OnboardFence | None
    items: tuple[MissionItem, ...]
    fence_items: tuple[MissionItem, ...]
    hash: str
    fence_hash: str
    returns: ReturnMode = ReturnMode.DIRECT
    return_alt_rel_m: float = 15.0
    rally: tuple[Waypoint, ...] = ()
    rally_items: tuple[MissionItem, ...] = ()
    rally_hash: str = ""
    departs_at: datetime | None = None
    offsets_s: tuple[float, ...] = ()
    duration_p95_s: float = 0.0
    battery_p95_pct: float = 0.0
    airframe: str = ""
    home_agl_m: float = 0.0
    proof: Proof | None = None
    proposals: tuple[Proposal, ...] = ()
    begins_at: Beginning | None = None
    homeward: int = 0

    @property
    def battery_to_start_pct(self) -> float:
        """What the battery must hold where it begins: for 95 of 100 flights. Plans of old know the median only."""
        return max(self.battery_needed_pct, self.battery_p95_pct)


@dataclass(frozen=True, slots=True)
class Revision:
    """An immutable version of a mission: what was asked, what was planned."""

    mission_id: MissionId
    revision: int
    request: MissionRequest
    plan: Plan
    created_at: datetime
    created_by: OperatorId


@dataclass(frozen=True, slots=True)
class Mission:
    """A named mission; `revision` is its newest one."""

    id: MissionId
    name: str
    revision: int
    created_at: datetime
    created_by: OperatorId


class SortieState(StrEnum):
    """Life of a sortie; `missions.sortie` holds the transitions between them."""

    PLANNED = "planned"  # a proven plan and the vehicle that is to fly it
    APPROVED = "approved"  # somebody with a name let it fly, under a valid proof
    ASSIGNED = "assigned"  # the vehicle's gateway took it over
    PREFLIGHT = "preflight"
    UPLOADING = "uploading"
    READY = "ready"
    TAKING_OFF = "taking_off"
    ON_MISSION = "on_mission"  # flies the revision that was approved
    DIVERTED = "diverted"  # flies a plan that replaced it in the air
    PAUSED = "paused"  # holds because we asked for it
    HELD = "held"  # holds, or is flown, by a pilot, another ground station or a failsafe
    RETURNING = "returning"
    LANDING = "landing"
    LANDED = "landed"  # on the ground; its facts are being stored
    CLOSED = "closed"
    REFUSED = "refused"  # ended before arming: nothing flew
    ABORTED = "aborted"  # called off before take-off by a person: nothing flew
    LOST = "lost"  # the vehicle was not found again


class Outcome(StrEnum):
    """How a closed sortie went."""

    COMPLETED = "completed"
    ABORTED = "aborted"  # landed before the mission's end, by command or failsafe, or called off before take-off
    REFUSED = "refused"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of a sortie's life: when, from where to where, by whom, why."""

    at: datetime
    from_state: SortieState
    to_state: SortieState
    by: str
    why: str


class HeldBy(StrEnum):
    """Who keeps a vehicle from its mission."""

    PLATFORM = "platform"  # we asked it to hold
    PILOT = "pilot"  # the mode switch of a radio control was moved
    STATION = "station"  # another ground station, or a pilot whose radio is not heard
    FAILSAFE = "failsafe"  # the autopilot itself


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a vehicle does something that its mission does not ask for, as far as that can be told.

    `code`: which failsafe (`battery`, `gcs`, `fence` …), else "". `text`: one sentence for people.
    """

    by: HeldBy
    text: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class BreakPoint:
    """Where a mission was broken off, to go on from there: before waypoint `waypoint` (0…) of its plan."""

    place: LatLon
    alt_rel_m: float
    waypoint: int
    mission_seq: int
    at: datetime
    battery_pct: float | None = None


class Onboard(StrEnum):
    """What is known of the mission that a vehicle holds."""

    UNKNOWN = "unknown"  # not read back since it may have changed: never flown
    LOADING = "loading"  # being replaced: never flown
    VERIFIED = "verified"  # read back and equal to the plan that it is to fly
    MIXED = "mixed"  # replaced in part, or by somebody else: never flown


@dataclass(frozen=True, slots=True)
class Sortie:
    """One flight of one vehicle, with all that is known of it. Frozen: each change makes a new value."""

    id: SortieId
    mission_id: MissionId
    revision: int
    mission_name: str
    vehicle_id: VehicleId
    state: SortieState
    created_at: datetime
    created_by: OperatorId
    row_revision: int = 1
    outcome: Outcome | None = None
    problem: dict[str, object] | None = None  # slug, title, detail and facts of what refused it
    waypoints_total: int = 0
    waypoints_reached: int = 0
    upload_verified: bool = False
    mission_hash: str = ""
    fence_hash: str = ""
    breaches: int = 0
    distance_m: float = 0.0
    armed_at: datetime | None = None
    landed_at: datetime | None = None
    battery_start_pct: float | None = None
    battery_end_pct: float | None = None
    checks: tuple[PreflightCheck, ...] = ()
    transitions: tuple[Transition, ...] = ()
    proof: ProofSummary | None = None  # None: flown before proofs were kept
    approved_by: OperatorId | None = None
    approved_at: datetime | None = None
    held: Cause | None = None  # while it is held or paused, and while it returns unasked
    break_point: BreakPoint | None = None  # None: it never left its mission early, or went on with it
    continues: SortieId | None = None  # goes on with what that one broke off
    diversion_id: DiversionId | None = None  # whose plan replaced the approved one on board
    onboard: Onboard = Onboard.UNKNOWN
    rally_hash: str = ""
    waypoints_skipped: int = 0  # of those reached: passed over on an operator's word


@dataclass(frozen=True, slots=True)
class TrackPoint:
    """One recorded position of a sortie."""

    at: datetime
    lat_deg: float
    lon_deg: float
    alt_amsl_m: float
    alt_rel_m: float
    ground_speed_mps: float
    climb_mps: float
    heading_deg: float
    battery_pct: float | None
    mode: str
    mission_seq: int | None


class CommandKind(StrEnum):
    """What an operator can ask of a flying vehicle."""

    PAUSE = "pause"
    RESUME = "resume"
    RETURN = "return"
    LAND = "land"
    HOLD = "hold"  # stop here, whatever it does
    CHANGE_SPEED = "change-speed"  # slower than proven; faster is a new plan
    ABORT = "abort"  # before take-off: do not fly
    # Plans of their own, proven from where it is, that replace its mission in the air:
    GOTO = "goto"
    ORBIT = "orbit"
    CHANGE_ALTITUDE = "change-altitude"
    SKIP = "skip"
    REPLACE = "replace"
    # A new sortie from the point where another one broke off:
    CONTINUE = "continue"


DIVERTING = frozenset(
    {CommandKind.GOTO, CommandKind.ORBIT, CommandKind.CHANGE_ALTITUDE, CommandKind.SKIP, CommandKind.REPLACE}
)


class CommandClass(StrEnum):
    """What repeating a command does, which decides what happens when its acknowledgement is lost."""

    REPEATABLE = "repeatable"  # twice is as once
    CONFIRM = "confirm-by-state"  # repeated only while the vehicle does not show its effect
    NEVER = "never-repeat"  # twice is another thing than once: sent once, and else not known


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """A journalled command: stored before its first byte is sent (promise 4).

    `state`: issued → done (its effect was seen) | failed (refused, or nothing was sent) | expired (it was too late
    to send it) | unknown (sent, and nobody saw its effect). After `deadline_at` nothing of it is sent any more.
    `texts`: what the autopilot said meanwhile.
    """

    id: CommandId
    vehicle_id: VehicleId
    sortie_id: SortieId | None
    kind: str
    issued_at: datetime
    issued_by: OperatorId
    state: str = "issued"
    result: str = ""
    finished_at: datetime | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    repeat: CommandClass = CommandClass.CONFIRM
    deadline_at: datetime | None = None
    texts: tuple[str, ...] = ()
