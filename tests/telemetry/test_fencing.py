"""The fence watch at work: positions in, one action out, and nothing against a pilot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from core.clock import ManualClock, SystemClock
from core.ids import DockId, VehicleId
from geofence.onboard import FencePolygon, OnboardFence
from geofence.rails import Leg, Rails
from geofence.watch import FenceEvent, Phase
from missions.energy import AIRFRAMES
from missions.model import Dock
from telemetry.fencing import AGAIN_AFTER_S, AGAIN_AT_MOST, FenceAction, FenceGuard, FencePolicy, rails_of
from telemetry.packets import GlobalPosition, Heartbeat, MissionCurrent, Mode
from telemetry.progress import waypoint_seqs
from telemetry.vehicle import Vehicle, VehicleConfig
from tests.geofence.places import at, box
from tests.samples import a_revision

FENCE = OnboardFence((FencePolygon(box(-100, -100, 100, 100), inclusion=True),), alt_max_rel_m=65.0)
# Its mission: east along the middle to 90 m, north, and home.
RAILS = Rails(
    [
        Leg(1, at(0, 0), at(0, 0)),
        Leg(3, at(0, 0), at(90, 0)),
        Leg(4, at(90, 0), at(90, 80)),
        Leg(5, at(90, 80), at(0, 0)),
    ]
)


def a_vehicle(number: int = 1) -> Vehicle:
    dock = Dock(DockId("d"), "d", "d", at(0, 0), 4.0)
    config = VehicleConfig(VehicleId(f"v{number}"), "v", ("x",), number, dock, next(iter(AIRFRAMES.values())))
    return Vehicle(config, clock=SystemClock())


def position(x_m: float, y_m: float = 0.0, *, east_mps: float = 0.0, north_mps: float = 0.0) -> GlobalPosition:
    place = at(x_m, y_m)
    return GlobalPosition(1, place.lat_deg, place.lon_deg, 60.0, 50.0, north_mps, east_mps, 0.0, None)


class Watched:
    """A vehicle under a guard; `fly` lets it be heard at places and waits until they were looked at."""

    def __init__(self, mode: Mode, policy: FencePolicy | None = None) -> None:
        self.told: list[tuple[Phase, FenceAction]] = []

        def told(_: Vehicle, event: FenceEvent, action: FenceAction) -> None:
            self.told.append((event.phase, action))

        def again(_: Vehicle, action: FenceAction) -> None:
            self.again.append(action)

        self.again: list[FenceAction] = []
        self.clock = ManualClock()
        self.vehicle = a_vehicle()
        self.guard = FenceGuard(policy or FencePolicy(), clock=self.clock, told=told, again=again)
        self.guard.put(self.vehicle, FENCE, RAILS)
        self.vehicle.listen(lambda packet: self.guard.hear(self.vehicle, packet))
        self.vehicle.hear(Heartbeat(True, True, mode, 4))

    async def fly(self, *positions: GlobalPosition) -> None:
        for each in positions:
            self.vehicle.hear(each)
            await asyncio.sleep(0.01)


async def test_a_breach_has_the_vehicle_return() -> None:
    watched = Watched(Mode.AUTO)
    await watched.fly(position(0), position(120), position(130))
    assert watched.told == [(Phase.BREACH, FenceAction.RETURN)]


async def test_what_a_vehicle_does_not_do_is_asked_for_again_until_it_shows_and_then_no_more() -> None:
    watched = Watched(Mode.AUTO)
    await watched.fly(position(130))
    for _ in range(4):
        watched.clock.advance(AGAIN_AFTER_S / 2)
        await watched.fly(position(130))
    assert watched.again == [FenceAction.RETURN] * 2
    watched.vehicle.hear(Heartbeat(True, True, Mode.RTL, 4))
    await watched.fly(position(130))
    watched.vehicle.hear(Heartbeat(True, True, Mode.AUTO, 4))  # somebody's word, who saw it return
    watched.clock.advance(10 * AGAIN_AFTER_S)
    await watched.fly(position(130))
    assert watched.again == [FenceAction.RETURN] * 2
    assert watched.told == [(Phase.BREACH, FenceAction.RETURN)]


async def test_what_is_refused_for_ever_is_not_asked_for_for_ever() -> None:
    watched = Watched(Mode.AUTO)
    for _ in range(10):
        await watched.fly(position(130))
        watched.clock.advance(AGAIN_AFTER_S)
    assert watched.again == [FenceAction.RETURN] * AGAIN_AT_MOST


@pytest.mark.parametrize("then", ["back", "taken by its pilot", "sent elsewhere", "left alone"])
async def test_nothing_is_asked_for_again_that_is_over(then: str) -> None:
    watched = Watched(Mode.AUTO)
    await watched.fly(position(130))
    match then:
        case "back":
            await watched.fly(position(0))
        case "taken by its pilot":
            watched.vehicle.hear(Heartbeat(True, True, Mode.LOITER, 4))
            await watched.fly(position(130))
        case "sent elsewhere":
            watched.guard.put(watched.vehicle, FENCE, RAILS)
        case "left alone":
            watched.guard.drop(watched.vehicle)
    watched.vehicle.hear(Heartbeat(True, True, Mode.AUTO, 4))
    watched.clock.advance(2 * AGAIN_AFTER_S)
    await watched.fly(position(90 if then == "back" else 130))
    assert watched.again == []


async def test_what_it_cannot_stop_before_has_it_brake() -> None:
    watched = Watched(Mode.GUIDED)
    await watched.fly(*(position(x, east_mps=10.0) for x in (40, 82, 84, 86)))
    assert watched.told == [(Phase.PREDICTED, FenceAction.BRAKE)]


async def test_on_the_line_of_its_mission_it_is_trusted_to_slow_down() -> None:
    watched = Watched(Mode.AUTO)
    await watched.fly(*(position(x, east_mps=10.0) for x in (40, 82, 84, 86)))
    assert watched.told == []


@pytest.mark.parametrize("off_m", [3.5, 4.5])
async def test_one_that_is_blown_off_its_line_has_to_be_stopped_before_its_fence(off_m: float) -> None:
    # 5 m/s sideways: it stands after 5 · 2.3 + 25 / 18 = 12.9 m, and on its line 3 m would count.
    watched = Watched(Mode.AUTO)
    watched.vehicle.hear(MissionCurrent(4, 6))
    await watched.fly(*(position(90 + off_m, 40 + y, east_mps=5.0) for y in (0, 1, 2)))
    assert watched.told == ([(Phase.PREDICTED, FenceAction.BRAKE)] if off_m > 4.0 else [])


async def test_the_line_of_another_leg_is_not_its_line() -> None:
    # On its way east, and thrown out to where its last leg is.
    watched = Watched(Mode.AUTO)
    home_legs = Rails(
        [Leg(seq, at(x, 0), at(x + 10, 0)) for seq, x in ((2, 0), (3, 10), (4, 20))]
        + [Leg(9, at(40, 90), at(40, 60))]
    )
    watched.guard.put(watched.vehicle, FENCE, home_legs)
    watched.vehicle.hear(MissionCurrent(2, 10))
    out = [position(40, 72 + y, north_mps=10.0) for y in (0, 1, 2)]
    await watched.fly(*out)
    assert watched.told == [(Phase.PREDICTED, FenceAction.BRAKE)]
    watched.vehicle.hear(MissionCurrent(9, 10))
    await watched.fly(*out * 2)
    assert watched.told[1:] == [(Phase.OVER, FenceAction.WARN)]


def test_the_rails_of_a_plan_lead_through_its_items_and_home() -> None:
    plan = a_revision().plan
    rails = rails_of(plan)
    for seq, step in zip(waypoint_seqs(plan.items), plan.waypoints, strict=True):
        assert rails.off_m(step.place, seq) < 0.05
    assert rails.off_m(plan.home, plan.items[-1].seq) < 0.05
    assert rails.off_m(plan.home, 1) < 0.05


@pytest.mark.parametrize("mode", [Mode.LOITER, Mode.STABILIZE, Mode.POSHOLD, Mode.RTL, Mode.LAND, Mode.SMART_RTL])
async def test_neither_a_pilot_nor_a_vehicle_on_its_way_home_is_interfered_with(mode: Mode) -> None:
    watched = Watched(mode)
    await watched.fly(position(120))
    assert watched.told == [(Phase.BREACH, FenceAction.WARN)]


async def test_the_policy_may_be_to_warn_only() -> None:
    watched = Watched(Mode.AUTO, FencePolicy(FenceAction.WARN, FenceAction.WARN))
    await watched.fly(position(120), position(0))
    assert watched.told == [(Phase.BREACH, FenceAction.WARN), (Phase.OVER, FenceAction.WARN)]


async def test_many_vehicles_heard_at_once_are_looked_at_in_one_go() -> None:
    looks = 0
    told: list[str] = []
    guard = FenceGuard(FencePolicy(), clock=SystemClock(), told=lambda v, *_: told.append(v.id))
    look: Callable[[], None] = guard._look

    def counted() -> None:
        nonlocal looks
        looks += 1
        look()

    guard._look = counted  # type: ignore[method-assign]
    for number in range(1, 101):
        vehicle = a_vehicle(number)
        guard.put(vehicle, FENCE, RAILS)
        guard.hear(vehicle, position(120 if number == 42 else 0))
    await asyncio.sleep(0.05)
    assert (looks, told) == (1, ["v42"])


async def test_a_vehicle_that_is_no_longer_watched_is_forgotten() -> None:
    watched = Watched(Mode.AUTO)
    watched.vehicle.hear(position(120))
    watched.guard.drop(watched.vehicle)
    await asyncio.sleep(0.02)
    assert watched.told == []
