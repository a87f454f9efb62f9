"""Following one vehicle: each change at once, nothing when nobody asks any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from adapters.bus_local import LocalBus
from core.clock import ManualClock
from core.geo import LatLon
from core.ids import DockId, VehicleId
from missions.model import Airframe, Dock
from telemetry import following
from telemetry.following import LEASE_S, Following
from telemetry.messages import VehicleUpdate, vehicle_update_subject
from telemetry.packets import Attitude, Heartbeat
from telemetry.vehicle import Vehicle, VehicleConfig

DOCK = Dock(DockId("dock"), "机场", "dock", LatLon(31.139, 121.124), 4.0, 20.0)
FRAME = Airframe("quad", 130, 280, 260, 10, 50, 15, 3, 2)
CONFIG = VehicleConfig(VehicleId("bl-01"), "one", ("fleet",), 11, DOCK, FRAME)


class World:
    def __init__(self) -> None:
        self.clock, self.bus = ManualClock(), LocalBus()
        self.vehicle = Vehicle(CONFIG, clock=self.clock)
        self.hurried: list[tuple[VehicleId, float]] = []
        self.following = Following(
            self.bus, self.clock, lambda _: self.vehicle.snapshot(), lambda *asked: self.hurried.append(asked)
        )

    @contextmanager
    def listening(self) -> Iterator[list[VehicleUpdate]]:
        subject = vehicle_update_subject(self.vehicle.id)
        told: list[VehicleUpdate] = []
        publish = self.bus.publish

        def see(on: str, message: object) -> None:
            assert on == subject
            assert isinstance(message, VehicleUpdate)
            told.append(message)
            publish(on, message)

        self.bus.publish = see  # type: ignore[assignment, method-assign]
        yield told


def test_a_followed_vehicle_is_heard_without_delay_for_as_long_as_it_is_followed() -> None:
    world = World()
    world.following.ask(world.vehicle)
    world.following.ask(world.vehicle)
    assert world.hurried == [(world.vehicle.id, LEASE_S)] * 2


def test_each_packet_that_changes_something_is_told_at_once() -> None:
    world = World()
    with world.listening() as told:
        world.vehicle.hear(Attitude(1.0, 2.0, 3.0))
        world.following.ask(world.vehicle)
        for roll_deg in (5.0, 5.0, 6.0):
            world.vehicle.hear(Attitude(roll_deg, 2.0, 3.0))
        world.vehicle.hear(Heartbeat(True, True, 3, 4))
    assert [(update.number, update.state.roll_deg, update.state.armed) for update in told] == [
        (1, 5.0, None),
        (2, 6.0, None),
        (3, 6.0, True),
    ]


def test_nobody_asks_any_more_and_nothing_is_told() -> None:
    world = World()
    with world.listening() as told:
        world.following.ask(world.vehicle)
        world.clock.advance(LEASE_S - 1)
        world.following.ask(world.vehicle)
        world.clock.advance(LEASE_S - 1)
        world.following.expire()
        world.vehicle.hear(Attitude(1.0, 2.0, 3.0))
        assert len(told) == 1
        world.clock.advance(2)
        world.following.expire()
        world.vehicle.hear(Attitude(4.0, 2.0, 3.0))
    assert len(told) == 1
    assert world.vehicle._listeners == []


def test_more_than_are_borne_are_refused_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "MAX_FOLLOWED", 1)
    world = World()
    world.following.ask(world.vehicle)
    world.following.ask(Vehicle(replace(CONFIG, id=VehicleId("other")), clock=world.clock))
    assert (len(world.following), world.following.refused) == (1, 1)
