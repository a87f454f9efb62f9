"""Which logs a vehicle has on board, on an operator's question."""

from __future__ import annotations

from datetime import UTC, datetime

from core.errors import VehicleBusy, VehicleOffline
from telemetry.exchange import list_logs
from telemetry.messages import LinkState, LogList, LogsQuestion, VehicleLog
from telemetry.packets import LogEntry
from telemetry.vehicle import Vehicle


async def logs_on_board(vehicle: Vehicle, _: LogsQuestion) -> LogList:
    """The newest logs, the oldest of them first; read from the vehicle now.

    Raises VehicleOffline, LinkTimeout; VehicleBusy, also for one that is armed: ArduPilot lists nothing then.
    """
    if vehicle.link is not LinkState.LIVE:
        raise VehicleOffline(vehicle.id, vehicle.snapshot().last_heard_at)
    if vehicle.state.armed is not False:
        raise VehicleBusy(vehicle.id, "it is armed, and lists its logs only when it is disarmed")
    with vehicle.exclusive("listing its logs"):
        entries = await list_logs(vehicle)
    on_board = entries[-1].count if entries else 0
    return LogList(vehicle.id, on_board, tuple(_log(each) for each in entries))


def _log(entry: LogEntry) -> VehicleLog:
    ended_at = None if entry.utc_s is None else datetime.fromtimestamp(entry.utc_s, UTC)
    return VehicleLog(entry.id, ended_at, entry.size_bytes)
