"""No snapshot overtakes the news that wait, none is missing what stands still, and a herd shares them."""

from __future__ import annotations

import asyncio
import gc
from contextlib import AsyncExitStack

import pytest

from core.clock import ManualClock
from core.ids import VehicleId
from telemetry.messages import FleetEvent, FleetTick, VehicleUpdate
from telemetry.stream import endings, news
from telemetry.stream import hub as hub_module
from telemetry.stream.audience import Rights
from telemetry.stream.hub import StreamHub
from telemetry.stream.viewer import BEHIND_NEWS, NEWS_CLEAR_BYTES
from tests.telemetry.test_stream import FULL, Far, Narrow, a_hub, news_of, settle, state, tick, told, viewing

NORTH = Rights(frozenset({"north"}))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def hub(clock: ManualClock) -> StreamHub:
    return a_hub(clock, [state("bl-01", unit="north"), state("bl-02", unit="south")])


def moved(clock: ManualClock) -> FleetTick:
    """bl-02 comes to the north."""
    return tick(clock, state("bl-01", unit="north"), state("bl-02", unit="north"))


def kinds(far: Far) -> list[str]:
    return [frame["type"] for frame in far.frames]


def say(hub: StreamHub, clock: ManualClock, text: str, severity: str = "warning") -> None:
    hub.event(FleetEvent(clock.now(), severity, "statustext", text, VehicleId("bl-01")))


async def test_the_snapshot_of_another_subscription_comes_after_the_news_that_wait(
    hub: StreamHub, clock: ManualClock
) -> None:
    far = Far()
    async with viewing(hub, far):
        far.held = FULL
        say(hub, clock, "before")
        await settle()
        far.say(vehicles=["bl-02"])
        await settle()
        assert kinds(far) == ["snapshot"]
        far.clear()
        told(hub, clock, *hub.vehicles())
    assert kinds(far) == ["snapshot", "event", "snapshot"]
    assert [frame["seq"] for frame in far.frames] == sorted(frame["seq"] for frame in far.frames)
    assert [each["vehicle_id"] for each in far.frames[-1]["vehicles"]] == ["bl-02"]


