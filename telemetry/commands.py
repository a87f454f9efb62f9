"""Operators' commands: what each asks of the autopilot, when it is legal, and the journal that comes before it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import msgspec

from core.clock import Clock
from core.errors import BailuError, CommandExpired, NotFound, OutcomeUnknown, Overloaded
from core.ids import CommandId, OperatorId, SortieId, VehicleId, new_id
from missions.model import DIVERTING, CommandClass, CommandKind, CommandRecord, ReturnMode, SortieState
from missions.ports import CommandJournal
from missions.sortie import BEFORE_FLIGHT, HOLDING
from telemetry.acting import CLASS_OF as CLASS_OF  # noqa: PLC0414  (of what a journal entry sends: exported)
from telemetry.messages import VehicleState
from telemetry.packets import Cmd, Mode
from telemetry.vehicle import Vehicle

log = logging.getLogger("bailu.command")

# All are class A (reliability guide, section 2): asking twice does no harm, success is the observed mode.
# BRAKE holds without anybody's sticks; LOITER would take a radio without throttle for a wish to descend.
MODE_OF = {
    CommandKind.PAUSE: Mode.BRAKE,
    CommandKind.HOLD: Mode.BRAKE,
    CommandKind.RESUME: Mode.AUTO,
    CommandKind.RETURN: Mode.RTL,
    CommandKind.LAND: Mode.LAND,
}
# The way home that a plan was proven for.
RETURN_OF = {ReturnMode.DIRECT: Mode.RTL, ReturnMode.RETRACE: Mode.SMART_RTL}
RESULT_OF = {
    CommandKind.PAUSE: SortieState.PAUSED,
    CommandKind.HOLD: SortieState.PAUSED,
    CommandKind.RESUME: SortieState.ON_MISSION,
    CommandKind.RETURN: SortieState.RETURNING,
    CommandKind.LAND: SortieState.LANDING,
    CommandKind.ABORT: SortieState.ABORTED,
    CommandKind.CHANGE_SPEED: SortieState.ON_MISSION,
    **dict.fromkeys(DIVERTING, SortieState.DIVERTED),
}
_ON_WAY = frozenset({SortieState.ON_MISSION, SortieState.DIVERTED})
_AIRBORNE = _ON_WAY | HOLDING | {SortieState.TAKING_OFF, SortieState.RETURNING}
ALLOWED_FROM = {
    CommandKind.PAUSE: _ON_WAY | {SortieState.TAKING_OFF, SortieState.RETURNING},
    CommandKind.HOLD: _AIRBORNE | {SortieState.LANDING},
    CommandKind.RESUME: HOLDING,
    CommandKind.RETURN: _AIRBORNE - {SortieState.RETURNING},
    CommandKind.LAND: _AIRBORNE,
    CommandKind.CHANGE_SPEED: _ON_WAY,
    CommandKind.ABORT: frozenset(BEFORE_FLIGHT),
    **dict.fromkeys(DIVERTING, _AIRBORNE - {SortieState.TAKING_OFF}),
}
# Stopping, coming home or down is never held up by other work on the vehicle (reliability guide, section 2).
SAFETY = frozenset({CommandKind.RETURN, CommandKind.LAND, CommandKind.HOLD})
# These interrupt what is being loaded instead of being refused because of it.
UNQUEUED = SAFETY | {CommandKind.PAUSE, CommandKind.ABORT}

# What is sent on behalf of a journal entry, by its kind; what is not listed is never repeated.
CLASS_OF_KIND: dict[str, CommandClass] = {
    **dict.fromkeys((*MODE_OF, *DIVERTING, CommandKind.ABORT, "arm", "start"), CommandClass.CONFIRM),
    CommandKind.CHANGE_SPEED: CommandClass.REPEATABLE,
}
# A command that could not be sent for so long (the disk, a busy gateway) is not what the operator wants any more.
LIFE_S = 30.0
# So long what brings a vehicle home or down waits for its journal entry. A flush takes 2 to 10 ms on a quiet disk.
PATIENCE_S = 0.015

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
    brings a vehicle home or down goes out when the journal did not take its entry within `PATIENCE_S` (a busy disk,
    a full one), however late; the entry is waited for before the result is told.
    Raises CommandExpired when its time was over before it could be sent, and what `send` raises.
    """
    entry = asyncio.create_task(_begun(journal, record, idempotency_key, fail_open=fail_open))
    if not fail_open or await _in_time(entry):
        begun = await entry
        if begun.id != record.id:
            return begun
    deadline_at = record.deadline_at
    if deadline_at is not None and clock.now() >= deadline_at and not fail_open:
        late = CommandExpired(record.vehicle_id, record.kind, deadline_at)
        await finished(journal, _ended(record, "expired", late.detail, clock))
        raise late
    try:
        await send()
    except BailuError as error:
        state = "unknown" if isinstance(error, OutcomeUnknown) else "failed"
        texts = getattr(error, "texts", ())
        await entry
        await finished(journal, replace(_ended(record, state, error.detail, clock), texts=texts))
        raise
    # An earlier record under this key was found too late: it was sent twice, which these commands bear.
    if (begun := await entry).id != record.id:
        return begun
    done = _ended(begun, "done", "the vehicle shows it", clock)
    await finished(journal, done)
    return done


