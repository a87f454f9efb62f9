"""A web server in our own event loop, on a socket that is bound already."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from api.websocket import BroadcastProtocol

MAX_WS_MESSAGE_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Serving:
    """A web server at work."""

    url: str
    wait: Callable[[], Awaitable[None]]


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the composition root stops what it started, in order."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: ASGIApp, listening: socket.socket) -> AsyncIterator[Serving]:
    """Serves `app` while the context is open (performance guide, sections 3 and 8)."""
    config = uvicorn.Config(
        app,
        ws=BroadcastProtocol,
        ws_per_message_deflate=False,
        ws_max_size=MAX_WS_MESSAGE_BYTES,
        lifespan="off",
        log_config=None,  # its lines go where all of ours go
        access_log=False,  # `api.requests` has the request's id
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]), name="web server")
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        host, port = listening.getsockname()[:2]
        yield Serving(f"http://{host}:{port}/", lambda: asyncio.shield(task))
    finally:
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await task
