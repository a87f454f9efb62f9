"""The WebSocket below ASGI: lends a transport to the hub, so that one frame is written to all viewers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.http11 import Request

from telemetry.stream.frames import WINDOW_BITS, Encoding, Sent
from telemetry.stream.viewer import CLEAR_BYTES

EXTENSION = "bailu.transport"
# What a viewer that does not read may hold in the kernel: some seconds of ticks, not the megabytes it grows to.
SEND_BUFFER_BYTES = 256 << 10
# Who holds more than this gets no farewell: asyncio's own high-water mark.
FAREWELL_BEHIND_BYTES = 64 << 10


class BroadcastProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol over `websockets`, plus compression whose frames are the same for every viewer.

    Without context takeover a compressed message depends on nothing sent before (RFC 7692 section 7.1.1), so the hub
    compresses once. Frames that the hub writes go past the protocol's own state, which has no part in whole messages.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        factory = ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)
        self.conn.available_extensions = [factory]
        self.when_clear: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        bare = transport.get_extra_info("socket")
        if bare is not None:
            with contextlib.suppress(OSError):
                bare.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.when_clear is not None:
            # Not here: the transport is in the midst of its own writing.
            self.loop.call_soon(self.when_clear)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][EXTENSION] = self

    @property
    def deflates(self) -> bool:
        """Whether the client takes what `Sent.deflated` makes."""
        agreed = (each for each in self.conn.extensions if isinstance(each, PerMessageDeflate))
        return any(each.local_max_window_bits >= WINDOW_BITS for each in agreed)


class WebSocketEnd:
    """An accepted WebSocket as the hub sees the far end of a viewer."""

    def __init__(self, websocket: WebSocket, encoding: Encoding) -> None:
        self.encoding = encoding
        self._websocket = websocket
        below = websocket.scope["extensions"].get(EXTENSION)
        if not isinstance(below, BroadcastProtocol):
            raise RuntimeError("The stream needs the web server of api.webserver, which lends its transports.")
        self._below = below
        self._transport: asyncio.Transport = below.transport
        self._deflates = below.deflates

    def write(self, *frames: Sent) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"".join([each.deflated if self._deflates else each.plain for each in frames]))

    def waiting(self) -> int:
        return 0 if self._transport.is_closing() else self._transport.get_write_buffer_size()

    def when_clear(self, room: Callable[[], None] | None) -> None:
        self._below.when_clear = room
        if room is not None and not self._transport.is_closing():
            self._transport.set_write_buffer_limits(CLEAR_BYTES, CLEAR_BYTES)

    async def receive(self) -> str | bytes | None:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        text, data = message.get("text"), message.get("bytes")
        return text if text is not None else bytes(data or b"")

    async def close(self, code: int) -> None:
        """Closes in good order; a far end that takes nothing any more is dropped."""
        if self.waiting() <= FAREWELL_BEHIND_BYTES:
            # The server waits for less than `CLEAR_BYTES` before it says anything: a farewell may wait behind more.
            self._below.writable.set()
        try:
            await self._websocket.close(code)
        except (WebSocketDisconnect, RuntimeError) as error:  # RuntimeError: it was closed already
            raise ConnectionError("the viewer has gone") from error
        except asyncio.CancelledError:
            self._transport.abort()
            raise


async def accepted(websocket: WebSocket) -> WebSocketEnd:
    """Accepts a viewer in the encoding that its subprotocol names; without one it gets JSON."""
    asked: list[str] = websocket.scope.get("subprotocols", [])
    encoding = next((each for each in Encoding if each.value in asked), Encoding.JSON)
    await websocket.accept(encoding.value if encoding.value in asked else None)
    return WebSocketEnd(websocket, encoding)
