"""Who may know of one unit only is told not a byte of another's vehicles, over the real socket and over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from api import rights
from api.main import enrolled
from api.runtime import listen
from api.services import services_on
from api.settings import DEFAULT_VEHICLES, Settings
from api.webserver import Serving, serving
from core.ids import AlarmId, CommandId, MissionId, OperatorId, SortieId, VehicleId
from missions.model import CommandRecord
from operations.alarms import Alarm, AlarmKind, Severity
from operations.recording.tracks import micros_of
from telemetry.links import LinkHealth
from telemetry.links.port import LinkCondition
from telemetry.messages import (
    AirspaceReviewed,
    FailingFlight,
    FleetEvent,
    FleetTick,
    LinkState,
    LinksTick,
    VehicleState,
    VehicleUpdate,
)
from telemetry.stream.contract import JSON, MSGPACK
from tests.api.conftest import World, a_world
from tests.api.test_traffic import fly, over
from tests.crossing import FIRST_DOCK, SECOND_DOCK
from tests.samples import AT, a_batch, a_mission, a_revision, a_sortie, a_track_point

NORTH, SOUTH = VehicleId("bl-01"), VehicleId("bl-02")
UNITS = {"bl-01": "north", "bl-02": "south", "bl-03": "north"}
NORTHS, SOUTHS = f"sortie-{FIRST_DOCK}", f"sortie-{SECOND_DOCK}"
# What names the other unit's vehicle: id, name, radio, address, flight, mission and its last words.
SECRETS = ("bl-02", "白鹭二号", "south", "10.9.8.7", SOUTHS, SECOND_DOCK, "secret")
END = "that was all"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Two vehicles of the north and one of the south, whose operator may know of all as yet."""
    vehicles = tuple(each.model_copy(update={"unit": UNITS[each.id]}) for each in DEFAULT_VEHICLES)
    async with a_world(Settings(data_dir=tmp_path, vehicles=vehicles)) as made:
        yield made


@pytest.fixture
async def served(world: World) -> AsyncIterator[Serving]:
    async with serving(world.app, listen("127.0.0.1", 0)) as server:
        yield server


def become(world: World, *units: str) -> None:
    """From now on the operator may know of these units only."""
    services = services_on(world.app)
    limited = world.settings.model_copy(update={"operator_units": units})
    world.app.state.services = replace(services, settings=limited)


def states(world: World, **changes: Any) -> list[VehicleState]:
    """All vehicles as they are heard, each on its own radio."""
    return [
        replace(each, link=LinkState.LIVE, heard_age_s=0.1, link_name=f"{each.unit}-radio", **changes)
        for each in enrolled(world.settings)
    ]


def tick(world: World, those: list[VehicleState]) -> None:
    world.clock.advance(0.2)
    world.hub.tick(FleetTick.of("g", world.clock.now(), those))


def an_alarm(vehicle_id: VehicleId, text: str) -> Alarm:
    return Alarm(AlarmId(f"a-{vehicle_id}"), AlarmKind.GPS, Severity.WARNING, text, vehicle_id, None, AT)


def a_command(vehicle_id: VehicleId, state: str, *texts: str) -> CommandRecord:
    name = CommandId(f"c-{vehicle_id}")
    return CommandRecord(name, vehicle_id, None, "return", AT, OperatorId("local"), state, texts=texts)


def a_link(name: str, address: str) -> LinkHealth:
    return LinkHealth(name, f"tcp:{address}:5760", LinkCondition.UP, AT)


def a_review(world: World) -> AirspaceReviewed:
    failing = tuple(
        FailingFlight(SortieId(sortie), vehicle_id, MissionId("m"), 1, sortie, (), (), None, "")
        for vehicle_id, sortie in ((NORTH, NORTHS), (SOUTH, SOUTHS))
    )
    text = "Airspace version 2 makes missions unflyable: 2 in the air (bl-01, bl-02)."
    return AirspaceReviewed(2, world.clock.now(), "critical", text, True, 0, 2, failing)


