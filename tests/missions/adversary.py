"""Awkward airspaces over uneven ground, and a flight by brute force: what ArduCopter would do with a plan's items.

Nothing here is shared with the planner or its proof but values, the plane in metres and what a zone is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import shapely
from numpy.random import Generator
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from core.altitude import Altitude, AltitudeBand, Datum
from core.geo import LatLon
from core.ids import DockId, ZoneId
from core.members import Problems
from geofence.frame import Array, LocalFrame
from geofence.terrain import Lattice, Terrain, grid_terrain
from geofence.window import ALWAYS, TimeWindow, Validity
from geofence.zones import Airspace, CircleShape, Combination, PolygonShape, Role, Zone
from missions.fleet import default_airframe
from missions.model import Dock, MissionRequest, Pattern, Plan, ReturnMode
from missions.patterns.catalog import CATALOG, read_parameters
from missions.planner import Conditions, plan
from tests.fields import star

NOON = datetime(2026, 3, 1, 4, tzinfo=UTC)
HOMES = (LatLon(31.15, 121.12), LatLon(-33.9, 151.2), LatLon(0.0003, 10.0), LatLon(78.2, 15.6))
# Long paths are not what is tried here, so that the battery has no say.
AIRFRAME = replace(default_airframe(), battery_wh=10_000.0)
# ArduPilot's metres to the degree (planning guide, finding 4).
_FLAT_M = 111_318.84502145034
# What measuring by samples, rounding to 1e-7 degree and the two metrics may differ by over these distances.
_DOUBT_M = 0.05
_VERTICAL_M = 5.0
_RTL_CONE, _RALLY_LIMIT_M, _RETURN_MPS = 3.0, 300.0, 10.0


@dataclass(frozen=True, slots=True)
class World:
    """Where and when something is asked for."""

    home: LatLon
    dock: Dock
    airspace: Airspace
    terrain: Terrain | None
    request: MissionRequest

    def planned(self) -> Plan:
        conditions = Conditions(NOON, terrain=self.terrain, quick=True)
        return plan(self.request, self.dock, self.airspace, AIRFRAME, conditions)


def world(seed: int) -> World:
    """A random one, repeatable by its seed."""
    rng = np.random.default_rng(seed)
    home = HOMES[int(rng.integers(len(HOMES)))]
    frame = LocalFrame(home)
    roof_m = float(rng.choice([0.0, 0.0, 20.0]))
    terrain = _hills(rng, home) if rng.random() < 0.4 else None
    ground_m = 4.0 if terrain is None else float(terrain.heights_amsl_m(np.array([[home.lon_deg, home.lat_deg]]))[0])
    dock = Dock(DockId("dock"), "dock", "dock", home, ground_m, roof_m)
    zones = [*_inclusions(rng, frame), *(_obstacle(rng, frame, number) for number in range(int(rng.integers(0, 14))))]
    union = rng.random() < 0.3
    airspace = Airspace(1, tuple(zones), Combination.UNION if union else Combination.INTERSECTION)
    return World(home, dock, airspace, terrain, _request(rng, frame, terrain))


def _hills(rng: Generator, home: LatLon) -> Terrain:
    """Ground between 0 and some 40 m, posts about 30 m apart."""
    step_lat = 1.0 / 3600.0
    step_lon = step_lat / math.cos(math.radians(home.lat_deg))
    rows, columns = np.mgrid[0:200, 0:200]
    slope, phase = rng.uniform(8.0, 30.0, 2), rng.uniform(0.0, 6.0, 2)
    heights = 20.0 + 12.0 * np.sin(rows / slope[0] + phase[0]) + 8.0 * np.sin(columns / slope[1] + phase[1])
    lattice = Lattice(home.lon_deg - 100 * step_lon, home.lat_deg + 100 * step_lat, step_lon, step_lat)
    return grid_terrain(np.asarray(heights, dtype=np.float32), lattice)


def _inclusions(rng: Generator, frame: LocalFrame) -> Iterator[Zone]:
    area = star(rng, np.zeros(2), 450.0, 900.0, int(rng.integers(5, 20)))
    if rng.random() < 0.3:
        hole = star(rng, rng.uniform(-300.0, 300.0, 2), 10.0, 60.0, 7)
        if area.contains(hole) and not hole.contains(shapely.Point(0, 0)):
            area = Polygon(area.exterior, [hole.exterior])
    yield _zone(frame, "inside", Role.INCLUSION, area, margin_m=float(rng.choice([0.0, 5.0, 20.0])))
    if rng.random() < 0.3:
        center = frame.to_places(rng.uniform(-150.0, 150.0, (1, 2)))[0]
        yield Zone(ZoneId("ring"), "ring", Role.INCLUSION, CircleShape(center, float(rng.uniform(300.0, 900.0))))


def _obstacle(rng: Generator, frame: LocalFrame, number: int) -> Zone:
    at = rng.uniform(-600.0, 600.0, 2)
    role = Role.NO_FILM if rng.random() < 0.15 else Role.EXCLUSION
    margin_m = float(rng.choice([0.0, 3.0, 10.0, 25.0, 50.0]))
    facts: dict[str, object] = {"margin_m": margin_m, "band": _band(rng), "validity": _validity(rng)}
    kind = rng.random()
    if kind < 0.25:
        shape = CircleShape(frame.to_places(at[None])[0], float(rng.uniform(1.0, 60.0)))
        return replace(Zone(ZoneId(f"z{number}"), f"z{number}", role, shape), **facts)  # type: ignore[arg-type]
    if kind < 0.45:  # a sliver: 200 m long, 2 cm wide
        angle = rng.uniform(0.0, np.pi)
        along = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-along[1], along[0]]) * 0.01
        sliver = Polygon([at - 100 * along, at + 100 * along + across, at - 100 * along + 2 * across])
        return _zone(frame, f"z{number}", role, sliver, **facts)
    corners = int(rng.choice([3, 5, 9, 400]))
    return _zone(frame, f"z{number}", role, star(rng, at, 10.0, 70.0, corners), **facts)


def _band(rng: Generator) -> AltitudeBand:
    datum = [Datum.REL, Datum.AGL, Datum.AMSL][int(rng.integers(3))]
    kind = rng.random()
    if kind < 0.4:
        return AltitudeBand()
    low_m, high_m = sorted(rng.uniform(0.0, 110.0, 2).tolist())
    if kind < 0.6:
        return AltitudeBand(None, Altitude(high_m, datum))
    return AltitudeBand(Altitude(low_m, datum), None if kind < 0.8 else Altitude(high_m, datum))


def _validity(rng: Generator) -> Validity:
    kind = rng.random()
    if kind < 0.7:
        return ALWAYS
    begins = NOON + timedelta(seconds=float(rng.uniform(-600.0, 900.0)))
    return Validity(effective_at=begins, ends_at=begins + timedelta(minutes=30))


def _zone(frame: LocalFrame, name: str, role: Role, area: Polygon, **facts: object) -> Zone:
    rings = [frame.to_places(shapely.get_coordinates(ring)[:-1]) for ring in (area.exterior, *area.interiors)]
    shape = PolygonShape(rings[0], tuple(rings[1:]))
    return replace(Zone(ZoneId(name), name, role, shape), **facts)  # type: ignore[arg-type]


def _request(rng: Generator, frame: LocalFrame, terrain: Terrain | None) -> MissionRequest:
    pattern = list(Pattern)[int(rng.integers(len(Pattern)))]
    spec = CATALOG[pattern]
    told: dict[str, object] = {
        "video": bool(rng.random() < 0.5),
        "radius_m": float(rng.uniform(20.0, 120.0)),
        "height_to_m": float(rng.uniform(20.0, 70.0)),
        "laps": 1.0,
        "hold_s": 3.0,
    }
    own = {each.name for each in spec.parameters}
    parameters = read_parameters(spec, {k: v for k, v in told.items() if k in own}, "", Problems())
    center = rng.uniform(-250.0, 250.0, 2)
    drawn: dict[str, tuple[LatLon, ...]] = {}
    match spec.geometry[0]:
        case "LineString":
            drawn["line"] = frame.to_places(rng.uniform(-450.0, 450.0, (int(rng.integers(2, 7)), 2)))
        case "Polygon":
            area = star(rng, center, 30.0, 160.0, int(rng.integers(4, 9)))
            drawn["ring"] = frame.to_places(shapely.get_coordinates(area)[:-1])
        case _:
            count = 1 if "MultiPoint" not in spec.geometry else int(rng.integers(1, 5))
            drawn["points"] = frame.to_places(center + rng.uniform(-250.0, 250.0, (count, 2)))
    rally = frame.to_places(rng.uniform(-250.0, 250.0, (int(rng.choice([0, 0, 1, 3])), 2)))
    return MissionRequest(
        "adversary",
        DockId("dock"),
        pattern,
        float(rng.uniform(12.0, 95.0)),
        float(rng.choice([1.0, 5.0, 10.0, 15.0])),
        parameters=parameters,
        alt_datum=Datum.AGL if terrain is not None and rng.random() < 0.5 else Datum.REL,
        returns=[None, None, ReturnMode.DIRECT, ReturnMode.RETRACE][int(rng.integers(4))],
        rally=tuple(rally),
        **drawn,  # type: ignore[arg-type]
    )


@dataclass(frozen=True, slots=True)
class Stretch:
    """Something flown: a line in the plane (metres true) with heights above home, and the budget it must keep."""

    what: str
    line: Array  # (N, 3)
    low_rel_m: float | None  # None: the heights of the line; else from here up to them
    budget_m: float
    cut_m: float = 0.0


class Flown:
    """All that ArduCopter would fly of a plan, finished or broken off anywhere."""

    def __init__(self, made: Plan, place: World) -> None:
        self.made, self.place = made, place
        self.frame = LocalFrame(place.home)
        items = made.items
        self.lat0, self.lon0 = items[0].x_e7 / 1e7, items[0].y_e7 / 1e7
        points = [(0.0, 0.0, next(one.z_m for one in items if one.command == 22))]
        waypoints = [one for one in items[1:] if one.command == 16]
        points += [(*self._flat(one.x_e7 / 1e7, one.y_e7 / 1e7), one.z_m) for one in waypoints]
        points.append((0.0, 0.0, points[-1][2]))
        self.points = np.array(points)
        self.rally = np.array(
            [(*self._flat(one.x_e7 / 1e7, one.y_e7 / 1e7), one.z_m) for one in made.rally_items]
        ).reshape(-1, 3)

    def _flat(self, lat: float, lon: float) -> tuple[float, float]:
        """East and north as the autopilot reckons from its origin."""
        dlon = (lon - self.lon0 + 180.0) % 360.0 - 180.0
        scale = math.cos(math.radians((lat + self.lat0) / 2.0))
        return dlon * _FLAT_M * scale, (lat - self.lat0) * _FLAT_M

    def _true(self, flat: Array) -> Array:
        """Where that really is: metres of the plane, (N, 2); the third column is kept."""
        lat = self.lat0 + flat[:, 1] / _FLAT_M
        lon = self.lon0 + flat[:, 0] / (_FLAT_M * np.cos(np.radians((lat + self.lat0) / 2.0)))
        return np.column_stack((self.frame.project(np.column_stack((lon, lat))), flat[:, 2:]))

    def stretches(self) -> Iterator[Stretch]:
        speed = self.made.speed_mps
        budget, hurried = 8.0 + 0.2 * speed, 8.0 + 0.2 * max(speed, _RETURN_MPS)
        top_m = float(self.points[:, 2].max())
        yield self._column("take-off", self.points[0], top_m)
        last = len(self.points) - 2
        for leg, (start, end) in enumerate(zip(self.points[:-1], self.points[1:], strict=True)):
            line = self._sampled(start, end)
            if self.made.returns is ReturnMode.RETRACE:
                yield Stretch(f"leg {leg}", self._true(line), None, budget)
                yield Stretch(f"retraced {leg}", self._true(line), None, hurried + 2.0)
                yield Stretch(f"landing below {leg}", self._true(line), -math.inf, budget + 2.0)
                continue
            if leg < last:
                yield Stretch(f"leg {leg}", self._true(line), None, budget)
            starts = np.concatenate((line[::5], line[-1:])) if leg < last else line[:1]
            for at in starts:
                yield from self._rtl(leg, at, hurried)
        for corner in range(1, len(self.points) - 1):
            yield from self._turn(corner, budget)

    def _column(self, what: str, at: Array, top_m: float) -> Stretch:
        return Stretch(what, self._true(np.array([[*at[:2], top_m]])), -math.inf, 8.0)

    def _sampled(self, start: Array, end: Array) -> Array:
        count = max(1, math.ceil(float(np.hypot(*(end - start)[:2])) / 2.0))
        found: Array = start + np.linspace(0.0, 1.0, count + 1)[:, None] * (end - start)
        return found

    def _rtl(self, leg: int, at: Array, budget_m: float) -> Iterator[Stretch]:
        goals = np.vstack((np.zeros((1, 3)), self.rally))
        away = np.hypot(*(goals[:, :2] - at[:2]).T)
        goal = int(np.argmin(away))
        if len(self.rally) and away[1:].min() > _RALLY_LIMIT_M:
            goal = 0
        wanted = max(float(goals[goal, 2]), self.made.return_alt_rel_m, float(at[2]))
        alt_m = min(wanted, max(float(away[goal]) * _RTL_CONE, float(at[2])))
        assert self.made.fence is not None
        alt_m = max(min(alt_m, self.made.fence.alt_max_rel_m - 2.0), float(at[2]))
        up = np.array([[*at[:2], alt_m]])
        yield Stretch(f"climb on leg {leg}", self._true(up), float(at[2]), budget_m)
        back = np.array([[*at[:2], alt_m], [*goals[goal, :2], alt_m]])
        yield Stretch(f"return from leg {leg}", self._true(self._sampled(*back)), None, budget_m)
        yield self._column(f"landing of return from leg {leg}", goals[goal], alt_m)

    def _turn(self, corner: int, budget_m: float) -> Iterator[Stretch]:
        """An arc that passes the corner at 2 m: a parabola from leg to leg."""
        back, at, on = self.points[corner - 1 : corner + 2]
        legs = [np.hypot(*(each - at)[:2]) for each in (back, on)]
        if min(legs) < 1.0:
            return
        ways = [(each - at) / length for each, length in zip((back, on), legs, strict=True)]
        half = math.sqrt(max(0.0, (1.0 + float(ways[0][:2] @ ways[1][:2])) / 2.0))
        reach_m = min(4.0 / max(half, 0.1), *(length / 2.0 for length in legs))
        share = np.linspace(0.0, 1.0, 9)[:, None]
        arc = at + (1.0 - share) ** 2 * reach_m * ways[0] + share**2 * reach_m * ways[1]
        yield Stretch(f"turn {corner}", self._true(arc), None, budget_m, cut_m=2.6)


def offences(made: Plan, place: World) -> list[str]:
    """Everything that this flight would do wrong; [] when a plan keeps what it promises."""
    return list(dict.fromkeys(_offences(made, place)))


def _offences(made: Plan, place: World) -> Iterator[str]:
    flown = Flown(made, place)
    departs = made.departs_at or NOON
    window = TimeWindow(departs, departs + timedelta(seconds=made.duration_p95_s))
    ground = _Ground(place, flown.frame)
    exclusions = [
        _Placed(zone, flown.frame)
        for zone in place.airspace.zones
        if zone.role is Role.EXCLUSION and zone.validity.meets(window)
    ]
    inclusions = [
        _Placed(zone, flown.frame)
        for zone in place.airspace.zones
        if zone.role is Role.INCLUSION and zone.validity.meets(window)
    ]
    fence = _fence(made, flown)
    for stretch in flown.stretches():
        line = _shape(stretch.line)
        for placed in exclusions:
            need_m = max(placed.zone.margin_m, stretch.budget_m) - stretch.cut_m - _DOUBT_M
            gap_m = placed.gap_m(line)
            if gap_m < need_m and _met(stretch, placed, need_m, ground):
                yield f"{stretch.what}: {gap_m:.2f} m from {placed.zone.id}, needs {need_m:.2f}"
        yield from _inside(stretch, line, inclusions, place.airspace.combination)
        slack_m = 5.0 - stretch.cut_m - _DOUBT_M
        if not fence.contains(line) or fence.boundary.distance(line) < slack_m:
            yield f"{stretch.what}: outside the on-board fence or within {slack_m:g} m of its edge"
        assert made.fence is not None
        if stretch.line[:, 2].max() > made.fence.alt_max_rel_m - _VERTICAL_M + 0.02:
            yield f"{stretch.what}: within the vertical margin of FENCE_ALT_MAX"
        yield from _heights(stretch, ground, place.airspace.ceiling_agl_m)


def _inside(stretch: Stretch, line: BaseGeometry, inclusions: list[_Placed], rule: Combination) -> Iterator[str]:
    if rule is Combination.UNION:
        area = shapely.union_all([one.shape for one in inclusions])
        groups = [(area, max(one.zone.margin_m for one in inclusions))]
    else:
        groups = [(one.shape, one.zone.margin_m) for one in inclusions]
    for area, margin_m in groups:
        need_m = max(margin_m, stretch.budget_m) - stretch.cut_m - _DOUBT_M
        if not area.contains(line) or area.boundary.distance(line) < need_m:
            yield f"{stretch.what}: not {need_m:.2f} m inside"


def _heights(stretch: Stretch, ground: _Ground, ceiling_m: float) -> Iterator[str]:
    agl_m = stretch.line[:, 2] - ground.below_rel_m(stretch.line)
    if agl_m.max() > ceiling_m - _VERTICAL_M + _DOUBT_M:
        yield f"{stretch.what}: {agl_m.max():.1f} m above ground"
    flies = stretch.what.startswith(("leg", "return from", "retraced", "turn"))
    if flies and agl_m.min() < _VERTICAL_M - _DOUBT_M and stretch.line[:, 2].min() > 0.0:
        yield f"{stretch.what}: only {agl_m.min():.1f} m above ground"


class _Ground:
    """Heights above home of the ground."""

    def __init__(self, place: World, frame: LocalFrame) -> None:
        self.place, self.frame = place, frame

    def below_rel_m(self, xyz: Array) -> Array:
        if self.place.terrain is None:
            return np.full(len(xyz), -self.place.dock.height_agl_m)
        found: Array = self.place.terrain.heights_amsl_m(self.frame.unproject(xyz[:, :2]))
        return found - self.place.dock.alt_amsl_m


class _Placed:
    """A zone in the plane."""

    def __init__(self, zone: Zone, frame: LocalFrame) -> None:
        self.zone = zone
        self.radius_m = 0.0
        match zone.shape:
            case PolygonShape(outer, holes):
                self.shape: BaseGeometry = shapely.make_valid(
                    Polygon(frame.to_xy(outer), [frame.to_xy(h) for h in holes])
                )
            case CircleShape(center, radius_m):
                self.middle = shapely.Point(frame.to_xy([center])[0])
                self.radius_m = radius_m
                self.shape = self.middle.buffer(radius_m, quad_segs=64)

    def gap_m(self, geometry: BaseGeometry) -> float:
        if self.radius_m:
            return max(0.0, float(self.middle.distance(geometry)) - self.radius_m)
        return float(self.shape.distance(geometry))


def _met(stretch: Stretch, placed: _Placed, need_m: float, ground: _Ground) -> bool:
    """Whether a part of the stretch that is too near to the zone is at heights where it counts, 0.1 m less."""
    xyz = stretch.line
    gaps = np.array([placed.gap_m(shapely.Point(each)) for each in xyz[:, :2]])
    near = gaps < need_m + 1.0  # between samples it may be nearer
    if not near.any():
        return False
    low_m = xyz[near, 2] if stretch.low_rel_m is None else np.full(int(near.sum()), stretch.low_rel_m)
    high_m, below_m = xyz[near, 2], ground.below_rel_m(xyz[near])
    floor_m, ceiling_m = (
        _above_home(end, below_m, ground.place.dock.alt_amsl_m, unbounded)
        for end, unbounded in ((placed.zone.band.floor, -np.inf), (placed.zone.band.ceiling, np.inf))
    )
    slack_m = _VERTICAL_M - 0.1
    return bool(((floor_m <= high_m + slack_m) & (ceiling_m >= low_m - slack_m)).any())


def _above_home(end: Altitude | None, below_m: Array, home_amsl_m: float, unbounded: float) -> Array:
    if end is None:
        return np.full(len(below_m), unbounded)
    match end.datum:
        case Datum.REL:
            return np.full(len(below_m), end.alt_m)
        case Datum.AMSL:
            return np.full(len(below_m), end.alt_m - home_amsl_m)
        case Datum.AGL:
            return below_m + end.alt_m


def _fence(made: Plan, flown: Flown) -> BaseGeometry:
    """The on-board fence as its items say."""
    inside: list[Polygon] = []
    outside: list[Polygon] = []
    at = 0
    while at < len(made.fence_items):
        count = int(made.fence_items[at].params[0])
        ring = made.fence_items[at : at + count]
        area = Polygon(flown.frame.to_xy([LatLon(one.x_e7 / 1e7, one.y_e7 / 1e7) for one in ring]))
        (inside if ring[0].command == 5001 else outside).append(area)
        at += count
    return shapely.difference(shapely.intersection_all(inside), shapely.union_all(outside))


def _shape(line: Array) -> BaseGeometry:
    return shapely.Point(line[0, :2]) if len(line) == 1 else shapely.LineString(line[:, :2])
