"""Plans and airspaces by hand, in metres round one home: what the proof is tried on, without any planner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import shapely

from core.altitude import Altitude, AltitudeBand, Datum
from core.geo import LatLon
from core.ids import ZoneId
from geofence.frame import Array, LocalFrame
from geofence.terrain import Terrain
from geofence.window import ALWAYS, TimeWindow, Validity
from geofence.zones import Airspace, CircleShape, PolygonShape, Role, Zone
from missions.items import fence_items, items_hash, mission_items, rally_items
from missions.model import (
    Action,
    Airframe,
    FencePolygon,
    MissionItem,
    OnboardFence,
    Plan,
    Proof,
    ReturnMode,
    Waypoint,
)
from missions.prove import prove

HOME = LatLon(31.15, 121.12)
FRAME = LocalFrame(HOME)
HOME_AMSL_M = 4.0
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
WINDOW = TimeWindow(START, START + timedelta(hours=1))
QUAD = Airframe("quad", 130.0, 280.0, 260.0, 10.0, 52.0, 15.0, 2.5, 1.5)

Xy = tuple[float, float]


def place(x: float, y: float) -> LatLon:
    """A place so many metres east and north of home, to the 1e-7 degree of the wire."""
    return _at(FRAME, x, y)


def _at(frame: LocalFrame, x: float, y: float) -> LatLon:
    return frame.to_places(np.array([[x, y]]))[0]


def places(xy: Sequence[Xy] | Array) -> tuple[LatLon, ...]:
    return FRAME.to_places(np.asarray(xy, dtype=np.float64))


def block(x: float, y: float, half_m: float, turn_deg: float = 0.0) -> list[Xy]:
    """Corners of a square, turned."""
    angles = np.radians(turn_deg + np.array([45.0, 135.0, 225.0, 315.0]))
    reach = half_m * np.sqrt(2.0)
    return [(x + reach * float(np.cos(a)), y + reach * float(np.sin(a))) for a in angles]


def polygon_zone(name: str, corners: Sequence[Xy], role: Role = Role.EXCLUSION, **facts: object) -> Zone:
    """A zone; `facts` are members of Zone such as `margin_m`, `band`, `validity`."""
    return replace(Zone(ZoneId(name), name, role, PolygonShape(places(corners))), **facts)  # type: ignore[arg-type]


def circle_zone(name: str, x: float, y: float, radius_m: float, role: Role = Role.EXCLUSION, **facts: object) -> Zone:
    return replace(Zone(ZoneId(name), name, role, CircleShape(place(x, y), radius_m)), **facts)  # type: ignore[arg-type]


def band(low_m: float | None, high_m: float | None, datum: Datum = Datum.REL) -> AltitudeBand:
    ends = [None if alt is None else Altitude(alt, datum) for alt in (low_m, high_m)]
    return AltitudeBand(*ends)


def district(half_m: float = 3_000.0, margin_m: float = 20.0, validity: Validity = ALWAYS) -> Zone:
    return polygon_zone("district", block(0.0, 0.0, half_m), Role.INCLUSION, margin_m=margin_m, validity=validity)


def airspace(*zones: Zone, inside: Zone | None = None, **facts: object) -> Airspace:
    """Version 1 of a district with zones in it."""
    return replace(Airspace(1, (inside or district(), *zones)), **facts)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Case:
    """One thing to prove."""

    plan: Plan
    airspace: Airspace
    vehicle: Airframe = QUAD
    window: TimeWindow = WINDOW
    terrain: Terrain | None = None

    def proof(self) -> Proof:
        return prove(self.plan, self.airspace, self.vehicle, window=self.window, terrain=self.terrain)

    def failed(self) -> set[str]:
        """The rules that it breaks."""
        return {check.rule for check in self.proof().checks if not check.ok}


def a_plan(
    path: Sequence[tuple[float, float, float]],
    *,
    speed_mps: float = 10.0,
    returns: ReturnMode = ReturnMode.DIRECT,
    return_alt_rel_m: float | None = None,
    fence_xy: Sequence[Xy] | None = None,
    fence_width_m: float = 25.0,
    rally: Sequence[tuple[float, float, float]] = (),
    actions: dict[int, tuple[Action, ...]] | None = None,
    home_agl_m: float = 0.0,
    home: LatLon = HOME,
) -> Plan:
    """A plan through `path`, metres east, north, above home; its fence is the hull of all of it unless given.

    `actions` by the number of the waypoint, from 1.
    """
    frame = LocalFrame(home)
    steps = tuple(
        Waypoint(_at(frame, x, y), z, actions=(actions or {}).get(number, ()))
        for number, (x, y, z) in enumerate(path, start=1)
    )
    if returns is ReturnMode.RETRACE:
        steps = (*steps, Waypoint(home, steps[-1].alt_rel_m))
    top = max(step.alt_rel_m for step in steps)
    up = top if return_alt_rel_m is None else return_alt_rel_m
    points = [(0.0, 0.0), *((x, y) for x, y, _ in path), *((x, y) for x, y, _ in rally)]
    corners = fence_xy if fence_xy is not None else _hull(points, fence_width_m)
    fence = OnboardFence((FencePolygon(frame.to_places(np.array(corners)), inclusion=True),), max(top, up) + 5.0)
    rallies = tuple(Waypoint(_at(frame, x, y), z) for x, y, z in rally)
    made = Plan(
        home=home,
        home_amsl_m=HOME_AMSL_M,
        waypoints=steps,
        speed_mps=speed_mps,
        length_m=1_000.0,
        duration_s=600.0,
        energy_wh=60.0,
        battery_needed_pct=60.0,
        airspace_version=1,
        conflicts=(),
        fence=fence,
        items=mission_items(home, HOME_AMSL_M, steps, speed_mps, returns=returns),
        fence_items=fence_items(fence),
        hash="",
        fence_hash="",
        returns=returns,
        return_alt_rel_m=up,
        rally=rallies,
        rally_items=rally_items(rallies),
        departs_at=START,
        duration_p95_s=800.0,
        battery_p95_pct=75.0,
        airframe=QUAD.name,
        home_agl_m=home_agl_m,
    )
    return hashed(made)


def hashed(plan: Plan) -> Plan:
    """The plan with the hashes of its items as they are now."""
    return replace(
        plan,
        hash=items_hash(plan.items, kind="mission"),
        fence_hash=items_hash(plan.fence_items, kind="fence"),
        rally_hash=items_hash(plan.rally_items, kind="rally") if plan.rally_items else "",
    )


def numbered(items: Sequence[MissionItem]) -> tuple[MissionItem, ...]:
    return tuple(replace(item, seq=seq) for seq, item in enumerate(items))


def refenced(plan: Plan, corners: Sequence[Xy]) -> Plan:
    """The plan with another polygon as its fence, hashes and all."""
    assert plan.fence is not None
    fence = replace(plan.fence, polygons=(FencePolygon(places(corners), inclusion=True),))
    return hashed(replace(plan, fence=fence, fence_items=fence_items(fence)))


def corners_of(plan: Plan) -> list[Xy]:
    """The fence's ring in metres."""
    assert plan.fence is not None
    return [(x, y) for x, y in FRAME.to_xy(plan.fence.polygons[0].ring).tolist()]


def _hull(points: Sequence[Xy], width_m: float) -> list[Xy]:
    ring = shapely.MultiPoint(points).convex_hull.buffer(width_m, quad_segs=3).exterior
    return [(x, y) for x, y in shapely.get_coordinates(ring)[:-1].tolist()]
