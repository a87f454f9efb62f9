"""The contract of the bus port, asked of the local bus and of both ends of the socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.bus_local import BoundedSubscription, LocalBus
from adapters.bus_socket import connected_bus, hosted_bus
from adapters.subjects import check_pattern, check_subject, matches
from core.bus import Bus
from core.errors import (
    BailuError,
    Conflict,
    Encounter,
    GatewayUnavailable,
    MissionConflict,
    Proposal,
    VehicleBusy,
    VehicleOffline,
)


@dataclass(frozen=True, slots=True)
class Question:
    number: int


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    at: datetime = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ends:
    """`here` publishes and serves; `there` subscribes and asks."""

    here: Bus
    there: Bus


@asynccontextmanager
async def socket_ends(path: Path) -> AsyncIterator[tuple[LocalBus, Bus]]:
    async with hosted_bus(path) as host, connected_bus(path) as joined:
        await joined.wait_connected()
        yield host, joined


@pytest.fixture(params=["local", "host to peer", "peer to host", "peer to peer"])
async def ends(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ends]:
    if request.param == "local":
        bus = LocalBus()
        yield Ends(bus, bus)
        return
    path = tmp_path / "bus"
    async with socket_ends(path) as (host, peer):
        if request.param == "host to peer":
            yield Ends(host, peer)
        elif request.param == "peer to host":
            yield Ends(peer, host)
        else:
            async with connected_bus(path) as second:
                await second.wait_connected()
                yield Ends(peer, second)


async def take(subscription: object, count: int) -> list[object]:
    """The next `count` messages."""
    found: list[object] = []
    async with asyncio.timeout(2):
        async for message in subscription:  # type: ignore[attr-defined]
            found.append(message)
            if len(found) == count:
                break
    return found


async def test_what_is_published_reaches_who_asked_for_it_in_order(ends: Ends) -> None:
    async with ends.there.subscribe("fleet.*", Answer, bound=10) as messages:
        ends.here.publish("fleet.tick", Answer("1"))
        ends.here.publish("sorties.changed", Answer("not asked for"))
        ends.here.publish("fleet.tick.deep", Answer("one word too many"))
        ends.here.publish("fleet.event", Answer("2"))
        assert await take(messages, 2) == [Answer("1"), Answer("2")]


async def test_who_asks_for_a_subject_that_was_published_before_gets_what_comes_from_then_on() -> None:
    bus = LocalBus()
    bus.publish("a", Answer("for nobody"))
    async with bus.subscribe("a", Answer, bound=10) as first:
        bus.publish("a", Answer("1"))
        async with bus.subscribe(">", Answer, bound=10) as second:
            bus.publish("a", Answer("2"))
            assert await take(second, 1) == [Answer("2")]
        bus.publish("a", Answer("3"))
        assert await take(first, 3) == [Answer(text) for text in "123"]
    assert [message async for message in second] == []


async def test_a_message_of_another_type_is_not_delivered(ends: Ends) -> None:
    async with ends.there.subscribe(">", Answer, bound=10) as messages:
        ends.here.publish("a", Question(1))
        ends.here.publish("a", Answer("right"))
        assert await take(messages, 1) == [Answer("right")]


async def test_nothing_arrives_after_the_subscription_closed(ends: Ends) -> None:
    async with ends.there.subscribe("a", Answer, bound=10) as messages:
        ends.here.publish("a", Answer("last"))
        assert await take(messages, 1) == [Answer("last")]
    ends.here.publish("a", Answer("late"))
    assert [message async for message in messages] == []


async def test_a_request_is_answered_by_who_serves_it(ends: Ends) -> None:
    async def double(question: Question) -> Answer:
        return Answer(str(2 * question.number))

    async with ends.here.serve("vehicle.a.command", Question, double):
        answers = await asyncio.gather(
            *(ends.there.request("vehicle.a.command", Question(n), Answer) for n in range(5))
        )
    assert [answer.text for answer in answers] == ["0", "2", "4", "6", "8"]


async def test_a_request_that_nobody_serves_fails_at_once(ends: Ends) -> None:
    async with asyncio.timeout(2):
        with pytest.raises(GatewayUnavailable) as told:
            await ends.there.request("vehicle.z.launch", Question(1), Answer)
    assert told.value.subject == "vehicle.z.launch"


AT = datetime(2026, 1, 1, 1, 2, 3, tzinfo=UTC)
ERRORS = [
    VehicleBusy("bl-01", "flying"),
    VehicleOffline("bl-01", AT),
    VehicleOffline("bl-01"),
    MissionConflict((Conflict("c", "d", "/p", leg=(1, 2), geometry={"type": "Point", "coordinates": [1.0, 2.0]}),)),
    MissionConflict(
        (Conflict("c", "d", "/p", encounter=Encounter("s", "n", AT, AT, 1.0, 2.0, 3.0, 4.0)),),
        (Proposal("delay", "later", {"properties": {"departs_at": "2026-01-01T00:00:00Z"}}),),
    ),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.slug)
async def test_an_error_keeps_its_class_and_its_facts(ends: Ends, error: BailuError) -> None:
    async def refuse(_: Question) -> Answer:
        raise error

    async with ends.here.serve("a", Question, refuse):
        with pytest.raises(type(error)) as told:
            await ends.there.request("a", Question(1), Answer)
    assert told.value.facts() == error.facts()


async def test_a_defect_of_a_handler_is_internal_and_the_bus_goes_on(
    ends: Ends, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(question: Question) -> Answer:
        if question.number == 0:
            raise ZeroDivisionError
        return Answer("well")

    async with ends.here.serve("a", Question, broken):
        with pytest.raises(BailuError) as told:
            await ends.there.request("a", Question(0), Answer)
        assert type(told.value) is BailuError
        assert "the handler of a failed" in caplog.text
        assert (await ends.there.request("a", Question(1), Answer)).text == "well"


async def test_an_asker_who_gives_up_does_not_stop_the_handler(ends: Ends) -> None:
    done = asyncio.Event()
    release = asyncio.Event()

    async def slow(_: Question) -> Answer:
        await release.wait()
        done.set()
        return Answer("late")

    async with ends.here.serve("a", Question, slow):
        asking = asyncio.create_task(ends.there.request("a", Question(1), Answer))
        await asyncio.sleep(0.05)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        release.set()
        if isinstance(ends.here, LocalBus) and ends.here is ends.there:
            return  # in one process the handler runs in the asker's own task
        async with asyncio.timeout(2):
            await done.wait()


async def test_a_subject_has_one_server(ends: Ends) -> None:
    async def handler(_: Question) -> Answer:
        return Answer("-")

    async with ends.here.serve("a", Question, handler):
        with pytest.raises(ValueError, match="served already"):
            async with ends.here.serve("a", Question, handler):
                pass


async def test_a_full_subscription_drops_its_oldest_and_counts() -> None:
    subscription: BoundedSubscription[int] = BoundedSubscription(3)
    for number in range(10):
        subscription.put(number)
    subscription.close()
    assert [number async for number in subscription] == [7, 8, 9]
    assert subscription.dropped == 7


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.c", False),
        ("a.*", "a.b", True),
        ("a.*", "a.b.c", False),
        ("*.b", "a.b", True),
        ("a.>", "a.b.c", True),
        ("a.>", "a", False),
        (">", "a", True),
        ("a.b", "a", False),
    ],
)
def test_patterns_match_by_the_rules_of_nats(pattern: str, subject: str, expected: bool) -> None:
    assert matches(pattern, subject) is expected


@pytest.mark.parametrize("subject", ["", "a..b", "a.*", ">", "a.b*"])
def test_what_is_not_a_subject_is_refused(subject: str) -> None:
    with pytest.raises(ValueError, match="not a subject"):
        check_subject(subject)


@pytest.mark.parametrize("pattern", ["", "a..b", ">.a", "a*.b", "a.>b"])
def test_what_is_not_a_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="not a pattern"):
        check_pattern(pattern)
