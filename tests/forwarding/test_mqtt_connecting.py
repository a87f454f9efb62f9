"""Connecting to a broker blocks a thread: so few of them at a time that nobody else's are taken."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from adapters.forwarding import Doors, mqtt
from adapters.forwarding.doors import BLOCKED_AT_MOST
from operations.forwarding.rules import Secrets
from tests.forwarding.stage import rule, until


class Stuck:
    """Clients of the library whose connecting takes a thread until a test lets it go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.busy = self.most_busy = self.left = 0

    async def __aenter__(self) -> Stuck:
        self.busy += 1
        self.most_busy = max(self.busy, self.most_busy)
        await asyncio.get_running_loop().run_in_executor(None, self.let_go.wait, 10)
        self.busy -= 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self.left += 1


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stuck]:
    made = Stuck()
    monkeypatch.setattr(mqtt, "_client", lambda *_: made)
    yield made
    made.let_go.set()


async def _connect(doors: Doors) -> None:
    async with mqtt.mqtt_session(rule("mqtt://127.0.0.1:1"), Secrets(), doors):
        pass


async def test_no_more_threads_connect_than_the_bound_though_their_callers_give_up(stuck: Stuck) -> None:
    doors = Doors()
    await doors.door("mqtt://127.0.0.1:1")  # the certificates are read once
    first = [asyncio.create_task(_connect(doors)) for _ in range(BLOCKED_AT_MOST)]
    await until(lambda: stuck.busy == BLOCKED_AT_MOST, within_s=5)
    for each in first:
        each.cancel()
    ends = await asyncio.gather(*first, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends)
    later = [asyncio.create_task(_connect(doors)) for _ in range(2 * BLOCKED_AT_MOST)]
    await asyncio.sleep(0.1)
    assert stuck.busy == BLOCKED_AT_MOST
    stuck.let_go.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*later)
    assert stuck.most_busy == BLOCKED_AT_MOST
    await until(lambda: stuck.left == 3 * BLOCKED_AT_MOST, within_s=5)  # those that were given up are hung up on
