"""The description of the stream: what is really sent keeps it, and the console's types are made of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from api.asyncapi import document, for_types, stream_schemas
from api.services import bailu_version
from telemetry.stream.audience import ALL_UNITS
from telemetry.stream.contract import JSON, MSGPACK
from tests.api.conftest import World
from tests.samples import a_sortie
from tests.telemetry.test_stream import Far, viewing

ROOT = Path(__file__).parents[2]
SCHEMAS = stream_schemas()
KINDS = {schema["properties"]["type"]["enum"][0]: name for name, schema in SCHEMAS.items()
         if "type" in schema.get("properties", {}) and name != "Subscribe"}  # fmt: skip


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


async def test_the_description_is_served(world: World) -> None:
    told = (await world.http.get("/asyncapi.json")).json()
    assert told["asyncapi"] == "3.0.0"
    assert JSON in told["info"]["description"]
    assert MSGPACK in told["info"]["description"]


def faults(value: Any, schema: dict[str, Any], where: str = "") -> list[str]:
    """Where `value` does not keep `schema`: as much of JSON Schema as our descriptions use."""
    if "$ref" in schema:
        return faults(value, SCHEMAS[schema["$ref"].rsplit("/", 1)[1]], where)
    if "anyOf" in schema:
        tried = [faults(value, each, where) for each in schema["anyOf"]]
        return [] if [] in tried else min(tried, key=len)
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: {value!r} is none of {schema['enum']}"]
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
    known: dict[str, Any] = {"null": type(None), **kinds}
    expected = known.get(schema.get("type", ""), object)
    if not isinstance(value, expected):
        return [f"{where}: {value!r} is no {schema['type']}"]
    if isinstance(value, dict):
        return _faults_of_object(value, schema, where)
    if isinstance(value, list):
        prefix, rest = schema.get("prefixItems", []), schema.get("items", {})
        pairs = enumerate(value)
        return [
            fault
            for at, each in pairs
            for fault in faults(each, prefix[at] if at < len(prefix) else rest or {}, f"{where}/{at}")
        ]
    return []


def _faults_of_object(value: dict[str, Any], schema: dict[str, Any], where: str) -> list[str]:
    known = schema.get("properties", {})
    missing = [f"{where}: no {name}" for name in schema.get("required", []) if name not in value]
    unknown = [f"{where}: {name} is not described" for name in value if known and name not in known]
    inner = [fault for name, each in value.items() for fault in faults(each, known.get(name, {}), f"{where}/{name}")]
    return missing + unknown + inner


async def test_what_is_sent_is_what_is_described(world: World) -> None:
    far, again = Far(), Far()
    async with viewing(world.hub, far, rate_hz=10):
        for number in range(3):
            world.clock.advance(1)
            world.tick(mode=f"M{number}")
            world.hub.sortie_changed(a_sortie(row_revision=number))
        seen = far.frames[0]
    async with viewing(world.hub, again, resume={"epoch": seen["epoch"], "seq": seen["seq"]}, rights=ALL_UNITS):
        await world.hub.close()
    frames = far.frames + again.frames
    assert {frame["type"] for frame in frames} == {"snapshot", "tick", "sortie", "resumed", "bye"}
    assert [fault for frame in frames for fault in faults(frame, SCHEMAS[KINDS[frame["type"]]])] == []


def test_a_frame_that_is_not_as_described_is_found() -> None:
    tick = {"type": "tick", "epoch": "e", "seq": 1, "at": "2026", "rows": [[1, None, "x"]], "changed": [], "gone": []}
    (fault,) = faults(tick, SCHEMAS["Tick"])
    assert fault.startswith("/rows/0/2")
    assert faults({**tick, "rows": [], "more": 1}, SCHEMAS["Tick"]) == [": more is not described"]
    assert faults({"type": "tick"}, SCHEMAS["Tick"])[0] == ": no epoch"
