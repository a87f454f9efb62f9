"""Replays: what was recorded comes again as ticks, at any speed and from any moment, and commands nobody."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api import replays as module
from api.runtime import listen
from api.webserver import serving
from core.clock import SystemClock
from core.ids import SortieId, VehicleId
from operations.recording.tracks import micros_of
from telemetry.client import LiveStream
from telemetry.columns import FleetView
from telemetry.messages import FleetTick, LinkState, VehicleState
from telemetry.replay import Reel, Replay
from tests.api.conftest import World
from tests.samples import AT, a_batch, a_mission, a_revision, a_sortie, a_track_point

START_US = micros_of(AT)


class Stage:
    """The ticks in a list, and what a viewer would see now."""

    def __init__(self) -> None:
        self.ticks: list[FleetTick] = []
        self.view = FleetView()

    def tick(self, tick: FleetTick) -> None:
        self.ticks.append(tick)
        self.view.take(tick)

    def states(self) -> dict[VehicleId, VehicleState]:
        return {each.vehicle_id: each for each in self.view.states()}


def described(vehicle_id: VehicleId) -> VehicleState:
    return VehicleState(vehicle_id, f"name of {vehicle_id}", None, 11, "", "quad")


@pytest.fixture
async def recorded(world: World) -> World:
    """Two vehicles recorded for two minutes, a second apart in latitude each second, the first one on sortie-1."""
    await world.store.add_mission(a_mission(), a_revision())
    await world.store.add_sortie(a_sortie(), idempotency_key="k", request_digest="d")
    points = [a_track_point(second) for second in range(120)]
    await world.store.records.append(a_batch(points, "sortie-1", "bl-01"))
    await world.store.records.compact(micros_of(AT + timedelta(minutes=5)))
    await world.store.records.append(a_batch(points, "sortie-2", "bl-02"))
    return world


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def _play(world: World, stage: Stage, reel: Reel, speed: float, until_us: int) -> Replay:
    made = Replay(reel, world.store.records, stage, clock=SystemClock(), describe=described, speed=speed)
    task = asyncio.create_task(made.run())
    try:
        async with asyncio.timeout(5):
            while made.at_us < until_us:  # noqa: ASYNC110 - the replay has no event for it
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.15)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return made


async def test_every_tick_shows_the_newest_row_of_each_vehicle_at_that_moment(recorded: World, stage: Stage) -> None:
    reel = Reel(START_US, START_US + 120_000_000)
    await _play(recorded, stage, reel, 60.0, START_US + 60_000_000)
    for tick in stage.ticks:
        second = (micros_of(tick.at) - START_US) // 1_000_000
        for row in tick.rows():
            assert round((row[2] - 31.139) * 1e5) == min(second, 119)
            assert row[0] == (micros_of(tick.at) - START_US) / 1e6 - min(second, 119)
    state = stage.states()[VehicleId("bl-02")]
    assert (state.link, state.name, state.mode, state.sortie_id) == (
        LinkState.REPLAYED, "name of bl-02", "AUTO", "sortie-2",
    )  # fmt: skip
    assert state.ready is False


async def test_a_sortie_is_played_alone(recorded: World, stage: Stage) -> None:
    reel = Reel(START_US, START_US + 120_000_000, SortieId("sortie-1"))
    await _play(recorded, stage, reel, 60.0, START_US + 12_000_000)
    assert {tick.ids for tick in stage.ticks} == {(VehicleId("bl-01"),)}


async def test_a_jump_shows_that_moment_and_goes_on_from_there(recorded: World, stage: Stage) -> None:
    reel = Reel(START_US, START_US + 120_000_000)
    made = Replay(reel, recorded.store.records, stage, clock=SystemClock(), describe=described)
    task = asyncio.create_task(made.run())
    for second in (90, 20, 500):
        made.is_playing = False
        made.seek(START_US + second * 1_000_000)
        stage.ticks.clear()
        async with asyncio.timeout(3):
            while len(stage.ticks) < 3:  # noqa: ASYNC110 - the replay has no event for it
                await asyncio.sleep(0.01)
        tick = stage.ticks[-1]
        assert tick.at == AT + timedelta(seconds=min(second, 120))
        assert [round((row[2] - 31.139) * 1e5) for row in tick.rows()] == [min(second, 119)] * 2
    assert made.is_over
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_session_is_made_changed_and_ended(recorded: World) -> None:
    made = await recorded.http.post("/replays", json={"sortie_id": "sortie-1", "speed": 4})
    assert made.status_code == 201, made.text
    body, path = made.json(), f"/replays/{made.json()['replay_id']}"
    assert (body["from"], body["to"]) == ("2026-03-01T08:30:00Z", "2026-03-01T08:31:59Z")
    assert (body["speed"], body["playing"], body["stream"]) == (
        4.0,
        True,
        f"/api/v1/stream?replay={body['replay_id']}",
    )
    change = {"speed": 60, "playing": False, "at": "2026-03-01T08:31:00Z"}
    changed = (await recorded.http.patch(path, json=change)).json()
    assert (changed["speed"], changed["playing"], changed["at"]) == (60.0, False, "2026-03-01T08:31:00Z")
    assert (await recorded.http.patch(path, json={"speed": 61})).status_code == 422
    assert (await recorded.http.patch(path, json={"at": "2026-03-01T08:31:00"})).status_code == 422
    assert (await recorded.http.get(path)).json() == changed
    assert (await recorded.http.delete(path)).status_code == 204
    assert (await recorded.http.get(path)).status_code == 404


async def test_what_cannot_be_played_is_told(recorded: World) -> None:
    for body, status in (
        ({"sortie_id": "sortie-9"}, 404),
        ({}, 422),
        ({"sortie_id": "sortie-1", "from": "2026-03-01T08:00:00Z"}, 422),
        ({"from": "2026-03-01T09:00:00Z", "to": "2026-03-01T08:00:00Z"}, 422),
        ({"from": "2026-03-01T09:00:00Z", "to": "2026-03-03T08:00:00Z"}, 422),
    ):
        assert (await recorded.http.post("/replays", json=body)).status_code == status, body


async def test_sessions_are_few_and_those_that_nobody_looks_at_end(
    recorded: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BEAT_S", 0.01)
    span = {"from": "2026-03-01T08:30:00Z", "to": "2026-03-01T08:32:00Z"}
    for _ in range(module.MOST_REPLAYS):
        assert (await recorded.http.post("/replays", json=span)).status_code == 201
    refused = await recorded.http.post("/replays", json=span)
    assert refused.status_code == 503
    recorded.clock.advance(module.IDLE_S + 1)
    async with asyncio.timeout(3):
        while len(recorded.app.state.replays):  # noqa: ASYNC110 - a session has no event for it
            await asyncio.sleep(0.01)


async def test_the_stream_of_a_replay_shows_its_vehicles_and_that_of_the_fleet_does_not(recorded: World) -> None:
    made = (await recorded.http.post("/replays", json={"sortie_id": "sortie-1", "speed": 2})).json()
    async with serving(recorded.app, listen("127.0.0.1", 0)) as server:
        url = server.url.replace("http", "ws").rstrip("/")
        stream = LiveStream(url + made["stream"])
        async with asyncio.timeout(5):
            async for _ in stream.frames():
                if "bl-01" in stream.vehicles:
                    break
        shown = stream.vehicles["bl-01"]
        assert (shown["link"], shown["mode"], shown["sortie_id"]) == ("replayed", "AUTO", "sortie-1")
        assert shown["lat_deg"] == pytest.approx(31.139, abs=1e-4)
        live = LiveStream(url + "/api/v1/stream")
        async with asyncio.timeout(5):
            async for _ in live.frames():
                break
        assert live.vehicles["bl-01"]["link"] == "never"
        with pytest.raises((ConnectionClosed, InvalidStatus)):
            async with connect(url + "/api/v1/stream?replay=replay-0", proxy=None) as nobody:
                await nobody.recv()
    await recorded.app.state.replays.close()
