"""The stream hub: every viewer at its own pace, none at another's cost, nothing conflated that must not be."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.bus_local import LocalBus
from core.clock import ManualClock
from core.errors import BailuError, Encounter, InvalidRequest, NotFound
from core.ids import AlarmId, OperatorId, SortieId, VehicleId
from missions.model import CommandRecord, Outcome, Sortie, SortieState, TrackPoint
from operations.alarms import Alarm, AlarmKind, Severity
from telemetry.client import View
from telemetry.messages import (
    ALARM_CHANGED,
    FLEET_EVENT,
    FLEET_TICK,
    FOLLOW_ASKED,
    SORTIE_CHANGED,
    AlarmChanged,
    FleetEvent,
    FleetTick,
    FlightMet,
    FollowAsked,
    LinkState,
    SortieChanged,
    TrafficConflict,
    TrafficNews,
    VehicleState,
    VehicleUpdate,
    vehicle_update_subject,
)
from telemetry.stream import feed
from telemetry.stream.admission import ADDRESS_BURST, Admission
from telemetry.stream.audience import ALL_UNITS, Rights
from telemetry.stream.contract import AnyFrame, read_subscribe
from telemetry.stream.feed import running_hub
from telemetry.stream.fields import NAMES
from telemetry.stream.frames import Encoding, Sent
from telemetry.stream.hub import WAITING_S, Encoders, StreamHub
from telemetry.stream.news import KEPT_S
from telemetry.stream.picture import MAX_TRACK, RECENT_SORTIES, Picture, aged
from telemetry.stream.viewer import BEHIND_NEWS, STALLED_AFTER_S
from tests.samples import a_sortie, a_track_point

IDS = ("bl-01", "bl-02", "bl-03")
FULL = 1 << 20


def state(vehicle_id: str, **changes: Any) -> VehicleState:
    base = VehicleState(
        VehicleId(vehicle_id), vehicle_id, None, 1, "fleet", "quad", heard_age_s=0.0, position_age_s=0.1
    )
    return replace(base, link=LinkState.LIVE, **changes)


def tick(clock: ManualClock, *states: VehicleState) -> FleetTick:
    return FleetTick.of("g", clock.now(), states or tuple(state(each) for each in IDS))


class Far:
    """The far end as a list of frames. `held`: bytes that it says its transport holds."""

    def __init__(self, encoding: Encoding = Encoding.JSON) -> None:
        self.encoding = encoding
        self.sent: list[Sent] = []
        self.code: int | None = None
        self.held = self.writes = 0
        self._room: Callable[[], None] = lambda: None
        self._incoming: asyncio.Queue[str | bytes | None] = asyncio.Queue()

    def write(self, *frames: Sent) -> None:
        self.writes += 1
        self.sent += frames

    def waiting(self) -> int:
        return self.held

    def when_clear(self, room: Callable[[], None] | None) -> None:
        self._room = room or (lambda: None)

    def clear(self) -> None:
        """All that was written has gone out, and the hub is told so."""
        self.held = 0
        self._room()

    async def receive(self) -> str | bytes | None:
        return await self._incoming.get()

    async def close(self, code: int) -> None:
        self.code = code

    def say(self, **wants: Any) -> None:
        self._incoming.put_nowait(json.dumps({"type": "subscribe", **wants}))

    def leave(self) -> None:
        self._incoming.put_nowait(None)

    @property
    def messages(self) -> list[str | bytes]:
        return [each.payload.decode() if each.encoding is Encoding.JSON else each.payload for each in self.sent]

    @property
    def frames(self) -> list[dict[str, Any]]:
        return [json.loads(each) if isinstance(each, str) else msgspec.msgpack.decode(each) for each in self.messages]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] == kind]

    def view(self) -> View:
        view = View()
        for message in self.messages:
            view.take(message)
        return view


def sortie_text(sortie: Sortie) -> bytes:
    return msgspec.json.encode({"sortie_id": sortie.id, "vehicle_id": sortie.vehicle_id, "state": sortie.state})


def problem_text(error: BailuError) -> bytes:
    return msgspec.json.encode({"type": error.slug})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def a_hub(clock: ManualClock, states: Iterable[VehicleState] | None = None) -> StreamHub:
    never = [replace(state(each), link=LinkState.NEVER, heard_age_s=None, position_age_s=None) for each in IDS]
    return StreamHub(never if states is None else states, clock=clock, encoders=Encoders(sortie_text, problem_text))


@pytest.fixture
def hub(clock: ManualClock) -> StreamHub:
    return a_hub(clock)


async def settle() -> None:
    """Lets every task that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


class Narrow(Far):
    """A far end whose transport holds what was written until a test says that it has gone out."""

    def write(self, *frames: Sent) -> None:
        super().write(*frames)
        self.held += sum(len(each.payload) for each in frames)


@asynccontextmanager
async def viewing(hub: StreamHub, *fars: Far, rights: Rights | None = None, **wants: Any) -> AsyncIterator[None]:
    """Connected, and subscribed to `wants`."""
    tasks = [asyncio.create_task(hub.serve(far, rights or Rights(), "somewhere")) for far in fars]
    for far in fars:
        far.say(**wants)
    await settle()
    yield
    for far in fars:
        far.leave()
    async with asyncio.timeout(3):
        await asyncio.gather(*tasks)


def news_of(far: Far) -> list[str]:
    return [frame["event"]["text"] for frame in far.of("event")]