async def everything(world: World) -> None:
    """Each kind of news of both units, and of none."""
    hub, now = world.hub, world.clock.now()
    for vehicle_id, text in ((SOUTH, "secret"), (NORTH, "ours")):
        hub.update(VehicleUpdate(now, 1, replace(hub.vehicle(vehicle_id), mode=text)))
        hub.event(FleetEvent(now, "warning", "statustext", text, vehicle_id))
        hub.alarm(an_alarm(vehicle_id, text))
        hub.command(a_command(vehicle_id, "issued"))
        hub.command(a_command(vehicle_id, "failed", text))
        await world.store.save_alarm(an_alarm(vehicle_id, text))
    hub.event(FleetEvent(now, "warning", "unenrolled", "System 9 speaks on link south-radio from 10.9.8.7"))
    hub.event(FleetEvent(now, "warning", "link-down", "south-radio is down"))
    hub.event(FleetEvent(now, "warning", "airspace-review", a_review(world).text))
    for each in (NORTHS, SOUTHS):
        hub.sortie_changed(await world.store.sortie(SortieId(each)))
    hub.links_tick(LinksTick("g", now, (a_link("north-radio", "10.1.1.1"), a_link("south-radio", "10.9.8.7")), True))
    hub.airspace_reviewed(a_review(world))
    await world.app.state.traffic.look()


async def both_fly(world: World) -> None:
    """Two flights whose ways cross, one of each unit."""
    await fly(world, FIRST_DOCK)
    await fly(world, SECOND_DOCK)
    over(world, {FIRST_DOCK: (121.1238, 31.1460), SECOND_DOCK: (121.1130, 31.1535)})
    tick(world, states(world))


async def heard(viewer: ClientConnection, *, until: str) -> list[str | bytes]:
    """Every message up to the one that holds this text."""
    messages: list[str | bytes] = []
    async with asyncio.timeout(5):
        while not messages or until not in text_of(messages[-1]):
            messages.append(await viewer.recv())
    return messages


def text_of(message: str | bytes) -> str:
    return message if isinstance(message, str) else str(msgspec.msgpack.decode(message))


def frames(messages: list[str | bytes]) -> list[dict[str, Any]]:
    return [msgspec.json.decode(each) if isinstance(each, str) else msgspec.msgpack.decode(each) for each in messages]


def kinds(messages: list[str | bytes]) -> set[str]:
    return {str(each["type"]) for each in frames(messages)}


def leaks(messages: list[str | bytes]) -> list[tuple[str, str]]:
    """The secrets that were told, each with the message that told it."""
    return [(secret, text_of(each)) for each in messages for secret in SECRETS if secret in text_of(each)]


async def subscribed(viewer: ClientConnection, **wants: Any) -> None:
    asked = {"type": "subscribe", "rate_hz": 10, **wants}
    packed = viewer.subprotocol == MSGPACK
    await viewer.send(msgspec.msgpack.encode(asked) if packed else msgspec.json.encode(asked).decode())


def the_end(world: World, vehicle_id: VehicleId = NORTH) -> None:
    world.hub.event(FleetEvent(world.clock.now(), "warning", "statustext", END, vehicle_id))


def stream(served: Serving, encoding: str = JSON, path: str = "") -> connect:
    url = served.url.replace("http", "ws") + "api/v1/stream" + path
    return connect(url, proxy=None, subprotocols=[Subprotocol(encoding)])


