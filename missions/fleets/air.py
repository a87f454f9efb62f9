"""Where and with what a fleet flies: one plane, the vehicles in it, and the free space at the height asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from core.altitude import Datum
from core.errors import FieldError, InvalidRequest
from core.geo import LatLon
from geofence.frame import LocalFrame, lonlat_array
from geofence.freespace import FreeSpace
from geofence.scene import RETRACE_M, RETURN_MPS, margin_budget_m
from geofence.space import Ground, Space
from geofence.terrain import Terrain
from geofence.window import TimeWindow
from geofence.zones import Airspace
from missions.drafting import FOLLOWS_WITHIN_M
from missions.fleets.costs import craft_of
from missions.fleets.model import Craft
from missions.fleets.request import AreaRequest, FleetRequest, FleetVehicle, RecurrentRequest
from missions.model import Dock
from missions.options import TURN_ROOMS_M


@dataclass(frozen=True, slots=True)
class FleetTask:
    """A request with the airspace in force at `departs_at`; `terrain` None: flat ground at the docks' heights."""

    request: FleetRequest
    airspace: Airspace
    departs_at: datetime
    terrain: Terrain | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Air:
    """A task in one plane. `crafts`: of the vehicles asked for, in their order. `free`: where all of them may fly.

    Ways in it are level, at the height asked for; over or under a zone a mission's plan may be shorter.
    """

    frame: LocalFrame
    crafts: tuple[Craft, ...]
    free: FreeSpace


def air_of(task: FleetTask) -> Air:
    """Raises InvalidRequest for heights above ground that nobody knows."""
    asked = task.request
    docks = [each.dock for each in asked.vehicles]
    drawn = asked.ring if isinstance(asked, AreaRequest) else asked.points
    frame = LocalFrame(_middle((*drawn, *(dock.place for dock in docks))))
    low_m, high_m = _heights_amsl_m(task, docks, drawn)
    home_m = min(dock.alt_amsl_m for dock in docks)
    homes = frame.to_xy(dock.place for dock in docks).tolist()
    crafts = tuple(
        _craft(asked, vehicle, (x, y), high_m) for vehicle, (x, y) in zip(asked.vehicles, homes, strict=True)
    )
    return Air(frame, crafts, _space(task, frame, docks).layer(low_m - home_m, high_m - home_m))


def _middle(places: tuple[LatLon, ...]) -> LatLon:
    return LatLon(sum(at.lat_deg for at in places) / len(places), sum(at.lon_deg for at in places) / len(places))


def _craft(asked: FleetRequest, vehicle: FleetVehicle, home: tuple[float, float], high_amsl_m: float) -> Craft:
    above_ground = asked.alt_datum is Datum.AGL
    return craft_of(
        vehicle.id,
        home,
        vehicle.airframe,
        speed_mps=asked.speed_mps,
        alt_rel_m=max(0.0, high_amsl_m - vehicle.dock.alt_amsl_m) if above_ground else asked.alt_m,
        longest_s=asked.longest_s,
        charge=vehicle.charge,
        rounds=asked.rounds,
        swap_s=asked.swap_s,
    )


def _heights_amsl_m(task: FleetTask, docks: list[Dock], drawn: tuple[LatLon, ...]) -> tuple[float, float]:
    """The lowest and the greatest height at which any of the vehicles works."""
    asked = task.request
    if asked.alt_datum is not Datum.AGL:
        pads_m = [dock.alt_amsl_m for dock in docks]
        return min(pads_m) + asked.alt_m, max(pads_m) + asked.alt_m
    if task.terrain is None:
        raise _unknown("there is no terrain data; tell alt_rel_m, above home")
    lonlat = lonlat_array((*drawn, *(dock.place for dock in docks)))
    ground_m = task.terrain.range_amsl_m(*lonlat.min(axis=0).tolist(), *lonlat.max(axis=0).tolist())
    if ground_m is None:
        raise _unknown("a part of the ground has no terrain data")
    return ground_m[0] + asked.alt_m - FOLLOWS_WITHIN_M, ground_m[1] + asked.alt_m + FOLLOWS_WITHIN_M


def _unknown(why: str) -> InvalidRequest:
    return InvalidRequest((FieldError("/alt_agl_m", f"cannot be planned: {why}"),))


def _space(task: FleetTask, frame: LocalFrame, docks: list[Dock]) -> Space:
    """The zones that count for as long as the flights may take.

    With the margins that a mission needs whichever way it returns, and room for its corners to be cut.
    """
    asked = task.request
    lowest = min(docks, key=lambda dock: dock.alt_amsl_m)
    window = TimeWindow(task.departs_at, task.departs_at + _longest(asked))
    ground = Ground(lowest.alt_amsl_m, lowest.height_agl_m, task.terrain)
    margin_m = margin_budget_m(max(asked.speed_mps, RETURN_MPS)) + RETRACE_M
    return Space.of(task.airspace, frame, window, ground, margin_m=margin_m).with_margin(
        margin_m, more_m=TURN_ROOMS_M[0]
    )


def _longest(asked: FleetRequest) -> timedelta:
    """No battery lasts longer than it hovers: by then the last flight has landed."""
    hours = max(
        each.airframe.battery_wh / min(each.airframe.hover_w, each.airframe.cruise_w) for each in asked.vehicles
    )
    if isinstance(asked, RecurrentRequest):
        return timedelta(hours=hours, seconds=asked.horizon_s)
    return asked.rounds * timedelta(hours=hours, seconds=asked.swap_s)


def lowest_agl_m(asked: FleetRequest) -> float:
    """The least height above ground at which any vehicle works, flat ground at the docks' heights: for cameras."""
    if asked.alt_datum is Datum.AGL:
        return asked.alt_m
    return asked.alt_m + float(np.min([vehicle.dock.height_agl_m for vehicle in asked.vehicles]))
