"""Parameters, missions and fences to a vehicle and back: the transfer machines driven over its channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from core.errors import LinkTimeout, VehicleRejected
from missions.model import MissionItem
from telemetry.messages import LinkState
from telemetry.packets import Inbound, MissionResult, MissionType, ParamError, ParamRequest, ParamSet, ParamValue
from telemetry.transfers import Download, Transfer, Upload
from telemetry.vehicle import Vehicle

# Tries before silence on a parameter counts as "there is none": ArduPilot does not answer for unknown names.
_PARAM_TRIES = 3


async def read_param(vehicle: Vehicle, name: str) -> float | None:
    """The value, or None when the autopilot has no such parameter (it says so, or stays silent on it)."""
    try:
        return await vehicle.ask(
            ParamRequest(name), lambda p: _param(p, name), what=f"parameter {name}", tries=_PARAM_TRIES
        )
    except LinkTimeout:
        if vehicle.link is not LinkState.LIVE:
            raise
        return None
    except KeyError:
        return None


async def set_param(vehicle: Vehicle, name: str, value: float) -> bool:
    """Sets and reads back; False when there is no such parameter.

    Raises VehicleRejected when the autopilot keeps another value.
    """
    kept = await read_param(vehicle, name)
    if kept is None:
        return False
    if _same(kept, value):
        return True
    kept = await vehicle.ask(ParamSet(name, value), lambda p: _param(p, name), what=f"setting {name}")
    if not _same(kept, value):
        kept = await vehicle.ask(ParamRequest(name), lambda p: _param(p, name), what=f"parameter {name}")
    if not _same(kept, value):
        raise VehicleRejected(vehicle.id, f"{name} = {value:g}", f"it keeps {kept:g}")
    return True


async def upload(
    vehicle: Vehicle, kind: MissionType, items: Sequence[MissionItem], *, within_s: float = 90.0
) -> None:
    """Replaces what the vehicle holds of `kind`. Not proof of anything: read it back."""
    await _transfer(vehicle, lambda now: Upload(kind, items, now_s=now), f"{kind.name.lower()} upload", within_s)


async def download(vehicle: Vehicle, kind: MissionType, *, within_s: float = 60.0) -> tuple[MissionItem, ...]:
    """All items of `kind` that the vehicle holds, in order."""
    done = await _transfer(vehicle, lambda now: Download(kind, now_s=now), f"{kind.name.lower()} download", within_s)
    assert isinstance(done, Download)
    return done.items


async def _transfer(vehicle: Vehicle, start: Callable[[float], Transfer], what: str, within_s: float) -> Transfer:
    """Runs a transfer, from its start again whenever the vehicle gave it up, until done, refused or out of time."""
    began_s = vehicle.clock.mono_s()
    deadline_s = began_s + within_s
    with vehicle.inbox() as inbox:
        while True:
            machine = start(vehicle.clock.mono_s())
            await _drive(vehicle, machine, inbox, deadline_s)
            if machine.done:
                return machine
            if machine.refused is not None:
                words = await vehicle.last_words(began_s)
                raise VehicleRejected(vehicle.id, what, _result_name(machine.refused), words)
            if vehicle.clock.mono_s() >= deadline_s:
                raise vehicle.silence(what, machine.attempts)


async def _drive(vehicle: Vehicle, machine: Transfer, inbox: asyncio.Queue[Inbound], deadline_s: float) -> None:
    """Runs a machine until it is done, refused, idle or out of time."""
    clock = vehicle.clock
    while not machine.done and machine.refused is None:
        now = clock.mono_s()
        if now >= deadline_s or machine.is_idle(now):
            return
        for packet in machine.on_time(now):
            vehicle.send(packet)
        try:
            async with asyncio.timeout(max(0.01, machine.due_s() - clock.mono_s())):
                received = await inbox.get()
        except TimeoutError:
            continue
        for packet in machine.on_packet(received, clock.mono_s()):
            vehicle.send(packet)


def _param(packet: Inbound, name: str) -> float | None:
    if isinstance(packet, ParamError) and packet.name == name:
        raise KeyError(name)
    return packet.value if isinstance(packet, ParamValue) and packet.name == name else None


def _same(kept: float, wanted: float) -> bool:
    """Equal as float32, which is what crosses the wire."""
    return abs(kept - wanted) <= 1e-6 * max(1.0, abs(wanted))


def _result_name(result: int) -> str:
    return MissionResult(result).name if result in set(MissionResult) else f"MAV_MISSION_RESULT {result}"