@pytest.mark.parametrize("encoding", [JSON, MSGPACK])
async def test_a_viewer_of_one_unit_gets_not_a_byte_about_another(
    world: World, served: Serving, encoding: str
) -> None:
    await both_fly(world)
    become(world, "north")
    async with stream(served, encoding) as viewer:
        await subscribed(viewer, units=["north", "south"], follow=SOUTH)
        first = [await viewer.recv()]
        await everything(world)
        tick(world, states(world, mode="AUTO"))
        the_end(world)
        live = await heard(viewer, until=END)
    async with stream(served, encoding) as again:
        position = {"epoch": frames(first)[0]["epoch"], "seq": frames(first)[0]["seq"]}
        await subscribed(again, resume=position)
        missed = await heard(again, until=END)
    world.clock.advance(1)
    async with stream(served, encoding) as late:
        await subscribed(late)
        whole = [await late.recv()]
    assert leaks([*first, *live, *missed, *whole]) == []
    told = {"event", "alarm", "command", "sortie", "links", "airspace-review", "traffic"}
    assert kinds(live) == told | {"tick"}
    assert kinds(missed) >= told | {"resumed"}
    snapshot = frames(whole)[0]
    assert {each["vehicle_id"] for each in snapshot["vehicles"]} == {"bl-01", "bl-03"}
    held = ("sorties", "alarms", "commands", "links", "traffic")
    assert [len(snapshot[each]) for each in held] == [1] * len(held)


async def test_who_may_know_of_all_is_told_all(world: World, served: Serving) -> None:
    """The very same happenings hold every secret: the test above would see one."""
    await both_fly(world)
    async with stream(served) as viewer:
        await subscribed(viewer, follow=SOUTH)
        first = [await viewer.recv()]
        await everything(world)
        the_end(world)
        told = [*first, *await heard(viewer, until=END)]
    assert {secret for secret, _ in leaks(told)} == set(SECRETS)


async def test_a_vehicle_that_changes_its_unit_goes_from_the_eyes_of_one_and_comes_to_those_of_the_other(
    world: World, served: Serving
) -> None:
    await both_fly(world)
    world.hub.alarm(an_alarm(SOUTH, "secret"))
    become(world, "north")
    async with stream(served) as viewer:
        await subscribed(viewer)
        before = [await viewer.recv()]
        moved = [replace(each, unit="north") for each in states(world)]
        tick(world, moved)
        came = await heard(viewer, until="secret")
        tick(world, states(world))
        left = [await viewer.recv()]
        world.hub.event(FleetEvent(world.clock.now(), "warning", "statustext", "secret again", SOUTH))
        the_end(world)
        left += await heard(viewer, until=END)
    assert leaks(before) == leaks(left) == []
    assert kinds(came) == kinds(left[:1]) == {"snapshot"}
    assert [each["vehicle_id"] for each in frames(came)[0]["alarms"]] == [SOUTH]


async def test_who_was_away_while_a_vehicle_left_its_unit_begins_anew(world: World, served: Serving) -> None:
    tick(world, [replace(each, unit="north") for each in states(world)])
    become(world, "north")
    async with stream(served) as viewer:
        await subscribed(viewer)
        first = frames([await viewer.recv()])[0]
    world.hub.event(FleetEvent(world.clock.now(), "warning", "statustext", "of the north as yet", SOUTH))
    tick(world, states(world))
    async with stream(served) as viewer:
        await subscribed(viewer, resume={"epoch": first["epoch"], "seq": first["seq"]})
        again = frames([await viewer.recv()])[0]
    assert (again["type"], again["gap"]["why"]) == ("snapshot", "units")
    assert {each["vehicle_id"] for each in again["vehicles"]} == {"bl-01", "bl-03"}


async def test_what_a_sortie_was_refused_for_and_what_it_goes_on_with_may_be_another_units(
    world: World, served: Serving
) -> None:
    await both_fly(world)
    ours = await world.store.sortie(SortieId(NORTHS))
    problem: dict[str, object] = {
        "slug": "mission-conflict",
        "title": "t",
        "detail": SOUTHS,
        "conflicts": [{"flight": SOUTHS}],
    }
    changed = replace(ours, continues=SortieId(SOUTHS), problem=problem, row_revision=ours.row_revision + 1)
    await world.store.save_sortie(changed)
    become(world, "north")
    async with stream(served) as viewer:
        await subscribed(viewer)
        await viewer.recv()
        world.hub.sortie_changed(changed)
        the_end(world)
        live = await heard(viewer, until=END)
    world.clock.advance(1)
    async with stream(served) as viewer:
        await subscribed(viewer)
        whole = [await viewer.recv()]
    texts = [(await world.http.get(path)).text for path in ("/sorties", f"/sorties/{NORTHS}")]
    assert leaks([*live, *whole, *texts]) == []
    assert all("mission-conflict" in text_of(each) for each in [*whole, *texts])


