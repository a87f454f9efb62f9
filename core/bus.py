"""The bus port: where the gateway role and the api role meet. Adapters choose the encoding and the transport."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")
M_co = TypeVar("M_co", covariant=True)


class Bus(Protocol):
    """Publish, subscribe with wildcards, request and reply.

    Subjects are words joined by dots; in a pattern `*` stands for one word and a final `>` for the rest
    (NATS's rules). Messages are frozen dataclasses; a receiver names the type that it expects. What is
    published may be lost when nobody subscribes or a subscriber is slow: what must not be lost is in the store.
    """

    def publish(self, subject: str, message: object) -> None:
        """Hands `message` to the subscribers there are now. Never waits."""
        ...

    def subscribe(self, pattern: str, kind: type[T], *, bound: int) -> AbstractAsyncContextManager[Subscription[T]]:
        """Messages that match, while the context is open. At most `bound` wait unread; then the oldest go."""
        ...

    def serve(
        self, subject: str, kind: type[T], handler: Callable[[T], Awaitable[object]]
    ) -> AbstractAsyncContextManager[None]:
        """Answers requests on `subject` while the context is open; a BailuError of the handler reaches the asker."""
        ...

    async def request(self, subject: str, message: object, kind: type[R]) -> R:
        """Asks and waits for the one answer; the caller opens the deadline (`asyncio.timeout`).

        Raises GatewayUnavailable at once when nobody serves `subject`, and the BailuError that a handler raised.
        """
        ...


class Subscription(Protocol[M_co]):
    """An open subscription: iterate it; `dropped` counts what a slow reader lost."""

    @property
    def dropped(self) -> int: ...

    def __aiter__(self) -> AsyncIterator[M_co]: ...
