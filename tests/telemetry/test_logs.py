"""The logs of a simulated vehicle, listed as an operator asks for them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.errors import VehicleBusy, VehicleOffline
from telemetry.log_desk import logs_on_board
from telemetry.messages import LogsQuestion
from telemetry.packets import Heartbeat, LogEntry, LogRequestList, Mode, Outbound
from telemetry.vehicle import Vehicle
from tests.telemetry.test_flight import a_vehicle

QUESTION = LogsQuestion(a_vehicle().id)
END = datetime(2026, 11, 1, tzinfo=UTC)


def a_listener(*entries: LogEntry, armed: bool = False) -> Vehicle:
    """A vehicle on the ground that answers the question for its logs with `entries`."""
    vehicle = a_vehicle()

    def transmit(packet: Outbound) -> None:
        assert isinstance(packet, LogRequestList)
        for entry in entries:
            vehicle.hear(entry)

    vehicle.attach(transmit)
    vehicle.hear(Heartbeat(True, armed, Mode.GUIDED, 4))
    return vehicle


async def test_the_logs_are_listed_with_their_ends_and_sizes() -> None:
    first, second = LogEntry(6, 2, 7, None, 10), LogEntry(7, 2, 7, int(END.timestamp()), 2_000_000)
    listed = await logs_on_board(a_listener(first, second), QUESTION)
    assert listed.on_board == 2
    assert [(log.id, log.ended_at, log.size_bytes) for log in listed.logs] == [
        (6, None, 10),
        (7, END, 2_000_000),
    ]


async def test_no_logs_are_no_error() -> None:
    listed = await logs_on_board(a_listener(LogEntry(0, 0, 0, None, 0)), QUESTION)
    assert (listed.on_board, listed.logs) == (0, ())


async def test_one_that_is_armed_is_not_asked() -> None:
    with pytest.raises(VehicleBusy, match="armed"):
        await logs_on_board(a_listener(armed=True), QUESTION)


async def test_one_that_is_not_heard_is_offline() -> None:
    with pytest.raises(VehicleOffline):
        await logs_on_board(a_vehicle(), QUESTION)
