"""Replays: what was recorded comes again as ticks, at any speed and from any moment, and commands nobody."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api import replays as module
from api.cli import replay as cli
from api.cli.main import app
from api.runtime import listen
from api.webserver import serving
from core.clock import ManualClock, SystemClock
from core.ids import AlarmId, CommandId, MissionId, SortieId, VehicleId
from missions.model import CommandRecord, Outcome, Sortie, SortieState, Transition
from operations.alarms import Alarm, AlarmKind, Severity
from operations.recording.history import History
from operations.recording.ports import RecordedEvent
from operations.recording.tracks import micros_of
from telemetry.chronicle import Chronicle, Happening, Standing
from telemetry.client import LiveStream, Subscribe
from telemetry.columns import FleetView
from telemetry.messages import FleetEvent, FleetTick, LinkState, VehicleState
from telemetry.replay import Reel, ReelClock, Replay, Tracks
from tests.api.conftest import World
from tests.samples import AT, OPERATOR, a_batch, a_mission, a_revision, a_sortie, a_track_point

START_US = micros_of(AT)
Json = dict[str, Any]


class Stage:
    """The ticks in a list, and what a viewer would see now."""

    def __init__(self) -> None:
        self.ticks: list[FleetTick] = []
        self.told: list[Happening] = []
        self.all: list[FleetTick | Happening] = []
        self.stood: list[tuple[Standing, Tracks]] = []
        self.view = FleetView()

    def tick(self, tick: FleetTick) -> None:
        self.ticks.append(tick)
        self.all.append(tick)
        self.view.take(tick)

    def sortie_changed(self, sortie: Sortie) -> None:
        self.told.append(sortie)
        self.all.append(sortie)

    def alarm(self, alarm: Alarm) -> None:
        self.told.append(alarm)
        self.all.append(alarm)

    def command(self, record: CommandRecord) -> None:
        self.told.append(record)
        self.all.append(record)

    def event(self, event: FleetEvent) -> None:
        self.told.append(event)
        self.all.append(event)

    def go_to(self, standing: Standing, tracks: Tracks) -> None:
        self.stood.append((standing, tracks))

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


def at(second: float) -> datetime:
    return AT + timedelta(seconds=second)


def a_flight() -> Sortie:
    """Made, approved, flown and closed within the two minutes; what became known last is known of it now."""
    steps = [(0, "planned", "approved"), (5, "approved", "assigned"), (30, "assigned", "preflight"),
             (80, "preflight", "refused")]  # fmt: skip
    return a_sortie(
        "sortie-3",
        vehicle="bl-03",
        state=SortieState.REFUSED,
        outcome=Outcome.REFUSED,
        problem={"slug": "preflight-failed"},
        row_revision=9,
        transitions=tuple(
            Transition(at(second), SortieState(before), SortieState(after), "gateway", "")
            for second, before, after in steps
        ),
    )


def an_alarm(number: str, begins: float, ends: float | None = None, vehicle: str = "bl-03") -> Alarm:
    alarm = Alarm(
        AlarmId(number),
        AlarmKind.LOW_BATTERY,
        Severity.WARNING,
        "20 %",
        VehicleId(vehicle),
        SortieId("sortie-3"),
        at(begins),
    )
    return replace(alarm, ended_at=None if ends is None else at(ends))


def a_command_of(number: str, issued: float, ended: float) -> CommandRecord:
    return CommandRecord(
        CommandId(number), VehicleId("bl-03"), SortieId("sortie-3"), "pause", at(issued), OPERATOR, "done", "BRAKE",
        at(ended),
    )  # fmt: skip


def a_text(second: float, text: str, vehicle: str | None = "bl-03") -> RecordedEvent:
    known = None if vehicle is None else VehicleId(vehicle)
    return RecordedEvent(micros_of(at(second)), "info", "statustext", text, known)


@pytest.fixture
async def eventful(recorded: World) -> World:
    """The flight of sortie-3 with all that happened to it, and to another vehicle."""
    await recorded.store.add_mission(a_mission("mission-2"), a_revision("mission-2"))
    flight = replace(a_flight(), mission_id=MissionId("mission-2"))
    await recorded.store.add_sortie(flight, idempotency_key="k3", request_digest="d")
    points = [a_track_point(second) for second in range(120)]
    await recorded.store.records.append(a_batch(points, "sortie-3", "bl-03"))
    for alarm in (an_alarm("a-1", 20, 50), an_alarm("a-2", 70), an_alarm("a-3", 40, vehicle="bl-02")):
        await recorded.store.save_alarm(alarm)
    for command in (a_command_of("c-1", 25, 26), a_command_of("c-2", 60, 64)):
        await recorded.store.begin_command(command, idempotency_key=None)
    texts = [a_text(10, "one"), a_text(45, "two"), a_text(100, "three"), a_text(46, "other", "bl-02")]
    await recorded.store.records.note([*texts, a_text(47, "platform", None)])
    return recorded


@pytest.fixture
def stage() -> Stage:
    return Stage()


def a_replay(world: World, stage: Stage, reel: Reel, *, speed: float = 1.0, history: History | None = None) -> Replay:
    records = world.store.records
    chronicle = Chronicle(history or History(), records)
    clock = ReelClock(SystemClock(), reel.from_us)
    return Replay(reel, records, stage, chronicle=chronicle, clock=clock, describe=described, speed=speed)


async def _play(
    world: World, stage: Stage, reel: Reel, speed: float, until_us: int, history: History | None = None
) -> Replay:
    made = a_replay(world, stage, reel, speed=speed, history=history)
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


async def test_a_fleet_that_takes_longer_than_a_tick_is_shown_less_often_and_not_more_slowly(
    recorded: World, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = stage.tick

    def slowly(tick: FleetTick) -> None:
        show(tick)
        time.sleep(0.3)

    monkeypatch.setattr(stage, "tick", slowly)
    made = a_replay(recorded, stage, Reel(START_US, START_US + 120_000_000), speed=20.0)
    began_s, task = time.monotonic(), asyncio.create_task(made.run())
    await asyncio.sleep(1.0)
    while len(stage.ticks) < 6:  # noqa: ASYNC110 - the replay has no event for it
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    shown_s, went_s = (micros_of(stage.ticks[-1].at) - START_US) / 1e6, time.monotonic() - began_s
    assert 0.6 * 20.0 * went_s <= shown_s <= 20.0 * went_s


async def test_a_sortie_is_played_alone(recorded: World, stage: Stage) -> None:
    reel = Reel(START_US, START_US + 120_000_000, SortieId("sortie-1"))
    await _play(recorded, stage, reel, 60.0, START_US + 12_000_000)
    assert {tick.ids for tick in stage.ticks} == {(VehicleId("bl-01"),)}


async def test_a_jump_shows_that_moment_and_goes_on_from_there(recorded: World, stage: Stage) -> None:
    reel = Reel(START_US, START_US + 120_000_000)
    made = a_replay(recorded, stage, reel)
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


# --- what happened meanwhile ---


def when(happening: Happening) -> datetime:
    """When it came to stand so."""
    match happening:
        case Sortie():
            return max([happening.created_at, *(step.at for step in happening.transitions)])
        case Alarm():
            return max(each for each in (happening.began_at, happening.ended_at) if each is not None)
        case CommandRecord():
            return happening.finished_at or happening.issued_at
        case FleetEvent():
            return happening.at


async def test_what_happened_is_told_at_its_time_and_in_its_order(eventful: World, stage: Stage) -> None:
    end_us = START_US + 120_000_000
    history = await eventful.store.history(AT, at(120))
    await _play(eventful, stage, Reel(START_US, end_us), 240.0, end_us, history)
    shown = AT
    for place, each in enumerate(stage.all):
        if isinstance(each, FleetTick):
            shown = each.at
        else:
            coming = next(later.at for later in stage.all[place:] if isinstance(later, FleetTick))
            assert shown < when(each) <= coming, each
    told = [each for each in stage.told if not isinstance(each, FleetEvent)]
    assert [getattr(each, "state", None) or each.id for each in told if not isinstance(each, Alarm)] == [
        "assigned", "issued", "done", "preflight", "issued", "done", "refused",
    ]  # fmt: skip
    assert [(each.id, each.is_open) for each in told if isinstance(each, Alarm)] == [
        ("a-1", True), ("a-3", True), ("a-1", False), ("a-2", True),
    ]  # fmt: skip
    texts = [each.text for each in stage.told if isinstance(each, FleetEvent)]
    assert texts == ["one", "two", "other", "platform", "three"]


async def test_after_a_jump_things_stand_as_they_stood_then_and_only_what_came_later_is_told(
    eventful: World, stage: Stage
) -> None:
    reel = Reel(START_US, START_US + 120_000_000)
    history = await eventful.store.history(AT, at(120))
    made = a_replay(eventful, stage, reel, speed=240.0, history=history)
    made.is_playing = False
    task = asyncio.create_task(made.run())
    seen: dict[int, tuple[list[str], list[str], list[str]]] = {}
    for second in (110, 28, 65, 0):
        made.seek(micros_of(at(second)))
        stage.stood.clear()
        stage.told.clear()
        async with asyncio.timeout(3):
            while not stage.stood:  # noqa: ASYNC110 - the replay has no event for it
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.15)  # it stands still: nothing is told
        assert stage.told == []
        standing, tracks = stage.stood[-1]
        (sortie,) = [each for each in standing.sorties if each.id == "sortie-3"]
        seen[second] = (
            [sortie.state, str(sortie.outcome), str(len(tracks.get(SortieId("sortie-3"), ())))],
            [each.id for each in standing.alarms if each.is_open],
            [each.state for each in standing.commands],
        )
    assert seen == {
        110: (["refused", "refused", "0"], ["a-3", "a-2"], ["done", "done"]),
        28: (["assigned", "None", "29"], ["a-1"], ["done"]),
        65: (["preflight", "None", "66"], ["a-3"], ["done", "done"]),
        0: (["approved", "None", "1"], [], []),
    }
    made.is_playing = True
    async with asyncio.timeout(5):
        while not made.is_over:  # noqa: ASYNC110 - the replay has no event for it
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.25)
    assert len(stage.told) == 2 + 1 + 4 + 4 + 5
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_crowd_of_events_is_told_once_each(eventful: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemetry.chronicle.MOST_EVENTS", 7)
    crowd = [a_text(30 + number // 5, f"crowd {number}") for number in range(60)]
    await eventful.store.records.note(crowd)
    chronicle, told = Chronicle(History(), eventful.store.records, VehicleId("bl-03")), list[Happening]()
    for second in range(-1, 120):
        told += await chronicle.between(micros_of(at(second)), micros_of(at(second + 1)))
    texts = [each.text for each in told if isinstance(each, FleetEvent)]
    assert [each for each in texts if each.startswith("crowd")] == [each.text for each in crowd]
    assert [each for each in texts if not each.startswith("crowd")] == ["one", "two", "platform", "three"]


async def test_a_replayed_sortie_tells_its_events_on_the_stream_marked_as_replayed(eventful: World) -> None:
    made = (await eventful.http.post("/replays", json={"sortie_id": "sortie-3", "speed": 1})).json()
    path = f"/replays/{made['replay_id']}"
    await eventful.http.patch(path, json={"playing": False, "at": at(12).isoformat()})
    async with serving(eventful.app, listen("127.0.0.1", 0)) as server, time_goes_on(eventful.clock):
        url = server.url.replace("http", "ws").rstrip("/") + made["stream"]
        frames = LiveStream(url, Subscribe(rate_hz=10)).frames()
        async with asyncio.timeout(15):
            stood = await _next_snapshot(frames, lambda frame: bool(frame["sorties"]))
            assert (stood["sorties"][0]["state"], stood["alarms"], stood["commands"]) == ("assigned", [], [])
            await eventful.http.patch(path, json={"playing": True, "speed": 60})
            told = [frame async for frame in _news(frames, until="three")]
            assert all(frame["replayed"] for frame in told)
            lines = [cli.told(frame) for frame in told]
            assert [line for line in lines if line is not None and "bl-03" not in line] == [
                "2026-03-01T08:30:45 info: two",
                "2026-03-01T08:30:47 info: platform",
                "2026-03-01T08:31:40 info: three",
            ]
            assert lines[:4] == [
                "2026-03-01T08:30:20 bl-03 alarm begins: 20 %", "2026-03-01T08:30:25 bl-03 pause of tester: issued",
                "2026-03-01T08:30:26 bl-03 pause of tester: done", "2026-03-01T08:30:30 bl-03 sortie preflight",
            ]  # fmt: skip
            assert [_word(frame) for frame in told] == [
                "alarm a-1 True", "command issued", "command done", "sortie preflight", "event two", "event platform",
                "alarm a-1 False", "command issued", "command done", "alarm a-2 True", "sortie refused",
                "event three",
            ]  # fmt: skip
            times = [frame["event"]["at"] for frame in told if frame["type"] == "event"]
            assert times[0] == "2026-03-01T08:30:45Z"
            await eventful.http.patch(path, json={"playing": False, "at": at(40).isoformat()})
            back = await _next_snapshot(frames, lambda frame: bool(frame["alarms"]))
            (alarm,) = back["alarms"]
            assert (alarm["id"], alarm["ended_at"]) == ("a-1", None)
            assert (back["sorties"][0]["state"], back["sorties"][0]["outcome"]) == ("preflight", None)
            assert [each["state"] for each in back["commands"]] == ["done"]
            assert len(back["tracks"]["sortie-3"]) > 1
            await eventful.http.patch(path, json={"playing": True})
            again = [frame async for frame in _news(frames, until="three")]
            assert [_word(frame) for frame in again] == [_word(frame) for frame in told][4:]
    await eventful.app.state.replays.close()


async def test_a_replay_on_the_command_line_begins_at_a_moment_of_it(eventful: World) -> None:
    async with serving(eventful.app, listen("127.0.0.1", 0)) as server, time_goes_on(eventful.clock):
        asked = ("--speed", "10", "--at", "2026-03-01T16:31:38+08:00")
        told = await bailu_replay("sortie-3", *asked, "--url", server.url)
        assert told.exit_code == 0, told.output
        assert "info: three" in told.output
        assert "info: two" not in told.output
        assert not len(eventful.app.state.replays)


@pytest.mark.parametrize(
    ("at", "why"),
    [
        ("2026-03-01T08:40:00Z", "2026-03-01T08:40:00+00:00 is outside of the recording, 2026-03-01T08:30:00Z … "),
        ("2026-03-01T08:29:59Z", "is outside of the recording"),
        ("2026-03-01T08:31:00", "'2026-03-01T08:31:00' has no zone"),
        ("+90s", "'+90s' is no time such as 2026-03-01T08:30:00Z"),
    ],
)
async def test_a_moment_that_no_replay_can_begin_at_is_told_and_nothing_is_played(
    eventful: World, at: str, why: str
) -> None:
    async with serving(eventful.app, listen("127.0.0.1", 0)) as server:
        told = await bailu_replay("sortie-3", "--at", at, "--url", server.url)
    assert told.exit_code != 0
    assert why in " ".join(re.sub("[│╭╮╰╯─]", " ", told.output).split())
    assert not len(eventful.app.state.replays)


async def bailu_replay(*arguments: str) -> Result:
    """`bailu replay`, while the platform that it asks answers."""
    async with asyncio.timeout(20):
        return await asyncio.to_thread(CliRunner().invoke, app, ["replay", *arguments])


async def test_every_frame_says_which_moment_of_the_recording_it_shows(eventful: World) -> None:
    made = (await eventful.http.post("/replays", json={"sortie_id": "sortie-3", "speed": 1})).json()
    path = f"/replays/{made['replay_id']}"
    await eventful.http.patch(path, json={"playing": False, "at": at(12.5).isoformat()})
    async with serving(eventful.app, listen("127.0.0.1", 0)) as server, time_goes_on(eventful.clock):
        stream = LiveStream(server.url.replace("http", "ws").rstrip("/") + made["stream"], Subscribe(rate_hz=10))
        frames = stream.frames()
        async with asyncio.timeout(15):
            stood = await _next_snapshot(frames, lambda frame: bool(frame["rows"]))
            assert stood["at"] == "2026-03-01T08:30:12.500Z"
            # Ages run on between the tick of a moment and the frame that shows it.
            heard_at = datetime.fromisoformat(stream.vehicles["bl-03"]["last_heard_at"])
            assert abs(heard_at - at(12)) <= timedelta(seconds=0.3)
            assert stream.vehicles["bl-03"]["heard_age_s"] == pytest.approx(0.5, abs=0.3)
            await eventful.http.patch(path, json={"playing": True, "speed": 60})
            shown = stood["at"]
            async for frame in frames:
                assert shown <= frame["at"] <= "2026-03-01T08:32:00.000Z"
                shown = frame["at"]
                if frame["type"] == "alarm" and frame["alarm"]["id"] == "a-2":
                    assert at(70) <= datetime.fromisoformat(shown) <= at(70 + 60 * 1.0)  # it may be in a hurry
                if frame["type"] == "event" and frame["event"]["text"] == "three":
                    break
            await eventful.http.patch(path, json={"playing": False, "at": at(40).isoformat()})
            back = await _next_snapshot(frames, lambda _: True)
            assert back["at"] == (await anext(frames))["at"] == "2026-03-01T08:30:40.000Z"
    await eventful.app.state.replays.close()


@asynccontextmanager
async def time_goes_on(clock: ManualClock) -> AsyncIterator[None]:
    """A clock of a test that runs as ours does."""

    async def run() -> None:
        while True:
            await asyncio.sleep(0.02)
            clock.advance(0.02)

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()


async def _next_snapshot(frames: AsyncIterator[Json], wanted: Callable[[Json], bool]) -> Json:
    async for frame in frames:
        if frame["type"] == "snapshot" and wanted(frame):
            return frame
    raise AssertionError("the stream ended")


async def _news(frames: AsyncIterator[Json], *, until: str) -> AsyncIterator[Json]:
    async for frame in frames:
        if frame["type"] in ("sortie", "alarm", "command", "event"):
            yield frame
            if frame["type"] == "event" and frame["event"]["text"] == until:
                return


def _word(frame: Json) -> str:
    body = frame[frame["type"]]
    match frame["type"]:
        case "alarm":
            return f"alarm {body['id']} {body['ended_at'] is None}"
        case "event":
            return f"event {body['text']}"
        case kind:
            return f"{kind} {body['state']}"
