"""The safety profile of one vehicle on an operator's word: read, compared, set, read back, journalled."""

from __future__ import annotations

from core.clock import Clock
from core.errors import IllegalTransition, VehicleOffline
from missions.ports import CommandJournal
from telemetry.commands import journalled, new_record
from telemetry.exchange import read_params, set_params
from telemetry.messages import LinkState, SafetyRequest, SafetySetting, SafetyState
from telemetry.profile import NAME, NAMES, changes, compared
from telemetry.vehicle import Vehicle


async def safety_state(
    vehicle: Vehicle, request: SafetyRequest, journal: CommandJournal, clock: Clock
) -> SafetyState:
    """What the vehicle holds of the profile now; with `apply` after the differences were set.

    Raises VehicleOffline, VehicleBusy, VehicleRejected, LinkTimeout; IllegalTransition for a vehicle that is armed,
    whose parameters nobody changes.
    """
    if vehicle.link is not LinkState.LIVE:
        raise VehicleOffline(vehicle.id, vehicle.snapshot().last_heard_at)
    settings = await held_settings(vehicle)
    wanted = changes(settings)
    if not request.apply or not wanted:
        return _state(vehicle, settings, ())
    if vehicle.state.armed is not False:
        raise IllegalTransition("vehicle", vehicle.id, "armed", "set up")
    record = new_record(clock, vehicle.id, None, "safety-profile", request.by, parameters=wanted)

    async def send() -> None:
        with vehicle.exclusive("setting its safety profile"):
            await set_params(vehicle, wanted)

    await journalled(journal, clock, record, send)
    return _state(vehicle, await held_settings(vehicle), tuple(wanted))


async def held_settings(vehicle: Vehicle) -> tuple[SafetySetting, ...]:
    """The profile against what the vehicle holds now. Raises LinkTimeout, VehicleOffline."""
    held = await read_params(vehicle, NAMES)
    return compared(held, gcs_system_id=vehicle.gcs_system_id, reserve=vehicle.config.airframe.reserve)


def _state(vehicle: Vehicle, settings: tuple[SafetySetting, ...], changed: tuple[str, ...]) -> SafetyState:
    return SafetyState(vehicle.id, NAME, all(each.ok for each in settings), settings, changed)
