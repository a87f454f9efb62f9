"""The door: loopback Host, same Origin, bounded bodies and the headers that keep a page to itself. Plain ASGI."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from core.errors import BailuError, NotAllowed

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
POLICY_VIOLATION = 1008
# A whole airspace: 5 000 zones of 100 vertices are about 14 MB of GeoJSON.
LARGE_BODIES: Mapping[str, int] = {
    "/api/v1/airspace/versions": 16 << 20,
    "/api/v1/airspace/changes": 16 << 20,
    "/api/v1/imports": 16 << 20,
}

# MapLibre makes its worker from a blob and Ant Design its styles at run time; nothing comes from elsewhere.
CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; "
    "font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
PAGE_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": CONTENT_POLICY,
}


def refusal(headers: Headers, operator_id: str) -> NotAllowed | None:
    """Why a request may not come in: a Host that is not loopback (DNS rebinding) or another site's Origin."""
    host = headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name.lower() not in LOOPBACK_NAMES:
        return NotAllowed(operator_id, f"come in under the host name {name!r}")
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return NotAllowed(operator_id, f"come in from the origin {origin!r}")
    return None


class Guard:
    """Refuses what `refusal` names and bodies that are too large; adds the page headers to every answer."""

    def __init__(self, app: ASGIApp, *, operator_id: str) -> None:
        self._app = app
        self._operator_id = operator_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        send = _with_page_headers(send)
        headers = Headers(scope=scope)
        refused = refusal(headers, self._operator_id)
        if refused:
            await _answer(refused, scope, receive, send)
            return
        most = LARGE_BODIES.get(scope["path"], problems.MAX_BODY_BYTES)
        if int(headers.get("content-length") or 0) > most:
            await _answer(problems.BodyTooLarge(most), scope, receive, send)
            return
        await self._app(scope, _bounded(receive, most), send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = refusal(Headers(scope=scope), self._operator_id)
        if refused is None:
            await self._app(scope, receive, send)
            return
        await receive()  # the connect event
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": refused.title})


async def _answer(error: BailuError, scope: Scope, receive: Receive, send: Send) -> None:
    await problems.response(error, scope["path"])(scope, receive, send)


def _bounded(receive: Receive, most_bytes: int) -> Receive:
    """`receive` that counts: a chunked body names no length beforehand."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most_bytes:
            # The one exception that FastAPI lets through while it reads a body; `problems` words it.
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail=str(most_bytes))
        return message

    return counted


def _with_page_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in PAGE_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sent
