"""Following a platform's stream over a WebSocket: reconnects with jittered back-off and resumes where it was."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from telemetry.client.view import Record, View
from telemetry.stream.contract import JSON, MSGPACK, Subscribe

FIRST_RETRY_S = 0.2
LAST_RETRY_S = 5.0
# Something comes every 5 s at the least: a stream this silent is dead even if TCP has not noticed.
SILENCE_S = 8.0
MAX_FRAME_BYTES = 32 << 20


class LiveStream:
    """A subscription that lasts: iterate `frames`, look at `vehicles`.

    `url`: ws://host:port/api/v1/stream. A lost connection is made again, at the time that the service asked for or
    after a back-off with full jitter; meanwhile `connected` is False and what is shown is old.
    """

    def __init__(self, url: str, wants: Subscribe | None = None, *, packed: bool = True) -> None:
        self._url = url
        self._wants = wants or Subscribe()
        self._protocols = [Subprotocol(MSGPACK if packed else JSON)]
        self._view = View()
        self._socket: ClientConnection | None = None
        self._retry_s: float | None = None  # what the service asked for last
        self.connected = False

    @property
    def vehicles(self) -> dict[str, Record]:
        """The newest state of each vehicle by its id; ages are as of its `at`."""
        return self._view.vehicles

    async def subscribe(self, wants: Subscribe) -> None:
        """Changes what is wanted, at once when connected. Raises nothing: what is lost is said again."""
        if _snapshot_of(wants) != _snapshot_of(self._wants):
            self._view.anew()
        self._wants = wants
        if self._socket is not None:
            try:
                await self._say(self._socket, wants)
            except ConnectionClosed:
                self._socket = None

    async def frames(self) -> AsyncGenerator[Record, None]:
        """Frames for ever, each with the whole records that it changed as `vehicles`.

        A lost connection yields `{"type": "lost", "why": …}`; one that is refused for what was asked ends the
        iteration with a "bye" whose `retry_after_s` is null.
        """
        pause_s = FIRST_RETRY_S
        while True:
            why = "the platform closed the stream"
            self._retry_s = None
            try:
                async with self._opened() as socket:
                    async for frame in self._heard(socket):
                        pause_s = FIRST_RETRY_S
                        yield frame
                        if frame["type"] == "bye" and frame["retry_after_s"] is None:
                            return
            except (OSError, WebSocketException, TimeoutError) as error:
                why = str(error) or type(error).__name__
            self.connected, self._socket = False, None
            yield {"type": "lost", "why": why}
            await asyncio.sleep(self._pause_s(pause_s))
            pause_s = min(2 * pause_s, LAST_RETRY_S)

    def _pause_s(self, most_s: float) -> float:
        return random.uniform(FIRST_RETRY_S / 2, most_s) if self._retry_s is None else self._retry_s

    def _opened(self) -> connect:
        return connect(self._url, subprotocols=self._protocols, max_size=MAX_FRAME_BYTES, proxy=None)

    async def _heard(self, socket: ClientConnection) -> AsyncGenerator[Record, None]:
        self._socket = socket
        self._view.connected()
        await self._say(socket, msgspec.structs.replace(self._wants, resume=self._view.position))
        while True:
            try:
                async with asyncio.timeout(SILENCE_S):
                    message = await socket.recv()
            except ConnectionClosed:
                return
            self.connected = True
            frame = self._view.take(message)
            if frame is not None:
                if frame["type"] == "bye":
                    self._retry_s = frame["retry_after_s"]
                yield frame

    async def _say(self, socket: ClientConnection, wants: Subscribe) -> None:
        packed = socket.subprotocol == MSGPACK
        message: Any = msgspec.msgpack.encode(wants) if packed else msgspec.json.encode(wants).decode()
        await socket.send(message)


def _snapshot_of(wants: Subscribe) -> tuple[object, ...]:
    """What a snapshot holds: a change of these brings another one, after which an earlier position means nothing.

    An area or a sortie chooses rows only, and all rows come again after a resume.
    """
    vehicles = wants.vehicles if isinstance(wants.vehicles, str) else frozenset(wants.vehicles)
    return vehicles, _set(wants.units), _set(wants.fields)


def _set(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)
