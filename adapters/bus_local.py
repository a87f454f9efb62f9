"""The bus inside one process: messages are handed over as they are, frozen values need no copy."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import msgspec

from adapters.bus_frames import Encoded, decode_message, encode_message
from adapters.subjects import check_pattern, check_subject, matches
from core.errors import BailuError, FieldError, GatewayUnavailable, InvalidRequest

T = TypeVar("T")
R = TypeVar("R")
Handler = Callable[[Any], Awaitable[object]]

log = logging.getLogger(__name__)


class BoundedSubscription(Generic[T]):
    """Messages that wait for one reader. Full, it drops the oldest and counts it."""

    def __init__(self, bound: int) -> None:
        if bound < 1:
            raise ValueError("a subscription holds at least one message")
        self._waiting: deque[T] = deque(maxlen=bound)
        self._arrived = asyncio.Event()
        self._dropped = 0
        self._closed = False

    @property
    def dropped(self) -> int:
        return self._dropped

    def put(self, message: T) -> None:
        if len(self._waiting) == self._waiting.maxlen:
            self._dropped += 1
        self._waiting.append(message)
        self._arrived.set()

    def close(self) -> None:
        """Ends the iteration once what waits was read."""
        self._closed = True
        self._arrived.set()

    async def __aiter__(self) -> AsyncIterator[T]:
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self._closed:
                return
            self._arrived.clear()
            await self._arrived.wait()


async def answer(handler: Handler, subject: str, message: object) -> object:
    """What `handler` answers. A defect of it is logged on this side and reaches the asker as a bare BailuError."""
    try:
        return await handler(message)
    except BailuError:
        raise
    except Exception as error:
        log.exception("the handler of %s failed", subject)
        raise BailuError from error


async def answer_encoded(kind: type, handler: Handler, subject: str, asked: Encoded) -> Encoded:
    """What `handler` answers to an encoded question. Raises InvalidRequest when it is not a `kind`."""
    try:
        message: object = decode_message(asked, kind)
    except msgspec.DecodeError as error:
        raise InvalidRequest((FieldError("", f"{subject} expects {kind.__name__}: {error}"),)) from error
    return encode_message(await answer(handler, subject, message))


# Subjects with vehicles' names in them are many; past this they are looked at anew.
MAX_ROUTES = 4_096
Routes = list[tuple[BoundedSubscription[Any], type]]


class LocalBus:
    """Publish, subscribe, serve and request among the tasks of one event loop."""

    def __init__(self) -> None:
        self._subscriptions: dict[BoundedSubscription[Any], tuple[str, type]] = {}
        # Who asked for a subject, found out once; good until somebody comes or goes.
        self._routes: dict[str, Routes] = {}
        self._handlers: dict[str, tuple[type, Handler]] = {}

    @property
    def subscriber_count(self) -> int:
        return len(self._subscriptions)

    def publish(self, subject: str, message: object) -> None:
        if subject not in self._routes:
            check_subject(subject)
        for subscription, kind in self._routes_of(subject):
            if isinstance(message, kind):
                subscription.put(message)

    def _routes_of(self, subject: str) -> Routes:
        routes = self._routes.get(subject)
        if routes is None:
            if len(self._routes) >= MAX_ROUTES:
                self._routes.clear()
            routes = self._routes[subject] = [
                (subscription, kind)
                for subscription, (pattern, kind) in self._subscriptions.items()
                if matches(pattern, subject)
            ]
        return routes

    @asynccontextmanager
    async def subscribe(self, pattern: str, kind: type[T], *, bound: int) -> AsyncIterator[BoundedSubscription[T]]:
        subscription: BoundedSubscription[T] = BoundedSubscription(bound)
        self._subscriptions[subscription] = (check_pattern(pattern), kind)
        self._routes.clear()
        try:
            yield subscription
        finally:
            del self._subscriptions[subscription]
            self._routes.clear()
            subscription.close()

    @asynccontextmanager
    async def serve(
        self, subject: str, kind: type[T], handler: Callable[[T], Awaitable[object]]
    ) -> AsyncIterator[None]:
        if check_subject(subject) in self._handlers:
            raise ValueError(f"{subject!r} is served already")
        self._handlers[subject] = (kind, handler)
        try:
            yield
        finally:
            del self._handlers[subject]

    async def request(self, subject: str, message: object, kind: type[R]) -> R:
        if subject not in self._handlers:
            raise GatewayUnavailable(subject)
        _, handler = self._handlers[subject]
        reply = await answer(handler, subject, message)
        if isinstance(reply, Encoded):  # a process beyond a socket serves this subject
            return decode_message(reply, kind)
        assert isinstance(reply, kind)
        return reply

    def publish_encoded(self, subject: str, encoded: Encoded) -> None:
        """Publishes what came over a socket: decoded for those who want its type, as it is for other sockets."""
        for subscription, kind in self._routes_of(subject):
            if kind is object:
                subscription.put(encoded)
            elif kind.__name__ == encoded.kind:
                subscription.put(decode_message(encoded, kind))

    async def request_encoded(self, subject: str, asked: Encoded) -> Encoded:
        """Answers a question that came over a socket. Raises as `request`, and InvalidRequest for a wrong type."""
        if subject not in self._handlers:
            raise GatewayUnavailable(subject)
        kind, handler = self._handlers[subject]
        return await answer_encoded(kind, handler, subject, asked)
