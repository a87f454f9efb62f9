"""The stream hub: every viewer at its own pace, none at another's cost, nothing conflated that must not be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import pytest

from adapters.bus_local import LocalBus
from core.clock import ManualClock
from core.errors import BailuError, NotFound
from core.ids import AlarmId, OperatorId, SortieId, VehicleId
from missions.model import Outcome, Sortie, SortieState, TrackPoint
from operations.alarms import Alarm, AlarmKind, Severity
from telemetry.messages import (
    ALARM_CHANGED,
    FLEET_EVENT,
    FLEET_TICK,
    SORTIE_CHANGED,
    AlarmChanged,
    FleetEvent,
    FleetTick,
    LinkState,
    SortieChanged,
    VehicleState,
)
from telemetry.picture import MAX_TRACK, RECENT_SORTIES, Picture, aged
from telemetry.streams import STALLED_AFTER_S, Encoders, StreamHub, running_hub
from telemetry.viewers import LANE_BOUND
from tests.samples import a_sortie, a_track_point

IDS = ("bl-01", "bl-02", "bl-03")


def state(vehicle_id: str, **changes: Any) -> VehicleState:
    base = VehicleState(
        VehicleId(vehicle_id), vehicle_id, None, 1, "fleet", "quad", heard_age_s=0.0, position_age_s=0.1
    )
    return replace(base, link=LinkState.LIVE, **changes)


def tick(clock: ManualClock, *states: VehicleState) -> FleetTick:
    return FleetTick.of("g", clock.now(), states or [state(each) for each in IDS])


class CountingEncoders:
    """Encodes as the API does in spirit, and counts how often."""

    def __init__(self) -> None:
        self.sorties = 0

    def sortie(self, sortie: Sortie) -> bytes:
        self.sorties += 1
        return msgspec.json.encode({"sortie_id": sortie.id, "state": sortie.state})

    def problem(self, error: BailuError) -> bytes:
        return msgspec.json.encode({"type": error.slug})


class FakeSocket:
    """The far end as a list of frames; `reads` cleared, it takes nothing more."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.code: int | None = None
        self.reads = asyncio.Event()
        self.reads.set()
        self._incoming: asyncio.Queue[str | bytes | None] = asyncio.Queue()

    async def send(self, frame: str) -> None:
        await self.reads.wait()
        self.texts.append(frame)

    async def receive(self) -> str | bytes | None:
        return await self._incoming.get()

    async def close(self, code: int) -> None:
        await self.reads.wait()
        self.code = code

    def say(self, message: object) -> None:
        self._incoming.put_nowait(json.dumps(message))

    def leave(self) -> None:
        self._incoming.put_nowait(None)

    @property
    def frames(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.texts]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] == kind]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def encoders() -> CountingEncoders:
    return CountingEncoders()


@pytest.fixture
def hub(clock: ManualClock, encoders: CountingEncoders) -> StreamHub:
    return StreamHub(
        [replace(state(each), link=LinkState.NEVER, heard_age_s=None) for each in IDS],
        clock=clock,
        encoders=Encoders(encoders.sortie, encoders.problem),
    )


