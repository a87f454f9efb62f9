"""What a person asks of a fleet, read from JSON: points, vehicles, limits and what to make small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.geo import LatLon
from core.ids import VehicleId
from core.members import Problems, below, read_array, read_choice, read_number, read_object, read_text
from missions.drawing import read_drawing
from missions.fleets.model import Objective
from missions.fleets.patrol import MOST_CRAFTS, MOST_POINTS
from missions.model import Airframe, Dock
from missions.request import ALT_BOUNDS_M, LONGEST_NAME, SPEED_BOUNDS_MPS

_NEEDED = ("name", "points", "alt_rel_m", "speed_mps")
_BOUNDS = {
    "alt_rel_m": ALT_BOUNDS_M,
    "speed_mps": SPEED_BOUNDS_MPS,
    "hold_s": (0.0, 600.0),
    "rounds": (1.0, 10.0),
    "swap_s": (0.0, 7_200.0),
    "longest_s": (60.0, 86_400.0),
    "seconds": (0.5, 8.0),
}
_DEFAULTS = {"hold_s": 10.0, "rounds": 1.0, "swap_s": 300.0, "longest_s": None, "seconds": 3.0}
_KNOWN = (*_NEEDED, *_DEFAULTS, "weights", "vehicle_ids", "objective")
_WEIGHTS = (0.1, 100.0)


@dataclass(frozen=True, slots=True)
class FleetVehicle:
    """A vehicle that may be sent: from which dock, of which airframe."""

    id: VehicleId
    dock: Dock
    airframe: Airframe


@dataclass(frozen=True, slots=True)
class FleetRequest:
    """Points to look at for `hold_s` each, `weights` of as many; `vehicles` that may be sent, N ≥ 1.

    `rounds`: how many flights each may make, with a change of battery of `swap_s` between them. `longest_s`: how long
    one may be away; None: what the battery allows. `seconds`: how long to search.
    """

    name: str
    points: tuple[LatLon, ...]
    weights: tuple[float, ...]
    vehicles: tuple[FleetVehicle, ...]
    alt_rel_m: float
    speed_mps: float
    objective: Objective
    hold_s: float
    rounds: int
    swap_s: float
    longest_s: float | None
    seconds: float


def parse_fleet_request(body: object, fleet: Sequence[FleetVehicle]) -> FleetRequest:
    """Reads a request strictly; without `vehicle_ids` all of `fleet` may be sent. null stands for absent.

    Raises InvalidRequest with everything wrong.
    """
    problems = Problems()
    sent = read_object(body, "", problems, known=_KNOWN, required=_NEEDED)
    told = {name: value for name, value in sent.items() if value is not None}
    name = read_text(told.get("name", "-"), "/name", problems, longest=LONGEST_NAME)
    numbers = {each: _read_number(told, each, problems) for each in _BOUNDS}
    points = _read_points(told, problems)
    weights = _read_weights(told, len(points), problems)
    vehicles = _read_vehicles(told, fleet, problems)
    objective = read_choice(told.get("objective", "total"), "/objective", problems, Objective)
    problems.raise_any()
    assert name is not None
    assert objective is not None
    rounds = numbers["rounds"] or 1.0
    return FleetRequest(
        name=name.strip(),
        points=points,
        weights=weights,
        vehicles=vehicles,
        alt_rel_m=numbers["alt_rel_m"] or 0.0,
        speed_mps=numbers["speed_mps"] or 0.0,
        objective=objective,
        hold_s=numbers["hold_s"] or 0.0,
        rounds=round(rounds),
        swap_s=numbers["swap_s"] or 0.0,
        longest_s=numbers["longest_s"],
        seconds=numbers["seconds"] or 0.0,
    )


def _read_number(told: Mapping[str, object], name: str, problems: Problems) -> float | None:
    low, high = _BOUNDS[name]
    if name not in told:
        return _DEFAULTS.get(name)
    value = read_number(told[name], below("", name), problems, low=low, high=high)
    if name == "rounds" and value is not None and value != round(value):
        problems.add("/rounds", f"is {value:g}; it must be a whole number")
    return value


def _read_points(told: Mapping[str, object], problems: Problems) -> tuple[LatLon, ...]:
    if "points" not in told:
        return ()
    points = read_drawing(told["points"], ("MultiPoint",), "a fleet plan", "/points", problems).points
    if len(points) > MOST_POINTS:
        problems.add("/points/coordinates", f"has {len(points)} positions; at most {MOST_POINTS} can be planned for")
        return ()
    return points


def _read_weights(told: Mapping[str, object], count: int, problems: Problems) -> tuple[float, ...]:
    if "weights" not in told:
        return (1.0,) * count
    values = read_array(told["weights"], "/weights", problems, longest=MOST_POINTS)
    if count and len(values) != count:
        problems.add("/weights", f"has {len(values)} elements for {count} points")
    low, high = _WEIGHTS
    found = [
        read_number(value, below("/weights", at), problems, low=low, high=high) for at, value in enumerate(values)
    ]
    return tuple(each for each in found if each is not None)


def _read_vehicles(
    told: Mapping[str, object], fleet: Sequence[FleetVehicle], problems: Problems
) -> tuple[FleetVehicle, ...]:
    known = {str(each.id): each for each in fleet}
    if "vehicle_ids" not in told:
        if len(fleet) > MOST_CRAFTS:
            problems.add("/vehicle_ids", f"is missing: at most {MOST_CRAFTS} vehicles can be planned for")
        if not fleet:
            problems.add("/vehicle_ids", "there is no vehicle to send")
        return tuple(fleet)
    asked = read_array(told["vehicle_ids"], "/vehicle_ids", problems, longest=MOST_CRAFTS)
    found = []
    for index, value in enumerate(asked):
        if not isinstance(value, str) or value not in known:
            problems.add(
                below("/vehicle_ids", index), f"there is no vehicle {value!r:.80}; known are {', '.join(known)}"
            )
        elif value in asked[:index]:
            problems.add(below("/vehicle_ids", index), f"{value} is named twice")
        else:
            found.append(known[value])
    if not asked and "vehicle_ids" in told:
        problems.add("/vehicle_ids", "must name a vehicle")
    return tuple(found)
