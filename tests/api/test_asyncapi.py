"""The description of the stream: what is really sent keeps it, and the console's types are made of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi.routing import APIWebSocketRoute

from api.asyncapi import document, for_types, stream_schemas
from api.routes.stream import router
from api.services import bailu_version
from core.errors import Encounter
from core.ids import SortieId, VehicleId
from telemetry.messages import (
    FleetEvent,
    FlightMet,
    Ghost,
    LinksTick,
    Remedy,
    SortieProgress,
    TrafficConflict,
    TrafficNews,
    VehicleUpdate,
)
from telemetry.stream.contract import JSON, MSGPACK, AnyFrame
from telemetry.stream.frames import Encoding
from tests.api.conftest import VEHICLE, World
from tests.api.test_rights import a_command, a_link, a_review, an_alarm
from tests.samples import AT, a_mission, a_revision, a_sortie
from tests.telemetry.test_stream import Far, settle, viewing

ROOT = Path(__file__).parents[2]
SCHEMAS = json.loads(json.dumps(stream_schemas()))
# What the checker below knows of JSON Schema; `default`, `description` and `title` ask for nothing.
KNOWN = {
    "$ref", "additionalProperties", "anyOf", "default", "description", "enum", "format", "items", "maxItems",
    "maxLength", "maximum", "minItems", "minimum", "prefixItems", "properties", "required", "title", "type",
}  # fmt: skip
TYPES: dict[str, type | tuple[type, ...]] = {
    "null": type(None), "object": dict, "array": list, "string": str, "integer": int, "number": (int, float),
    "boolean": bool,
}  # fmt: skip


@pytest.mark.parametrize(
    ("where", "made"),
    [("docs/asyncapi.json", document), ("console/src/api/stream.json", for_types)],
)
def test_the_description_is_the_golden_one(where: str, made: Any) -> None:
    assert json.loads(json.dumps(made(bailu_version()))) == json.loads((ROOT / where).read_text()), "run make openapi"


def test_every_reference_leads_somewhere() -> None:
    whole = document(bailu_version())
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(whole))):
        node = whole
        for part in reference.split("/"):
            node = node[part]


def test_the_query_that_is_described_is_the_one_that_is_taken() -> None:
    (route,) = (each for each in router.routes if isinstance(each, APIWebSocketRoute))
    described = document(bailu_version())["channels"]["stream"]["bindings"]["ws"]["query"]["properties"]
    assert list(described) == [each.alias for each in route.dependant.query_params] == ["replay"]


async def test_the_description_is_served(world: World) -> None:
    told = (await world.http.get("/asyncapi.json")).json()
    assert told["asyncapi"] == "3.0.0"
    assert JSON in told["info"]["description"]
    assert MSGPACK in told["info"]["description"]


def faults(value: Any, schema: dict[str, Any], where: str = "") -> list[str]:
    """Where `value` does not keep `schema`: as much of JSON Schema as our descriptions use (KNOWN)."""
    if "$ref" in schema:
        return faults(value, SCHEMAS[schema["$ref"].rsplit("/", 1)[1]], where)
    if "anyOf" in schema:
        tried = [faults(value, each, where) for each in schema["anyOf"]]
        return [] if [] in tried else min(tried, key=len)
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: {value!r} is none of {schema['enum']}"]
    kind = schema.get("type", "")
    if not isinstance(value, TYPES.get(kind, object)) or (isinstance(value, bool) and kind in ("integer", "number")):
        return [f"{where}: {value!r} is no {kind}"]
    match value:
        case dict():
            return _faults_of_object(value, schema, where)
        case list():
            return _faults_of_array(value, schema, where)
        case str() if schema.get("format") == "date-time":
            return (
                []
                if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value)
                else [f"{where}: {value!r} is no time"]
            )
    return []


def _faults_of_array(value: list[Any], schema: dict[str, Any], where: str) -> list[str]:
    prefix, rest = schema.get("prefixItems", []), schema.get("items", {})
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        return [f"{where}: {len(value)} of them"]
    each_of = [*prefix, *[rest or {}] * len(value)]
    more = [f"{where}: more than are described"] if rest is False and len(value) > len(prefix) else []
    return more + [fault for at, each in enumerate(value) for fault in faults(each, each_of[at], f"{where}/{at}")]


def _faults_of_object(value: dict[str, Any], schema: dict[str, Any], where: str) -> list[str]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    missing = [f"{where}: no {name}" for name in schema.get("required", []) if name not in value]
    unknown = [f"{where}: {name} is not described" for name in value if known and name not in known]
    inner = [
        fault for name, each in value.items() for fault in faults(each, known.get(name, others), f"{where}/{name}")
    ]
    return missing + unknown + inner


def keywords(schema: dict[str, Any]) -> set[str]:
    """All that a schema and those within it use."""
    within = [*schema.get("properties", {}).values(), *schema.get("anyOf", []), *schema.get("prefixItems", [])]
    within += [schema[each] for each in ("items", "additionalProperties") if isinstance(schema.get(each), dict)]
    return set(schema).union(*map(keywords, within))


def test_the_checker_knows_all_that_the_description_says() -> None:
    assert set().union(*map(keywords, SCHEMAS.values())) <= KNOWN


def a_conflict() -> TrafficConflict:
    first, second = (FlightMet(each, each, True, VehicleId(each)) for each in ("bl-01", "bl-02"))
    met = Encounter("bl-01", "bl-01", AT, AT, 60.0, 70.0, 12.0, 0.0)
    area = {"type": "Polygon", "coordinates": []}
    return TrafficConflict(
        "bl-01~bl-02", AT, "warning", "they may meet", first, second, met, area, (Remedy("hold", "for 40 s", 40.0),)
    )


def everything_happens(world: World) -> None:
    """Each kind of news, with nothing left empty."""
    hub, now = world.hub, world.clock.now()
    ghost, progress = Ghost("mission", 31.1, 121.1, 60.0, 40.0, "it flies on"), SortieProgress(1, 2, 3.0, 4.0, 50.0)
    world.tick(mode="AUTO", last_texts=("one",), ghosts=(ghost,), progress=progress, sortie_id=SortieId("sortie-1"))
    hub.sortie_changed(a_sortie())
    world.tick(mode="RTL", alt_rel_m=60.0, sortie_id=SortieId("sortie-1"))  # a track begins
    hub.update(VehicleUpdate(now, 1, replace(hub.vehicle(VEHICLE), mode="LAND")))
    hub.command(a_command(VEHICLE, "failed", "PreArm: GPS"))
    hub.alarm(an_alarm(VEHICLE, "20 %"))
    hub.links_tick(LinksTick("g", now, (a_link("radio", "10.1.1.1"),), True))
    hub.airspace_reviewed(a_review(world))
    hub.traffic(TrafficNews(now, "begin", a_conflict()))
    hub.event(FleetEvent(now, "warning", "statustext", "said", VEHICLE, SortieId("sortie-1"), (VehicleId("bl-02"),)))


async def all_frames(world: World, encoding: Encoding) -> list[dict[str, Any]]:
    """What viewers are sent while everything happens, by those who come later or again, and at the end."""
    follower, later, again, gone, wrong = (Far(encoding) for _ in range(5))
    async with viewing(world.hub, follower, rate_hz=10, follow=VEHICLE):
        everything_happens(world)
        await settle()
    first = follower.frames[0]
    async with viewing(world.hub, later), viewing(world.hub, wrong, fields=["speed"]):
        pass
    async with viewing(world.hub, gone, resume={"epoch": "another", "seq": 1}):
        pass
    async with viewing(world.hub, again, resume={"epoch": first["epoch"], "seq": first["seq"]}):
        await world.hub.close()
    return [frame for far in (follower, later, again, gone, wrong) for frame in far.frames]


@pytest.mark.parametrize("encoding", Encoding)
async def test_frames_of_every_type_are_as_the_served_description_says(world: World, encoding: Encoding) -> None:
    frames = await all_frames(world, encoding)
    served = (await world.http.get("/asyncapi.json")).json()
    messages = {each["name"]: each["payload"] for each in served["components"]["messages"].values()}
    assert served["components"]["schemas"] == SCHEMAS
    assert {frame["type"] for frame in frames} == {each.__struct_config__.tag for each in get_args(AnyFrame)}
    assert [fault for frame in frames for fault in faults(frame, messages[frame["type"]], frame["type"])] == []
    snapshots = [frame for frame in frames if frame["type"] == "snapshot"]
    for member in set(snapshots[0]) - {"tracks"}:
        assert any(frame[member] for frame in snapshots), f"no snapshot holds any {member}"
    assert any(track for frame in snapshots for track in frame["tracks"].values())
    assert {frame["problem"] is None for frame in frames if frame["type"] == "bye"} == {True, False}


async def test_a_sortie_on_the_stream_is_as_in_the_list_of_them(world: World) -> None:
    await world.store.add_mission(a_mission(), a_revision())
    await world.store.add_sortie(a_sortie(), idempotency_key="k", request_digest="d")
    far = Far()
    async with viewing(world.hub, far):
        world.hub.sortie_changed(a_sortie())
        await settle()
    (news,) = far.of("sortie")
    assert [news["sortie"]] == (await world.http.get("/sorties")).json()["items"]


def test_a_frame_that_is_not_as_described_is_found() -> None:
    tick = {
        "type": "tick", "epoch": "e", "seq": 1, "at": "2026-03-01T08:30:00.000Z", "rows": [[1, None, "x"]],
        "changed": [], "gone": [],
    }  # fmt: skip
    (fault,) = faults(tick, SCHEMAS["Tick"])
    assert fault.startswith("/rows/0/2")
    assert faults({**tick, "rows": []}, SCHEMAS["Tick"]) == []
    assert faults({**tick, "rows": [], "more": 1}, SCHEMAS["Tick"]) == [": more is not described"]
    assert faults({**tick, "rows": [], "seq": True}, SCHEMAS["Tick"]) == ["/seq: True is no integer"]
    assert faults({**tick, "rows": [], "at": "now"}, SCHEMAS["Tick"]) == ["/at: 'now' is no time"]
    assert faults({"type": "tick"}, SCHEMAS["Tick"])[0] == ": no epoch"
    pairs = SCHEMAS["Resumed"]["properties"]["fields"]
    assert faults([["lat_deg", 1e-7]], pairs) == []
    assert faults([["lat_deg", 1e-7, 1]], pairs) == ["/0: 3 of them"]
    tracks = SCHEMAS["Snapshot"]["properties"]["tracks"]
    assert faults({"sortie-1": [[1.0, 2.0, None]]}, tracks) == ["/sortie-1/0/2: None is no number"]
