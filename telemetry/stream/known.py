"""What is known besides the vehicles' states, and how much of it those may know who know of some units only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

import msgspec

from core.ids import VehicleId
from missions.model import Sortie
from telemetry.messages import AirspaceReviewed, FleetEvent, LinksTick, TrafficConflict, TrafficNews
from telemetry.stream.frames import Encoding
from telemetry.stream.narrowing import (
    Narrow,
    Units,
    conflict_for,
    links_for,
    of_event,
    of_owners,
    review_for,
    sortie_for,
    traffic_for,
)
from telemetry.stream.picture import Picture
from telemetry.stream.table import Table

MAX_GATEWAYS = 64


class OfVehicle(Protocol):
    """What is about one vehicle."""

    @property
    def vehicle_id(self) -> VehicleId: ...


V = TypeVar("V", bound=OfVehicle)


class Known:
    """The picture as it may be told. `worded`: how the API words a sortie, as JSON.

    Of news what is asked is how it is narrowed: whose a vehicle is counts as of then.
    """

    def __init__(self, picture: Picture, table: Table, worded: Callable[[Sortie], bytes]) -> None:
        self._picture = picture
        self._table = table
        self._worded = worded
        self._links: dict[str, LinksTick] = {}

    # --- news ----------------------------------------------------------------------------------------------------

    def of_one(self, value: V) -> Narrow[V]:
        """What is about one vehicle: an alarm, a command."""
        return of_owners(value, (self._table.unit(value.vehicle_id),))

    def of_sortie(self, sortie: Sortie) -> tuple[dict[str, Any], Narrow[dict[str, Any]]]:
        """A sortie as it is told."""
        told, short = self._told(sortie), self._shortened(sortie)
        owner = (self._table.unit(sortie.vehicle_id),)
        return told, of_owners(told if short is sortie else self._told(short), owner)

    def of_event(self, event: FleetEvent) -> Narrow[FleetEvent]:
        return of_event(event, self._table.unit)

    def of_review(self, news: AirspaceReviewed) -> Narrow[AirspaceReviewed]:
        owner = {each.vehicle_id: self._table.unit(each.vehicle_id) for each in news.failing}
        return lambda units: review_for(news, units, owner)

    def of_traffic(self, news: TrafficNews) -> Narrow[TrafficNews]:
        both = (news.conflict.first.vehicle_id, news.conflict.yields.vehicle_id)
        owner = {each: self._table.unit(each) for each in both if each is not None}
        return lambda units: traffic_for(news, units, owner.get)

    def take_links(self, tick: LinksTick) -> Narrow[LinksTick] | None:
        """Takes over how the links of a gateway do; None: there are too many gateways."""
        if tick.gateway not in self._links and len(self._links) >= MAX_GATEWAYS:
            return None
        self._links[tick.gateway] = tick
        owners = self._table.owners_by_link()
        return lambda units: links_for(tick, units, owners)

    # --- what a snapshot tells -----------------------------------------------------------------------------------

    def besides(self, units: Units | None, encoding: Encoding) -> dict[str, Any]:
        """What a snapshot tells besides vehicles to those who may know of `units`; None: of all."""
        sorties = self._mine(self._picture.sorties(), units)
        if units is not None:
            sorties = [self._shortened(each) for each in sorties]
        tracks = self._picture.tracks()
        return {
            "sorties": [encoding.again(self._worded(each)) for each in sorties],
            "alarms": [encoding.raw(each) for each in self._mine(self._picture.alarms(), units)],
            "tracks": {each.id: tracks[each.id] for each in sorties if each.id in tracks},
            "commands": [encoding.raw(each) for each in self._mine(self._picture.commands(), units)],
            "traffic": [encoding.raw(each) for each in self._traffic(units)],
            "links": [encoding.raw(each) for each in self.links(units)],
        }

    def links(self, units: Units | None) -> tuple[LinksTick, ...]:
        """How the links of each gateway were when it last told; those that vehicles of `units` have to themselves."""
        if units is None:
            return tuple(self._links.values())
        owners = self._table.owners_by_link()
        told = (links_for(each, units, owners) for each in self._links.values())
        return tuple(each for each in told if each is not None)

    def _traffic(self, units: Units | None) -> Iterable[TrafficConflict]:
        conflicts = self._picture.traffic()
        if units is None:
            return conflicts
        told = (conflict_for(each, units, self._table.unit) for each in conflicts)
        return [each for each in told if each is not None]

    def _mine(self, those: Iterable[V], units: Units | None) -> list[V]:
        return [each for each in those if units is None or self._table.unit(each.vehicle_id) in units]

    def _shortened(self, sortie: Sortie) -> Sortie:
        return sortie_for(sortie, self._picture.sortie(sortie.continues))

    def _told(self, sortie: Sortie) -> dict[str, Any]:
        told: dict[str, Any] = msgspec.json.decode(self._worded(sortie))
        return told