@pytest.mark.parametrize(("unit", "role"), [("north", "first"), ("south", "yields")])
async def test_of_a_meeting_each_unit_is_told_when_and_how_near_but_not_with_whom(
    world: World, unit: str, role: str
) -> None:
    await both_fly(world)
    await world.app.state.traffic.look()
    (whole,) = (await world.http.get("/traffic/conflicts")).json()["items"]
    become(world, unit)
    (told,) = (await world.http.get("/traffic/conflicts")).json()["items"]
    mine, other = role, {"first": "yields", "yields": "first"}[role]
    assert told[mine] == whole[mine]
    assert told[other] == {"flight_id": "", "name": "A flight of another unit", "airborne": True, "vehicle_id": None}
    same = ("from_at", "until_at", "horizontal_m", "vertical_m", "low_amsl_m", "high_amsl_m")
    assert [told["encounter"][each] for each in same] == [whole["encounter"][each] for each in same]
    assert not set(whole["id"].split("~")) & set(told["id"].split("~"))
    assert (told["geometry"] is None) is (role == "yields")


async def test_lists_hold_ones_own_and_others_are_not_found(world: World) -> None:
    await both_fly(world)
    await everything(world)
    become(world, "north")
    lists = ("/vehicles", "/sorties", "/alarms", "/links", "/traffic/conflicts", "/enrollments", f"/sorties/{NORTHS}")
    texts = [(await world.http.get(path)).text for path in lists]
    assert leaks(list(texts)) == []
    assert [text.count("bl-01") > 0 for text in texts] == [True, True, True, False, True, False, True]
    for path in (
        "/vehicles/bl-02", "/vehicles/bl-02/commands", "/vehicles/bl-02/track", "/vehicles/bl-02/safety-profile",
        "/vehicles/bl-02/logs", "/enrollments/bl-02", f"/sorties/{SOUTHS}", f"/sorties/{SOUTHS}/track",
        f"/sorties/{SOUTHS}/tlog",
    ):  # fmt: skip
        assert (await world.http.get(path)).status_code == 404, path
    assert (await world.http.get("/vehicles/bl-01")).status_code == 200
    assert (await world.http.post("/vehicles/bl-02/commands", json={"kind": "return"})).status_code == 404
    assert (await world.http.post("/alarms/a-bl-02/acknowledge")).status_code == 404
    assert (await world.http.post("/alarms/a-bl-01/acknowledge")).status_code == 200
    assert (await world.http.post("/replays", json={"sortie_id": SOUTHS})).status_code == 404


async def test_what_is_open_names_no_vehicle_of_another_unit(world: World) -> None:
    await both_fly(world)
    become(world, "north")
    open_paths = [
        path.removeprefix("/api/v1")
        for path, methods in world.app.openapi()["paths"].items()
        if methods.get("get", {}).get("operationId") in rights.OPEN | {"list_docks"} and "{" not in path
    ]
    assert len(open_paths) >= 9
    for path in open_paths:
        assert "bl-02" not in (await world.http.get(path)).text, path
    docks = {each["dock_id"]: each["vehicle_ids"] for each in (await world.http.get("/docks")).json()["items"]}
    assert (docks[FIRST_DOCK], docks[SECOND_DOCK]) == (["bl-01"], [])
    assert (await world.http.get("/me")).json()["units"] == ["north"]


