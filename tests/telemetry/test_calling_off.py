"""A launch that somebody calls off: it ends where it is, and nothing of it is sent any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import IllegalTransition
from core.ids import OperatorId
from missions.model import CommandKind, SortieState
from telemetry.packets import Cmd, CommandLong, Heartbeat, Mode
from tests.telemetry.test_flight import GrudgingStore, flight

OPERATOR = OperatorId("op")
S = SortieState


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("state", [S.PREFLIGHT, S.UPLOADING])
async def test_what_is_called_off_before_take_off_ends_there_and_never_arms(
    state: SortieState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = GrudgingStore()
    under_test, sent = flight(store, tmp_path)
    under_test.vehicle.hear(Heartbeat(True, False, Mode.GUIDED, 3))

    async def launching() -> bool:
        for each in (S.ASSIGNED, S.PREFLIGHT, S.UPLOADING):
            if under_test.sortie.state is not state:
                await under_test._logbook.advance(each, "t", "-")
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr(under_test._launch, "run", launching)
    flying = asyncio.create_task(under_test.fly())
    await until(lambda: under_test.sortie.state is state)
    await under_test.carry_out(CommandKind.ABORT, OPERATOR, {})
    await asyncio.wait_for(flying, 5)
    last = store.saved[-1].transitions[-1]
    assert (last.from_state, last.to_state, last.by, last.why) == (
        state, S.ABORTED, OPERATOR, "called off before take-off",
    )  # fmt: skip
    assert store.saved[-1].armed_at is None
    armed = [each for each in sent if isinstance(each, CommandLong) and each.command == Cmd.COMPONENT_ARM_DISARM]
    assert armed == []
    with pytest.raises(IllegalTransition):
        await under_test.carry_out(CommandKind.ABORT, OPERATOR, {})
