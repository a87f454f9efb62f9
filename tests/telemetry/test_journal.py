"""What becomes of a command is told after it was stored, in order, each once, whoever was away meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from adapters.bus_local import LocalBus
from core.clock import ManualClock
from core.errors import CommandExpired, Overloaded, VehicleRejected
from core.ids import CommandId, OperatorId, VehicleId
from missions.model import CommandRecord
from telemetry.client import LiveStream, Subscribe
from telemetry.commands import journalled, new_record
from telemetry.journal import ToldJournal
from telemetry.messages import COMMAND_CHANGED, CommandChanged
from telemetry.stream import feed
from telemetry.stream.contract import JSON, MSGPACK
from telemetry.stream.feed import running_hub
from telemetry.stream.picture import MAX_COMMANDS, RECENT_COMMANDS
from tests.samples import a_sortie
from tests.telemetry.test_client import served
from tests.telemetry.test_commands import FullDisk, Journal
from tests.telemetry.test_stream import Far, StoredSorties, a_hub, state, tick, viewing

CLOCK = ManualClock()
VEHICLE = VehicleId("bl-01")


def record(kind: str = "pause", **changes: Any) -> CommandRecord:
    return replace(new_record(CLOCK, VEHICLE, None, kind, OperatorId("local")), **changes)


def told_journal(inner: Journal) -> ToldJournal:
    """A journal that notes in the same list what it stores and what it tells."""
    return ToldJournal(inner, lambda news: inner.log.append(f"told {news.record.state}"))


async def done() -> None:
    """Sends something that works."""


async def refused() -> None:
    raise VehicleRejected(VEHICLE, "arm", "FAILED", ("Arm: Compass not healthy",))


async def test_a_command_is_told_when_it_is_stored_and_when_its_end_is() -> None:
    journal = Journal()
    await journalled(told_journal(journal), CLOCK, record(), done)
    assert journal.log == ["issued", "told issued", "done", "told done"]


async def test_a_refusal_is_told_in_the_autopilots_own_words() -> None:
    told = list[CommandRecord]()
    journal = ToldJournal(Journal(), lambda news: told.append(news.record))
    with pytest.raises(VehicleRejected):
        await journalled(journal, CLOCK, record(), refused)
    assert [(each.state, each.texts) for each in told] == [("issued", ()), ("failed", ("Arm: Compass not healthy",))]


async def test_one_that_came_too_late_is_told_as_expired() -> None:
    journal = Journal()
    with pytest.raises(CommandExpired):
        await journalled(told_journal(journal), CLOCK, record(deadline_at=CLOCK.now()), done)
    assert journal.log[-1] == "told expired"


async def test_what_the_same_key_made_before_is_not_told_again() -> None:
    journal = Journal()
    for _ in range(2):
        await journalled(told_journal(journal), CLOCK, record(), done, idempotency_key="k")
    assert journal.log == ["told issued", "done", "told done"]


async def test_what_a_full_disk_does_not_take_is_told_all_the_same() -> None:
    journal = FullDisk()
    assert (await journalled(told_journal(journal), CLOCK, record("return"), done, fail_open=True)).state == "done"
    assert journal.log == ["told done"]
    with pytest.raises(Overloaded):
        await journalled(told_journal(journal), CLOCK, record(), done)
    assert journal.log == ["told done"]


async def _commands(frames: AsyncIterator[dict[str, Any]], count: int) -> list[tuple[str, str]]:
    """Id and state of so many news of commands."""
    found: list[tuple[str, str]] = []
    async with asyncio.timeout(5):
        async for frame in frames:
            if frame["type"] == "command":
                found.append((frame["command"]["id"], frame["command"]["state"]))
                if len(found) == count:
                    return found
    raise AssertionError(f"the stream ended after {found}")


@pytest.mark.parametrize("encoding", [JSON, MSGPACK])
async def test_a_viewer_that_was_cut_is_told_every_step_of_every_command_once_and_in_order(encoding: str) -> None:
    hub = a_hub(CLOCK, [state("bl-01")])
    steps = [(f"c-{number}", how) for number in range(40) for how in ("issued", "done")]
    async with served(hub, encoding) as (url, sockets):
        stream = LiveStream(url, Subscribe(), packed=encoding == MSGPACK)
        frames = stream.frames()
        async with asyncio.timeout(5):
            assert (await anext(frames))["commands"] == []
        for name, how in steps[:30]:
            hub.command(record(id=CommandId(name), state=how))
        heard = await _commands(frames, 30)
        sockets[0].transport.abort()
        for name, how in steps[30:]:
            hub.command(record(id=CommandId(name), state=how))
        heard += await _commands(frames, len(steps) - 30)
        assert heard == steps
        await frames.aclose()


async def test_a_snapshot_holds_the_newest_commands_as_they_stand() -> None:
    hub, far = a_hub(CLOCK, [state("bl-01")]), Far()
    for number in range(RECENT_COMMANDS + 5):
        hub.command(record(id=CommandId(f"c-{number}"), state="issued"))
    hub.command(record(id=CommandId("c-50"), state="unknown"))
    async with viewing(hub, far):
        pass
    (snapshot,) = far.of("snapshot")
    newest = [each["id"] for each in snapshot["commands"]]
    assert newest == [f"c-{number}" for number in range(RECENT_COMMANDS + 4, 4, -1)]
    assert [each["state"] for each in snapshot["commands"] if each["id"] == "c-50"] == ["unknown"]


async def test_a_command_that_ended_does_not_go_back_and_is_told_once() -> None:
    hub, far = a_hub(CLOCK, [state("bl-01")]), Far()
    async with viewing(hub, far):
        for how in ("done", "issued", "done", "failed"):
            hub.command(record(id=CommandId("c"), state=how))
    assert [frame["command"]["state"] for frame in far.of("command")] == ["done"]


async def test_commands_come_over_the_bus_and_what_it_lost_from_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "RECONCILE_S", 0.05)
    hub, far, bus, store = a_hub(CLOCK, [state("bl-01")]), Far(), LocalBus(), StoredSorties(a_sortie())
    store.kept_commands = [record(id=CommandId("before"), state="done")]
    async with running_hub(hub, bus=bus, store=store), viewing(hub, far):
        hub.tick(tick(CLOCK, state("bl-01")))
        bus.publish(COMMAND_CHANGED, CommandChanged(record(id=CommandId("c"))))
        store.kept_commands = [record(id=CommandId("c"), state="done"), *store.kept_commands]
        async with asyncio.timeout(2):
            while len(far.of("command")) < 2:  # noqa: ASYNC110 - the hub tells nobody
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.12)
    assert [each["id"] for each in far.of("snapshot")[0]["commands"]] == ["before"]
    assert [frame["command"]["state"] for frame in far.of("command")] == ["issued", "done"]


def test_what_is_remembered_of_commands_is_bounded() -> None:
    hub = a_hub(CLOCK, [state("bl-01")])
    for number in range(MAX_COMMANDS + 10):
        hub._picture.on_command(record(id=CommandId(f"c-{number}")))
    assert len(hub._picture._commands) == MAX_COMMANDS
