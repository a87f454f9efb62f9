"""From a stored sortie to an armed vehicle in AUTO: checked, protected, uploaded, read back (promise 1)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from core.clock import Clock
from core.errors import (
    BailuError,
    LinkTimeout,
    PreflightCheck,
    PreflightFailed,
    StaleRevision,
    UploadMismatch,
)
from core.geo import LatLon, ground_distance_m
from missions.model import MissionItem, Onboard, Plan, SortieState
from missions.ports import AirspaceStore, CommandJournal
from telemetry.commands import journalled, new_record, problem_of, set_mode
from telemetry.exchange import download, put
from telemetry.logbook import GATEWAY, Logbook
from telemetry.messages import VehicleState
from telemetry.onboard import read_back, wanted_by
from telemetry.packets import Cmd, MissionType, Mode
from telemetry.preflight import HOME_TOLERANCE_M, LAUNCH_MODE, heartbeat_check, preflight, safety_checks
from telemetry.replacing import KIND
from telemetry.safety import protect, settings_for
from telemetry.safety_desk import held_settings
from telemetry.vehicle import Vehicle

log = logging.getLogger("bailu.flight")

# How long the checks may take to turn green (a GPS that has just come up), in the vehicle's time.
_PREFLIGHT_S = 20.0


class Launch:
    """The steps of one launch, in their order."""

    def __init__(
        self,
        vehicle: Vehicle,
        plan: Plan,
        logbook: Logbook,
        *,
        journal: CommandJournal,
        airspaces: AirspaceStore,
        clock: Clock,
        is_beating: Callable[[], bool] = lambda: True,
    ) -> None:
        """`is_beating`: whether our heartbeats go out. What hears none comes home by its failsafe at once."""
        self._vehicle = vehicle
        self._plan = plan
        self._logbook = logbook
        self._journal = journal
        self._airspaces = airspaces
        self._clock = clock
        self._is_beating = is_beating

    async def run(self) -> bool:
        """Whether the vehicle took off; when not, the sortie is refused and the vehicle stands disarmed."""
        sortie = self._logbook.sortie
        try:
            with self._vehicle.exclusive(f"launching sortie {sortie.id}"):
                await self._check()
                await self._load()
                await self._look_at_airspace()
                await self._start()
        except StaleRevision:
            log.warning("sortie %s was closed by somebody else before it started", sortie.id)
            return False
        except BailuError as error:
            log.warning("sortie %s refused: %s", sortie.id, error.detail)
            await self._logbook.advance(SortieState.REFUSED, GATEWAY, error.detail, problem=problem_of(error))
            return False
        return True

    async def _check(self) -> None:
        vehicle = self._vehicle
        await self._logbook.advance(
            SortieState.ASSIGNED, GATEWAY, f"the gateway of {vehicle.config.name} took it over"
        )
        await self._logbook.advance(SortieState.PREFLIGHT, self._logbook.sortie.created_by, "launch was requested")
        if vehicle.state.armed is False:
            # Its last flight left it in RTL; and its own checks ask for what the mode needs (a position).
            await set_mode(vehicle, LAUNCH_MODE)
        # Makes the autopilot check now and say why it would not arm, instead of every 30 s.
        await vehicle.command(Cmd.RUN_PREARM_CHECKS)
        profile = await self._safety_profile()
        checks = (*self._now(), *profile)
        deadline_s = self._clock.mono_s() + max(3.0, _PREFLIGHT_S / vehicle.pace)
        while not _may_fly(checks) and _may_fly(profile) and self._clock.mono_s() < deadline_s:
            await asyncio.sleep(0.2)
            checks = (*self._now(), *profile)
        if not _may_fly(checks):
            await self._logbook.change(checks=checks)
            raise PreflightFailed(vehicle.id, checks)
        battery = vehicle.state.battery_pct
        await self._logbook.advance(
            SortieState.UPLOADING, GATEWAY, "all checks passed", checks=checks, battery_start_pct=battery
        )

    def _now(self) -> tuple[PreflightCheck, ...]:
        return (*preflight(self._vehicle.snapshot(), self._plan), heartbeat_check(is_beating=self._is_beating()))

    async def _safety_profile(self) -> tuple[PreflightCheck, ...]:
        """What it holds of the safety profile: a registered aircraft must, any other one is told."""
        exact = [each for each in settings_for(self._plan) if not each.unless]
        return safety_checks(
            await held_settings(self._vehicle),
            set_by_launch={name for each in exact for name, _ in each.names},
            required=self._vehicle.config.registration is not None,
        )

    async def _load(self) -> None:
        """Fence and mission onto the vehicle, each read back and compared."""
        await protect(self._vehicle, self._plan)
        await self._put(MissionType.FENCE, self._plan.fence_items, self._plan.fence_hash)
        await self._put_rally_points()
        await self._put(MissionType.MISSION, self._plan.items, self._plan.hash)
        await self._logbook.advance(
            SortieState.READY,
            GATEWAY,
            "mission and fence were read back and equal the approved plan",
            upload_verified=True,
            mission_hash=self._plan.hash,
            fence_hash=self._plan.fence_hash,
            rally_hash=self._plan.rally_hash,
            onboard=Onboard.VERIFIED,
        )

    async def _put(self, kind: MissionType, items: Sequence[MissionItem], expected: str) -> None:
        held = await put(self._vehicle, kind, items)
        if held != expected:
            raise UploadMismatch(self._vehicle.id, KIND[kind], expected, held)

    async def _put_rally_points(self) -> None:
        """The plan's, or none: one left over from somebody else would become the place that RTL flies to."""
        if self._plan.rally_items:
            await self._put(MissionType.RALLY, self._plan.rally_items, self._plan.rally_hash)
        elif await download(self._vehicle, MissionType.RALLY):
            await put(self._vehicle, MissionType.RALLY, ())

    async def _look_again(self) -> None:
        """Somebody else may have written to the vehicle since: the last look is just before arming."""
        held, wanted = await read_back(self._vehicle), wanted_by(self._plan)
        for what in held.differs_from(wanted):
            raise UploadMismatch(self._vehicle.id, what, getattr(wanted, what), getattr(held, what))

    async def _look_at_airspace(self) -> None:
        """A version that came into force while the plan was uploaded was not what it was proven against."""
        proof = self._logbook.sortie.proof
        now_in_force = (await self._airspaces.airspace_at(self._clock.now())).version
        if proof is not None and proof.airspace_version != now_in_force:
            said = (
                f"airspace version {now_in_force} came into force while the plan, proven against version "
                f"{proof.airspace_version}, was being uploaded; launch again"
            )
            raise PreflightFailed(self._vehicle.id, (PreflightCheck("airspace", False, said),))

    async def _start(self) -> None:
        """Arms and starts the mission; when that fails on the ground the vehicle is disarmed again.

        One that does not show itself disarmed may be flying, whatever could not be confirmed, and is followed.
        """
        vehicle = self._vehicle
        # A mission that ran before may have left the pointer at its end.
        await vehicle.command(Cmd.DO_SET_MISSION_CURRENT, 1)
        await vehicle.until(lambda s: (s.mission_seq or 0) <= 1, what="mission at its start", within_s=5)
        await self._look_again()
        if not (heart := heartbeat_check(is_beating=self._is_beating())).ok:
            raise PreflightFailed(vehicle.id, (heart,))
        try:
            await self._journalled("arm", lambda: vehicle.command(Cmd.COMPONENT_ARM_DISARM, 1))
            await vehicle.until(lambda s: s.armed is True, what="arming", within_s=5)
            await self._refuse_elsewhere()
            await self._journalled("start", lambda: vehicle.command(Cmd.MISSION_START))
            await vehicle.until(lambda s: s.mode == Mode.AUTO.name, what="mode AUTO", within_s=5)
        except BailuError as error:
            if await self.stands_disarmed():
                raise
            self._logbook.event("warning", "start-unconfirmed", f"It is armed, but: {error.detail}")
        await self._logbook.advance(
            SortieState.TAKING_OFF,
            self._logbook.sortie.created_by,
            "armed and started",
            armed_at=self._clock.now(),
        )

    async def _refuse_elsewhere(self) -> None:
        """Raises PreflightFailed when the home that it armed with, where every return ends, is not the plan's.

        Arming sets home to where it stands, unless somebody fixed it before. Not told: nothing is known against it.
        """

        def away_m(state: VehicleState) -> float:
            if state.home_lat_deg is None or state.home_lon_deg is None:
                return 0.0
            return ground_distance_m(LatLon(state.home_lat_deg, state.home_lon_deg), self._plan.home)

        try:
            await self._vehicle.until(lambda s: away_m(s) <= HOME_TOLERANCE_M, what="home at its dock", within_s=3)
        except LinkTimeout:
            away = away_m(self._vehicle.state)
            said = f"its home is {away:.0f} m from the plan's (limit {HOME_TOLERANCE_M:.0f} m)"
            raise PreflightFailed(self._vehicle.id, (PreflightCheck("home", False, said),)) from None

    async def stands_disarmed(self) -> bool:
        """Whether the vehicle shows itself disarmed, after being asked to when it stands; in the air it refuses."""
        vehicle = self._vehicle
        try:
            await vehicle.command(Cmd.COMPONENT_ARM_DISARM, 0)
            await vehicle.until(lambda s: s.armed is False, what="disarming", within_s=5)
        except BailuError as error:
            log.warning("vehicle %s was not disarmed: %s", vehicle.id, error.detail)
        return vehicle.state.armed is False

    async def _journalled(self, kind: str, send: Callable[[], Awaitable[None]]) -> None:
        sortie = self._logbook.sortie
        record = new_record(self._clock, self._vehicle.id, sortie.id, kind, sortie.created_by)
        await journalled(self._journal, self._clock, record, send)


def _may_fly(checks: Sequence[PreflightCheck]) -> bool:
    return all(check.ok or not check.required for check in checks)
