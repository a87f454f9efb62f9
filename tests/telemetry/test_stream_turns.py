"""States go out to many viewers a few at a time: what cannot wait comes between, and nothing is lost or mixed up."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from core.clock import ManualClock
from core.ids import VehicleId
from telemetry.messages import FleetEvent, VehicleUpdate
from telemetry.stream.frames import Sent
from telemetry.stream.hub import TURN_S, StreamHub
from tests.telemetry.test_stream import IDS, Far, a_hub, news_of, settle, state, tick, viewing

WRITE_S = 0.001
EACH_TURN = round(TURN_S / WRITE_S) + 1  # whoever's turn it is then is still told


class Slow(Far):
    """Writing to it takes `WRITE_S` of everybody's time."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock
        self.takes_all = True

    def write(self, *frames: Sent) -> None:
        super().write(*frames)
        self._clock.advance(WRITE_S)
        if not self.takes_all:
            self.held += sum(len(each.payload) for each in frames)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def hub(clock: ManualClock) -> StreamHub:
    return a_hub(clock)


def say(hub: StreamHub, clock: ManualClock, text: str, severity: str = "warning") -> None:
    hub.event(FleetEvent(clock.now(), severity, "statustext", text, VehicleId("bl-01")))


def ticked(fars: list[Slow]) -> int:
    """How many were told a tick."""
    return sum(bool(far.of("tick")) for far in fars)


def in_order(far: Far) -> bool:
    numbers = [frame["seq"] for frame in far.frames]
    return numbers == sorted(numbers)


async def test_an_event_goes_out_before_the_states_of_those_whose_turn_is_to_come(
    hub: StreamHub, clock: ManualClock
) -> None:
    fars = [Slow(clock) for _ in range(30)]
    async with viewing(hub, *fars):
        say(hub, clock, "can wait", "info")
        clock.advance(1.0)
        hub.tick(tick(clock))
        assert 0 < ticked(fars) <= EACH_TURN
        say(hub, clock, "cannot")
        await asyncio.sleep(0)
        assert [news_of(far) for far in fars] == [["can wait", "cannot"]] * 30
        assert ticked(fars) <= 2 * EACH_TURN
        await settle()
        assert ticked(fars) == 30
        assert all(in_order(far) for far in fars)
        positions = {far.view().position for far in fars}
        assert len({each.seq for each in positions if each is not None}) == 2


async def test_the_next_tick_finishes_the_one_before(hub: StreamHub, clock: ManualClock) -> None:
    fars = [Slow(clock) for _ in range(30)]
    async with viewing(hub, *fars):
        for _ in range(3):
            clock.advance(1.0)
            hub.tick(tick(clock))
        await settle()
    assert {len(far.of("tick")) for far in fars} == {3}


async def test_a_transport_that_becomes_clear_meanwhile_is_not_left_waiting_for_the_next_tick(
    hub: StreamHub, clock: ManualClock
) -> None:
    fars = [Slow(clock) for _ in range(30)]
    async with viewing(hub, *fars):
        for far in fars:
            far.held = 1 << 20
        say(hub, clock, "while it was full")
        await settle()
        for far in fars[::2]:  # these take the states' time
            far.held = 0
        clock.advance(1.0)
        hub.tick(tick(clock))
        say(hub, clock, "in between")
        for far in fars:
            far.clear()
        await settle()
        assert [news_of(far) for far in fars] == [["while it was full", "in between"]] * 30


async def test_who_follows_is_told_the_state_before_an_update_that_is_newer(
    hub: StreamHub, clock: ManualClock
) -> None:
    fars = [Slow(clock) for _ in range(30)]
    async with viewing(hub, *fars, follow="bl-01"):
        clock.advance(1.0)
        before, after = state("bl-01", ground_speed_mps=1.0), state("bl-01", ground_speed_mps=2.0)
        hub.tick(tick(clock, before, *(state(each) for each in IDS if each != "bl-01")))
        assert 0 < ticked(fars) <= EACH_TURN
        hub.update(VehicleUpdate(clock.now(), 1, after))
        await settle()
    assert {far.view().vehicles["bl-01"]["ground_speed_mps"] for far in fars} == {2.0}
    assert all(far.frames[-1]["type"] == "update" for far in fars)


@pytest.mark.parametrize("rate_hz", [10.0, 4.0, 2.0, 0.5])
async def test_a_viewer_is_told_at_its_rate_however_late_ticks_come(
    hub: StreamHub, clock: ManualClock, rate_hz: float
) -> None:
    far, rng, began_s = Far(), random.Random(5), clock.mono_s()
    async with viewing(hub, far, rate_hz=rate_hz):
        for number in range(1, 401):
            clock.advance(began_s + 0.1 * number + rng.uniform(0.0, 0.08) - clock.mono_s())
            hub.tick(tick(clock, *(state(each, ground_speed_mps=float(number)) for each in IDS)))
    assert 0.97 * 40.0 * rate_hz <= len(far.of("tick")) <= 40.0 * rate_hz + 1


class Chance:
    """Lets anything happen to a hub and its viewers, from a seed."""

    def __init__(self, hub: StreamHub, clock: ManualClock, fars: list[Slow], seed: int) -> None:
        self._hub, self._clock, self._fars, self._rng = hub, clock, fars, random.Random(seed)
        self.states = {each: state(each) for each in IDS}
        self.said: list[str] = []
        self._turns = (self.tick, self.tick, self._say, self._hold, self._clear, self._hub.beat, self._ask)

    async def step(self) -> None:
        self._rng.choice(self._turns)()
        if self._rng.random() < 0.4:
            await asyncio.sleep(0)

    def tick(self) -> None:
        each, speed = self._rng.choice(IDS), self._rng.uniform(0.0, 20.0)
        self.states[each] = replace(self.states[each], ground_speed_mps=round(speed, 1))
        self._clock.advance(self._rng.choice((0.05, 0.1, 0.2)))
        self._hub.tick(tick(self._clock, *self.states.values()))

    def _say(self) -> None:
        self.said.append(f"{len(self.said)}")
        say(self._hub, self._clock, self.said[-1], self._rng.choice(("warning", "info")))

    def _hold(self) -> None:
        self._rng.choice(self._fars).takes_all = False

    def _clear(self) -> None:
        far = self._rng.choice(self._fars)
        far.takes_all = True
        far.clear()

    def _ask(self) -> None:
        self._rng.choice(self._fars).say(rate_hz=self._rng.choice((2.0, 10.0)))


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_comes_between_every_viewer_ends_with_the_same_states_and_all_news_once(
    hub: StreamHub, clock: ManualClock, seed: int
) -> None:
    fars = [Slow(clock) for _ in range(25)]
    chance = Chance(hub, clock, fars, seed)
    async with viewing(hub, *fars):
        for _ in range(400):
            await chance.step()
        for far in fars:
            far.takes_all = True
            far.clear()
        for _ in range(8):
            chance.tick()
            clock.advance(1.0)
            await settle()
    speeds = {each: record.ground_speed_mps for each, record in chance.states.items()}
    for far in fars:
        assert in_order(far)
        assert news_of(far) == chance.said
        shown = far.view().vehicles
        assert {each: round(shown[each]["ground_speed_mps"], 1) for each in IDS} == speeds
