"""Parameters, missions, fences and log lists to a vehicle and back: the machines driven over its channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

from core.errors import UploadMismatch, VehicleRejected
from missions.model import MissionItem
from telemetry.logs import ListLogs
from telemetry.machine import Machine, is_over
from telemetry.packets import LogEntry, MissionResult, MissionType
from telemetry.parameters import ListParams, ReadParams, SetParams, same_value
from telemetry.replacing import KIND, Replacement
from telemetry.transfers import Clear, Download, Upload
from telemetry.vehicle import Vehicle

# For each item of a list, on top of a minute: 200 items at 30 % loss each way take about 40 s (`bench/vehicles`).
_ITEM_S = 0.6
_LIST_S = 60.0
_PARAMS_S = 60.0
# Before each attempt at settings: answers of before they were set come late on a bad line, later on a slow machine,
# and look like a refusal. What an autopilot really keeps it says after every one.
_SETTLE_S = (0.0, 0.5, 2.0)


async def read_params(vehicle: Vehicle, names: Iterable[str]) -> dict[str, float]:
    """The values of those that the autopilot has; the others are left out. Raises LinkTimeout, VehicleOffline.

    What it does not have is asked for once: finding out takes seconds.
    """
    machine = ReadParams(set(names) - vehicle.absent_params, now_s=vehicle.clock.mono_s())
    await vehicle.run(machine, within_s=_PARAMS_S)
    if not machine.done:
        raise vehicle.silence(f"{len(machine.values)} parameters of those asked for", machine.attempts)
    vehicle.absent_params |= machine.absent
    return machine.values


async def set_params(vehicle: Vehicle, values: Mapping[str, float]) -> None:
    """Sets parameters that the autopilot has, and reads them back; again what is not as it was set.

    Raises VehicleRejected when it keeps another value, LinkTimeout, VehicleOffline.
    """
    if not values:
        return
    began_s = vehicle.clock.mono_s()
    held, left = dict[str, float](), dict(values)
    for wait_s in _SETTLE_S:
        await asyncio.sleep(wait_s)
        machine = SetParams(left, now_s=vehicle.clock.mono_s())
        await vehicle.run(machine, within_s=_PARAMS_S)
        if not machine.done:
            raise vehicle.silence("setting parameters", machine.attempts)
        held = await read_params(vehicle, left)
        left = {name: wanted for name, wanted in left.items() if not _holds(held.get(name), wanted)}
        if not left:
            return
    for name, wanted in left.items():
        said = "it has no such parameter" if name not in held else f"it keeps {held[name]:g}"
        raise VehicleRejected(vehicle.id, f"{name} = {wanted:g}", said, vehicle.texts_since(began_s))


def _holds(kept: float | None, wanted: float) -> bool:
    return kept is not None and same_value(kept, wanted)


async def list_params(vehicle: Vehicle) -> dict[str, float]:
    """Every parameter that the autopilot has. Raises VehicleRejected for an absurd number, LinkTimeout."""
    machine = ListParams(now_s=vehicle.clock.mono_s())
    await vehicle.run(machine, within_s=4 * _PARAMS_S)
    if machine.refused is not None:
        raise VehicleRejected(vehicle.id, "listing its parameters", f"{machine.refused} of them")
    if not machine.done:
        raise vehicle.silence("the list of its parameters", machine.attempts)
    return machine.values


async def list_logs(vehicle: Vehicle) -> tuple[LogEntry, ...]:
    """The logs on board, the newest 500 of them. Raises LinkTimeout, VehicleOffline."""
    machine = ListLogs(now_s=vehicle.clock.mono_s())
    await vehicle.run(machine, within_s=_LIST_S)
    if not machine.done:
        raise vehicle.silence("the list of its logs", machine.attempts)
    return machine.logs


async def put(vehicle: Vehicle, kind: MissionType, items: Sequence[MissionItem]) -> str:
    """Replaces what the vehicle holds of `kind` (() clears); gives the hash of what was read back and is equal.

    Raises UploadMismatch when it keeps something else, VehicleRejected, LinkTimeout, VehicleOffline.
    """
    began_s = vehicle.clock.mono_s()
    machine = Replacement(kind, items, now_s=began_s)
    with vehicle.writing():
        await vehicle.run(machine, within_s=_LIST_S + _ITEM_S * len(items))
    if machine.differs:
        raise UploadMismatch(vehicle.id, KIND[kind], machine.wanted_hash, machine.held_hash)
    if not machine.done:
        raise await _failure(vehicle, machine, machine.said, f"{kind.name.lower()} upload", began_s)
    return machine.held_hash


async def upload(vehicle: Vehicle, kind: MissionType, items: Sequence[MissionItem]) -> None:
    """Sends what the vehicle shall hold of `kind` (() clears). Not proof of anything: `put` reads it back."""

    def start(now_s: float) -> Upload | Clear:
        return Upload(kind, items, now_s=now_s) if items else Clear(kind, now_s=now_s)

    with vehicle.writing():
        await _again(vehicle, start, f"{kind.name.lower()} upload", _LIST_S + _ITEM_S * len(items))


async def download(vehicle: Vehicle, kind: MissionType) -> tuple[MissionItem, ...]:
    """All items of `kind` that the vehicle holds, in order. Raises VehicleRejected, LinkTimeout, VehicleOffline."""

    def start(now_s: float) -> Download:
        return Download(kind, now_s=now_s)

    done = await _again(vehicle, start, f"{kind.name.lower()} download", 2 * _LIST_S)
    assert isinstance(done, Download)
    return done.items


async def _again(vehicle: Vehicle, start: Callable[[float], Machine], what: str, within_s: float) -> Machine:
    """Runs a transfer, from its start again whenever the vehicle gave it up, until it is over or out of time."""
    began_s = vehicle.clock.mono_s()
    until_s = began_s + within_s
    while True:
        machine = start(vehicle.clock.mono_s())
        await vehicle.run(machine, within_s=until_s - vehicle.clock.mono_s())
        if machine.done:
            return machine
        if is_over(machine) or vehicle.clock.mono_s() >= until_s:
            said = machine.said if isinstance(machine, Upload) else None
            raise await _failure(vehicle, machine, said, what, began_s)


async def _failure(vehicle: Vehicle, machine: Machine, said: int | None, what: str, began_s: float) -> Exception:
    """The vehicle's refusal in its own words; without one, its silence."""
    result = machine.refused if machine.refused is not None else said
    if result is None:
        return vehicle.silence(what, machine.attempts)
    return VehicleRejected(vehicle.id, what, _result_name(result), await vehicle.last_words(began_s))


def _result_name(result: int) -> str:
    return MissionResult(result).name if result in set(MissionResult) else f"MAV_MISSION_RESULT {result}"
