"""Members follow their enrolment: at once as to whose they are, and else when they do not fly for us."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from core.clock import ManualClock
from telemetry.fleet import Fleet
from telemetry.members import Members
from telemetry.vehicle import Vehicle, VehicleConfig
from tests.telemetry.test_flight import a_vehicle

CONFIG = a_vehicle().config


class Roll:
    """A roster whose configs a test changes."""

    def __init__(self) -> None:
        self.configs: list[VehicleConfig] | None = [CONFIG]

    async def changed(self) -> Sequence[VehicleConfig] | None:
        changed, self.configs = self.configs, None
        return changed


@asynccontextmanager
async def _host(_: Vehicle) -> AsyncIterator[None]:
    yield


@pytest.mark.parametrize("busy", [False, True])
async def test_a_vehicle_that_flies_changes_its_unit_at_once_and_all_else_when_it_has_landed(*, busy: bool) -> None:
    flies = busy
    fleet = Fleet("g", [], [CONFIG], clock=ManualClock(), pace=1.0, on_frame=lambda *_: None, on_event=lambda _: None)
    roll = Roll()
    members = Members(fleet, roster=roll, host=_host, is_busy=lambda _: flies)
    await members.open()
    roll.configs = [replace(CONFIG, name="another", unit="north")]
    await members.look()
    (told,) = fleet.tick().changed
    assert (told.unit, told.name) == ("north", CONFIG.name if busy else "another")
    flies = False
    await members.look()
    assert fleet.vehicles[CONFIG.id].slow.name == "another"
    assert fleet.vehicles[CONFIG.id].slow.unit == "north"
    await members.close()
