"""The bus between processes of one machine, over a Unix domain socket: the gateway hosts, API processes connect."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from adapters.bus_frames import (
    Ask,
    Done,
    Encoded,
    Failure,
    Frame,
    Message,
    Publish,
    Reply,
    Serve,
    Subscribe,
    Unserve,
    Unsubscribe,
    decode_message,
    encode_failure,
    encode_message,
)
from adapters.bus_local import BoundedSubscription, Handler, LocalBus, answer_encoded
from adapters.bus_peer import NEWS_BOUND, Peer
from adapters.subjects import check_pattern, check_subject
from core.errors import BailuError, GatewayUnavailable, Overloaded

T = TypeVar("T")
R = TypeVar("R")

log = logging.getLogger(__name__)

FIRST_RETRY_S = 0.05
LAST_RETRY_S = 2.0
# Requests of one peer that are answered at a time.
MAX_ASKS = 64
# What a connection that was just accepted takes to reach `welcome`, where it can be ended.
ACCEPT_S = 0.02


class BusSocketError(Exception):
    """The socket cannot be opened; the text says why."""


class HostPeer:
    """What the host does for one connected process: its subscriptions, its handlers, its questions."""

    def __init__(self, bus: LocalBus, peer: Peer) -> None:
        self._bus = bus
        self._peer = peer
        self._open: dict[int, asyncio.Task[None]] = {}
        self._asks: set[asyncio.Task[None]] = set()

    def handle(self, frame: Frame) -> None:
        match frame:
            case Subscribe():
                self._start(frame.id, self._forward(frame))
            case Serve():
                self._start(frame.id, self._stand_in(frame))
            case Unsubscribe() | Unserve():
                self._stop(frame.id)
            case Publish():
                self._bus.publish_encoded(frame.subject, Encoded(frame.kind, frame.body))
            case Ask():
                start_answer(self._peer, frame, self._bus.request_encoded, self._asks)
            case Reply() | Failure():
                self._peer.answered(frame)
            case Done() | Message():
                log.warning("a peer of the bus sent a %s, which is the host's to send", type(frame).__name__)

    async def close(self) -> None:
        """Ends what the peer had open, and says what it lost by being slow."""
        for task in self._open.values():
            task.cancel()
        await asyncio.gather(*self._open.values(), return_exceptions=True)
        if self._peer.dropped:
            log.warning("a peer of the bus was too slow for %d published messages", self._peer.dropped)

    def _start(self, frame_id: int, work: Any) -> None:
        self._stop(frame_id)
        self._open[frame_id] = asyncio.create_task(work, name=f"bus-peer-{frame_id}")

    def _stop(self, frame_id: int) -> None:
        task = self._open.pop(frame_id, None)
        if task is not None:
            task.cancel()

    async def _forward(self, wanted: Subscribe) -> None:
        async with self._bus.subscribe(wanted.pattern, object, bound=NEWS_BOUND) as messages:
            self._peer.send(Done(wanted.id))
            try:
                async for message in messages:
                    encoded = encode_message(message)
                    self._peer.post(Message(wanted.id, encoded.kind, encoded.body))
            finally:
                self._peer.dropped += messages.dropped

    async def _stand_in(self, offered: Serve) -> None:
        """Serves in the host on behalf of the peer."""

        async def ask(message: object) -> Encoded:
            return await self._peer.ask(offered.subject, encode_message(message))

        async with self._bus.serve(offered.subject, Encoded, ask):
            self._peer.send(Done(offered.id))
            await asyncio.get_running_loop().create_future()  # until cancelled


def start_answer(
    peer: Peer, asked: Ask, respond: Callable[[str, Encoded], Awaitable[Encoded]], tasks: set[asyncio.Task[None]]
) -> None:
    """Answers in a task of its own: one that outlives the asker, because what it began must end properly."""
    if len(tasks) >= MAX_ASKS:
        peer.send(encode_failure(asked.id, Overloaded("Too many requests are being answered")))
        return

    async def work() -> None:
        try:
            reply = await respond(asked.subject, Encoded(asked.kind, asked.body))
            frame: Frame = Reply(asked.id, reply.kind, reply.body)
        except BailuError as error:
            frame = encode_failure(asked.id, error)
        with contextlib.suppress(Overloaded):
            peer.send(frame)

    task = asyncio.create_task(work(), name=f"bus-answer {asked.subject}")
    tasks.add(task)
    task.add_done_callback(tasks.discard)


@asynccontextmanager
async def hosted_bus(path: Path) -> AsyncIterator[LocalBus]:
    """A local bus that other processes join through the socket at `path`. Raises BusSocketError.

    The caller holds the data folder's lock, so a socket file that is there already is a dead process's.
    """
    bus = LocalBus()
    connections: set[asyncio.Task[Any]] = set()

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        peer = Peer(reader, writer)
        host = HostPeer(bus, peer)
        try:
            await peer.run(host.handle)
        except asyncio.CancelledError:
            pass  # the host is closing; asyncio's own callback would log a cancelled connection as an error
        finally:
            await host.close()
            connections.discard(task)

    _clear(path)
    try:
        server = await asyncio.start_unix_server(welcome, path)
    except OSError as error:
        raise BusSocketError(f"The bus cannot listen on {path}: {error}") from error
    _make_private(path)
    try:
        yield bus
    finally:
        server.close()
        await asyncio.sleep(ACCEPT_S)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        _clear(path)


def _clear(path: Path) -> None:
    path.unlink(missing_ok=True)


def _make_private(path: Path) -> None:
    path.chmod(0o600)


class SocketBus:
    """The bus as a connected process sees it. While the host is away, nothing arrives and requests fail at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._peer: Peer | None = None
        self._connected = asyncio.Event()
        self._last_id = 0
        self._subscriptions: dict[int, tuple[str, type, BoundedSubscription[Any]]] = {}
        self._handlers: dict[str, tuple[int, type, Handler]] = {}
        self._confirmed: dict[int, asyncio.Event] = {}
        self._asks: set[asyncio.Task[None]] = set()

    async def wait_connected(self) -> None:
        await self._connected.wait()

    def publish(self, subject: str, message: object) -> None:
        check_subject(subject)
        if self._peer is not None:
            encoded = encode_message(message)
            self._peer.post(Publish(subject, encoded.kind, encoded.body))

    @asynccontextmanager
    async def subscribe(self, pattern: str, kind: type[T], *, bound: int) -> AsyncIterator[BoundedSubscription[T]]:
        subscription: BoundedSubscription[T] = BoundedSubscription(bound)
        frame = Subscribe(self._next_id(), check_pattern(pattern))
        self._subscriptions[frame.id] = (pattern, kind, subscription)
        try:
            await self._confirm(frame.id, frame)
            yield subscription
        finally:
            del self._subscriptions[frame.id]
            self._tell(Unsubscribe(frame.id))
            subscription.close()

    @asynccontextmanager
    async def serve(
        self, subject: str, kind: type[T], handler: Callable[[T], Awaitable[object]]
    ) -> AsyncIterator[None]:
        if check_subject(subject) in self._handlers:
            raise ValueError(f"{subject!r} is served already")
        frame = Serve(self._next_id(), subject)
        self._handlers[subject] = (frame.id, kind, handler)
        try:
            await self._confirm(frame.id, frame)
            yield
        finally:
            del self._handlers[subject]
            self._tell(Unserve(frame.id))

    async def request(self, subject: str, message: object, kind: type[R]) -> R:
        if self._peer is None:
            raise GatewayUnavailable(subject)
        reply = await self._peer.ask(subject, encode_message(message))
        return decode_message(reply, kind)

    async def run(self) -> None:
        """Connects, and again with full jitter whenever the connection ends, until cancelled."""
        pause_s = FIRST_RETRY_S
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._path)
            except OSError:
                await asyncio.sleep(random.uniform(0, pause_s))
                pause_s = min(2 * pause_s, LAST_RETRY_S)
                continue
            pause_s = FIRST_RETRY_S
            await self._converse(Peer(reader, writer))

    async def _converse(self, peer: Peer) -> None:
        log.info("the bus at %s is connected", self._path)
        self._peer = peer
        for frame_id, (pattern, _, _) in self._subscriptions.items():
            peer.send(Subscribe(frame_id, pattern))
        for subject, (frame_id, _, _) in self._handlers.items():
            peer.send(Serve(frame_id, subject))
        self._connected.set()
        try:
            await peer.run(self._handle)
        finally:
            self._peer = None
            self._connected.clear()
            for waiting in self._confirmed.values():
                waiting.set()
            log.warning("the bus at %s is gone", self._path)

    def _handle(self, frame: Frame) -> None:
        assert self._peer is not None
        match frame:
            case Message():
                self._deliver(frame)
            case Done():
                if frame.id in self._confirmed:
                    self._confirmed[frame.id].set()
            case Ask():
                start_answer(self._peer, frame, self._respond, self._asks)
            case Reply() | Failure():
                self._peer.answered(frame)
            case _:
                log.warning("the host of the bus sent a %s, which is a peer's to send", type(frame).__name__)

    def _deliver(self, message: Message) -> None:
        _, kind, subscription = self._subscriptions.get(message.id, ("", None, None))
        if kind is None or subscription is None or message.kind != kind.__name__:
            return
        try:
            subscription.put(decode_message(Encoded(message.kind, message.body), kind))
        except msgspec.DecodeError as error:
            log.warning("the bus brought a %s that is none: %s", message.kind, error)

    async def _respond(self, subject: str, asked: Encoded) -> Encoded:
        if subject not in self._handlers:
            raise GatewayUnavailable(subject)
        _, kind, handler = self._handlers[subject]
        return await answer_encoded(kind, handler, subject, asked)

    async def _confirm(self, frame_id: int, frame: Frame) -> None:
        """Waits until the host took `frame` in, so that what is published from then on arrives."""
        if self._peer is None:
            return
        self._confirmed[frame_id] = asyncio.Event()
        try:
            self._peer.send(frame)
            await self._confirmed[frame_id].wait()
        finally:
            del self._confirmed[frame_id]

    def _tell(self, frame: Frame) -> None:
        if self._peer is not None:
            with contextlib.suppress(Overloaded):
                self._peer.send(frame)

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id


@asynccontextmanager
async def connected_bus(path: Path) -> AsyncIterator[SocketBus]:
    """The bus that a gateway hosts at `path`; it need not be there yet."""
    bus = SocketBus(path)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(bus.run(), name="bus-connection")
        try:
            yield bus
        finally:
            task.cancel()
