"""What a drill is: vehicles and weather, missions, what happens when, and what is expected of it all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from missions.fleet import default_docks
from missions.model import Dock
from simulator.faults.line import LinkFaults
from simulator.faults.vehicle import Effect

FIGURES: Mapping[str, str] = {
    "breaches": "of the planned fence, as the platform watched it",
    "breach_reports": "times that the vehicle itself told of a breach",
    "zone_distance_m": "least distance to a zone that may not be entered, as flown; negative inside",
    "edge_distance_m": "least distance to the edge of what may be flown in, as flown; negative outside",
    "highest_m": "greatest height above home",
    "duration_s": "of the vehicle's time, armed to disarmed",
    "distance_m": "flown",
    "waypoints_reached": "of the mission",
    "battery_used_pct": "of the pack",
    "landed_from_home_m": "from where it took off to where it came down",
    "silence_s": "longest time of ours during which the platform did not hear it",
}
"""What can be bounded, by name."""


class Kind(StrEnum):
    """What flies."""

    EMBEDDED = "embedded"
    SITL = "sitl"


class PlatformFault(StrEnum):
    """What happens to the platform's own process."""

    KILLED = "killed"  # as by a power cut; started again when it is over
    FROZEN = "frozen"  # alive, but it does nothing


@dataclass(frozen=True, slots=True)
class VehiclePart:
    """A vehicle of the drill. `weather`: what it meets from the start; `parameters`: set before anything else.

    `battery_wh` None: as its airframe has it.
    """

    id: str
    name: str
    dock: str
    system_id: int
    kind: Kind | None
    battery_wh: float | None
    payload_kg: float
    weather: Effect
    link: LinkFaults
    parameters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MissionPart:
    """A mission and who flies it. `request`: the body of POST /missions; `launch`: as soon as everything is ready."""

    name: str
    vehicle: str
    request: object
    launch: bool


@dataclass(frozen=True, slots=True)
class Trigger:
    """When a step happens: `wait_s` of the vehicles' time after what is told first (None: the start).

    `what`: at · state · waypoint · mode · event · text · step; `value` in its words; `vehicle`: whose.
    """

    what: str = "at"
    value: str = "0"
    vehicle: str = ""
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SetLink:
    """The vehicle's link from now on."""

    faults: LinkFaults


@dataclass(frozen=True, slots=True)
class RebindLink:
    """The platform sees the vehicle come from another port."""


@dataclass(frozen=True, slots=True)
class Break:
    """Something of the vehicle breaks, or is mended. `normal`: what ends it; None: nothing does."""

    effect: Effect
    normal: Effect | None


@dataclass(frozen=True, slots=True)
class SetParameters:
    """Somebody changes parameters of the autopilot, such as another ground station."""

    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Takeover:
    """The pilot flips the mode switch."""

    mode: str


@dataclass(frozen=True, slots=True)
class Reboot:
    """Somebody asks the autopilot to restart."""


@dataclass(frozen=True, slots=True)
class PlatformHit:
    """The platform's process is hit."""

    fault: PlatformFault


@dataclass(frozen=True, slots=True)
class Publish:
    """A change of the airspace: the body of POST /airspace/changes."""

    change: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Command:
    """An operator's command: the body of POST /vehicles/{id}/commands."""

    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Launch:
    """An operator launches a mission of the drill."""

    mission: str


Action = SetLink | RebindLink | Break | SetParameters | Takeover | Reboot | PlatformHit | Publish | Command | Launch


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens once. `told`: in the words of the file; `for_s`: it is over then; None: it stays."""

    name: str
    vehicle: str
    when: Trigger
    action: Action
    told: str
    for_s: float | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """A figure is to be within these; None: no bound."""

    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command, a reboot or a launch is to be answered with: a word such as done, or a problem's slug."""

    step: str
    is_word: str


@dataclass(frozen=True, slots=True)
class Never:
    """What must not be seen of a vehicle; texts and events by what they contain."""

    states: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is judged together about one vehicle's flight; members that are not told are not judged.

    `states`, `modes` and `events` are seen in this order, others may come between; `texts` in any order. `within_s`:
    of the vehicle's time, from launch to the end of the sortie.
    """

    name: str
    vehicle: str
    outcome: str | None = None
    states: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    never: Never = Never()
    gcs_failsafe: bool | None = None
    upload_verified: bool | None = None
    within_s: float | None = None
    figures: Mapping[str, Bounds] = field(default_factory=dict)
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A drill as it is written. `limit_s`: of the vehicles' time; what is not over by then has failed."""

    name: str
    about: str
    seed: int
    speedup: float
    limit_s: float
    vehicles: tuple[VehiclePart, ...]
    missions: tuple[MissionPart, ...]
    steps: tuple[Step, ...]
    expectations: tuple[Expectation, ...]
    docks: tuple[Dock, ...] = field(default_factory=default_docks)  # where its vehicles may stand

    @property
    def vehicle_ids(self) -> tuple[str, ...]:
        return tuple(vehicle.id for vehicle in self.vehicles)
