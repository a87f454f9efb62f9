"""Errors as problem documents (RFC 9457): class → status is decided here, once, and nothing internal leaks."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from structlog.contextvars import get_contextvars

from core import errors
from core.errors import BailuError, FieldError, InvalidRequest, PreflightCheck
from core.ids import new_id

log = logging.getLogger(__name__)

REQUEST_ID = "X-Request-Id"
MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:bailu:problem:"
RETRY_AFTER_S = 5
MAX_BODY_BYTES = 1 << 20
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(eq=False)
class BodyTooLarge(BailuError):
    slug: ClassVar[str] = "body-too-large"
    title: ClassVar[str] = "The body is too large"
    limit_bytes: int

    @property
    def detail(self) -> str:
        return f"The body is larger than {self.limit_bytes} bytes."


@dataclass(eq=False)
class MethodNotAllowed(BailuError):
    slug: ClassVar[str] = "method-not-allowed"
    title: ClassVar[str] = "The address does not answer this method"
    method: str

    @property
    def detail(self) -> str:
        return f"{self.method} is not answered here."


@dataclass(eq=False)
class NotReady(BailuError):
    slug: ClassVar[str] = "not-ready"
    title: ClassVar[str] = "The platform is not ready"
    checks: tuple[PreflightCheck, ...]

    @property
    def detail(self) -> str:
        return " · ".join(f"{check.check}: {check.detail}" for check in self.checks if not check.ok)


@dataclass(eq=False)
class Internal(BailuError):
    """A defect of ours: the log has the rest under `error_id`."""

    slug: ClassVar[str] = "internal"
    error_id: str

    @property
    def detail(self) -> str:
        return f"Something went wrong on our side; the log has it as {self.error_id}."


STATUS: Mapping[type[BailuError], int] = {
    BailuError: 500,
    Internal: 500,
    InvalidRequest: 422,
    errors.NotFound: 404,
    errors.RevisionRequired: 428,
    errors.StaleRevision: 412,
    errors.MissionConflict: 409,
    errors.IllegalTransition: 409,
    errors.VehicleBusy: 409,
    errors.VehicleAmbiguous: 409,
    errors.PreflightFailed: 409,
    errors.IdempotencyKeyReused: 409,
    errors.VehicleOffline: 503,
    errors.VehicleRejected: 502,
    errors.UploadMismatch: 502,
    errors.DiversionFailed: 502,
    errors.LinkTimeout: 504,
    errors.OutcomeUnknown: 504,
    errors.CommandExpired: 504,
    errors.Overloaded: 503,
    errors.GatewayUnavailable: 503,
    errors.TerrainUnusable: 503,
    errors.NotAllowed: 403,
    NotReady: 503,
    BodyTooLarge: 413,
    MethodNotAllowed: 405,
}


def status_of(error: BailuError) -> int:
    """The HTTP status of an error: of its own class, else of the nearest base."""
    return next(STATUS[base] for base in type(error).__mro__ if base in STATUS)


def document(error: BailuError, instance: str) -> dict[str, Any]:
    """The problem document of `error`, as JSON-ready values."""
    facts = msgspec.to_builtins(error.facts())
    head = {
        "type": TYPE_PREFIX + error.slug,
        "title": error.title,
        "status": status_of(error),
        "detail": error.detail,
        "instance": instance,
    }
    return head | {name: value for name, value in facts.items() if name not in head}


def response(error: BailuError, instance: str, *, headers: Mapping[str, str] | None = None) -> Response:
    body = document(error, instance)
    extra = dict(headers or {})
    if body["status"] == HTTPStatus.SERVICE_UNAVAILABLE:
        extra["Retry-After"] = str(RETRY_AFTER_S)
    return Response(msgspec.json.encode(body), body["status"], extra, MEDIA_TYPE)


def internal(error: BaseException, where: str) -> Internal:
    """Logs a defect and gives what may be told about it."""
    problem = Internal(new_id("error"))
    log.error("%s: unexpected %s in %s", problem.error_id, type(error).__name__, where, exc_info=error)
    return problem


def invalid_request(found: Sequence[Mapping[str, Any]], body: object) -> InvalidRequest:
    """What pydantic found, as JSON pointers into `body`; what is wrong outside of the body is named in words."""
    return InvalidRequest(tuple(_field_error(item, body) for item in found))


def _field_error(item: Mapping[str, Any], body: object) -> FieldError:
    where, *path = item["loc"] or ("body",)
    reason = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "json_invalid":
        return FieldError("", f"not JSON: {item.get('ctx', {}).get('error', reason)}")
    if where != "body":
        return FieldError("", f"{'.'.join(map(str, path))} ({where}): {reason}")
    return FieldError(json_pointer(path, body), reason)


def json_pointer(path: Sequence[str | int], body: object) -> str:
    """RFC 6901 pointer for a pydantic location. Tags of unions are in the location but not in `body`: left out."""
    parts: list[str] = []
    here = body
    for index, part in enumerate(path):
        last = index == len(path) - 1
        inside = _member(here, part)
        if inside is _ABSENT and not (last and isinstance(here, dict)):
            continue
        here = inside
        parts.append(str(part).replace("~", "~0").replace("/", "~1"))
    return "".join(f"/{part}" for part in parts)


_ABSENT = object()


def _member(here: object, part: str | int) -> object:
    if isinstance(here, dict):
        return here.get(part, _ABSENT)
    if isinstance(here, list | tuple) and isinstance(part, int) and part < len(here):
        return here[part]
    return _ABSENT


async def _on_bailu_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, BailuError)
    if type(error) is BailuError:
        error = internal(error, request.url.path)
    return response(error, request.url.path)


async def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return response(invalid_request(error.errors(), error.body), request.url.path)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = _methods_at(request) or (error.headers or {}).get("Allow", "")
        return response(MethodNotAllowed(request.method), path, headers={"Allow": allowed})
    if error.status_code == HTTPStatus.NOT_FOUND:
        return response(errors.NotFound("page", path), path)
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return response(BodyTooLarge(int(error.detail)), path)  # `guard` is the only one who raises it
    if HTTPStatus.BAD_REQUEST <= error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return response(InvalidRequest((FieldError("", str(error.detail)),)), path)
    return response(internal(error, path), path)


def _methods_at(request: Request) -> str:
    """The methods that routes answer at a request's address (RFC 9110, section 15.5.6): the router that refuses one
    names those of the first route there only.
    """
    scope = {"type": "http", "path": request.scope["path"], "root_path": "", "headers": []}
    routes = request.app.routes
    return ", ".join(
        method for method in _METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)
    )  # fmt: skip


async def _on_defect(request: Request, error: Exception) -> Response:
    # Starlette answers a defect outside of every middleware, `api.requests` among them.
    named = {REQUEST_ID: request_id} if (request_id := get_contextvars().get("request_id")) else {}
    return response(internal(error, request.url.path), request.url.path, headers=named)


def install(app: FastAPI) -> None:
    """Makes every failure of `app` a problem document."""
    app.add_exception_handler(BailuError, _on_bailu_error)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_defect)