async def settle() -> None:
    """Lets every task that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


@asynccontextmanager
async def viewing(hub: StreamHub, *sockets: FakeSocket) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(hub.serve(socket)) for socket in sockets]
    await settle()
    yield
    for socket in sockets:
        socket.reads.set()
        socket.leave()
    async with asyncio.timeout(3):
        await asyncio.gather(*tasks)


async def test_a_viewer_first_gets_a_snapshot_of_everything(hub: StreamHub) -> None:
    hub.sortie_changed(a_sortie())
    socket = FakeSocket()
    async with viewing(hub, socket):
        (frame,) = socket.frames
    assert frame["type"] == "snapshot"
    assert frame["seq"] == 1
    assert [vehicle["vehicle_id"] for vehicle in frame["vehicles"]] == list(IDS)
    assert [sortie["sortie_id"] for sortie in frame["sorties"]] == ["sortie-1"]
    assert frame["track"] == {"sortie-1": []}


async def test_a_viewer_sees_no_more_frames_a_second_than_it_asked_for(hub: StreamHub, clock: ManualClock) -> None:
    fast, slow = FakeSocket(), FakeSocket()
    async with viewing(hub, fast, slow):
        fast.say({"type": "subscribe", "rate_hz": 10})
        slow.say({"type": "subscribe", "rate_hz": 2})
        await settle()
        for _ in range(50):
            clock.advance(0.1)
            hub.tick(tick(clock))
            await settle()
    assert len(fast.of("tick")) == 50
    assert len(slow.of("tick")) == 10


async def test_a_viewer_sees_only_the_vehicles_that_it_asked_for(hub: StreamHub, clock: ManualClock) -> None:
    socket = FakeSocket()
    async with viewing(hub, socket):
        socket.say({"type": "subscribe", "vehicles": ["bl-02", "unknown"]})
        await settle()
        clock.advance(1)
        hub.tick(tick(clock))
        await settle()
    assert [each["vehicle_id"] for each in socket.of("snapshot")[-1]["vehicles"]] == ["bl-02"]
    assert [each["vehicle_id"] for each in socket.of("tick")[-1]["vehicles"]] == ["bl-02"]


async def test_seq_rises_by_one_per_frame_of_each_connection_and_the_epoch_stays(
    hub: StreamHub, clock: ManualClock
) -> None:
    one, late = FakeSocket(), FakeSocket()
    async with viewing(hub, one):
        for _ in range(5):
            clock.advance(1)
            hub.tick(tick(clock))
            await settle()
        async with viewing(hub, late):
            hub.event(FleetEvent(clock.now(), "info", "statustext", "hello"))
            await settle()
    assert [frame["seq"] for frame in one.frames] == list(range(1, 8))
    assert [frame["seq"] for frame in late.frames] == [1, 2]
    assert len({frame["epoch"] for frame in one.frames + late.frames}) == 1


async def test_equal_audiences_share_one_encoding(
    hub: StreamHub, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sockets = [FakeSocket() for _ in range(20)]
    async with viewing(hub, *sockets):
        made = 0
        body = hub._vehicles_body

        def counted(viewer: Any) -> bytes:
            nonlocal made
            made += 1
            return body(viewer)

        monkeypatch.setattr(hub, "_vehicles_body", counted)
        clock.advance(1)
        hub.tick(tick(clock))
        await settle()
    assert all(len(socket.of("tick")) == 1 for socket in sockets)
    assert made == 1


async def test_a_stalled_viewer_holds_one_frame_and_slows_nobody(hub: StreamHub, clock: ManualClock) -> None:
    stalled, well = FakeSocket(), FakeSocket()
    async with viewing(hub, stalled, well):
        stalled.reads.clear()
        for number in range(30):
            clock.advance(0.5)
            hub.tick(tick(clock, state("bl-01", mission_seq=number)))
            await settle()
        assert len(well.of("tick")) == 30
        stalled.reads.set()
        await settle()
        # One frame was under way when it stalled; the next one is the newest, nothing was queued between.
        sequence = [frame["vehicles"][0]["mission_seq"] for frame in stalled.of("tick")]
        assert sequence == [0, 29]


async def test_a_viewer_that_stays_stalled_is_cut(hub: StreamHub, clock: ManualClock) -> None:
    stalled = FakeSocket()
    async with viewing(hub, stalled):
        stalled.reads.clear()
        clock.advance(1)
        hub.tick(tick(clock))
        await settle()
        clock.advance(STALLED_AFTER_S - 0.1)
        hub.beat()
        await settle()
        assert hub.viewer_count == 1
        clock.advance(0.2)
        hub.beat()
        await settle()
        assert hub.viewer_count == 0
    assert hub.drops["viewers cut, stalled"] == 1


async def test_sorties_and_events_are_never_conflated(hub: StreamHub, clock: ManualClock) -> None:
    socket = FakeSocket()
    async with viewing(hub, socket):
        socket.reads.clear()
        for revision in range(1, 101):
            hub.sortie_changed(a_sortie(row_revision=revision))
            hub.event(FleetEvent(clock.now(), "info", "statustext", str(revision)))
        socket.reads.set()
        await settle()
        await settle()
        async with asyncio.timeout(1):
            while len(socket.frames) < 201:
                await settle()
    assert len(socket.of("sortie")) == 100
    assert [frame["event"]["text"] for frame in socket.of("event")] == [str(number) for number in range(1, 101)]


async def test_a_viewer_too_slow_for_events_is_closed_with_1013_and_the_reason(
    hub: StreamHub, clock: ManualClock
) -> None:
    socket = FakeSocket()
    async with viewing(hub, socket):
        for number in range(LANE_BOUND + 1):
            hub.event(FleetEvent(clock.now(), "info", "statustext", str(number)))
        await settle()
    assert socket.code == 1013
    assert socket.frames[-1]["problem"] == {"type": "overloaded"}


@pytest.mark.parametrize(
    "message",
    [
        {"type": "subscribe", "rate_hz": 11},
        {"type": "subscribe", "rate_hz": 0},
        {"type": "subscribe", "vehicles": "all"},
        {"type": "subscribe", "more": 1},
        {"type": "unknown"},
        [],
    ],
)
async def test_a_message_that_is_no_subscription_closes_with_1003(hub: StreamHub, message: object) -> None:
    socket = FakeSocket()
    async with viewing(hub, socket):
        socket.say(message)
        await settle()
    assert socket.code == 1003
    assert socket.frames[-1]["problem"] == {"type": "invalid-request"}


async def test_a_server_that_goes_says_so(hub: StreamHub) -> None:
    socket = FakeSocket()
    async with viewing(hub, socket):
        await hub.close()
        assert socket.code == 1001


async def test_a_viewer_over_the_bound_is_sent_away(hub: StreamHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemetry.streams.MAX_VIEWERS", 1)
    first, second = FakeSocket(), FakeSocket()
    async with viewing(hub, first):
        await hub.serve(second)
        assert hub.viewer_count == 1
    assert second.code == 1013


async def test_old_news_of_a_sortie_is_not_told_again(hub: StreamHub, encoders: CountingEncoders) -> None:
    socket = FakeSocket()
    async with viewing(hub, socket):
        hub.sortie_changed(a_sortie(row_revision=3))
        hub.sortie_changed(a_sortie(row_revision=2))
        hub.sortie_changed(a_sortie(row_revision=3))
        await settle()
    assert len(socket.of("sortie")) == 1


async def test_without_ticks_vehicles_grow_old_before_the_viewers_eyes(hub: StreamHub, clock: ManualClock) -> None:
    socket = FakeSocket()
    hub.tick(tick(clock))
    async with viewing(hub, socket):
        for _ in range(6):
            clock.advance(1.0)
            hub.beat()
            await settle()
    links = [frame["vehicles"][0]["link"] for frame in socket.of("tick")]
    assert links == ["live", "stale", "stale", "stale", "stale", "lost"]
    assert socket.of("tick")[-1]["vehicles"][0]["heard_age_s"] == pytest.approx(6.0)
    assert hub.silent_s() == pytest.approx(6.0)


class StoredSorties:
    """A store that holds one sortie and its track."""

    def __init__(self, sortie: Sortie, points: Sequence[TrackPoint] = ()) -> None:
        self.stored = sortie
        self.points = points
        self.kept_alarms: list[Alarm] = []

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

    async def track(self, sortie_id: SortieId) -> Sequence[TrackPoint]:
        return self.points


async def _until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(2):
        while not holds():
            await settle()


async def test_a_hub_is_fed_from_the_bus_and_starts_from_the_store(hub: StreamHub, clock: ManualClock) -> None:
    bus, socket = LocalBus(), FakeSocket()
    store = StoredSorties(a_sortie(), [a_track_point(0), a_track_point(10)])
    async with running_hub(hub, bus=bus, store=store), viewing(hub, socket):
        assert len(socket.frames[0]["track"]["sortie-1"]) == 2
        clock.advance(1)
        bus.publish(FLEET_TICK, tick(clock))
        bus.publish(SORTIE_CHANGED, SortieChanged(a_sortie(row_revision=2)))
        bus.publish(FLEET_EVENT, FleetEvent(clock.now(), "warning", "breach", "out"))
        await _until(lambda: len(socket.frames) == 4)
        store.stored = a_sortie(row_revision=3)
        await hub.reconcile(store)
        await _until(lambda: len(socket.of("sortie")) == 2)
    assert {frame["type"] for frame in socket.frames} == {"snapshot", "tick", "sortie", "event"}


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
    bus, socket, store = LocalBus(), FakeSocket(), StoredSorties(a_sortie())
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
