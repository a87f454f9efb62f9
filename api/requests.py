"""Every request has an id, one line in the log and a place among the counts. Plain ASGI, outside of everything."""

from __future__ import annotations

import logging
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars

from api.problems import REQUEST_ID
from core.ids import new_id
from core.metrics import LONG_S, Histogram, Reading, Spread

log = logging.getLogger("bailu.access")

# What others call a request is taken over when it can stand in a log and a header as it is.
_USABLE = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestMeter:
    """Counts requests by route as the code names it, so that no address of a visitor makes a new series."""

    def __init__(self) -> None:
        self._answered: Counter[tuple[str, str, str]] = Counter()
        self._lasted: defaultdict[str, Histogram] = defaultdict(lambda: Histogram(LONG_S))

    def answered(self, method: str, route: str, status: int, lasted_s: float) -> None:
        self._answered[method if method in _METHODS else "other", route, str(status)] += 1
        self._lasted[route].observe(lasted_s)

    def readings(self) -> Iterator[Reading]:
        return (Reading("bailu_http_requests_total", count, labels) for labels, count in self._answered.items())

    def spreads(self) -> Iterator[Spread]:
        for route, histogram in self._lasted.items():
            yield histogram.read("bailu_http_request_duration_seconds", (route,))


class Requests:
    """Names the request to every log line of its task, answers with the name, counts and logs how it went."""

    def __init__(self, app: ASGIApp, *, meter: RequestMeter) -> None:
        self._app = app
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        # A request is a task of its own: nothing of it is left when it has gone.
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            await self._http(scope, receive, send, request_id)

    async def _http(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        began_s, status = time.perf_counter(), 500

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        try:
            await self._app(scope, receive, sent)
        finally:
            lasted_s = time.perf_counter() - began_s
            self._meter.answered(scope["method"], route_of(scope), status, lasted_s)
            facts = {"method": scope["method"], "path": scope["path"], "status": status}
            log.info("%(method)s %(path)s %(status)s", facts, extra=facts | {"ms": round(1000 * lasted_s, 1)})


def route_of(scope: Scope) -> str:
    """The address below `/api/v1` as the code has it (`/missions/{mission_id}`); `other` for pages and nowhere."""
    route = scope.get("route")
    return getattr(route, "path_format", None) or "other"


def _request_id(headers: Headers) -> str:
    told = headers.get(REQUEST_ID, "")
    return told if _USABLE.fullmatch(told) else new_id("req")
