"""The speed over ground that a flying mission is told, besides the speeds that it sets itself."""

from __future__ import annotations

from core.errors import BailuError, FieldError, InvalidRequest
from missions.model import Plan
from telemetry.estimates import slower_pct
from telemetry.logbook import Logbook
from telemetry.messages import SortieProgress
from telemetry.packets import Cmd
from telemetry.vehicle import Vehicle

SLOWEST_MPS = 1.0
_GROUND_SPEED = 1.0  # SPEED_TYPE of DO_CHANGE_SPEED


class Speed:
    """Slower than proven by command; told again after each hold, since AUTO forgets it."""

    def __init__(self, vehicle: Vehicle, logbook: Logbook) -> None:
        self._vehicle = vehicle
        self._logbook = logbook
        self._asked_mps: float | None = None

    def forget(self) -> None:
        """Another plan has its own speed."""
        self._asked_mps = None

    async def change(self, speed_mps: object, plan: Plan, told: SortieProgress) -> None:
        """Flies on at `speed_mps`, as long as the battery lasts for it, up to the next speed that the mission sets.

        Raises InvalidRequest, VehicleRejected, LinkTimeout.
        """
        if isinstance(speed_mps, bool) or not isinstance(speed_mps, int | float):
            raise _refused("must be a number")
        if not SLOWEST_MPS <= speed_mps <= plan.speed_mps:
            said = f"must be {SLOWEST_MPS:g} to {plan.speed_mps:g} m/s; faster than proven is a diversion"
            raise _refused(said)
        left_pct = slower_pct(plan, self._vehicle.config.airframe, told, speed_mps)
        reserve_pct = told.reserve_pct or 0.0
        if left_pct is not None and left_pct < reserve_pct:
            said = f"the battery would be at {left_pct:.0f} % at landing; {reserve_pct:.0f} % are its reserve"
            raise _refused(said)
        await self._send(speed_mps)
        self._asked_mps = float(speed_mps)
        self._logbook.event("info", "speed-changed", f"It flies at {speed_mps:g} m/s from here.")

    async def restore(self, plan: Plan) -> None:
        """After a hold: AUTO begins with the autopilot's own speed (ModeAuto::init)."""
        try:
            await self._send(self._asked_mps or plan.speed_mps)
        except BailuError as error:
            self._logbook.event("warning", "speed-not-set", f"It goes on at its default speed: {error.detail}")

    async def _send(self, speed_mps: float) -> None:
        await self._vehicle.command(Cmd.DO_CHANGE_SPEED, _GROUND_SPEED, speed_mps, -1.0)


def _refused(said: str) -> InvalidRequest:
    return InvalidRequest((FieldError("/parameters/speed_mps", said),))
