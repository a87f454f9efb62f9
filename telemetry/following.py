"""Vehicles that somebody follows: each update of theirs is told at once, for as long as it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from core.bus import Bus
from core.clock import Clock
from core.ids import VehicleId
from telemetry.messages import VehicleState, VehicleUpdate, vehicle_update_subject
from telemetry.packets import Inbound
from telemetry.vehicle import Vehicle

# Whoever follows asks again every two seconds; two questions may be lost.
LEASE_S = 5.0
# Each update of a followed vehicle costs as much as a record in a tick.
MAX_FOLLOWED = 256


@dataclass(slots=True)
class _Lease:
    vehicle: Vehicle
    listen: Callable[[Inbound], None]
    until_s: float
    told: VehicleState | None = field(default=None)
    number: int = 0


class Following:
    """The followed vehicles of one gateway. `state_of`: a vehicle's whole record as of now. `hurry`: has it heard
    without delay for so many seconds."""

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        state_of: Callable[[VehicleId], VehicleState],
        hurry: Callable[[VehicleId, float], None],
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._state_of = state_of
        self._hurry = hurry
        self._leases: dict[VehicleId, _Lease] = {}
        self.refused = 0

    def __len__(self) -> int:
        return len(self._leases)

    def ask(self, vehicle: Vehicle) -> None:
        """Somebody follows it; more than `MAX_FOLLOWED` are refused and counted: those see the ticks."""
        until_s = self._clock.mono_s() + LEASE_S
        lease = self._leases.get(vehicle.id)
        if lease is not None:
            lease.until_s = until_s
        elif len(self._leases) >= MAX_FOLLOWED:
            self.refused += 1
        else:
            new = self._leases[vehicle.id] = _Lease(vehicle, lambda _: self._tell(new), until_s)
            vehicle.listen(new.listen)
        if vehicle.id in self._leases:
            self._hurry(vehicle.id, LEASE_S)

    def expire(self) -> None:
        """Drops what nobody asked for of late."""
        now_s = self._clock.mono_s()
        for vehicle_id in [each for each, lease in self._leases.items() if lease.until_s < now_s]:
            self.drop(vehicle_id)

    def drop(self, vehicle_id: VehicleId) -> None:
        """It is followed no more, or no vehicle of ours any more."""
        lease = self._leases.pop(vehicle_id, None)
        if lease is not None:
            lease.vehicle.unlisten(lease.listen)

    def _tell(self, lease: _Lease) -> None:
        state = self._state_of(lease.vehicle.id)
        plain = replace(state, heard_age_s=None, position_age_s=None, last_heard_at=None)
        if plain == lease.told:
            return
        lease.told, lease.number = plain, lease.number + 1
        update = VehicleUpdate(self._clock.now(), lease.number, state)
        self._bus.publish(vehicle_update_subject(lease.vehicle.id), update)