async def _in_time(entry: asyncio.Task[CommandRecord]) -> bool:
    done, _ = await asyncio.wait({entry}, timeout=PATIENCE_S)
    return bool(done)


def _ended(record: CommandRecord, state: str, result: str, clock: Clock) -> CommandRecord:
    return replace(record, state=state, result=result, finished_at=clock.now())


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


async def finished(journal: CommandJournal, record: CommandRecord) -> None:
    """The vehicle has acted by now: a journal that takes no entry must not turn that into a failure."""
    try:
        await journal.finish_command(record)
    except (Overloaded, NotFound) as error:
        log.error("command %s (%s) is not journalled as %s: %s", record.id, record.kind, record.state, error)


def new_record(
    clock: Clock,
    vehicle_id: VehicleId,
    sortie_id: SortieId | None,
    kind: str,
    by: OperatorId,
    *,
    parameters: Mapping[str, Any] = MappingProxyType({}),
    deadline_at: datetime | None = None,
) -> CommandRecord:
    """A fresh journal entry; without `deadline_at` it may be sent for half a minute."""
    now = clock.now()
    return CommandRecord(
        CommandId(new_id("cmd")),
        vehicle_id,
        sortie_id,
        kind,
        issued_at=now,
        issued_by=by,
        parameters=dict(parameters),
        repeat=CLASS_OF_KIND.get(kind, CommandClass.NEVER),
        deadline_at=deadline_at or now + timedelta(seconds=LIFE_S),
    )


def reconciled(record: CommandRecord, state: VehicleState, clock: Clock) -> CommandRecord:
    """An entry that the platform left unfinished when it stopped, settled by what the vehicle shows now.

    Nothing is sent again: the operator sees what is unknown and decides.
    """
    shown = {"arm": state.armed is True, "start": state.armed is True and state.mode == Mode.AUTO.name}
    if record.kind in set(CommandKind):
        shown[record.kind] = state.mode in _modes_of(CommandKind(record.kind))
    if record.repeat is not CommandClass.NEVER and shown.get(record.kind):
        return _ended(record, "done", "the vehicle shows it after a restart", clock)
    return _ended(record, "unknown", "the platform stopped before the effect was seen", clock)


def options_of(state: SortieState) -> str:
    """What an operator can ask for in `state`, in words."""
    kinds = (CommandKind.RESUME, CommandKind.HOLD, CommandKind.RETURN, CommandKind.LAND, CommandKind.GOTO)
    return ", ".join(kind for kind in kinds if state in ALLOWED_FROM[kind]) or "nothing"


def _modes_of(kind: CommandKind) -> frozenset[str]:
    """The modes that show that a command was carried out."""
    if kind is CommandKind.RETURN:
        return frozenset(mode.name for mode in RETURN_OF.values())
    return frozenset({MODE_OF[kind].name}) if kind in MODE_OF else frozenset()


def problem_of(error: BailuError) -> dict[str, object]:
    """The error as a record keeps it: slug, title, detail and facts."""
    facts: dict[str, Any] = msgspec.to_builtins(error.facts())
    return {"slug": error.slug, "title": error.title, "detail": error.detail, **facts}
