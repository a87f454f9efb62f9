"""WebSocket targets against a real server: confirmed by pong or by the receiver, over lost connections too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from adapters.forwarding.websocket import SUBPROTOCOL
from operations.alarms import Alarm
from operations.forwarding.ports import State
from operations.forwarding.rules import Confirm, Secrets, What
from tests.forwarding.stage import alarm, flown_until, rule, settles, stage, until

pytestmark = pytest.mark.thorough


@dataclass
class Ear:
    """A server that notes what it hears. `deaf`: it does not read; `cut_after`: it leaves after so many frames."""

    heard: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    subprotocols: list[str | None] = field(default_factory=list)
    cut_after: int | None = None
    acknowledges: bool = True
    deaf: bool = False
    released: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/in"

    async def serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.tokens.append(socket.request.headers.get("authorization"))
        self.subprotocols.append(socket.subprotocol)
        heard = 0
        if self.deaf:
            await self.released.wait()
        async for frame in socket:
            self.heard.append(json.loads(frame))
            heard += 1
            if self.cut_after is not None and heard >= self.cut_after:
                self.cut_after = None
                socket.transport.abort()
                return
            if self.acknowledges:
                await socket.send(json.dumps({"ack": self.heard[-1]["id"]}))


@asynccontextmanager
async def ear(**more: Any) -> AsyncIterator[Ear]:
    found = Ear(**more)
    server: Server
    async with serve(
        found.serve,
        "127.0.0.1",
        0,
        subprotocols=[SUBPROTOCOL],
        close_timeout=0.2,
        max_queue=1,
    ) as server:
        found.port = next(iter(server.sockets)).getsockname()[1]
        yield found
        found.released.set()


def alarm_ids(told: Ear) -> list[str]:
    return [each["data"]["alarm_id"] for each in told.heard if "alarm_id" in each["data"]]


async def test_one_event_a_frame_under_the_subprotocol_of_cloudevents_and_with_the_token(tmp_path: Path) -> None:
    async with ear() as target, stage(tmp_path) as on:
        await on.save(rule(target.url, what=(What.ALARMS, What.TELEMETRY), rate_hz=10.0), Secrets(token="let-me-in"))
        await flown_until(on, lambda: target.heard)
        await on.alarms(1, 2)
        await until(lambda: len(alarm_ids(target)) >= 2)
        assert alarm_ids(target) == ["alarm-1", "alarm-2"]
        assert {each["type"] for each in target.heard} == {"bailu.alarm.v1", "bailu.telemetry.v1"}
        assert (target.tokens, target.subprotocols) == (["Bearer let-me-in"], ["cloudevents.json"])


async def test_events_of_a_connection_that_broke_are_told_again(tmp_path: Path) -> None:
    async with ear(cut_after=7) as target, stage(tmp_path) as on:
        await on.save(rule(target.url))
        await on.alarms(*range(20))
        await until(lambda: set(alarm_ids(target)) >= {f"alarm-{number}" for number in range(20)})
        assert list(dict.fromkeys(alarm_ids(target))) == [f"alarm-{number}" for number in range(20)]
        assert len(target.tokens) == 2


async def test_what_a_receiver_was_asked_to_acknowledge_and_did_not_is_told_again(tmp_path: Path) -> None:
    async with ear(acknowledges=False) as target, stage(tmp_path) as on:
        await on.save(rule(target.url))
        await on.alarms(1)
        assert await settles(on, lambda standing: "no confirmation" in (standing.last_error or ""))
        target.acknowledges = True
        assert await settles(on, lambda standing: standing.sent_events == 1)
        assert len(alarm_ids(target)) >= 2


async def test_a_receiver_that_cannot_acknowledge_is_content_with_pongs(tmp_path: Path) -> None:
    async with ear(acknowledges=False) as target, stage(tmp_path) as on:
        plain = rule(target.url)
        await on.save(replace(plain, target=replace(plain.target, confirm=Confirm.PONG)))
        await on.alarms(1, 2, 3)
        assert await settles(on, lambda standing: standing.sent_events == 3)
        assert alarm_ids(target) == ["alarm-1", "alarm-2", "alarm-3"]


async def test_a_receiver_that_does_not_read_is_away_and_nothing_is_lost(tmp_path: Path) -> None:
    async with ear(deaf=True) as target, stage(tmp_path) as on:
        await on.save(rule(target.url))
        for number in range(60):
            await on.store.save_alarm(_long(number))
        assert await settles(on, lambda standing: standing.state is State.AWAY and standing.waiting_events == 60)


def _long(number: int) -> Alarm:
    return alarm(number, text="x" * 150_000)
