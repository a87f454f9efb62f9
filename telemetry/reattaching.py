"""A vehicle found in the air after a restart: which plan it holds is read from the vehicle, not believed."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from core.clock import Clock
from core.errors import BailuError, Overloaded
from missions.manoeuvre import Diversion, DiversionState, counted_anew, step
from missions.model import Onboard, Plan, Sortie
from missions.ports import DiversionStore
from telemetry.logbook import Logbook
from telemetry.onboard import Held, read_back, wanted_by
from telemetry.packets import Mode
from telemetry.vehicle import Vehicle

log = logging.getLogger("bailu.flight")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a vehicle is to fly: the sortie's own plan, or that of a diversion."""

    plan: Plan
    diversion: Diversion | None = None


async def recorded(sortie: Sortie, own: Plan, store: DiversionStore) -> Loaded:
    """What the record says that the vehicle holds: its `own` plan, or a diversion, started or about to be.

    A vehicle must not be held to the fence of a plan that it does not fly, not even for the moment until it is asked.
    """
    if sortie.diversion_id is None:
        return Loaded(own)
    diversion = await store.diversion(sortie.diversion_id)
    return Loaded(diversion.plan, diversion)


async def verified(
    vehicle: Vehicle, logbook: Logbook, before: Loaded, *, own: Plan, store: DiversionStore, clock: Clock
) -> Loaded:
    """What the vehicle really holds, by mission, fence and rally points; told to people, and written down.

    `before`: what the record says.

    A diversion that the stop left half executed is over: found flying when it is on board and in AUTO, failed
    otherwise. Nothing is sent to the vehicle but questions.
    """
    half = await _half_executed(logbook, store)
    # Loaded and not started is not flown: then it is on its own plan, as far as the record goes.
    is_half = half is not None and before.diversion is not None and before.diversion.id == half.id
    loaded = Loaded(own) if is_half else before
    try:
        held = await read_back(vehicle)
    except BailuError as error:
        if half is not None:  # what is told as failed is not what it flies
            await logbook.change(diversion_id=loaded.diversion.id if loaded.diversion is not None else None)
        await logbook.change(onboard=Onboard.UNKNOWN)
        said = f"It flies, what it holds is unknown: {error.detail}"
        await _failed(half, store, clock, said)
        logbook.event("warning", "reattached-unverified", said)
        return loaded
    if half is not None:
        changed = await _settled(vehicle, logbook, loaded, half, held)
        await _saved(store, _closed(changed, clock))
        return Loaded(changed.plan, changed) if changed.state is DiversionState.FLYING else loaded
    await _told(logbook, held, loaded.plan)
    return loaded


async def _told(logbook: Logbook, held: Held, plan: Plan) -> None:
    different = held.differs_from(wanted_by(plan))
    if not different:
        await logbook.change(onboard=Onboard.VERIFIED)
        logbook.event("info", "reattached", "The platform restarted and found the vehicle on its mission.")
        return
    await logbook.change(onboard=Onboard.MIXED)
    names = " and ".join(different)
    are = "are" if len(different) > 1 else "is"
    logbook.event("critical", "mission-changed", f"It flies, and its {names} {are} not what was approved.")


async def _settled(vehicle: Vehicle, logbook: Logbook, loaded: Loaded, half: Diversion, held: Held) -> Diversion:
    """A diversion that the platform's stop interrupted, by what is on board."""
    plan = half.plan
    if not held.differs_from(wanted_by(plan)) and vehicle.state.mode == Mode.AUTO.name:
        await logbook.change(
            onboard=Onboard.VERIFIED,
            diversion_id=half.id,
            mission_hash=plan.hash,
            fence_hash=plan.fence_hash,
            rally_hash=plan.rally_hash,
            **counted_anew(half, logbook.sortie),
        )
        logbook.event("info", "reattached", f"The platform restarted and found the vehicle flying the {half.kind}.")
        return step(half, DiversionState.FLYING, result="found flying after a restart")
    before = loaded.diversion.id if loaded.diversion is not None else None
    if not held.differs_from(wanted_by(loaded.plan)):
        said = "The platform stopped before it was on board; the former mission is, and was read back."
        await logbook.change(onboard=Onboard.VERIFIED, diversion_id=before)
        logbook.event("warning", "diversion-failed", f"The {half.kind} was not flown. {said}")
    else:
        said = "The platform stopped while it was being loaded; what is on board is not to be flown."
        await logbook.change(onboard=Onboard.MIXED, diversion_id=before)
        logbook.event("critical", "mission-mixed", f"The {half.kind} was not flown. {said}")
    return step(half, DiversionState.FAILED, result=said)


def _closed(diversion: Diversion, clock: Clock) -> Diversion:
    over = diversion.state is DiversionState.FAILED
    return replace(diversion, finished_at=clock.now()) if over else diversion


async def _half_executed(logbook: Logbook, store: DiversionStore) -> Diversion | None:
    made = await store.diversions(logbook.sortie.id)
    return next((each for each in made if each.state is DiversionState.LOADING), None)


async def _failed(half: Diversion | None, store: DiversionStore, clock: Clock, why: str) -> None:
    if half is not None:
        await _saved(store, step(half, DiversionState.FAILED, result=why, finished_at=clock.now()))


async def _saved(store: DiversionStore, diversion: Diversion) -> None:
    """The vehicle flies on whatever the store says."""
    try:
        await store.save_diversion(diversion)
    except Overloaded as error:
        log.error("diversion %s is not stored as %s: %s", diversion.id, diversion.state, error.detail)
