"""Operators' commands: what each asks of the autopilot, when it is legal, and the journal that comes before it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import msgspec

from core.clock import Clock
from core.errors import BailuError, NotFound, Overloaded
from core.ids import CommandId, OperatorId, SortieId, VehicleId, new_id
from missions.model import CommandKind, CommandRecord, ReturnMode, SortieState
from missions.ports import CommandJournal
from telemetry.messages import VehicleState
from telemetry.packets import Cmd, Mode
from telemetry.vehicle import Vehicle

log = logging.getLogger("bailu.command")

# All are class A (reliability guide, section 2): asking twice does no harm, success is the observed mode.
MODE_OF = {
    CommandKind.PAUSE: Mode.BRAKE,
    CommandKind.RESUME: Mode.AUTO,
    CommandKind.RETURN: Mode.RTL,
    CommandKind.LAND: Mode.LAND,
}
# The way home that a plan was proven for.
RETURN_OF = {ReturnMode.DIRECT: Mode.RTL, ReturnMode.RETRACE: Mode.SMART_RTL}
RESULT_OF = {
    CommandKind.PAUSE: SortieState.PAUSED,
    CommandKind.RESUME: SortieState.ON_MISSION,
    CommandKind.RETURN: SortieState.RETURNING,
    CommandKind.LAND: SortieState.LANDING,
}
_AIRBORNE = frozenset({SortieState.TAKING_OFF, SortieState.ON_MISSION, SortieState.PAUSED, SortieState.RETURNING})
ALLOWED_FROM = {
    CommandKind.PAUSE: frozenset({SortieState.TAKING_OFF, SortieState.ON_MISSION, SortieState.RETURNING}),
    CommandKind.RESUME: frozenset({SortieState.PAUSED}),
    CommandKind.RETURN: _AIRBORNE - {SortieState.RETURNING},
    CommandKind.LAND: _AIRBORNE,
}
# Coming home or down is never held up by other work on the vehicle (reliability guide, section 2).
SAFETY = frozenset({CommandKind.RETURN, CommandKind.LAND})

_CUSTOM_MODE_ENABLED = 1  # MAV_MODE_FLAG_CUSTOM_MODE_ENABLED


async def set_mode(vehicle: Vehicle, mode: Mode, *, urgent: bool = False) -> None:
    """Asks for a mode and waits until the vehicle shows it; the acknowledgement alone proves nothing.

    `urgent`: for a stop, a return or a landing, which waits for nobody (`Vehicle.order`).
    """
    await vehicle.command(Cmd.DO_SET_MODE, _CUSTOM_MODE_ENABLED, mode, urgent=urgent)
    await vehicle.until(lambda state: state.mode == mode.name, what=f"mode {mode.name}", within_s=5)


async def journalled(
    journal: CommandJournal,
    clock: Clock,
    record: CommandRecord,
    send: Callable[[], Awaitable[None]],
    *,
    idempotency_key: str | None = None,
    fail_open: bool = False,
) -> CommandRecord:
    """Commits `record` before `send` sends its first byte (promise 4), and its result after.

    A key that was used before returns the earlier record, and nothing is sent again. `fail_open`: a command that
    brings a vehicle home or down goes out even when the journal takes nothing (a full disk).
    """
    begun = await _begun(journal, record, idempotency_key, fail_open=fail_open)
    if begun.id != record.id:
        return begun
    try:
        await send()
    except BailuError as error:
        await _finished(journal, replace(begun, state="failed", result=error.detail, finished_at=clock.now()))
        raise
    done = replace(begun, state="done", result="the vehicle shows it", finished_at=clock.now())
    await _finished(journal, done)
    return done


async def _begun(
    journal: CommandJournal, record: CommandRecord, key: str | None, *, fail_open: bool
) -> CommandRecord:
    try:
        return await journal.begin_command(record, idempotency_key=key)
    except Overloaded:
        if not fail_open:
            raise
        log.critical("command %s of vehicle %s is sent without a journal entry", record.kind, record.vehicle_id)
        return record


async def _finished(journal: CommandJournal, record: CommandRecord) -> None:
    """The vehicle has acted by now: a journal that takes no entry must not turn that into a failure."""
    try:
        await journal.finish_command(record)
    except (Overloaded, NotFound) as error:
        log.error("command %s (%s) is not journalled as %s: %s", record.id, record.kind, record.state, error)


def new_record(
    clock: Clock, vehicle_id: VehicleId, sortie_id: SortieId | None, kind: str, by: OperatorId
) -> CommandRecord:
    """A fresh journal entry."""
    return CommandRecord(CommandId(new_id("cmd")), vehicle_id, sortie_id, kind, issued_at=clock.now(), issued_by=by)


def reconciled(record: CommandRecord, state: VehicleState, clock: Clock) -> CommandRecord:
    """An entry that the platform left unfinished when it stopped, settled by what the vehicle shows now.

    Nothing is sent again: the operator sees what is unknown and decides.
    """
    shown = {"arm": state.armed is True, "start": state.armed is True and state.mode == Mode.AUTO.name}
    if record.kind in set(CommandKind):
        shown[record.kind] = state.mode in _modes_of(CommandKind(record.kind))
    if shown.get(record.kind):
        return replace(record, state="done", result="the vehicle shows it after a restart", finished_at=clock.now())
    why = "the platform stopped before the effect was seen"
    return replace(record, state="unknown", result=why, finished_at=clock.now())


def _modes_of(kind: CommandKind) -> frozenset[str]:
    """The modes that show that a command was carried out."""
    modes = RETURN_OF.values() if kind is CommandKind.RETURN else (MODE_OF[kind],)
    return frozenset(mode.name for mode in modes)


def problem_of(error: BailuError) -> dict[str, object]:
    """The error as a record keeps it: slug, title, detail and facts."""
    facts: dict[str, Any] = msgspec.to_builtins(error.facts())
    return {"slug": error.slug, "title": error.title, "detail": error.detail, **facts}
