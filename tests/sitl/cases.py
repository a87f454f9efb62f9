"""Missions in random fields around a dock, repeatable by their seed: drawn, planned and proven, ready to be flown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import shapely
from numpy.random import Generator
from shapely.affinity import translate
from shapely.geometry import MultiPoint, mapping
from shapely.geometry.base import BaseGeometry

from core.errors import InvalidRequest
from core.ids import ZoneId
from geofence.frame import Array
from geofence.zones import Airspace, Combination, Zone
from missions.energy import AIRFRAMES
from missions.fleet import SITL_AIRFRAME, default_docks
from missions.model import Dock, Pattern, Plan, ReturnMode
from missions.planner import Conditions, plan
from missions.request import parse_request
from tests.fields import FRAME, Field, FieldZone, random_field, star
from tests.platform import Json

_PAD_FREE_M = 28.0  # from every zone, with the zone's own margin
_SHORTEST_M, _LONGEST_M = 600.0, 3_200.0
_LONGEST_S = 700.0
# A plan that passes no zone within this proves little. Every plan keeps 10 m, one that retraces its path 12 m.
_CLOSE_M = 16.0
_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Case:
    """What to fly: a mission feature with its plan, in a field around a dock; metres round `tests.fields.HOME`."""

    name: str
    dock: Dock
    field: Field
    feature: Json
    plan: Plan

    @property
    def home(self) -> Array:
        """The pad, (2,)."""
        pad: Array = FRAME.to_xy([self.dock.place])[0]
        return pad


def cases(seed: int, numbers: Iterable[int]) -> Iterator[Case]:
    """The flights of these numbers: docks by turns, patterns by turns; half of each retrace their path."""
    docks, drawers = default_docks(), list(_DRAWN)
    for number in numbers:
        wanted = ReturnMode.DIRECT if (number + number // len(drawers)) % 2 else ReturnMode.RETRACE
        rng = np.random.default_rng([seed, number])
        yield _case(rng, docks[number % len(docks)], drawers[number % len(drawers)], wanted)


def published(flights: Sequence[Case]) -> Airspace:
    """One airspace that holds the fields of several flights, from different docks."""
    zones: list[Zone] = []
    for case in flights:
        named = case.field.airspace().zones
        zones += [replace(zone, id=ZoneId(f"{case.dock.id}-{zone.id}")) for zone in named]
    return Airspace(version=1, zones=tuple(zones), combination=Combination.UNION)


def field_around(dock: Dock, field: Field) -> Field:
    """The field moved so that the dock stands at its middle, on a pad that its zones leave free."""
    east_m, north_m = FRAME.to_xy([dock.place])[0].tolist()
    kept = [zone for zone in field.zones if zone.gap_m(shapely.Point(0.0, 0.0)) > zone.margin_m + _PAD_FREE_M]
    moved = tuple(replace(zone, shape=translate(zone.shape, east_m, north_m)) for zone in kept)
    return Field(translate(field.inside, east_m, north_m), field.inside_margin_m, moved)


def planned(feature: Json, dock: Dock, airspace: Airspace, *, quick: bool = False) -> Plan:
    """The plan of a feature for the copter that SITL flies."""
    conditions = Conditions(_NOON, quick=quick)
    return plan(parse_request(feature, [dock]), dock, airspace, AIRFRAMES[SITL_AIRFRAME], conditions)


def _case(rng: Generator, dock: Dock, pattern: Pattern, wanted: ReturnMode) -> Case:
    """The first drawing that can be flown as wanted."""
    for tried in range(400):
        banded = bool(rng.random() < 0.5)
        zones = int(rng.integers(3, 8) if wanted is ReturnMode.DIRECT and not banded else rng.integers(8, 40))
        field = field_around(dock, random_field(rng, zones, banded=banded))
        alt_m = 52.0 if banded else float(rng.integers(25, 90))
        feature = _feature(rng, field, dock, pattern, alt_m)
        if feature is None:
            continue
        feature["properties"]["returns"] = None if tried % 2 else str(wanted)
        try:
            if not _flyable(planned(feature, dock, field.airspace(), quick=True), wanted):
                continue
            made = planned(feature, dock, field.airspace())
        except InvalidRequest:
            continue
        if _flyable(made, wanted) and _passes_close(made, field):
            return Case(f"{pattern} {made.returns}", dock, field, feature, made)
    raise ValueError(f"nothing to fly was drawn: {pattern} {wanted}")


def _flyable(made: Plan, wanted: ReturnMode) -> bool:
    return (
        not made.conflicts
        and made.returns is wanted
        and _SHORTEST_M <= made.length_m <= _LONGEST_M
        and made.duration_s <= _LONGEST_S
    )


def _passes_close(made: Plan, field: Field) -> bool:
    """Whether the plan passes a zone that it has to keep off at its heights."""
    places = (made.home, *(each.place for each in made.waypoints), made.home)
    line = shapely.LineString(FRAME.to_xy(places))
    low_m, high_m = min(alts := [each.alt_rel_m for each in made.waypoints]), max(alts)
    met = [zone for zone in field.zones if zone.low_rel_m <= high_m and zone.high_rel_m >= low_m]
    return min([zone.gap_m(line) for zone in met], default=_CLOSE_M + 1.0) <= _CLOSE_M


def _feature(rng: Generator, field: Field, dock: Dock, pattern: Pattern, alt_m: float) -> Json | None:
    try:
        drawn, told = _DRAWN[pattern](rng, field)
    except ValueError:  # no room for a point
        return None
    lonlat = shapely.transform(drawn, FRAME.unproject)
    told |= {"name": f"{pattern}", "pattern": str(pattern), "dock_id": str(dock.id), "alt_rel_m": alt_m}
    speed_mps = float(rng.choice([5.0, 8.0, 10.0]))
    return {"type": "Feature", "geometry": mapping(lonlat), "properties": told | {"speed_mps": speed_mps}}


def _route(rng: Generator, field: Field) -> tuple[BaseGeometry, Json]:
    return shapely.LineString(field.free_points(rng, 5)), {"trigger_m": 15, "gimbal_deg": -90}


def _watch(rng: Generator, field: Field) -> tuple[BaseGeometry, Json]:
    return MultiPoint(field.free_points(rng, 6)), {"hold_s": 3, "look_deg": 200, "gimbal_deg": -45}


def _survey(rng: Generator, field: Field) -> tuple[BaseGeometry, Json]:
    """An area with a zone in its middle."""
    middle = field.zones[int(rng.integers(len(field.zones)))] if field.zones else FieldZone(field.inside, 0.0)
    at = np.array(middle.shape.centroid.coords[0])
    return star(rng, at, 60.0, 130.0, 7), {"spacing_m": 30, "gimbal_deg": -90, "trigger_m": 20}


def _corridor(rng: Generator, field: Field) -> tuple[BaseGeometry, Json]:
    return shapely.LineString(field.free_points(rng, 3)), {"width_m": 50, "spacing_m": 25, "video": True}


def _perimeter(rng: Generator, field: Field) -> tuple[BaseGeometry, Json]:
    at = np.array(field.inside.centroid.coords[0])
    return star(rng, at, 90.0, 200.0, 8), {"offset_m": -10}


def _orbit(rng: Generator, field: Field) -> tuple[BaseGeometry, Json]:
    return shapely.Point(field.free_point(rng)), {"radius_m": 30, "laps": 2, "look_height_m": 5}


def _square(rng: Generator, field: Field) -> tuple[BaseGeometry, Json]:
    return shapely.Point(field.free_point(rng)), {"radius_m": 70, "spacing_m": 30}


def _facade(rng: Generator, field: Field) -> tuple[BaseGeometry, Json]:
    at = shapely.Point(field.free_point(rng))
    wall = shapely.box(at.x - 15.0, at.y - 8.0, at.x + 15.0, at.y + 8.0)
    return wall, {"height_from_m": 20, "height_to_m": 30, "gimbal_deg": 0, "standoff_m": 12}


_DRAWN: dict[Pattern, Callable[[Generator, Field], tuple[BaseGeometry, Json]]] = {
    Pattern.ROUTE: _route,
    Pattern.WATCH: _watch,
    Pattern.SURVEY: _survey,
    Pattern.CORRIDOR: _corridor,
    Pattern.PERIMETER: _perimeter,
    Pattern.ORBIT: _orbit,
    Pattern.EXPANDING_SQUARE: _square,
    Pattern.FACADE: _facade,
}
