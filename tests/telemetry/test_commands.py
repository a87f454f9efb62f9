"""Commands and their journal."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from core.clock import ManualClock
from core.errors import CommandExpired, LinkTimeout, OutcomeUnknown, Overloaded
from core.ids import OperatorId, VehicleId
from missions.model import DIVERTING, CommandClass, CommandKind, CommandRecord, SortieState
from missions.sortie import TRANSITIONS
from telemetry.commands import ALLOWED_FROM, PATIENCE_S, RESULT_OF, journalled, new_record, reconciled
from telemetry.messages import VehicleState

CLOCK = ManualClock()
VEHICLE = VehicleId("bl-01")
STATE = VehicleState(VEHICLE, "one", None, 11, "fleet", "quad", armed=True, mode="AUTO")


class Journal:
    """Keeps what it is given, in order."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.by_key: dict[str, CommandRecord] = {}

    async def begin_command(self, command: CommandRecord, *, idempotency_key: str | None) -> CommandRecord:
        if idempotency_key is None:
            self.log.append("issued")
            return command
        return self.by_key.setdefault(idempotency_key, command)

    async def finish_command(self, command: CommandRecord) -> None:
        self.log.append(command.state)

    async def commands(self, vehicle_id: VehicleId, *, limit: int) -> tuple[CommandRecord, ...]:
        return ()


def record(kind: str = "pause") -> CommandRecord:
    return new_record(CLOCK, VEHICLE, None, kind, OperatorId("local"))


async def test_a_command_is_journalled_before_its_first_byte_and_after_its_effect() -> None:
    journal = Journal()

    async def send() -> None:
        journal.log.append("sent")

    assert (await journalled(journal, CLOCK, record(), send)).state == "done"
    assert journal.log == ["issued", "sent", "done"]


async def test_a_failed_command_keeps_its_cause() -> None:
    journal = Journal()

    async def send() -> None:
        raise LinkTimeout(VEHICLE, "mode BRAKE", 5)

    with pytest.raises(LinkTimeout):
        await journalled(journal, CLOCK, record(), send)
    assert journal.log == ["issued", "failed"]


async def test_the_same_key_sends_nothing_twice() -> None:
    journal, sent = Journal(), list[str]()

    async def send() -> None:
        sent.append("x")

    first = await journalled(journal, CLOCK, record(), send, idempotency_key="k")
    second = await journalled(journal, CLOCK, record(), send, idempotency_key="k")
    assert (first.id, len(sent)) == (second.id, 1)


class FullDisk(Journal):
    """Takes nothing."""

    async def begin_command(self, command: CommandRecord, *, idempotency_key: str | None) -> CommandRecord:
        raise Overloaded("The disk does not take the data")

    async def finish_command(self, command: CommandRecord) -> None:
        raise Overloaded("The disk does not take the data")


@pytest.mark.parametrize("fail_open", [True, False])
async def test_with_a_full_disk_only_what_brings_a_vehicle_home_or_down_is_sent(fail_open: bool) -> None:
    sent = list[str]()

    async def send() -> None:
        sent.append("x")

    if fail_open:
        assert (await journalled(FullDisk(), CLOCK, record("return"), send, fail_open=True)).state == "done"
    else:
        with pytest.raises(Overloaded):
            await journalled(FullDisk(), CLOCK, record(), send)
    assert bool(sent) is fail_open


