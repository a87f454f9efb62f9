"""The description of the API (OpenAPI 3.1), as the console's types are generated from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict

from api.problems import MEDIA_TYPE

PREFIX = "#/components/schemas/"


class Problem(BaseModel):
    """RFC 9457; the facts of the problem are further members."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str


def described(app: FastAPI) -> dict[str, Any]:
    """The schema of `app`, made once: every failure is a problem document, answers leave no member out."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        _name_bodies(schema)
        _describe_failures(schema)
        _require_answered_members(schema)
        app.openapi_schema = schema
    return app.openapi_schema


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """What `openapi_extra` says of a route that reads its body itself, because it may be too large for the loop."""
    schema = model.model_json_schema(ref_template=PREFIX + "{model}")
    return {"requestBody": {"content": {"application/json": {"schema": schema}}, "required": True}}


def _name_bodies(schema: dict[str, Any]) -> None:
    """Puts what `body_of` described where all schemas are."""
    parts = schema["components"]["schemas"]
    for operation in _operations(schema):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            described = content["schema"]
            if "title" in described:
                parts |= described.pop("$defs", {}) | {described["title"]: described}
                content["schema"] = {"$ref": PREFIX + described["title"]}


def _operations(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in schema["paths"].values():
        yield from path.values()


def _describe_failures(schema: dict[str, Any]) -> None:
    parts = schema["components"]["schemas"]
    parts.pop("HTTPValidationError", None)
    parts.pop("ValidationError", None)
    parts["Problem"] = Problem.model_json_schema()
    failure = {
        "description": "A problem document (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": {"$ref": PREFIX + "Problem"}}},
    }
    for operation in _operations(schema):
        operation["responses"].pop("422", None)
        operation["responses"]["default"] = failure


def _require_answered_members(schema: dict[str, Any]) -> None:
    """What we answer always has every member; only what comes in may leave out those with a default."""
    parts = schema["components"]["schemas"]
    asked = _reachable([operation.get("requestBody") for operation in _operations(schema)], parts)
    for name, part in parts.items():
        if name not in asked and "properties" in part:
            part["required"] = list(part["properties"])


def _reachable(start: object, parts: dict[str, Any]) -> set[str]:
    """Names of the schemas that `start` refers to, directly or not."""
    found: set[str] = set()
    waiting = list(_references(start))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_references(parts[name]))
    return found


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix(PREFIX)
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
