"""What the scenarios have in common: the vehicle, short missions from its dock, and looks at what it does."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, hypot, radians
from typing import Any

from tests.platform import Json, Platform, example

VEHICLE, SYSTEM_ID = "bl-03", 13  # the one at the dock of the river example
DOCK_ID = "dock-zhujiajiao"
# South of the dock of the river example, over fields without zones.
LOOKED_AT = {"lat_deg": 31.1078, "lon_deg": 121.0518}


def settings_of(*, sitl: bool) -> dict[str, str]:
    """A platform with `VEHICLE` alone: on SITL each costs a process."""
    airframe = "arducopter-sitl" if sitl else "quad-3kg"
    vehicle = (
        f'id = "{VEHICLE}", name = "{VEHICLE}", link = "fleet", system_id = {SYSTEM_ID}, dock = "{DOCK_ID}", '
        f'airframe = "{airframe}"'
    )
    link = 'name = "fleet", url = "udpin:127.0.0.1:0"'
    return {"BAILU_VEHICLES": f"[{{ {vehicle} }}]", "BAILU_LINKS": f"[{{ {link} }}]"}


def river() -> Json:
    return example("river-corridor")


def hop() -> Json:
    """A short route from the same dock, for the tests in which the length proves nothing."""
    feature = example("river-corridor", alt_rel_m=30)
    feature["geometry"]["coordinates"] = [[121.0505, 31.1085], [121.0508, 31.1070], [121.0530, 31.1072]]
    return feature


def flying(platform: Platform, feature: Json | None = None) -> str:
    """A sortie on its way to the second waypoint."""
    platform.until_ready(VEHICLE)
    sortie_id = platform.launched(feature or hop(), VEHICLE)
    platform.until_state(sortie_id, "on_mission")
    platform.until_reached(sortie_id)
    return sortie_id


def asked(platform: Platform, kind: str, **parameters: Any) -> Json:
    """A command that must be done."""
    done = platform.post(f"/vehicles/{VEHICLE}/commands", {"kind": kind, "parameters": parameters})
    assert done["state"] == "done", done
    return done


def within(platform: Platform, holds: Callable[[Json], bool], what: str, *, within_s: float = 120.0) -> None:
    """Until the vehicle's record is so."""
    platform.until(lambda: holds(platform.vehicle(VEHICLE)), within_s=within_s, what=what)


def away_m(vehicle: Json, place: Json) -> float:
    """Metres over ground between two places."""
    north = (vehicle["lat_deg"] - place["lat_deg"]) * 111_195.0
    return hypot(north, (vehicle["lon_deg"] - place["lon_deg"]) * 111_195.0 * cos(radians(place["lat_deg"])))


def alarms(platform: Platform, vehicle_id: str = VEHICLE) -> dict[str, Json]:
    """The newest alarm of each kind that there was."""
    newest_first = platform.get(f"/alarms?vehicle_id={vehicle_id}&limit=1000")["items"]
    return {alarm["kind"]: alarm for alarm in reversed(newest_first)}


def step_to(sortie: Json, state: str) -> Json:
    """The newest of its steps that led to a state."""
    newest: Json = next(each for each in reversed(sortie["transitions"]) if each["to_state"] == state)
    return newest


def steps(sortie: Json) -> list[tuple[str, str]]:
    """Each state that a sortie came to, and by whom."""
    return [(step["to_state"], step["by"]) for step in sortie["transitions"]]


def over(platform: Platform, kind: str) -> Json:
    """The newest alarm of a kind, which there must have been, when it has ended."""
    platform.until(lambda: alarms(platform)[kind]["ended_at"] is not None, within_s=60, what=f"the end of {kind}")
    return alarms(platform)[kind]