async def test_an_unasked_snapshot_comes_after_news_of_the_same_tick_that_a_transport_does_not_take_at_once(
    hub: StreamHub, clock: ManualClock
) -> None:
    far = Narrow()
    async with viewing(hub, far, rights=NORTH):
        far.held = 0
        texts = [f"{number} {'x' * 1_000}" for number in range(2 * NEWS_CLEAR_BYTES // 1_000)]
        for text in texts:
            say(hub, clock, text, "info")
        clock.advance(1)
        hub.tick(moved(clock))
        assert far.held
        for _ in range(10):
            far.clear()
        hub.tick(moved(clock))
    assert news_of(far) == texts
    assert kinds(far) == ["snapshot", *["event"] * len(texts), "snapshot"]


async def test_a_viewer_that_waits_for_a_snapshot_is_told_no_update_before_it(
    hub: StreamHub, clock: ManualClock
) -> None:
    def update() -> VehicleUpdate:
        (followed,) = (each for each in hub.vehicles() if each.vehicle_id == "bl-01")
        return VehicleUpdate(clock.now(), 1, followed)

    far = Far()
    async with viewing(hub, far, rights=NORTH, rate_hz=0.2, follow="bl-01"):
        told(hub, clock, state("bl-01", unit="north", mode="AUTO"), state("bl-02", unit="south"))
        hub.update(update())
        clock.advance(1)
        hub.tick(moved(clock))  # before the viewer's next tick is due
        hub.update(update())
        assert kinds(far) == ["snapshot", "tick", "update"]
        clock.advance(5)
        hub.tick(moved(clock))
        hub.update(update())
    assert kinds(far) == ["snapshot", "tick", "update", "snapshot", "update"]


async def test_a_resumed_viewer_of_another_area_is_told_of_those_who_stand_still_there(
    hub: StreamHub, clock: ManualClock
) -> None:
    here, there = state("bl-01", lat_deg=31.1, lon_deg=121.1), state("bl-02", lat_deg=31.9, lon_deg=121.9)
    hub.tick(tick(clock, here, there))
    far, again = Far(), Far()
    async with viewing(hub, far, area=[121.0, 31.0, 121.2, 31.2]):
        (first,) = far.frames
    position = {"epoch": first["epoch"], "seq": first["seq"]}
    async with viewing(hub, again, area=[121.8, 31.8, 122.0, 32.0], resume=position):
        pass
    assert kinds(again) == ["resumed", "tick"]
    numbers = {each["vehicle_id"]: each["number"] for each in first["vehicles"]}
    assert [row[0] for row in again.frames[-1]["rows"]] == [numbers[VehicleId("bl-02")]]


def gap(seq: int) -> dict[str, object]:
    return {"epoch": "before the restart", "seq": seq}


async def test_a_herd_with_the_same_gap_shares_one_snapshot_and_each_is_told_its_own_gap(hub: StreamHub) -> None:
    herd, others, fresh = [Far() for _ in range(20)], [Far() for _ in range(2)], Far()
    async with viewing(hub, *herd, resume=gap(7)), viewing(hub, *others, resume=gap(8)), viewing(hub, fresh):
        pass
    assert len({id(far.sent[0]) for far in herd}) == 1
    assert {far.frames[0]["gap"]["seq"] for far in herd} == {7}
    assert {far.frames[0]["gap"]["seq"] for far in others} == {8}
    assert fresh.frames[0]["gap"] is None


async def test_no_more_snapshots_are_kept_than_the_bound_whatever_gaps_are_named(
    hub: StreamHub, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telemetry.stream.hub.MOST_SNAPSHOTS", 3)
    pairs = [(Far(), Far()) for _ in range(5)]
    for seq, pair in enumerate(pairs):
        async with viewing(hub, *pair, resume=gap(seq)):
            pass
    shared = [first.sent[0] is second.sent[0] for first, second in pairs]
    assert shared == [True, True, True, False, False]
    assert [second.frames[0]["gap"]["seq"] for _, second in pairs] == [0, 1, 2, 3, 4]
    clock.advance(1)
    hub.beat()
    async with viewing(hub, *(later := (Far(), Far())), resume=gap(9)):
        pass
    assert later[0].sent[0] is later[1].sent[0], "those of a moment ago have gone"


@pytest.mark.parametrize(("rate_hz", "period_s"), [(10.0, 1.0), (1.0, 1.0), (0.5, 2.0), (0.2, 5.0)])
async def test_a_viewer_hears_something_every_second_or_at_its_rate_and_2_s_later_when_the_gateway_falls_silent(
    hub: StreamHub, clock: ManualClock, rate_hz: float, period_s: float
) -> None:
    far, said_s = Far(), clock.mono_s()
    longest_s = {"heard": 0.0, "silent": 0.0}
    async with viewing(hub, far, rate_hz=rate_hz):
        for step in range(400):
            before = len(far.sent)
            clock.advance(0.1)
            if step < 200:
                hub.tick(tick(clock, state("bl-01", unit="north"), state("bl-02", unit="south")))
            if step % 10 == 5:
                hub.beat()
            now = "heard" if step < 200 else "silent"
            longest_s[now] = max(longest_s[now], clock.mono_s() - said_s)
            if len(far.sent) > before:
                said_s = clock.mono_s()
    assert 0.4 * period_s < longest_s["heard"] <= period_s + 0.01
    assert longest_s["silent"] <= period_s + 2.0


async def test_what_can_wait_is_not_told_because_of_what_a_tick_has_told_already(
    hub: StreamHub, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "WAITING_S", 1.0)
    far = Far()
    async with viewing(hub, far):
        say(hub, clock, "first", "info")
        hub.tick(moved(clock))
        await asyncio.sleep(0.7)
        say(hub, clock, "second", "info")
        await asyncio.sleep(0.6)  # when the first would have been told without a tick
        assert news_of(far) == ["first"]
        say(hub, clock, "third")
        await settle()
        assert news_of(far) == ["first", "second", "third"]


async def test_what_goes_out_with_a_tick_is_told_once_to_a_viewer_that_has_just_caught_up(
    hub: StreamHub, clock: ManualClock
) -> None:
    far = Far()
    async with viewing(hub, far):
        far.held = FULL
        say(hub, clock, "before")
        await settle()
        say(hub, clock, "with the tick", "info")
        far.held = 0  # which the loop has not told yet
        clock.advance(1)
        hub.tick(moved(clock))
        far.clear()
    assert kinds(far) == ["snapshot", "event", "event", "tick"]
    assert [frame["seq"] for frame in far.frames] == sorted({frame["seq"] for frame in far.frames})


async def test_a_viewer_that_changes_what_it_wants_is_given_nobodys_older_snapshot(
    hub: StreamHub, clock: ManualClock
) -> None:
    changing, other = Far(), Far()
    async with viewing(hub, changing), viewing(hub, other, vehicles=["bl-02"]):
        say(hub, clock, "since")
        await settle()
        changing.say(vehicles=["bl-02"])
        await settle()
    assert kinds(changing) == ["snapshot", "event", "snapshot"]
    assert changing.frames[-1]["seq"] >= changing.frames[1]["seq"]


async def test_a_viewer_that_is_cut_is_not_taken_back_by_what_it_asks_for_in_that_moment(
    hub: StreamHub, clock: ManualClock
) -> None:
    far = Far()
    async with viewing(hub, far):
        far.held = FULL
        for number in range(BEHIND_NEWS + 1):
            say(hub, clock, str(number), "info")
        far.say(vehicles=["bl-02"])
        await settle()
    assert (kinds(far), far.code) == (["snapshot", "bye"], 1013)


async def test_whoever_leaves_behind_holds_no_news_any_more(
    hub: StreamHub, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "KEPT_NEWS", 10)
    far = Far()
    async with viewing(hub, far):
        far.held = FULL
        say(hub, clock, "first")
        await settle()
        (left,) = hub._viewers  # a connection outlives its service until the collector comes by
        assert left.untold is not None
    for number in range(200):
        say(hub, clock, str(number))
        await asyncio.sleep(0)
    gc.collect()
    # By their type: to ask a weak proxy what it is an instance of is to ask what may be gone.
    assert sum(type(each) is news.News for each in gc.get_objects()) < 50
    assert left.untold is None


async def test_viewers_that_the_same_news_cut_are_closed_some_at_a_time(
    hub: StreamHub, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endings, "ENDS_EVERY_S", 0.3)
    slow = [Far() for _ in range(20)]
    async with AsyncExitStack() as stack:
        for far in slow:
            await stack.enter_async_context(viewing(hub, far))
            far.held = FULL
        for number in range(BEHIND_NEWS + 1):
            say(hub, clock, str(number))
            if number % 500 == 0:
                await asyncio.sleep(0)
        await settle()
        closed = [sum(far.code is not None for far in slow)]
        async with asyncio.timeout(10):
            while closed[-1] < len(slow):
                await asyncio.sleep(0.1)
                closed.append(sum(far.code is not None for far in slow))
    assert closed[0] <= 8
    assert any(8 <= count <= 16 for count in closed)
    assert {far.code for far in slow} == {1013}
