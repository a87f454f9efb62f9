"""WebSocket client: one CloudEvent a frame (subprotocol `cloudevents.json`), confirmed by a pong or by the receiver.

Source: CloudEvents WebSockets protocol binding 1.0.2. It has no acknowledgement of its own: `Confirm` says what is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from adapters.forwarding.doors import Doors
from adapters.forwarding.failures import away
from operations.forwarding.ports import Item, TargetAway
from operations.forwarding.rules import Confirm, Rule, Secrets

SUBPROTOCOL = Subprotocol("cloudevents.json")
# What a receiver says is short; whoever sends more is not one.
MAX_HEARD_BYTES = 4_096
CLOSE_S = 1.0


class WebSocketSession:
    """Frames to one receiver; what it says is read all the time, so that it never has to wait for us."""

    proves = True

    def __init__(self, socket: ClientConnection, confirm: Confirm) -> None:
        self._socket = socket
        self._confirm = confirm
        self._expected: str | None = None
        self._acknowledged = asyncio.Event()

    async def send(self, items: Sequence[Item]) -> None:
        kept = [item for item in items if not item.is_telemetry]
        self._acknowledged.clear()
        self._expected = _id_of(kept[-1]) if kept else None
        try:
            for item in items:
                await self._socket.send(item.body, text=True)
            if kept and self._confirm is Confirm.ACK:
                await self._acknowledged.wait()
            else:
                await (await self._socket.ping())
        except ConnectionClosed as error:
            raise _closed(error) from error

    async def gone(self) -> None:
        try:
            async for said in self._socket:
                self._hear(said)
        except ConnectionClosed as error:
            raise _closed(error) from error
        raise TargetAway("the receiver closed the connection")

    def _hear(self, said: str | bytes) -> None:
        with contextlib.suppress(msgspec.DecodeError):
            heard = msgspec.json.decode(said)
            if isinstance(heard, dict) and self._expected is not None and heard.get("ack") == self._expected:
                self._acknowledged.set()


def _id_of(item: Item) -> str:
    return str(msgspec.json.decode(item.body)["id"])


def _closed(error: ConnectionClosed) -> TargetAway:
    return TargetAway(f"the connection closed: {error}")


@asynccontextmanager
async def websocket_session(rule: Rule, secrets: Secrets, doors: Doors) -> AsyncIterator[WebSocketSession]:
    """The `Session` of a rule of kind websocket."""
    door = await doors.door(rule.target.url)
    headers = {"Authorization": f"Bearer {secrets.token}"} if secrets.token else {}
    try:
        socket = await connect(
            rule.target.url,
            host=door.address,
            port=door.port,
            ssl=door.tls if door.is_secure else None,
            server_hostname=door.host if door.is_secure else None,
            subprotocols=[SUBPROTOCOL],
            additional_headers=headers,
            max_size=MAX_HEARD_BYTES,
            close_timeout=CLOSE_S,
            open_timeout=None,
            proxy=None,
        )
    except (OSError, WebSocketException, TimeoutError) as error:
        raise away(error) from error
    try:
        yield WebSocketSession(socket, rule.target.confirm)
    finally:
        # A receiver that does not read does not take a farewell either: then it gets none.
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await socket.close()
        finally:
            socket.transport.abort()
