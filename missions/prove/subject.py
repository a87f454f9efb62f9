"""One plan laid out for its proof: the flight read from the wire, its pieces of air, its planes and heights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geofence.window import TimeWindow
from missions.model import Airframe, Plan
from missions.prove.facts import FARTHEST_LAT_DEG, FARTHEST_LON_DEG, FARTHEST_M, Autopilot
from missions.prove.flight import Flight, NotFlyable, read_flight, read_rally
from missions.prove.heights import GroundHeights, Heights
from missions.prove.parts import Parts, Planes, Returning, parts_of
from missions.prove.planes import Array
from missions.prove.rules import Rule


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Who flies, when, and over which ground; `terrain` None: flat."""

    vehicle: Airframe
    window: TimeWindow
    terrain: GroundHeights | None
    autopilot: Autopilot


@dataclass(frozen=True, slots=True)
class Subject:
    """What every rule looks at. `rally` (R, 3): lon, lat, metres above home."""

    plan: Plan
    vehicle: Airframe
    autopilot: Autopilot
    window: TimeWindow
    flight: Flight
    rally: Array
    planes: Planes
    heights: Heights
    parts: tuple[Parts, ...]


def lay_out(plan: Plan, given: Circumstances) -> Subject:
    """Raises NotFlyable when the items are no flight."""
    flight = read_flight(plan.items, given.autopilot, plan.begins_at)
    rally = read_rally(plan.rally_items)
    planes = Planes.at(flight.home)
    reached = np.concatenate([each for each in (flight.points, flight.behind, rally) if each is not None])
    _check_degrees(reached)
    check_reach(reached[:, :2], planes, Rule.REACH)
    returning = Returning(plan.returns, plan.return_alt_rel_m, rally)
    return Subject(
        plan=plan,
        vehicle=given.vehicle,
        autopilot=given.autopilot,
        window=given.window,
        flight=flight,
        rally=rally,
        planes=planes,
        heights=Heights(flight.home_amsl_m, plan.home_agl_m, given.terrain),
        parts=parts_of(flight, returning, given.autopilot, planes),
    )


def check_reach(lonlat: Array, planes: Planes, rule: Rule) -> None:
    """Raises NotFlyable, as `rule`, when a place is farther from home than the planes are good for."""
    farthest_m = float(np.hypot(*planes.true.to_xy(lonlat).T).max(initial=0.0))
    if not farthest_m <= FARTHEST_M:
        detail = f"It reaches {farthest_m / 1000:.0f} km from home; a proof goes as far as {FARTHEST_M / 1000:g} km."
        raise NotFlyable(detail, rule)


def _check_degrees(points: Array) -> None:
    """Raises NotFlyable near the poles and the 180th meridian: zones are looked for in degrees."""
    lon, lat = np.abs(points[:, :2]).max(axis=0).tolist()
    if not (lon <= FARTHEST_LON_DEG and lat <= FARTHEST_LAT_DEG):
        detail = f"It reaches {lat:g} degrees of latitude and {lon:g} of longitude; a proof goes up to "
        raise NotFlyable(f"{detail}{FARTHEST_LAT_DEG:g} and {FARTHEST_LON_DEG:g}.", Rule.REACH)