class SlowDisk(Journal):
    """Takes an entry when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.takes = asyncio.Event()

    async def begin_command(self, command: CommandRecord, *, idempotency_key: str | None) -> CommandRecord:
        await self.takes.wait()
        return await super().begin_command(command, idempotency_key=idempotency_key)


@pytest.mark.parametrize("fail_open", [True, False])
async def test_a_slow_disk_keeps_no_vehicle_out_there_and_its_entry_comes_before_the_answer(fail_open: bool) -> None:
    journal, sent = SlowDisk(), asyncio.Event()

    async def send() -> None:
        journal.log.append("sent")
        sent.set()

    asked = asyncio.create_task(journalled(journal, CLOCK, record("return"), send, fail_open=fail_open))
    if fail_open:
        await asyncio.wait_for(sent.wait(), 5)
    await asyncio.sleep(3 * PATIENCE_S)
    assert (sent.is_set(), asked.done()) == (fail_open, False)
    journal.takes.set()
    assert (await asked).state == "done"
    assert journal.log == (["sent", "issued", "done"] if fail_open else ["issued", "sent", "done"])


@pytest.mark.parametrize(
    ("kind", "change", "state"),
    [
        ("resume", {}, "done"),
        ("start", {}, "done"),
        ("arm", {}, "done"),
        ("arm", {"armed": False}, "unknown"),
        ("start", {"mode": "GUIDED"}, "unknown"),
        ("return", {"mode": "RTL"}, "done"),
        ("return", {}, "unknown"),
    ],
)
def test_after_a_crash_the_vehicle_itself_says_whether_a_command_took_effect(
    kind: str, change: dict[str, object], state: str
) -> None:
    assert reconciled(record(kind), replace(STATE, **change), CLOCK).state == state  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", sorted(set(CommandKind) - {CommandKind.CONTINUE}))
def test_what_a_command_leads_to_follows_from_every_state_that_allows_it(kind: CommandKind) -> None:
    assert ALLOWED_FROM[kind]
    # What is replaced in the air holds first; who slows down or holds already stays in its state.
    stays = {RESULT_OF[kind]} if kind in (CommandKind.HOLD, *DIVERTING) else set()
    for state in ALLOWED_FROM[kind] - stays:
        after_a_hold = TRANSITIONS[SortieState.PAUSED] if kind in DIVERTING else frozenset()
        if kind is not CommandKind.CHANGE_SPEED:
            assert RESULT_OF[kind] in TRANSITIONS[state] | after_a_hold, state


@pytest.mark.parametrize("kind", [CommandKind.RETURN, CommandKind.LAND, CommandKind.HOLD])
@pytest.mark.parametrize(
    "state",
    [
        SortieState.TAKING_OFF,
        SortieState.ON_MISSION,
        SortieState.DIVERTED,
        SortieState.PAUSED,
        SortieState.HELD,
    ],
)
def test_home_and_down_are_possible_from_every_state_of_flight(kind: CommandKind, state: SortieState) -> None:
    assert state in ALLOWED_FROM[kind]


async def test_a_command_whose_time_is_over_is_not_sent_and_says_so() -> None:
    journal, sent = Journal(), list[str]()

    async def send() -> None:
        sent.append("x")

    late = replace(record(), deadline_at=CLOCK.now())
    with pytest.raises(CommandExpired):
        await journalled(journal, CLOCK, late, send)
    assert (journal.log, sent) == (["issued", "expired"], [])
    await journalled(journal, CLOCK, replace(record("return"), deadline_at=CLOCK.now()), send, fail_open=True)
    assert sent == ["x"]


async def test_what_was_sent_once_without_an_answer_is_unknown_and_not_failed() -> None:
    journal = Journal()

    async def send() -> None:
        raise OutcomeUnknown(VEHICLE, "DO_SET_RELAY", ("Relay 1 on",))

    with pytest.raises(OutcomeUnknown):
        await journalled(journal, CLOCK, record("relay"), send)
    assert journal.log == ["issued", "unknown"]


@pytest.mark.parametrize("kind", ["return", "relay"])
def test_every_entry_has_its_class_and_its_deadline(kind: str) -> None:
    entry = record(kind)
    assert entry.deadline_at is not None
    assert entry.deadline_at > entry.issued_at
    assert entry.repeat is (CommandClass.CONFIRM if kind == "return" else CommandClass.NEVER)


def test_after_a_crash_what_may_not_be_repeated_stays_unknown() -> None:
    assert reconciled(replace(record("arm"), repeat=CommandClass.NEVER), STATE, CLOCK).state == "unknown"
