"""What a flying vehicle holds is what was approved: signs that somebody else writes to it, and a look at it then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from core.errors import BailuError
from missions.model import Onboard, Plan
from missions.sortie import is_flying
from telemetry.commands import set_mode
from telemetry.logbook import Logbook
from telemetry.onboard import read_back, wanted_by
from telemetry.packets import Inbound, MissionCurrent, Mode, Overheard, ParamValue, StatusText
from telemetry.vehicle import Vehicle

# Of a transfer to the vehicle; what it says to somebody who reads harms nobody.
_OF_WRITING = frozenset({"MISSION_REQUEST", "MISSION_REQUEST_INT", "MISSION_ACK"})
# What ArduPilot says when a list was replaced, or was to be (AP_Mission, AC_PolyFence_loader, MissionItemProtocol).
_SAID = ("Flight plan received", "Fence Indexed", "Flight plan update rejected", "Mission upload timeout")
_TOTALS = frozenset({"MIS_TOTAL", "FENCE_TOTAL", "RALLY_TOTAL"})
# Signs of what we did ourselves may come so long after it.
_ECHO_S = 3.0
# Looks at the vehicle are so far apart, however many signs there are.
_BETWEEN_S = 2.0


class Signs:
    """Finds in what a vehicle says that its mission, fence or rally points may have been changed."""

    def __init__(self) -> None:
        self._totals: dict[str, object] = {}

    def of(self, packet: Inbound) -> str | None:
        """The sign in words; None when there is none. The first count of anything is what later ones are held to."""
        match packet:
            case Overheard(message, system, kind) if kind is not None and message in _OF_WRITING:
                return f"it takes a {kind.name.lower()} from system {system}"
            case StatusText(_, text) if text.startswith(_SAID):
                return f"it says {text!r}"
            case ParamValue(name, value) if name in _TOTALS:
                return self._changed(name, value)
            case MissionCurrent(_, total, ids) if total is not None:
                return self._changed("the mission's count or id", (total, ids))
        return None

    def _changed(self, name: str, now: object) -> str | None:
        before = self._totals.setdefault(name, now)
        self._totals[name] = now
        return None if before == now else f"{name} changed"


async def keep_custody(vehicle: Vehicle, logbook: Logbook, wanted: Callable[[], Plan]) -> None:
    """Looks whenever there is a sign, for as long as it runs; a vehicle that flies something else is stopped.

    It stops only what flies by our mission (AUTO): a pilot, a return or a failsafe is not touched.
    """
    signs, seen = Signs(), asyncio.Queue[str](maxsize=1)

    def listen(packet: Inbound) -> None:
        sign = signs.of(packet)
        if sign is not None and not vehicle.writes_own(_ECHO_S) and is_flying(logbook.state) and seen.empty():
            seen.put_nowait(sign)

    vehicle.listen(listen, Overheard, StatusText, ParamValue, MissionCurrent)
    try:
        while True:
            sign = await seen.get()
            logbook.event(
                "warning", "foreign-write", f"Somebody else writes to the vehicle: {sign}. It is read back."
            )
            await _look(vehicle, logbook, wanted())
            await asyncio.sleep(_BETWEEN_S)
    finally:
        vehicle.unlisten(listen)


async def _look(vehicle: Vehicle, logbook: Logbook, plan: Plan) -> None:
    try:
        different = (await read_back(vehicle)).differs_from(wanted_by(plan))
    except BailuError as error:
        await logbook.change(onboard=Onboard.UNKNOWN)
        logbook.event("critical", "mission-unknown", f"What it holds is not known: {error.detail}")
        return
    if not different:
        logbook.event("info", "mission-held", "It still holds the approved mission, fence and rally points.")
        return
    await logbook.change(onboard=Onboard.MIXED)
    logbook.event("critical", "mission-changed", f"Its {' and '.join(different)} is not what was approved any more.")
    if vehicle.state.armed and vehicle.state.mode == Mode.AUTO.name:
        await _stop(vehicle, logbook)


async def _stop(vehicle: Vehicle, logbook: Logbook) -> None:
    try:
        await set_mode(vehicle, Mode.BRAKE, urgent=True)
        logbook.event(
            "critical", "stopped", "It was stopped: nothing flies that was not approved. Return or land it."
        )
    except BailuError as error:
        logbook.event("critical", "not-stopped", f"It flies what was not approved: {error.detail}")
