"""The bus inside one process: messages are handed over as they are, frozen values need no copy."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

from adapters.subjects import check_pattern, check_subject, matches
from core.errors import BailuError, GatewayUnavailable

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


class LocalBus:
    """Publish, subscribe, serve and request among the tasks of one event loop."""

    def __init__(self) -> None:
        self._subscriptions: dict[BoundedSubscription[Any], tuple[str, type]] = {}
        self._handlers: dict[str, tuple[type, Handler]] = {}

    def publish(self, subject: str, message: object) -> None:
        check_subject(subject)
        for subscription, (pattern, kind) in self._subscriptions.items():
            if matches(pattern, subject) and isinstance(message, kind):
                subscription.put(message)

    @asynccontextmanager
    async def subscribe(self, pattern: str, kind: type[T], *, bound: int) -> AsyncIterator[BoundedSubscription[T]]:
        subscription: BoundedSubscription[T] = BoundedSubscription(bound)
        self._subscriptions[subscription] = (check_pattern(pattern), kind)
        try:
            yield subscription
        finally:
            del self._subscriptions[subscription]
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
        assert isinstance(reply, kind)
        return reply

    def served_kind(self, subject: str) -> type:
        """The type that the handler of `subject` expects. Raises GatewayUnavailable when nobody serves it."""
        if subject not in self._handlers:
            raise GatewayUnavailable(subject)
        return self._handlers[subject][0]