async def test_what_concerns_all_units_is_refused_to_who_may_know_of_some(world: World) -> None:
    become(world, "north")
    for path in (
        "/unenrolled",
        "/forwarding/rules",
        "/missions",
        "/airspace/versions/1/review",
        "/holds",
        "/deletions",
    ):
        refused = await world.http.get(path)
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:bailu:problem:not-allowed"), path
    assert (await world.http.post("/sorties", json={})).status_code == 403
    for path in ("/me", "/health", "/docks", "/airspace", "/zones", "/patterns"):
        assert (await world.http.get(path)).status_code == 200, path


def test_routes_about_one_vehicle_or_sortie_are_named_for_it_and_none_that_is_not_there(world: World) -> None:
    paths = {
        operation["operationId"]: path
        for path, methods in world.app.openapi()["paths"].items()
        for operation in methods.values()
        if "operationId" in operation
    }
    told_nowhere = {"stream", "description"}
    assert (rights.OPEN | rights.NARROWED | rights.BY_PATH) - told_nowhere <= paths.keys()
    about_one = {name for name, path in paths.items() if "{vehicle_id}" in path or "{sortie_id}" in path}
    assert about_one >= rights.BY_PATH
    assert not about_one & (rights.OPEN | rights.NARROWED)


@pytest.fixture
async def recorded(world: World) -> World:
    """A minute of both: flight-0 of the north, flight-1 of the south."""
    await world.store.add_mission(a_mission(), a_revision())
    for number, vehicle_id in enumerate((NORTH, SOUTH)):
        sortie = a_sortie(f"flight-{number}", vehicle=vehicle_id)
        await world.store.add_sortie(sortie, idempotency_key=vehicle_id, request_digest="d")
        points = [a_track_point(second) for second in range(60)]
        await world.store.records.append(a_batch(points, sortie.id, vehicle_id))
    await world.store.records.compact(micros_of(AT + timedelta(minutes=5)))
    tick(world, states(world))
    return world


async def test_a_recording_shows_ones_own_vehicles_only(recorded: World, served: Serving) -> None:
    world = recorded
    become(world, "north")
    span = {"from": AT.isoformat(), "to": (AT + timedelta(minutes=1)).isoformat(), "speed": 10}
    made = await world.http.post("/replays", json=span)
    assert made.status_code == 201, made.text
    async with stream(served, path=f"?replay={made.json()['replay_id']}") as viewer:
        await subscribed(viewer)
        shown = await heard(viewer, until='"bl-01"')
        for _ in range(5):
            world.clock.advance(0.3)
            async with asyncio.timeout(5):
                shown.append(await viewer.recv())
    assert leaks(shown) == []
    assert not any("flight-1" in text_of(each) for each in shown)
    await world.app.state.replays.close()


async def test_a_replay_of_another_units_sortie_is_there_for_nobody_else_on_any_route(
    recorded: World, served: Serving
) -> None:
    made = [
        (await recorded.http.post("/replays", json={"sortie_id": f"flight-{number}"})).json() for number in (0, 1)
    ]
    ours, theirs = (each["replay_id"] for each in made)
    become(recorded, "north")
    started = await recorded.http.post("/replays", json={"sortie_id": "flight-1"})
    assert (started.status_code, leaks([started.text])) == (404, [])
    for method, more in (("GET", None), ("PATCH", {"playing": False}), ("DELETE", None)):
        refused = await recorded.http.request(method, f"/replays/{theirs}", json=more)
        nowhere = await recorded.http.request(method, "/replays/replay-0", json=more)
        assert (refused.status_code, refused.text) == (404, nowhere.text.replace("replay-0", theirs)), method
    with pytest.raises(InvalidStatus):
        await stream(served, path=f"?replay={theirs}")
    async with stream(served, path=f"?replay={ours}"):
        pass
    for method, more in (("GET", None), ("PATCH", {"playing": False}), ("DELETE", None)):
        assert (await recorded.http.request(method, f"/replays/{ours}", json=more)).is_success, method
    become(recorded, "north", "south")
    assert (await recorded.http.get(f"/replays/{theirs}")).json()["playing"] is True
    await recorded.app.state.replays.close()
