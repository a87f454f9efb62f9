"""Audiences: what a viewer may see and wants to see. Viewers of equal audiences share every frame."""

from __future__ import annotations

from dataclasses import dataclass

from core.ids import SortieId, VehicleId
from telemetry.stream import fields
from telemetry.stream.contract import Subscribe

Area = tuple[float, float, float, float]
# An area is widened by this much (some 200 m), so that who leaves it is seen to leave.
AREA_MARGIN_DEG = 0.002


@dataclass(frozen=True, slots=True)
class Rights:
    """What a viewer may see: the units whose vehicles it may know of; None is all of them."""

    units: frozenset[str] | None = None


ALL_UNITS = Rights()


@dataclass(frozen=True, slots=True)
class Scope:
    """The vehicles of which anything is told at all; None is no limit. Rights are folded into `units`."""

    units: frozenset[str] | None = None
    ids: frozenset[VehicleId] | None = None

    def holds(self, vehicle_id: VehicleId, unit: str) -> bool:
        return (self.units is None or unit in self.units) and (self.ids is None or vehicle_id in self.ids)


@dataclass(frozen=True, slots=True)
class Audience:
    """`scope` decides of records and news, `area` and `sortie_id` of rows only: they change without a snapshot."""

    scope: Scope = Scope()
    fields: tuple[int, ...] = fields.ALL
    area: Area | None = None
    sortie_id: SortieId | None = None

    def is_as_wide(self, other: Audience) -> bool:
        """Whether a viewer may go over to `other` without a snapshot."""
        return self.scope == other.scope and self.fields == other.fields


def audience_of(wants: Subscribe, rights: Rights) -> Audience:
    """Raises InvalidRequest for a field that there is not."""
    ids = None if wants.vehicles == "*" else frozenset(VehicleId(each) for each in wants.vehicles)
    sortie = None if wants.sortie is None else SortieId(wants.sortie)
    return Audience(Scope(_both(wants.units, rights.units), ids), fields.chosen(wants.fields), wants.area, sortie)


def _both(asked: list[str] | None, allowed: frozenset[str] | None) -> frozenset[str] | None:
    if asked is None:
        return allowed
    return frozenset(asked) if allowed is None else allowed & frozenset(asked)
