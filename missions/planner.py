"""From a request to a plan: path, cost, proof against the airspace, on-board fence, wire form and hashes."""

from __future__ import annotations

from collections.abc import Iterator

import shapely

from core.errors import Conflict
from core.geo import LatLon
from geofence.evaluate import evaluate_scene
from geofence.frame import LocalFrame
from geofence.onboard import OnboardFence, compile_scene
from geofence.scene import FlightPath, Scene, lay_out
from geofence.zones import Airspace
from missions.energy import Cost, cost_of
from missions.items import fence_items, items_hash, mission_items
from missions.model import Airframe, Dock, MissionItem, MissionRequest, Pattern, Plan, Waypoint
from missions.patterns.survey import MOST_WAYPOINTS, TooManyWaypoints, route, survey

_NO_COST = Cost(0.0, 0.0, 0.0, 0.0)


def plan(request: MissionRequest, dock: Dock, airspace: Airspace, airframe: Airframe) -> Plan:
    """The plan of `request` from `dock`, with every conflict found; one with conflicts has no fence and no hash."""
    frame = LocalFrame(dock.place)
    try:
        points = _path(request, dock)
    except TooManyWaypoints as reason:
        return _plan(request, dock, airspace, conflicts=(_too_many(reason),))
    flight = FlightPath(dock.place, points, request.alt_m, dock.height_agl_m, dock.alt_amsl_m)
    cost = cost_of(frame.to_xy(flight.places), flight.alt_rel_m, request.speed_mps, airframe)
    scene = lay_out(flight, airspace, frame)
    conflicts = (*_outside(scene), *evaluate_scene(scene, airspace), *_limits(request, cost, airframe))
    fence = None if conflicts else compile_scene(scene)
    if isinstance(fence, Conflict):
        conflicts, fence = (fence,), None
    return _plan(request, dock, airspace, points=points, cost=cost, conflicts=conflicts, fence=fence)


def _path(request: MissionRequest, dock: Dock) -> tuple[LatLon, ...]:
    if request.pattern is Pattern.ROUTE:
        return route(request.line)
    asked = request.parameters
    heading_deg = float(asked["heading_deg"]) if "heading_deg" in asked else None
    return survey(request.ring, request.holes, float(asked["spacing_m"]), heading_deg, dock.place)


def _plan(
    request: MissionRequest,
    dock: Dock,
    airspace: Airspace,
    *,
    points: tuple[LatLon, ...] = (),
    cost: Cost = _NO_COST,
    conflicts: tuple[Conflict, ...] = (),
    fence: OnboardFence | None = None,
) -> Plan:
    waypoints = tuple(Waypoint(at, request.alt_m) for at in points)
    items: tuple[MissionItem, ...] = ()
    walls: tuple[MissionItem, ...] = ()
    if fence is not None:
        items = mission_items(dock.place, dock.alt_amsl_m, waypoints, request.speed_mps)
        walls = fence_items(fence)
    return Plan(
        home=dock.place,
        home_amsl_m=dock.alt_amsl_m,
        waypoints=waypoints,
        speed_mps=request.speed_mps,
        length_m=cost.length_m,
        duration_s=cost.duration_s,
        energy_wh=cost.energy_wh,
        battery_needed_pct=cost.battery_needed_pct,
        airspace_version=airspace.version,
        conflicts=conflicts,
        fence=fence,
        items=items,
        fence_items=walls,
        hash=items_hash(items, kind="mission") if items else "",
        fence_hash=items_hash(walls, kind="fence") if walls else "",
    )


def _limits(request: MissionRequest, cost: Cost, airframe: Airframe) -> Iterator[Conflict]:
    """What the airframe cannot do."""
    if request.speed_mps > airframe.max_speed_mps:
        detail = f"{request.speed_mps:g} m/s is faster than {airframe.name} flies: {airframe.max_speed_mps:g} m/s."
        yield Conflict("speed-above-limit", detail, "/properties/speed_mps")
    if cost.battery_needed_pct > 100.0:
        detail = (
            f"The flight of {cost.length_m / 1000:.1f} km needs {cost.energy_wh:.0f} Wh; with a reserve of "
            f"{airframe.reserve:.0%} that is {cost.battery_needed_pct:.0f} % of the {airframe.battery_wh:g} Wh "
            f"of {airframe.name}."
        )
        yield Conflict("battery-not-enough", detail, "/geometry")


def _outside(scene: Scene) -> Iterator[Conflict]:
    """Nothing of what was drawn lies where flying is allowed, so that no change of a leg would help."""
    drawn = scene.lines()[(scene.leg_of > 0) & (scene.leg_of < len(scene.flight.points))]
    allowed = scene.allowed()
    if len(drawn) and not shapely.intersects(allowed, drawn).any():
        names = ", ".join(one.zone.label for one in scene.inclusions) or "none is published"
        detail = f"The drawn geometry lies outside of all that may be flown in (inclusion zones: {names})."
        geometry = scene.frame.geojson(shapely.union_all(drawn))
        yield Conflict("area-outside-airspace", detail, "/geometry", geometry=geometry)


def _too_many(reason: TooManyWaypoints) -> Conflict:
    detail = (
        f"The pattern needs at least {reason.at_least} waypoints; a plan has at most {MOST_WAYPOINTS}. "
        "Take a smaller area or a wider spacing."
    )
    return Conflict("too-many-waypoints", detail, "/geometry")