def told(hub: StreamHub, clock: ManualClock, *states: VehicleState, seconds: float = 1.0) -> None:
    clock.advance(seconds)
    hub.tick(tick(clock, *states))


async def test_a_viewer_first_gets_a_snapshot_of_everything(hub: StreamHub) -> None:
    hub.sortie_changed(a_sortie())
    far = Far()
    async with viewing(hub, far):
        frame = far.frames[0]
    assert frame["type"] == "snapshot"
    assert frame["gap"] is None
    assert [vehicle["vehicle_id"] for vehicle in frame["vehicles"]] == list(IDS)
    assert [sortie["sortie_id"] for sortie in frame["sorties"]] == ["sortie-1"]
    assert frame["tracks"] == {"sortie-1": []}


async def test_a_viewer_that_says_nothing_gets_everything(hub: StreamHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemetry.stream.hub.FIRST_WORD_S", 0.01)
    far = Far()
    task = asyncio.create_task(hub.serve(far))
    async with asyncio.timeout(2):
        while not far.sent:  # noqa: ASYNC110 - a timer of the loop sends it
            await asyncio.sleep(0.01)
    far.leave()
    await task
    assert len(far.frames[0]["vehicles"]) == 3


async def test_a_viewer_sees_no_more_ticks_a_second_than_it_asked_for(hub: StreamHub, clock: ManualClock) -> None:
    fast, slow = Far(), Far()
    async with viewing(hub, fast, rate_hz=10), viewing(hub, slow, rate_hz=2):
        for number in range(50):
            told(hub, clock, state("bl-01", alt_rel_m=float(number)), seconds=0.1)
    assert len(fast.of("tick")) == 50
    assert len(slow.of("tick")) == 10


async def test_a_viewer_sees_only_the_vehicles_that_it_asked_for(hub: StreamHub, clock: ManualClock) -> None:
    far = Far()
    async with viewing(hub, far, vehicles=["bl-02", "unknown"]):
        told(hub, clock, *(state(each, alt_rel_m=5.0, mode="RTL") for each in IDS))
    assert [each["vehicle_id"] for each in far.of("snapshot")[0]["vehicles"]] == ["bl-02"]
    assert [len(far.of("tick")[-1][part]) for part in ("rows", "changed")] == [1, 1]
    assert far.view().vehicles["bl-02"]["mode"] == "RTL"


async def test_an_area_limits_rows_and_may_change_without_a_snapshot(hub: StreamHub, clock: ManualClock) -> None:
    far = Far()
    here, there = state("bl-01", lat_deg=31.1, lon_deg=121.1), state("bl-02", lat_deg=31.9, lon_deg=121.9)
    hub.tick(tick(clock, here, there))
    async with viewing(hub, far, area=[121.0, 31.0, 121.2, 31.2]):
        assert [row[0] for row in far.of("snapshot")[0]["rows"]] == [0]
        told(hub, clock, here, replace(there, mode="RTL"))
        assert far.view().vehicles["bl-02"]["mode"] == "RTL"  # what is rare is told of all
        far.say(area=[121.8, 31.8, 122.0, 32.0])
        await settle()
        assert [row[0] for row in far.frames[-1]["rows"]] == [1]
        # Across the antimeridian: east of 121.8 or west of -170.
        far.say(area=[121.8, 31.8, -170.0, 32.0])
        await settle()
        assert [row[0] for row in far.frames[-1]["rows"]] == [1]
    assert len(far.of("snapshot")) == 1


async def test_a_sortie_limits_rows_to_its_vehicle(hub: StreamHub, clock: ManualClock) -> None:
    far = Far()
    async with viewing(hub, far, sortie="s-9"):
        told(hub, clock, state("bl-01", alt_rel_m=1.0), state("bl-02", alt_rel_m=1.0))
        assert all(not frame["rows"] for frame in far.of("tick"))
        told(hub, clock, state("bl-01", alt_rel_m=1.0), state("bl-02", alt_rel_m=1.0, sortie_id=SortieId("s-9")))
    assert [row[0] for row in far.of("tick")[-1]["rows"]] == [1]


async def test_only_the_chosen_fields_are_told(hub: StreamHub, clock: ManualClock) -> None:
    far = Far()
    async with viewing(hub, far, fields=["battery", "lat_deg"]):
        told(hub, clock, state("bl-01", lat_deg=31.1234567, battery_pct=87.4, battery_v=24.12))
    assert [name for name, _ in far.frames[0]["fields"]] == ["lat_deg", "battery_pct", "battery_v", "battery_a"]
    assert far.of("tick")[-1]["rows"][0] == [0, 0, 100, 311234567, 874, 2412, None]


async def test_equal_audiences_get_the_very_same_frame(hub: StreamHub, clock: ManualClock) -> None:
    fars = [Far() for _ in range(20)]
    async with viewing(hub, *fars):
        told(hub, clock, state("bl-01", alt_rel_m=5.0))
    assert len({id(far.sent[0]) for far in fars}) == 1
    assert len({id(far.sent[-1]) for far in fars}) == 1


async def test_what_did_not_change_is_not_told_but_its_age_is(hub: StreamHub, clock: ManualClock) -> None:
    far = Far()
    async with viewing(hub, far, rate_hz=10):
        for _ in range(20):
            told(hub, clock, state("bl-01", alt_rel_m=5.0), seconds=0.1)
    rows = [frame for frame in far.of("tick") if frame["rows"]]
    assert 4 <= len(rows) <= 5  # twice a second for the age alone
    assert all(not frame["changed"] for frame in far.of("tick")[1:])


async def test_a_stalled_viewer_is_passed_over_and_slows_nobody(hub: StreamHub, clock: ManualClock) -> None:
    stalled, well = Far(), Far()
    async with viewing(hub, stalled, well):
        stalled.held = FULL
        for number in range(30):
            told(hub, clock, state("bl-01", mission_seq=number), seconds=0.5)
        assert len(well.of("tick")) == 30
        assert stalled.of("tick") == []
        stalled.held = 0
        told(hub, clock, state("bl-01", mission_seq=30), state("bl-02"))
    assert [frame["changed"][0]["mission_seq"] for frame in stalled.of("tick")] == [30]
    assert stalled.view().vehicles == well.view().vehicles


async def test_a_viewer_that_stays_stalled_is_cut(hub: StreamHub, clock: ManualClock) -> None:
    stalled = Far()
    async with viewing(hub, stalled):
        stalled.held = FULL
        for _ in range(round(STALLED_AFTER_S)):
            hub.beat()
            clock.advance(1)
        await settle()
        assert hub.viewer_count == 1
        clock.advance(1)
        hub.beat()
        await settle()
        assert hub.viewer_count == 0
    assert hub.drops["viewers cut, stalled"] == 1
    assert stalled.code == 1013


async def test_a_viewer_that_reads_slowly_but_steadily_is_not_cut_though_its_transport_is_as_full_at_each_look(
    hub: StreamHub, clock: ManualClock
) -> None:
    slow, texts = Narrow(), [f"{number} {'x' * 900}" for number in range(3_000)]
    async with viewing(hub, slow):
        slow.held = FULL
        for text in texts:
            hub.event(FleetEvent(clock.now(), "warning", "statustext", text))
        await asyncio.sleep(0)
        for _ in range(60):
            clock.advance(1)
            slow.clear()
            hub.beat()
        await settle()
        assert slow.code is None
        assert news_of(slow) == texts


async def test_a_viewer_that_reads_slowly_is_not_cut(hub: StreamHub, clock: ManualClock) -> None:
    slow = Far()
    async with viewing(hub, slow):
        for second in range(60):
            slow.held = FULL - 1_000 * second
            hub.beat()
            clock.advance(1)
        await settle()
        assert hub.viewer_count == 1


async def test_news_are_never_conflated_and_come_before_later_states(hub: StreamHub, clock: ManualClock) -> None:
    far = Far()
    async with viewing(hub, far):
        far.held = FULL
        for number in range(1, 101):
            hub.sortie_changed(a_sortie(row_revision=number))
            hub.event(FleetEvent(clock.now(), "info", "statustext", str(number)))
            told(hub, clock, state("bl-01", mission_seq=number))
        assert len(far.sent) == 1
        far.clear()
        told(hub, clock, state("bl-01", mission_seq=101))
    assert len(far.of("sortie")) == 100
    assert news_of(far) == [str(number) for number in range(1, 101)]
    assert far.frames[-1]["type"] == "tick"


async def test_what_nobody_has_to_act_upon_waits_for_a_tick_and_nothing_overtakes_it(
    hub: StreamHub, clock: ManualClock
) -> None:
    def say(severity: str, text: str) -> None:
        hub.event(FleetEvent(clock.now(), severity, "statustext", text))

    far = Far()
    async with viewing(hub, far):
        say("info", "1")
        say("info", "2")
        assert news_of(far) == []
        say("warning", "3")
        await asyncio.sleep(0)
        assert news_of(far) == ["1", "2", "3"]
        say("info", "4")
        told(hub, clock, state("bl-01", mission_seq=2))
        assert [frame["type"] for frame in far.frames[-2:]] == ["event", "tick"]
        say("info", "5")
        await asyncio.sleep(3 * WAITING_S)  # and no tick comes
        assert news_of(far) == ["1", "2", "3", "4", "5"]


async def test_a_whole_fleet_that_has_something_to_say_at_once_costs_a_viewer_one_write_and_cuts_nobody(
    hub: StreamHub, clock: ManualClock
) -> None:
    far, slow = Far(), Far()
    async with viewing(hub, far), viewing(hub, slow):
        slow.held, before = FULL, far.writes
        for number in range(1_000):
            hub.event(FleetEvent(clock.now(), "critical", "statustext", str(number)))
        await asyncio.sleep(0)
        assert news_of(far) == [str(number) for number in range(1_000)]
        assert far.writes - before <= 10, "in pieces that a transport takes"
        assert (far.code, slow.code) == (None, None)
        slow.clear()
        assert news_of(slow) == news_of(far)


async def test_a_snapshot_holds_the_flights_that_meet_until_they_do_not(hub: StreamHub, clock: ManualClock) -> None:
    far = Far()
    first, second = (FlightMet(each, each, True, VehicleId(each)) for each in IDS[:2])
    met = Encounter("bl-01", "bl-01", clock.now(), clock.now(), 60.0, 70.0, 12.0, 0.0)
    conflict = TrafficConflict("bl-01~bl-02", clock.now(), "warning", "they may meet", first, second, met, {})
    worse = replace(conflict, severity="critical")
    async with viewing(hub, far):
        for phase, told_of in (("begin", conflict), ("change", worse), ("end", worse)):
            hub.traffic(TrafficNews(clock.now(), phase, told_of))
            clock.advance(1)
            far.say(units=[phase, "default"])
            await settle()
    snapshots = [[each["severity"] for each in frame["traffic"]] for frame in far.of("snapshot")]
    assert snapshots == [[], ["warning"], ["critical"], []]
    assert far.of("traffic")[0]["traffic"]["phase"] == "begin"


async def test_whoever_missed_more_than_one_may_be_behind_gets_all_of_it_as_fast_as_it_takes_it(
    hub: StreamHub, clock: ManualClock
) -> None:
    before, again = Far(), Narrow()
    async with viewing(hub, before):
        pass
    snapshot = before.frames[0]
    for number in range(2 * BEHIND_NEWS):
        hub.event(FleetEvent(clock.now(), "warning", "statustext", f"{number} {'x' * 200}"))
    await asyncio.sleep(0)
    async with viewing(hub, again, resume={"epoch": snapshot["epoch"], "seq": snapshot["seq"]}):
        told = 0
        while len(again.sent) > told:
            told = len(again.sent)
            again.clear()
        assert again.code is None
        assert [each.split()[0] for each in news_of(again)] == [str(number) for number in range(2 * BEHIND_NEWS)]


async def test_events_that_the_bus_dropped_are_counted_and_told_before_the_next_one(
    hub: StreamHub, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "NEWS_BOUND", 3)
    bus, far, limited = LocalBus(), Far(), Far()
    hub.tick(tick(clock))
    async with (
        running_hub(hub, bus=bus, store=StoredSorties(a_sortie())),
        viewing(hub, far),
        viewing(hub, limited, rights=Rights(frozenset({"another"}))),
    ):
        for number in range(10):
            bus.publish(
                FLEET_EVENT, FleetEvent(clock.now(), "warning", "statustext", str(number), VehicleId("bl-01"))
            )
        await _until(lambda: len(news_of(far)) == 4)
    assert news_of(far)[0].startswith("7 events came too fast")
    assert news_of(far)[1:] == ["7", "8", "9"]
    assert news_of(limited) == news_of(far)[:1]
    assert hub.drops[f"{FLEET_EVENT}, dropped by the bus"] == 7


async def test_a_viewer_too_slow_for_news_is_closed_with_1013_and_may_resume(
    hub: StreamHub, clock: ManualClock
) -> None:
    far, again = Far(), Far()
    async with viewing(hub, far):
        far.held = FULL
        for number in range(BEHIND_NEWS + 1):
            hub.event(FleetEvent(clock.now(), "warning", "statustext", str(number)))
        await settle()
    assert far.code == 1013
    assert (far.frames[-1]["problem"], far.frames[-1]["retry_after_s"] > 0) == ({"type": "overloaded"}, True)
    snapshot = far.frames[0]
    async with viewing(hub, again, resume={"epoch": snapshot["epoch"], "seq": snapshot["seq"]}):
        pass
    assert news_of(again) == [str(number) for number in range(BEHIND_NEWS + 1)]


@pytest.mark.parametrize(
    ("message", "pointer"),
    [
        ({"type": "subscribe", "rate_hz": 11}, "/rate_hz"),
        ({"type": "subscribe", "rate_hz": 0}, "/rate_hz"),
        ({"type": "subscribe", "vehicles": "all"}, "/vehicles"),
        ({"type": "subscribe", "more": 1}, ""),
        ({"type": "subscribe", "area": [1, 2, 3, 91]}, "/area"),
        ({"type": "subscribe", "area": [1, 2, 3, "x"]}, "/area/3"),
        ({"type": "unknown"}, "/type"),
        ([], ""),
    ],
)
def test_a_message_that_is_no_subscription_is_refused_by_name(message: object, pointer: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_subscribe(json.dumps(message))
    assert refused.value.errors[0].pointer == pointer


@pytest.mark.parametrize("wants", [{"rate_hz": 0}, {"fields": ["speed"]}])
async def test_a_bad_subscription_closes_with_1003_and_no_hint_to_come_back(
    hub: StreamHub, wants: dict[str, Any]
) -> None:
    far = Far()
    async with viewing(hub, far, **wants):
        await settle()
    assert far.code == 1003
    assert (far.frames[-1]["problem"], far.frames[-1]["retry_after_s"]) == ({"type": "invalid-request"}, None)


async def test_a_server_that_goes_says_when_to_come_back(hub: StreamHub) -> None:
    fars = [Far() for _ in range(30)]
    async with viewing(hub, *fars):
        await hub.close()
    assert {far.code for far in fars} == {1001}
    assert len({far.frames[-1]["retry_after_s"] for far in fars}) > 20


async def test_a_viewer_over_the_bound_is_sent_away(hub: StreamHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemetry.stream.hub.MAX_VIEWERS", 1)
    first, second = Far(), Far()
    async with viewing(hub, first):
        await hub.serve(second)
        assert hub.viewer_count == 1
    assert second.code == 1013


def test_one_address_alone_does_not_use_up_the_door() -> None:
    door = Admission()
    waits = [door.wait_s("herd", 0.0) for _ in range(int(ADDRESS_BURST) + 50)]
    assert waits.count(0.0) == ADDRESS_BURST
    assert door.wait_s("other", 0.0) == 0.0
    assert door.wait_s("herd", 1.0) == 0.0


async def test_two_thousand_that_come_back_at_once_are_all_in_within_ten_seconds(
    hub: StreamHub, clock: ManualClock
) -> None:
    waiting = [(random.uniform(0, 3), number) for number in range(2_000)]  # the jitter of the hint
    door, now_s = Admission(), 0.0
    while waiting:
        waiting.sort()
        now_s, number = waiting.pop(0)
        wait_s = door.wait_s("one", now_s)
        if wait_s > 0:
            waiting.append((now_s + wait_s + random.uniform(0.1, 3), number))
    assert now_s <= 10.0


async def test_old_news_of_a_sortie_is_not_told_again(hub: StreamHub) -> None:
    far = Far()
    async with viewing(hub, far):
        for revision in (3, 2, 3):
            hub.sortie_changed(a_sortie(row_revision=revision))
    assert len(far.of("sortie")) == 1


async def test_without_ticks_vehicles_grow_old_before_the_viewers_eyes(hub: StreamHub, clock: ManualClock) -> None:
    far = Far()
    hub.tick(tick(clock))
    async with viewing(hub, far):
        links = []
        for _ in range(6):
            clock.advance(1.0)
            hub.beat()
            links.append(far.view().vehicles["bl-01"]["link"])
        assert links == ["live", "stale", "stale", "stale", "stale", "lost"]
        assert hub.silent_s() == pytest.approx(6.0)
        told(hub, clock)
        assert far.view().vehicles["bl-01"]["link"] == "live"


@pytest.mark.parametrize("why", ["epoch", "future", "expired"])
async def test_what_cannot_be_resumed_is_a_snapshot_that_names_the_gap(
    hub: StreamHub, clock: ManualClock, why: str
) -> None:
    one, two = Far(), Far()
    async with viewing(hub, one):
        epoch, seq = one.frames[0]["epoch"], one.frames[0]["seq"]
    hub.event(FleetEvent(clock.now(), "info", "statustext", "missed"))
    clock.advance(KEPT_S + 1 if why == "expired" else 60)
    hub.event(FleetEvent(clock.now(), "info", "statustext", "later"))
    asked = {"epoch": "other" if why == "epoch" else epoch, "seq": 10_000 if why == "future" else seq}
    async with viewing(hub, two, resume=asked):
        pass
    assert (two.frames[0]["type"], two.frames[0]["gap"]) == ("snapshot", asked | {"why": why})
    assert hub.starts == {"anew": 1, f"gap: {why}": 1}


async def test_a_minute_away_is_resumed(hub: StreamHub, clock: ManualClock) -> None:
    one, two = Far(), Far()
    async with viewing(hub, one):
        epoch, seq = one.frames[0]["epoch"], one.frames[0]["seq"]
    for second in range(60):
        told(hub, clock, *(state(each, mission_seq=second) for each in IDS))
        hub.event(FleetEvent(clock.now(), "info", "statustext", str(second)))
    async with viewing(hub, two, resume={"epoch": epoch, "seq": seq}):
        pass
    assert [frame["type"] for frame in two.frames] == ["resumed", *["event"] * 60, "tick"]
    assert len(two.frames[-1]["changed"]) == 3
    assert hub.starts == {"anew": 1, "resumed": 1}
    assert hub.frames_sent == len(one.sent) + len(two.sent)
    assert hub.bytes_sent == sum(len(each.payload) for each in one.sent + two.sent)


async def test_a_minute_of_a_thousand_talking_vehicles_away_is_resumed(hub: StreamHub, clock: ManualClock) -> None:
    one, two = Far(), Far()
    async with viewing(hub, one):
        epoch, seq = one.frames[0]["epoch"], one.frames[0]["seq"]
    texts = [f"{number} PreArm: Need Position Estimate" for number in range(60 * 200)]
    for number, text in enumerate(texts):
        hub.event(FleetEvent(clock.now(), "info", "statustext", text, VehicleId("bl-01")))
        if number % 200 == 199:
            clock.advance(1)
            await asyncio.sleep(0)
    async with viewing(hub, two, resume={"epoch": epoch, "seq": seq}):
        pass
    assert two.frames[0]["type"] == "resumed"
    assert news_of(two) == texts


Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(st.sampled_from(["move", "mode", "event", "sortie", "leave", "cut", "stall", "silence"]),
              st.integers(0, 2), st.integers(0, 5)),
    min_size=5, max_size=60,
)  # fmt: skip


class World:
    """A fleet that does what steps say, watched by one that is never cut and one that is cut now and then."""

    def __init__(self, encoding: Encoding, rights: Rights = ALL_UNITS) -> None:
        self.clock = ManualClock()
        self.hub = a_hub(self.clock, [])
        self.rights = rights
        self.encoding = encoding
        self.states = {each: state(each, alt_rel_m=0.0) for each in IDS}
        self.revision = 0
        self.cut_view, self.cut_news = View(), [""]
        self.far = Far(encoding)
        self.task: asyncio.Task[None] | None = None

    async def come(self) -> None:
        self.far = Far(self.encoding)
        self.task = asyncio.create_task(self.hub.serve(self.far, self.rights, str(self.revision)))
        position = self.cut_view.position
        self.far.say(rate_hz=10, resume=None if position is None else msgspec.to_builtins(position))
        await settle()

    async def go(self) -> None:
        for message in self.far.messages:
            frame = self.cut_view.take(message)
            if frame is not None and frame["type"] == "event":
                self.cut_news.append(frame["event"]["text"])
        self.far.leave()
        assert self.task is not None
        await self.task

    def _concern(self, what: str, vehicle_id: str) -> None:
        """What is about whose a vehicle is."""
        before = self.states.get(vehicle_id)
        if what == "unit" and before is not None:
            self.states[vehicle_id] = replace(before, unit="south" if before.unit == "north" else "north")
        elif what == "alarm":
            name = AlarmId(f"{vehicle_id}-{self.revision}")
            about = VehicleId(vehicle_id), None, self.clock.now()
            self.hub.alarm(Alarm(name, AlarmKind.GPS, Severity.INFO, "t", *about))

    async def step(self, what: str, which: int, amount: int) -> None:
        self.revision += 1
        vehicle_id = IDS[which]
        self._concern(what, vehicle_id)
        if what == "move" and vehicle_id in self.states:
            self.states[vehicle_id] = replace(self.states[vehicle_id], alt_rel_m=float(self.revision), roll_deg=None)
        elif what == "mode" and vehicle_id in self.states:
            self.states[vehicle_id] = replace(self.states[vehicle_id], mode=str(amount), mission_seq=amount or None)
        elif what == "leave" and self.states.pop(vehicle_id, None) is None:
            self.states[vehicle_id] = state(vehicle_id, alt_rel_m=1.0)
        elif what == "event":
            self.hub.event(FleetEvent(self.clock.now(), "info", "statustext", str(self.revision)))
        elif what == "sortie":
            self.hub.sortie_changed(a_sortie(row_revision=self.revision))
        elif what == "stall":
            self.far.held = FULL if amount % 2 else 0
        elif what == "cut":
            await self.go()
        self.clock.advance(0.1 * (1 + amount))
        self.hub.tick(tick(self.clock, *self.states.values()))
        if what == "cut":
            await self.come()


def without_ages(vehicles: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    timed = ("at", "heard_age_s", "position_age_s", "last_heard_at")
    return {key: {name: value for name, value in each.items() if name not in timed} for key, each in vehicles.items()}


@pytest.mark.parametrize("encoding", list(Encoding))
@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_a_viewer_cut_anywhere_and_resumed_knows_what_an_uncut_one_knows(
    encoding: Encoding, steps: list[Step]
) -> None:
    async def run() -> None:
        world, uncut = World(encoding), Far(encoding)
        world.hub.tick(tick(world.clock, *world.states.values()))
        async with viewing(world.hub, uncut, rate_hz=10):
            await world.come()
            for step in steps:
                await world.step(*step)
            world.far.clear()
            await world.step("move", 0, 5)
            await world.go()
        assert without_ages(world.cut_view.vehicles) == without_ages(uncut.view().vehicles)
        assert world.cut_news[1:] == news_of(uncut)

    asyncio.run(run())


UNIT_STEPS = st.lists(
    st.tuples(st.sampled_from(["move", "mode", "unit", "alarm", "leave", "cut", "stall"]),
              st.integers(0, 2), st.integers(0, 5)),
    min_size=5, max_size=60,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(steps=UNIT_STEPS)
def test_however_vehicles_change_units_a_viewer_of_one_knows_those_that_are_its_own_and_no_other(
    steps: list[Step],
) -> None:
    async def run() -> None:
        rights = Rights(frozenset({"north"}))
        world, uncut = World(Encoding.JSON, rights), Far()
        world.hub.tick(tick(world.clock, *world.states.values()))
        async with viewing(world.hub, uncut, rights=rights, rate_hz=10):
            await world.come()
            for step in steps:
                await world.step(*step)
            world.far.clear()
            await world.step("silence", 0, 5)
            await world.go()
        own = {each for each, known in world.states.items() if known.unit == "north"}
        for view in (world.cut_view, uncut.view()):
            assert set(view.vehicles) == own
            assert {each["unit"] for each in view.vehicles.values()} <= {"north"}
        assert without_ages(world.cut_view.vehicles) == without_ages(uncut.view().vehicles)

    asyncio.run(run())


def steps_of(seed: int) -> list[Step]:
    chosen = random.Random(seed)
    return [
        (chosen.choice(["move", "mode", "event", "leave"]), chosen.randrange(3), chosen.randrange(6))
        for _ in range(80)
    ]


async def test_both_encodings_say_the_same_and_every_frame_keeps_the_contract() -> None:
    world, text, packed = World(Encoding.JSON), Far(Encoding.JSON), Far(Encoding.MSGPACK)
    world.hub.tick(tick(world.clock, *world.states.values()))
    world.hub.alarm(
        Alarm(AlarmId("a"), AlarmKind.GPS, Severity.INFO, "t", VehicleId("bl-01"), None, world.clock.now())
    )
    async with viewing(world.hub, text, packed, rate_hz=10, follow="bl-01"):
        await world.come()
        for step in steps_of(4):
            await world.step(*step)
        told(world.hub, world.clock)
        world.hub.update(VehicleUpdate(world.clock.now(), 3, state("bl-01", mode="LAND")))
        world.hub.sortie_changed(a_sortie(row_revision=1_000))
        await world.go()
        await world.hub.close()
    assert {frame["type"] for frame in text.frames} >= {"snapshot", "tick", "update", "event", "sortie", "bye"}
    assert [frame for frame in text.frames if frame["type"] != "bye"] == [
        frame for frame in packed.frames if frame["type"] != "bye"
    ]
    for message in text.messages:
        msgspec.json.decode(message, type=AnyFrame)
    for message in packed.messages:
        assert isinstance(message, bytes)
        msgspec.msgpack.decode(message, type=AnyFrame)


async def test_a_vehicle_update_takes_at_most_80_bytes(clock: ManualClock) -> None:
    """A JSON object of the same record takes about 1 100; the quick ones alone 400 to 450."""
    chosen = random.Random(7)
    ids = [f"bl-{number:03}" for number in range(200)]
    hub, far = a_hub(clock, []), Far(Encoding.MSGPACK)

    def flying(vehicle_id: str) -> VehicleState:
        ranges = dict.fromkeys(NAMES, (-20.0, 100.0)) | {"lat_deg": (31.0, 32.0), "lon_deg": (121.0, 122.0)}
        return state(vehicle_id, **{name: chosen.uniform(*ends) for name, ends in ranges.items()})

    hub.tick(tick(clock, *map(flying, ids)))
    async with viewing(hub, far, rate_hz=10):
        told(hub, clock, *map(flying, ids), seconds=0.1)
    assert len(far.of("tick")[-1]["rows"]) == 200
    assert len(far.sent[-1].payload) / 200 <= 80


UNITS = {"bl-01": "north", "bl-02": "south", "bl-03": "north"}


async def test_a_viewer_learns_nothing_of_units_that_are_not_its_own(clock: ManualClock) -> None:
    hub, north, south = a_hub(clock, []), Far(), Far()

    def fleet(number: int) -> list[VehicleState]:
        return [state(each, unit=unit, alt_rel_m=float(number), mode=f"m-{each}") for each, unit in UNITS.items()]

    hub.tick(tick(clock, *fleet(0)))
    hub.sortie_changed(a_sortie("s-north", vehicle_id="bl-01"))
    hub.sortie_changed(a_sortie("s-south", vehicle_id="bl-02"))
    async with (
        viewing(hub, north, rights=Rights(frozenset({"north"})), follow="bl-02"),
        viewing(hub, south, rights=Rights(frozenset({"south"})), units=["north", "south"]),
    ):
        told(hub, clock, *fleet(1))
        for each in UNITS:
            hub.event(FleetEvent(clock.now(), "info", "statustext", f"of {each}", VehicleId(each)))
            hub.update(VehicleUpdate(clock.now(), 1, state(each)))
        hub.alarm(Alarm(AlarmId("a"), AlarmKind.GPS, Severity.INFO, "t", VehicleId("bl-02"), None, clock.now()))
        hub.sortie_changed(a_sortie("s-south", vehicle_id="bl-02", row_revision=2))
    assert not any("bl-02" in str(message) or "s-south" in str(message) for message in north.messages)
    assert not any("bl-01" in str(message) or "s-north" in str(message) for message in south.messages)
    assert set(south.view().vehicles) == {"bl-02"}
    assert [len(far.of("tick")[-1]["rows"]) for far in (north, south)] == [2, 1]


async def test_a_followed_vehicle_is_told_of_between_ticks(hub: StreamHub, clock: ManualClock) -> None:
    follows, other = Far(), Far()
    async with viewing(hub, follows, follow="bl-02", rate_hz=0.2), viewing(hub, other):
        assert hub.followed() == ("bl-02",)
        for number in range(5):
            hub.update(VehicleUpdate(clock.now(), number, state("bl-02", alt_rel_m=float(number), mode="RTL")))
    assert [frame["row"][6] for frame in follows.of("update")] == [0, 10, 20, 30, 40]
    assert follows.view().vehicles["bl-02"]["mode"] == "RTL"
    assert other.of("update") == []
    assert hub.followed() == ()


class StoredSorties:
    """A store that holds one sortie and its track."""

    def __init__(self, sortie: Sortie, points: Sequence[TrackPoint] = ()) -> None:
        self.stored = sortie
        self.points = points
        self.kept_alarms: list[Alarm] = []
        self.kept_commands: list[CommandRecord] = []

    async def add_sortie(self, sortie: Sortie, *, idempotency_key: str, request_digest: str) -> Sortie:
        raise NotImplementedError

    async def save_sortie(self, sortie: Sortie) -> None:
        raise NotImplementedError

    async def sortie(self, sortie_id: SortieId) -> Sortie:
        return self.stored

    async def sorties(self, *, limit: int, unfinished_only: bool = False) -> Sequence[Sortie]:
        return [self.stored]

    async def save_alarm(self, alarm: Alarm) -> Alarm:
        raise NotImplementedError

    async def acknowledge_alarm(self, alarm_id: AlarmId, by: OperatorId, at: datetime) -> Alarm:
        raise NotImplementedError

    async def alarms(
        self, *, limit: int, open_only: bool = False, vehicle_id: VehicleId | None = None
    ) -> Sequence[Alarm]:
        return self.kept_alarms

    async def newest_commands(self, *, limit: int) -> Sequence[CommandRecord]:
        return self.kept_commands[:limit]

    async def track(self, sortie_id: SortieId) -> Sequence[TrackPoint]:
        return self.points


async def _until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(2):
        while not holds():
            await settle()


async def test_a_hub_is_fed_from_the_bus_and_starts_from_the_store(hub: StreamHub, clock: ManualClock) -> None:
    bus, far = LocalBus(), Far()
    store = StoredSorties(a_sortie(), [a_track_point(0), a_track_point(10)])
    asked: list[str] = []

    async def listen() -> None:
        async with bus.subscribe(FOLLOW_ASKED, FollowAsked, bound=8) as questions:
            async for question in questions:
                asked.append(question.vehicle_id)  # noqa: PERF401 - it never ends

    listening = asyncio.create_task(listen())
    await settle()
    async with running_hub(hub, bus=bus, store=store), viewing(hub, far, follow="bl-01"):
        assert len(far.frames[0]["tracks"]["sortie-1"]) == 2
        await _until(lambda: asked == ["bl-01"])
        clock.advance(1)
        bus.publish(FLEET_TICK, tick(clock))
        bus.publish(SORTIE_CHANGED, SortieChanged(a_sortie(row_revision=2)))
        bus.publish(FLEET_EVENT, FleetEvent(clock.now(), "warning", "breach", "out"))
        bus.publish(vehicle_update_subject(VehicleId("bl-01")), VehicleUpdate(clock.now(), 1, state("bl-01")))
        await _until(lambda: {frame["type"] for frame in far.frames} >= {"tick", "sortie", "event", "update"})
        store.stored = a_sortie(row_revision=3)
        await hub.reconcile(store)
        await _until(lambda: len(far.of("sortie")) == 2)
    listening.cancel()


def of(gateway: str, *vehicle_ids: str) -> FleetTick:
    return FleetTick.of(gateway, ManualClock().now(), [state(each) for each in vehicle_ids])


def listed(picture: Picture) -> list[str]:
    return [each.vehicle_id for each in picture.vehicles(0.0)]


def test_a_vehicle_that_leaves_its_gateways_tick_is_no_longer_listed() -> None:
    picture = Picture([state("bl-09")])
    picture.on_tick(of("north", "bl-01", "bl-02"), 0.0)
    picture.on_tick(of("south", "bl-03"), 0.0)
    picture.on_tick(of("north", "bl-02"), 0.0)
    assert listed(picture) == ["bl-09", "bl-02", "bl-03"]  # bl-09 was told of by nobody yet
    with pytest.raises(NotFound):
        picture.vehicle(VehicleId("bl-01"), 0.0)
    picture.on_tick(of("north", "bl-01", "bl-02"), 0.0)
    assert "bl-01" in listed(picture)


def test_a_vehicle_that_moves_to_another_gateway_stays_listed() -> None:
    picture = Picture([])
    picture.on_tick(of("north", "bl-01"), 0.0)
    picture.on_tick(of("south", "bl-01"), 0.0)
    picture.on_tick(of("north"), 0.0)
    assert listed(picture) == ["bl-01"]
    picture.on_tick(of("south"), 0.0)
    assert listed(picture) == []


def test_a_track_follows_the_vehicle_of_an_unfinished_sortie_and_stays_bounded(clock: ManualClock) -> None:
    picture = Picture([])
    picture.on_sortie(a_sortie(state=SortieState.ON_MISSION))
    for number in range(3 * MAX_TRACK):
        here = state(
            "bl-01", sortie_id=SortieId("sortie-1"), lat_deg=31.0 + number * 1e-4, lon_deg=121.0, alt_rel_m=60.0
        )
        picture.on_tick(tick(clock, here, here), 0.0)
    track = picture.tracks()[SortieId("sortie-1")]
    assert MAX_TRACK / 2 <= len(track) <= MAX_TRACK
    assert track[0] == (121.0, 31.0, 60.0)
    assert track[-1][1] > 31.0 + (3 * MAX_TRACK - 10) * 1e-4
    assert picture.drops["track positions thinned out"] > 0
    picture.on_sortie(a_sortie(state=SortieState.CLOSED, outcome=Outcome.COMPLETED, row_revision=2))
    assert picture.tracks() == {}


def test_only_the_newest_finished_sorties_are_kept() -> None:
    picture = Picture([])
    for number in range(3 * RECENT_SORTIES):
        picture.on_sortie(a_sortie(f"s-{number}", minutes=number, state=SortieState.CLOSED))
    picture.on_sortie(a_sortie("flying", minutes=-5, state=SortieState.ON_MISSION))
    assert len(picture.sorties()) == RECENT_SORTIES + 1
    assert picture.sorties()[0].id == f"s-{3 * RECENT_SORTIES - 1}"


def test_a_vehicle_that_is_not_known_is_not_found() -> None:
    with pytest.raises(NotFound):
        Picture([]).vehicle(VehicleId("x"), 0.0)


def test_a_vehicle_never_heard_does_not_become_lost() -> None:
    never = replace(state("x"), link=LinkState.NEVER, heard_age_s=None)
    assert aged(never, 100.0) == never


def an_alarm(clock: ManualClock, **changes: Any) -> Alarm:
    alarm = Alarm(
        AlarmId("alarm-1"), AlarmKind.LOW_BATTERY, Severity.WARNING, "low", VehicleId("bl-01"), None, clock.now()
    )
    return replace(alarm, **changes)


async def test_alarms_are_in_the_snapshot_and_come_as_they_change(hub: StreamHub, clock: ManualClock) -> None:
    bus, socket, store = LocalBus(), Far(), StoredSorties(a_sortie())
    store.kept_alarms = [an_alarm(clock)]
    async with running_hub(hub, bus=bus, store=store), viewing(hub, socket):
        assert [alarm["kind"] for alarm in socket.frames[0]["alarms"]] == ["low-battery"]
        worse = an_alarm(clock, severity=Severity.CRITICAL)
        for alarm in (worse, an_alarm(clock), worse, replace(worse, ended_at=clock.now()), worse):
            bus.publish(ALARM_CHANGED, AlarmChanged(alarm))
        await _until(lambda: len(socket.of("alarm")) == 2)
        await settle()
    told = [frame["alarm"] for frame in socket.of("alarm")]
    assert [(alarm["severity"], alarm["ended_at"] is None) for alarm in told] == [
        ("critical", True),
        ("critical", False),
    ]
