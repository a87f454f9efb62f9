"""What a person asks of a fleet, read from JSON: a patrol, an area to cover, or points to see again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.altitude import Datum
from core.geo import LatLon
from core.ids import VehicleId
from core.members import Problems, below, read_array, read_choice, read_number, read_object, read_text
from geofence.members import read_time
from missions.drawing import read_drawing
from missions.fleets.model import Objective
from missions.fleets.patrol import MOST_CRAFTS, MOST_POINTS
from missions.model import Airframe, Dock, Parameter, Pattern
from missions.patterns.camera import CAMERAS, alt_agl_for_m
from missions.patterns.catalog import CATALOG, read_parameters
from missions.request import ALT_BOUNDS_M, ALTITUDES, LONGEST_NAME, RESOLUTION, SPEED_BOUNDS_MPS


class FleetJob(StrEnum):
    """What a fleet is to do."""

    PATROL = "patrol"  # see every point once
    AREA = "area"  # cover an area
    RECURRENT = "recurrent"  # see points again and again


@dataclass(frozen=True, slots=True)
class FleetVehicle:
    """A vehicle that may be sent: from which dock, of which airframe, with how much in its battery, 0 to 1."""

    id: VehicleId
    dock: Dock
    airframe: Airframe
    charge: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dispatch:
    """Who may be sent, N ≥ 1 `vehicles`, and how they fly.

    `alt_m` counts from `alt_datum`: above each vehicle's home, or above the ground. `rounds`: how many flights each
    may make, with a change of battery of `swap_s` between them. `longest_s`: how long one may be away; None: what the
    battery allows. `seconds`: how long to search. `departs_at`: of the first; None: at once.
    """

    name: str
    vehicles: tuple[FleetVehicle, ...]
    alt_m: float
    alt_datum: Datum = Datum.REL
    speed_mps: float
    rounds: int
    swap_s: float
    longest_s: float | None
    seconds: float
    departs_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PatrolRequest(_Dispatch):
    """Points to look at once for `hold_s` each; `weights`, of as many: what each is worth if not all fit."""

    points: tuple[LatLon, ...]
    weights: tuple[float, ...]
    hold_s: float
    objective: Objective


@dataclass(frozen=True, slots=True, kw_only=True)
class RecurrentRequest(_Dispatch):
    """Points to look at again and again for `horizon_s`; a point of weight 2 is due twice as soon as one of weight 1.

    `periods_s`: within which time each is to be seen again; () when none is told.
    """

    points: tuple[LatLon, ...]
    weights: tuple[float, ...]
    hold_s: float
    horizon_s: float
    periods_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaRequest(_Dispatch):
    """An area to cover, N ≥ 3 vertices (open) with holes; `parameters` are those of the pattern survey."""

    ring: tuple[LatLon, ...]
    holes: tuple[tuple[LatLon, ...], ...] = ()
    parameters: dict[str, Parameter] = field(default_factory=dict)


FleetRequest = PatrolRequest | AreaRequest | RecurrentRequest

_BOUNDS = {
    "speed_mps": SPEED_BOUNDS_MPS,
    "hold_s": (0.0, 600.0),
    "rounds": (1.0, 10.0),
    "swap_s": (0.0, 7_200.0),
    "longest_s": (60.0, 86_400.0),
    "seconds": (0.5, 8.0),
    "horizon_s": (600.0, 86_400.0),
}
_SURVEY = CATALOG[Pattern.SURVEY]
_OWN = {
    FleetJob.PATROL: ("points", "weights", "hold_s", "rounds", "objective"),
    FleetJob.RECURRENT: ("points", "weights", "hold_s", "horizon_s", "periods_s"),
    FleetJob.AREA: ("area", "rounds", *(each.name for each in _SURVEY.parameters)),
}
_NEEDED = {FleetJob.PATROL: ("points",), FleetJob.RECURRENT: ("points", "horizon_s"), FleetJob.AREA: ("area",)}
_COMMON = ("task", "name", *ALTITUDES, "speed_mps", "vehicle_ids", "swap_s", "longest_s", "seconds", "departs_at")
_WEIGHTS = (0.1, 100.0)
_PERIODS_S = (60.0, 86_400.0)


def parse_fleet_request(body: object, fleet: Sequence[FleetVehicle]) -> FleetRequest:
    """Reads a request strictly; without `vehicle_ids` all of `fleet` may be sent. null stands for absent.

    Raises InvalidRequest with everything wrong.
    """
    problems = Problems()
    task = _read_task(body, problems)
    needed = ("name", "speed_mps", *_NEEDED[task])
    sent = read_object(body, "", problems, known=(*_COMMON, *_OWN[task]), required=needed)
    reader = _Reader({name: value for name, value in sent.items() if value is not None}, problems)
    vehicles = reader.vehicles(fleet)
    match task:
        case FleetJob.PATROL:
            return _patrol(reader, vehicles)
        case FleetJob.RECURRENT:
            return _recurrent(reader, vehicles)
        case FleetJob.AREA:
            return _area(reader, vehicles)


def _read_task(body: object, problems: Problems) -> FleetJob:
    """Which task is asked for: a patrol unless told otherwise."""
    told = body.get("task") if isinstance(body, Mapping) else None
    found = FleetJob.PATROL if told is None else read_choice(told, "/task", problems, FleetJob)
    if found is None:
        problems.raise_any()
    return found or FleetJob.PATROL


def _patrol(told: _Reader, vehicles: tuple[FleetVehicle, ...]) -> PatrolRequest:
    alike, points = told.alike({}), told.points()
    weights = told.each("weights", len(points), _WEIGHTS) or (1.0,) * len(points)
    objective = read_choice(told.members.get("objective", "total"), "/objective", told.problems, Objective)
    asked = PatrolRequest(
        **alike,
        vehicles=vehicles,
        rounds=told.whole("rounds", 1),
        points=points,
        weights=weights,
        hold_s=told.number("hold_s", 10.0),
        objective=objective or Objective.TOTAL,
    )
    told.problems.raise_any()
    return asked


def _recurrent(told: _Reader, vehicles: tuple[FleetVehicle, ...]) -> RecurrentRequest:
    alike, points = told.alike({}), told.points()
    asked = RecurrentRequest(
        **alike,
        vehicles=vehicles,
        rounds=1,
        points=points,
        weights=told.each("weights", len(points), _WEIGHTS) or (1.0,) * len(points),
        hold_s=told.number("hold_s", 10.0),
        horizon_s=told.number("horizon_s", 7_200.0),
        periods_s=told.each("periods_s", len(points), _PERIODS_S),
    )
    told.problems.raise_any()
    return asked


def _area(told: _Reader, vehicles: tuple[FleetVehicle, ...]) -> AreaRequest:
    parameters = read_parameters(_SURVEY, told.members, "", told.problems)
    alike = told.alike(parameters)
    ring, holes = told.area()
    asked = AreaRequest(
        **alike,
        vehicles=vehicles,
        rounds=told.whole("rounds", int(_BOUNDS["rounds"][1])),
        ring=ring,
        holes=holes,
        parameters=parameters,
    )
    told.problems.raise_any()
    return asked


@dataclass(frozen=True, slots=True)
class _Reader:
    """The members that were told, and what is wrong with them."""

    members: Mapping[str, object]
    problems: Problems

    def alike(self, parameters: Mapping[str, Parameter]) -> dict[str, Any]:
        """What every request has, by the names of its fields."""
        name, alt_m, alt_datum = self.name(), *self.altitude(parameters)
        return {
            "name": name,
            "alt_m": alt_m,
            "alt_datum": alt_datum,
            "speed_mps": self.number("speed_mps", 1.0),
            "swap_s": self.number("swap_s", 300.0),
            "longest_s": self.number_or_none("longest_s"),
            "seconds": self.number("seconds", 3.0),
            "departs_at": self.departure(),
        }

    def name(self) -> str:
        return (read_text(self.members.get("name", "-"), "/name", self.problems, longest=LONGEST_NAME) or "").strip()

    def departure(self) -> datetime | None:
        return read_time(self.members.get("departs_at"), "/departs_at", self.problems)

    def number_or_none(self, name: str) -> float | None:
        low, high = _BOUNDS[name]
        if name not in self.members:
            return None
        return read_number(self.members[name], below("", name), self.problems, low=low, high=high)

    def number(self, name: str, absent: float) -> float:
        found = self.number_or_none(name)
        return absent if found is None else found

    def whole(self, name: str, absent: int) -> int:
        found = self.number(name, float(absent))
        if not found.is_integer():
            self.problems.add(below("", name), f"is {found:g}; it must be a whole number")
        return round(found)

    def altitude(self, parameters: Mapping[str, Parameter]) -> tuple[float, Datum]:
        """Exactly one of the altitudes is told, or a resolution in place of both."""
        named = [name for name in (*ALTITUDES, RESOLUTION) if name in self.members]
        if not named:
            self.problems.add("/alt_rel_m", f"is missing; tell one of {', '.join(ALTITUDES)}")
            return ALT_BOUNDS_M[0], Datum.REL
        for other in named[1:]:
            self.problems.add(below("", other), f"stands in place of {named[0]}; tell one of the two")
        low_m, high_m = ALT_BOUNDS_M
        if named[0] != RESOLUTION:
            told = self.members[named[0]]
            alt_m = read_number(told, below("", named[0]), self.problems, low=low_m, high=high_m)
            return alt_m or low_m, ALTITUDES[named[0]]
        if "camera" not in parameters or RESOLUTION not in parameters:
            return low_m, Datum.AGL  # what is wrong with them was noted
        alt_m = alt_agl_for_m(CAMERAS[str(parameters["camera"])], float(parameters[RESOLUTION]))
        if not low_m <= alt_m <= high_m:
            detail = f"takes a flight {alt_m:.1f} m above the ground; that must be from {low_m:g} to {high_m:g} m"
            self.problems.add(below("", RESOLUTION), detail)
        return alt_m, Datum.AGL

    def points(self) -> tuple[LatLon, ...]:
        if "points" not in self.members:
            return ()
        points = read_drawing(
            self.members["points"], ("MultiPoint",), "a fleet plan", "/points", self.problems
        ).points
        if len(points) > MOST_POINTS:
            detail = f"has {len(points)} positions; at most {MOST_POINTS} can be planned for"
            self.problems.add("/points/coordinates", detail)
            return ()
        return points

    def area(self) -> tuple[tuple[LatLon, ...], tuple[tuple[LatLon, ...], ...]]:
        if "area" not in self.members:
            return (), ()
        drawn = read_drawing(self.members["area"], ("Polygon",), "an area to cover", "/area", self.problems)
        return drawn.ring, drawn.holes

    def each(self, name: str, count: int, bounds: tuple[float, float]) -> tuple[float, ...]:
        """One number for each of `count` points; () when none is told."""
        if name not in self.members:
            return ()
        at, (low, high) = below("", name), bounds
        values = read_array(self.members[name], at, self.problems, longest=MOST_POINTS)
        if count and len(values) != count:
            self.problems.add(at, f"has {len(values)} elements for {count} points")
        found = [
            read_number(value, below(at, index), self.problems, low=low, high=high)
            for index, value in enumerate(values)
        ]
        return tuple(number for number in found if number is not None)

    def vehicles(self, fleet: Sequence[FleetVehicle]) -> tuple[FleetVehicle, ...]:
        problems = self.problems
        known = {str(each.id): each for each in fleet}
        if "vehicle_ids" not in self.members:
            if len(fleet) > MOST_CRAFTS:
                problems.add("/vehicle_ids", f"is missing: at most {MOST_CRAFTS} vehicles can be planned for")
            if not fleet:
                problems.add("/vehicle_ids", "there is no vehicle to send")
            return tuple(fleet)
        before = len(problems)
        asked = read_array(self.members["vehicle_ids"], "/vehicle_ids", problems, longest=MOST_CRAFTS)
        found = []
        for index, value in enumerate(asked):
            at = below("/vehicle_ids", index)
            if not isinstance(value, str) or value not in known:
                problems.add(at, f"there is no vehicle {value!r:.80}; known are {', '.join(known)}")
            elif value in asked[:index]:
                problems.add(at, f"{value} is named twice")
            else:
                found.append(known[value])
        if not asked and len(problems) == before:
            problems.add("/vehicle_ids", "must name a vehicle")
        return tuple(found)
