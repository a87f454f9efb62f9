"""The description of the stream (AsyncAPI 3.0), made from the contract's own types."""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from typing import Any, get_args

import msgspec

from telemetry.messages import VehicleState
from telemetry.stream import contract
from telemetry.stream.contract import JSON, MSGPACK, AnyFrame, Subscribe
from telemetry.stream.fields import GROUPS, NAMES
from telemetry.stream.table import SLOW

PREFIX = "#/components/schemas/"
ADDRESS = "/api/v1/stream"

_ABOUT = """One WebSocket of everything that happens now. Say `subscribe` first; within a second without a word
everything is told. Frames are JSON text (subprotocol `{json}`, also without one) or MessagePack (`{msgpack}`), with
the same members; times are text in both.

A snapshot comes first, then ticks of what changed since the last frame of states, and news in order, each once.
`seq` rises along all frames of an `epoch`, but is not without gaps: a viewer that is slow, or asked for a lower rate,
is told the newest later. To go on after a lost connection, subscribe as before with `resume` of the last snapshot's
or tick's epoch and seq: `resumed`, the missed news and one tick follow, or a snapshot that names the gap. News may
come twice then: drop those whose seq you had.

A row is [number, age of the last word in ms, age of the position in ms, then the fields of the table]: whole numbers,
value = number × scale, null where nothing is known. Ages are as of the frame's `at` and go on from there; what stands
still is told again twice a second for its age alone. Something comes every second, or as often as a slower `rate_hz`
asks for, up to 2 s later when a gateway falls silent: 8 s without a frame are a dead stream.

On the stream of a replay (`?replay=…`) `at` is the moment of the recording that the frame shows: it goes on as fast
as the recording is played, and stands still in a pause.
"""

_QUERY = {
    "type": "object",
    "properties": {"replay": {"type": "string", "description": "A replay's id: its stream instead of the live one."}},
}


@cache
def document(version: str) -> dict[str, Any]:
    """The whole document; do not change it."""
    schemas = stream_schemas()
    sent = [kind.__name__ for kind in get_args(AnyFrame)]
    messages = {name: _message(name, schemas) for name in ["Subscribe", *sent]}
    channel = {"$ref": "#/channels/stream"}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Bailu 白鹭 live stream",
            "version": version,
            "description": _ABOUT.format(json=JSON, msgpack=MSGPACK),
        },
        "defaultContentType": "application/json",
        "channels": {
            "stream": {
                "address": ADDRESS,
                "description": f"Subprotocols: {JSON}, {MSGPACK}.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET", "query": _QUERY, "bindingVersion": "0.1.0"}},
            }
        },
        "operations": {
            "subscribe": {"action": "receive", "channel": channel, "messages": [_in_channel("Subscribe")]},
            "tell": {"action": "send", "channel": channel, "messages": [_in_channel(name) for name in sent]},
        },
        "components": {"messages": messages, "schemas": schemas},
    }


def stream_schemas() -> dict[str, Any]:
    """JSON Schema of every message by the name of its type."""
    kinds = [Subscribe, *get_args(AnyFrame), VehicleState]
    _, schemas = msgspec.json.schema_components(kinds, ref_template=PREFIX + "{name}")
    state = schemas.pop("VehicleState")
    schemas["Record"] = {
        "title": "Record",
        "description": "A vehicle's number and slow fields: all of them in a snapshot, else those that changed.",
        "type": "object",
        "properties": {"number": {"type": "integer"}, **{name: state["properties"][name] for name in SLOW}},
        "required": ["number"],
    }
    record = {"$ref": PREFIX + "Record"}
    schemas["Snapshot"]["properties"]["vehicles"]["items"] = record
    schemas["Tick"]["properties"]["changed"] = {"type": "array", "items": record}
    schemas["Update"]["properties"]["changed"] = record
    schemas["SortieNews"]["properties"]["sortie"]["description"] = "As an item of GET /api/v1/sorties."
    asked = schemas["Subscribe"]["properties"]["fields"]
    asked["description"] = f"Groups: {', '.join(GROUPS)}. Fields: {', '.join(NAMES)}."
    return _told_whole(schemas)


def _told_whole(schemas: dict[str, Any]) -> dict[str, Any]:
    """What we send always has every member; only what comes in, and what changed, may leave some out."""
    for name, schema in schemas.items():
        if "description" in schema:
            schema["description"] = cleandoc(schema["description"])
        if name not in ("Subscribe", "Resume", "Record") and "properties" in schema:
            schema["required"] = list(schema["properties"])
    return schemas


def for_types(version: str) -> dict[str, Any]:
    """The same schemas where a generator of types looks for them: an OpenAPI document without paths."""
    info = {"title": "Bailu 白鹭 live stream", "version": version}
    return {"openapi": "3.1.0", "info": info, "paths": {}, "components": {"schemas": stream_schemas()}}


def _message(name: str, schemas: dict[str, Any]) -> dict[str, Any]:
    kind = getattr(contract, name)
    return {
        "name": kind.__struct_config__.tag,
        "summary": str(schemas[name].get("description", "")).split("\n", 1)[0],
        "payload": {"$ref": PREFIX + name},
    }


def _in_channel(name: str) -> dict[str, str]:
    return {"$ref": f"#/channels/stream/messages/{name}"}
