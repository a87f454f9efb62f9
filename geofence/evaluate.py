"""What speaks against a flight: its legs, its straight returns and its altitude against an airspace version."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from core.errors import Conflict
from geofence.frame import Array, LocalFrame
from geofence.scene import VERTICAL_MARGIN_M, FlightPath, Placed, Scene, lay_out
from geofence.zones import Airspace, Combination, Zone

# Coordinates are stored to 1e-7 degree (1.1 cm) and edges bend by up to 5 cm in the plane (geofence.frame).
TOUCH_M = 0.06


@dataclass(frozen=True, slots=True)
class _Rule:
    """One thing to keep: `gap_m` of each geometry (M,), at least `margin_m`; `bad_part` of one that does not."""

    zone: Zone | None
    margin_m: float
    leg_code: str
    return_code: str
    gap_m: Callable[[NDArray[np.object_]], Array]
    bad_part: Callable[[BaseGeometry], BaseGeometry]


@dataclass(frozen=True, slots=True)
class _Found:
    """The geometries measured (M,), their distances, and which of them are too close."""

    parts: NDArray[np.object_]
    gap_m: Array
    bad: NDArray[np.bool_]


def evaluate(flight: FlightPath, airspace: Airspace, frame: LocalFrame) -> tuple[Conflict, ...]:
    """Every conflict, one for each rule and zone that it breaks; () when the flight is clear of all.

    A leg is an index pair into `flight.places`: 0 is home, so that point number n is n.
    Distances are measured to the zones as drawn, not to widened ones (planning guide, finding 1).
    """
    return evaluate_scene(lay_out(flight, airspace, frame), airspace)


def evaluate_scene(scene: Scene, airspace: Airspace) -> tuple[Conflict, ...]:
    """As `evaluate`, of a flight that is laid out already."""
    found = list(_altitude_conflicts(scene, airspace))
    for rule in _rules(scene):
        found += _legs_against(rule, scene)
    found += _column_conflicts(scene)
    return tuple(found)


def _rules(scene: Scene) -> Iterator[_Rule]:
    if scene.combination is Combination.UNION or not scene.inclusions:
        margin_m = max((one.zone.margin_m for one in scene.inclusions), default=0.0)
        only = scene.inclusions[0].zone if len(scene.inclusions) == 1 else None
        yield _inclusion_rule(only, scene.allowed(), margin_m)
    else:
        for one in scene.inclusions:
            yield _inclusion_rule(one.zone, one.shape, one.zone.margin_m)
    for one in scene.exclusions:
        if scene.gap_m(one.shape) < one.zone.margin_m + TOUCH_M:
            yield _exclusion_rule(one)


def _inclusion_rule(zone: Zone | None, area: BaseGeometry, margin_m: float) -> _Rule:
    shapely.prepare(area)

    def gap_m(geometries: NDArray[np.object_]) -> Array:
        inside = shapely.covers(area, geometries)
        reach = np.asarray(shapely.distance(area.boundary, geometries))
        return np.where(inside, reach, -1.0)

    kept = area.buffer(-margin_m) if margin_m > 0 else area
    return _Rule(zone, margin_m, "leg-leaves-inclusion", "return-leaves-inclusion", gap_m, lambda part: part - kept)


def _exclusion_rule(one: Placed) -> _Rule:
    def gap_m(geometries: NDArray[np.object_]) -> Array:
        return np.asarray(shapely.distance(one.shape, geometries))

    kept_off = one.shape.buffer(one.zone.margin_m + TOUCH_M)
    codes = ("leg-crosses-exclusion", "return-crosses-exclusion")
    return _Rule(one.zone, one.zone.margin_m, *codes, gap_m, lambda part: part & kept_off)


def _legs_against(rule: _Rule, scene: Scene) -> Iterator[Conflict]:
    """At most one conflict of the legs and one of the returns from those legs that are clear themselves."""
    leg_gap_m = rule.gap_m(scene.lines())
    bad = leg_gap_m < rule.margin_m + TOUCH_M
    if bad.any():
        yield _conflict(rule, rule.leg_code, scene, _Found(scene.lines(), leg_gap_m, bad))
    return_gap_m = rule.gap_m(scene.sweeps)
    returns_bad = (return_gap_m < rule.margin_m + TOUCH_M) & ~np.isin(scene.leg_of, scene.leg_of[bad])
    if returns_bad.any():
        yield _conflict(rule, rule.return_code, scene, _Found(scene.sweeps, return_gap_m, returns_bad))


def _conflict(rule: _Rule, code: str, scene: Scene, found: _Found) -> Conflict:
    worst = int(np.argmin(np.where(found.bad, found.gap_m, np.inf)))
    leg = int(scene.leg_of[worst])
    others = len(set(scene.leg_of[found.bad].tolist())) - 1
    offending = shapely.union_all([rule.bad_part(part) for part in found.parts[found.bad]])
    if offending.is_empty:  # closer than TOUCH_M to being fine
        offending = found.parts[worst]
    where = _where(code, leg, others, len(scene.flight.points))
    return Conflict(
        code=code,
        detail=f"{where} {_how(rule, code, float(found.gap_m[worst]))}",
        pointer="/geometry",
        zone_id=rule.zone.id if rule.zone else None,
        zone_name=rule.zone.name if rule.zone else None,
        leg=(leg, leg + 1),
        geometry=scene.frame.geojson(offending),
    )


def _where(code: str, leg: int, others: int, points: int) -> str:
    start, end = ("home" if index in (0, points + 1) else str(index) for index in (leg, leg + 1))
    more = f" (and {others} more)" if others else ""
    if code.startswith("return"):
        return f"The straight return home from between {start} and {end}{more}"
    return f"The leg {start} → {end}{more}"


def _how(rule: _Rule, code: str, gap_m: float) -> str:
    name = rule.zone.label if rule.zone else "the combined inclusion zones"
    if gap_m < 0:
        return f"leaves {name}; it must stay {rule.margin_m:g} m inside."
    if code.endswith("exclusion") and gap_m == 0:
        return f"runs through {name}; it must stay {rule.margin_m:g} m away."
    return f"comes within {gap_m:.1f} m of {_edge(code)}{name}; the margin is {rule.margin_m:g} m."


def _edge(code: str) -> str:
    return "the edge of " if code.endswith("inclusion") else ""


def _column_conflicts(scene: Scene) -> Iterator[Conflict]:
    """Take-off and landing go straight up and down at home, through heights that the flight itself passes over."""
    for one in scene.under_flight:
        gap_m = shapely.Point(0.0, 0.0).distance(one.shape)
        if gap_m < one.zone.margin_m + TOUCH_M:
            rule = _exclusion_rule(one)
            detail = f"Take-off and landing at home {_how(rule, rule.leg_code, gap_m)}"
            geometry = scene.frame.geojson(shapely.Point(0.0, 0.0))
            yield Conflict(rule.leg_code, detail, "/properties/dock_id", one.zone.id, one.zone.name, (0, 1), geometry)


def _altitude_conflicts(scene: Scene, airspace: Airspace) -> Iterator[Conflict]:
    flight = scene.flight
    yield from _above(flight, airspace.ceiling_agl_m - flight.pad_agl_m, None, f"{airspace.ceiling_agl_m:g} m AGL")
    for one in scene.inclusions:
        band = one.zone.band
        if band.ceiling is not None:
            limit = f"{band.ceiling} of {one.zone.label}"
            yield from _above(flight, flight.above_home(band.ceiling), one.zone, limit)
        if band.floor is not None:
            yield from _below(flight, flight.above_home(band.floor), one.zone)


def _above(flight: FlightPath, limit_rel_m: float, zone: Zone | None, limit: str) -> Iterator[Conflict]:
    """The ceiling is kept by a vertical margin; on a roof the pad's height counts (真高, domain guide 7.1)."""
    if flight.top_rel_m <= limit_rel_m:
        return
    pad = f" from a pad {flight.pad_agl_m:g} m above ground" if flight.pad_agl_m else ""
    detail = (
        f"{flight.alt_rel_m:g} m above home{pad} needs {flight.top_rel_m + flight.pad_agl_m:g} m above ground with "
        f"{VERTICAL_MARGIN_M:g} m of margin; the limit is {limit}, so at most "
        f"{limit_rel_m - VERTICAL_MARGIN_M:g} m above home."
    )
    yield _altitude_conflict("altitude-above-limit", detail, zone)


def _below(flight: FlightPath, limit_rel_m: float, zone: Zone) -> Iterator[Conflict]:
    if flight.alt_rel_m < limit_rel_m:
        name = zone.label
        detail = f"{flight.alt_rel_m:g} m above home is below the floor of {name}: {limit_rel_m:g} m above home."
        yield _altitude_conflict("altitude-below-minimum", detail, zone)


def _altitude_conflict(code: str, detail: str, zone: Zone | None) -> Conflict:
    return Conflict(
        code=code,
        detail=detail,
        pointer="/properties/alt_rel_m",
        zone_id=zone.id if zone else None,
        zone_name=zone.name if zone else None,
    )
