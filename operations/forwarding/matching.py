"""Whom a rule tells what: pure questions about one happening or one vehicle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TypeAlias

import shapely

from core.ids import VehicleId
from geofence.frame import lonlat_array
from operations.alarms import Severity
from operations.forwarding.rules import Filter, Rule, What

LonLat: TypeAlias = tuple[float, float]

_GRADED = (What.EVENTS, What.ALARMS, What.TRAFFIC)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened once and is told at least once. `number`: its place in the outbox, rising.

    `code`: what happened, in the words of events and alarms; of a sortie or a command its new state. `others`: the
    vehicles that it names besides.
    """

    number: int
    what: What
    at: datetime
    code: str
    severity: Severity | None
    vehicle_id: VehicleId | None
    data: bytes
    others: tuple[VehicleId, ...] = ()


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a vehicle belongs and where it is, or was last. None: not known."""

    unit: str | None = None
    place: LonLat | None = None


NOWHERE = Whereabouts()
NO_OTHERS: Mapping[VehicleId, Whereabouts] = MappingProxyType({})


class Matcher:
    """A rule's filter, its area made ready for many questions."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._vehicles = frozenset(rule.filter.vehicle_ids)
        self._units = frozenset(rule.filter.units)
        self._area = _polygon(rule.filter)

    @property
    def asks_where(self) -> bool:
        """Whether it matters where a vehicle is or whose it is."""
        return self._area is not None or bool(self._units)

    def takes(
        self, happening: Happening, whereabouts: Whereabouts, others: Mapping[VehicleId, Whereabouts] = NO_OTHERS
    ) -> bool:
        """Whether the rule tells of it. `others`: where those are that it names besides.

        Where any vehicle will do for ids and area, all of them must be of the rule's units.
        """
        rule = self.rule
        if happening.what not in rule.what:
            return False
        if happening.what in _GRADED and not _graded(rule.filter, happening):
            return False
        named = dict(others) if happening.vehicle_id is None else {happening.vehicle_id: whereabouts, **others}
        if not named:
            return self.takes_vehicle(None, whereabouts)
        if self._units and not all(each.unit in self._units for each in named.values()):
            return False
        return any(self.takes_vehicle(vehicle_id, where) for vehicle_id, where in named.items())

    def takes_vehicle(self, vehicle_id: VehicleId | None, whereabouts: Whereabouts) -> bool:
        """Whether what concerns this vehicle, or none, is told."""
        if self._vehicles and vehicle_id not in self._vehicles:
            return False
        if self._units and whereabouts.unit not in self._units:
            return False
        return self._area is None or (
            whereabouts.place is not None and bool(shapely.intersects_xy(self._area, *whereabouts.place))
        )


def _graded(told: Filter, happening: Happening) -> bool:
    return (not told.codes or happening.code in told.codes) and (
        not told.severities or happening.severity in told.severities
    )


def _polygon(told: Filter) -> shapely.Polygon | None:
    """The area in degrees: a town's outline is small enough that its edges are straight there."""
    if told.area is None:
        return None
    polygon = shapely.Polygon(lonlat_array(told.area.outer), [lonlat_array(hole) for hole in told.area.holes])
    shapely.prepare(polygon)
    return polygon
