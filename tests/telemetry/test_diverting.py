"""A mission is replaced in the air whole, or not at all: whatever fails leaves the vehicle holding."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import (
    BailuError,
    DiversionFailed,
    IllegalTransition,
    InvalidRequest,
    LinkTimeout,
    MissionConflict,
    PreflightFailed,
)
from core.geo import LatLon
from core.ids import DiversionId
from missions.manoeuvre import DiversionState
from missions.model import CommandKind, HeldBy, Onboard, SortieState
from simulator.flight.modes import Mode
from telemetry.commands import set_mode
from telemetry.packets import MissionCount, MissionItemInt, MissionType, ParamSet
from telemetry.packets import Mode as Asked
from telemetry.progress import waypoint_seqs
from telemetry.vehicle import Vehicle
from tests.telemetry.aloft import HERE, OPERATOR, Aloft, aloft, plan_of

S = SortieState


async def divert(rig: Aloft, diversion_id: str, kind: CommandKind = CommandKind.GOTO) -> None:
    with rig.vehicle.exclusive("command goto"):
        await rig.flight.carry_out(kind, OPERATOR, {"diversion_id": diversion_id})


async def test_what_was_read_back_is_flown_and_written_down(tmp_path: Path) -> None:
    async with aloft(tmp_path) as rig:
        own = rig.on_board
        await rig.paused()
        name = rig.diversion((0.0, 60.0), (60.0, 60.0))
        await divert(rig, name)
        await rig.until(lambda: rig.flight.sortie.state is S.DIVERTED, "diverted")
        sortie, diversion = rig.flight.sortie, rig.store.kept[DiversionId(name)]
        assert (sortie.onboard, sortie.diversion_id, sortie.mission_hash) == (
            Onboard.VERIFIED,
            name,
            diversion.plan.hash,
        )
        assert diversion.state is DiversionState.FLYING
        assert sortie.break_point is not None
        assert [step.by for step in sortie.transitions[-2:]] == [OPERATOR, OPERATOR]
        assert rig.flown == {own, diversion.plan.hash}
        assert rig.mode == "AUTO"


async def test_a_mission_that_reads_back_otherwise_is_not_flown_and_the_former_one_is_put_back(
    tmp_path: Path,
) -> None:
    async with aloft(tmp_path) as rig:
        own = rig.on_board
        await rig.paused()
        name = rig.diversion((0.0, 60.0))
        wrong = rig.store.kept[DiversionId(name)]
        rig.store.kept[wrong.id] = replace(wrong, plan=replace(wrong.plan, hash="0" * 64))
        with pytest.raises(DiversionFailed, match="put back and read back"):
            await divert(rig, name)
        assert (rig.mode, rig.on_board, rig.flown) == ("BRAKE", own, {own})
        assert (rig.flight.sortie.onboard, rig.flight.sortie.diversion_id) == (Onboard.VERIFIED, None)
        assert rig.store.kept[wrong.id].state is DiversionState.FAILED
        await rig.flight.carry_out(CommandKind.RESUME, OPERATOR, {})
        await rig.until(lambda: rig.flight.sortie.state is S.ON_MISSION, "on its mission")


async def test_it_starts_nowhere_but_where_the_plan_begins_and_sends_nothing_before(tmp_path: Path) -> None:
    async with aloft(tmp_path) as rig:
        await rig.paused()
        name = rig.diversion((0.0, 60.0))
        made = rig.store.kept[DiversionId(name)]
        assert made.plan.begins_at is not None
        elsewhere = replace(made.plan.begins_at, place=plan_of((0.0, 200.0)).waypoints[0].place)
        rig.store.kept[made.id] = replace(made, plan=replace(made.plan, begins_at=elsewhere))
        rig.sent.clear()
        with pytest.raises(PreflightFailed, match="beside"):
            await divert(rig, name)
        assert not any(isinstance(packet, MissionCount | MissionItemInt | ParamSet) for packet in rig.sent)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"proof": None}, MissionConflict),
        ({"fence": None}, MissionConflict),
        ({"battery_needed_pct": 101.0}, PreflightFailed),
        ({"airspace": 2}, PreflightFailed),
    ],
)
async def test_what_is_not_proven_now_is_not_loaded(
    tmp_path: Path, changes: dict[str, Any], error: type[BailuError]
) -> None:
    async with aloft(tmp_path) as rig:
        await rig.paused()
        made = rig.store.kept[DiversionId(rig.diversion((0.0, 60.0)))]
        assert made.plan.proof is not None
        if "airspace" in changes:
            changes = {"proof": replace(made.plan.proof, airspace_version=2)}
        rig.store.kept[made.id] = replace(made, plan=replace(made.plan, **changes))
        with pytest.raises(error):
            await divert(rig, made.id)
        assert rig.flight.sortie.onboard is Onboard.VERIFIED


async def test_a_pilot_who_takes_it_during_the_upload_keeps_it(tmp_path: Path) -> None:
    async with aloft(tmp_path) as rig:
        own = rig.on_board
        await rig.paused()
        task = asyncio.create_task(divert(rig, rig.diversion((0.0, 60.0))))
        await rig.until(lambda: rig.flight.sortie.onboard is Onboard.LOADING, "loading")
        rig.station.set_mode(int(Mode.LOITER))
        with pytest.raises(DiversionFailed):
            await task
        await rig.until(lambda: rig.flight.sortie.state is S.HELD, "held")
        assert (rig.mode, rig.flown) == ("LOITER", {own})
        held = rig.flight.sortie.held
        assert held is not None
        assert held.by is HeldBy.STATION
        assert rig.flight.sortie.onboard is not Onboard.VERIFIED or rig.on_board == own


@pytest.mark.parametrize("seed", range(6))
async def test_a_safety_command_comes_first_at_any_moment_and_nothing_unread_is_ever_flown(
    tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    async with aloft(tmp_path) as rig:
        own = rig.on_board
        await rig.paused()
        name = rig.diversion(*[(3.0 * n, 60.0 + n) for n in range(40)])
        new = rig.store.kept[DiversionId(name)].plan.hash
        task = asyncio.create_task(divert(rig, name))
        await asyncio.sleep(rng.uniform(0.0, 0.4))
        await rig.flight.carry_out(CommandKind.RETURN, OPERATOR, {})
        assert rig.mode == "RTL"
        await asyncio.gather(task, return_exceptions=True)
        assert rig.mode == "RTL"
        assert rig.flown <= {own, new}
        sortie = rig.flight.sortie
        if sortie.onboard is Onboard.VERIFIED:
            assert rig.on_board == sortie.mission_hash
        else:
            assert rig.store.kept[DiversionId(name)].state is DiversionState.FAILED


async def test_after_an_interruption_resuming_loads_the_mission_again_first(tmp_path: Path) -> None:
    async with aloft(tmp_path) as rig:
        own = rig.on_board
        await rig.paused()
        task = asyncio.create_task(divert(rig, rig.diversion(*[(3.0 * n, 60.0) for n in range(40)])))
        await rig.until(
            lambda: any(isinstance(p, MissionItemInt) and p.kind is MissionType.MISSION for p in rig.sent), "items"
        )
        await rig.flight.carry_out(CommandKind.HOLD, OPERATOR, {})
        with pytest.raises(DiversionFailed, match="Do not fly"):
            await task
        assert (rig.flight.sortie.onboard, rig.mode) == (Onboard.MIXED, "BRAKE")
        assert "mission-mixed" in rig.codes()
        await rig.flight.carry_out(CommandKind.RESUME, OPERATOR, {})
        await rig.until(lambda: rig.flight.sortie.state is S.ON_MISSION, "on its mission")
        assert (rig.on_board, rig.flight.sortie.onboard, rig.flown) == (own, Onboard.VERIFIED, {own})


async def test_only_slower_than_proven_is_flown_without_a_new_proof(tmp_path: Path) -> None:
    async with aloft(tmp_path) as rig:
        with pytest.raises(InvalidRequest, match="1 to 8 m/s"):
            await rig.flight.carry_out(CommandKind.CHANGE_SPEED, OPERATOR, {"speed_mps": 9.0})
        await rig.flight.carry_out(CommandKind.CHANGE_SPEED, OPERATOR, {"speed_mps": 3.0})
        await rig.until(lambda: rig.station.craft.body.ground_speed_mps < 3.3, "3 m/s")
        await rig.paused()
        await rig.flight.carry_out(CommandKind.RESUME, OPERATOR, {})  # AUTO forgets the speed; we do not
        await rig.until(lambda: rig.station.craft.body.ground_speed_mps > 2.5, "flying")
        await asyncio.sleep(0.3)
        assert rig.station.craft.body.ground_speed_mps < 3.3


async def test_a_failsafe_is_told_with_its_cause_and_not_fought(tmp_path: Path) -> None:
    async with aloft(tmp_path) as rig:
        rig.station.set_parameter("BATT_FS_LOW_ACT", 2)
        rig.station.set_parameter("BATT_LOW_MAH", 1e6)
        await rig.until(lambda: rig.flight.sortie.state is S.RETURNING, "returning")
        await rig.until(lambda: "failsafe-battery" in rig.codes(), "the cause")
        held = rig.flight.sortie.held
        assert held is not None
        assert (held.by, held.code) == (HeldBy.FAILSAFE, "battery")
        assert rig.flight.sortie.break_point is not None
        assert rig.mode == "RTL"


async def test_a_diversion_of_another_sortie_or_without_a_plan_is_refused(tmp_path: Path) -> None:
    async with aloft(tmp_path) as rig:
        await rig.paused()
        made = rig.store.kept[DiversionId(rig.diversion((0.0, 60.0)))]
        rig.store.kept[made.id] = replace(made, sortie_id="other")  # type: ignore[arg-type]
        with pytest.raises(InvalidRequest, match="another sortie"):
            await divert(rig, made.id)
        with pytest.raises(InvalidRequest, match="planned first"):
            await rig.flight.carry_out(CommandKind.GOTO, OPERATOR, {})
        with pytest.raises(IllegalTransition):
            await rig.flight.carry_out(CommandKind.ABORT, OPERATOR, {})


def near(rig: Aloft) -> list[tuple[float, float]]:
    """Three places in metres from the dock, each 2 m further east of where it holds."""
    state = rig.vehicle.state
    assert state.lat_deg is not None
    assert state.lon_deg is not None
    east, north = HERE.to_xy([LatLon(state.lat_deg, state.lon_deg)])[0].tolist()
    return [(east + 2.0 * number, north) for number in (1, 2, 3)]


def never_confirmed(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Awaitable[None]] | None = None) -> None:
    """From now on nobody hears that a diversion began; `meanwhile`: it did, and this came of it."""

    async def asked(vehicle: Vehicle, mode: Asked, **how: Any) -> None:
        if mode is not Asked.AUTO:
            return await set_mode(vehicle, mode, **how)
        if meanwhile is not None:
            await set_mode(vehicle, mode, **how)
            await meanwhile()
        raise LinkTimeout(vehicle.id, "AUTO", 3)

    monkeypatch.setattr("telemetry.diverting.set_mode", asked)


@pytest.mark.parametrize("flies_meanwhile", [False, True])
async def test_after_a_diversion_that_failed_at_its_start_the_mission_goes_on_where_it_was_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flies_meanwhile: bool
) -> None:
    async with aloft(tmp_path) as rig:
        own = rig.flight._own
        await rig.until(lambda: rig.flight.sortie.waypoints_reached == 1, "the first waypoint")
        await rig.paused()
        new = rig.store.kept[DiversionId(rig.diversion(*near(rig), kind=CommandKind.REPLACE))]
        last = waypoint_seqs(new.plan.items)[-1]

        async def flown() -> None:
            await rig.until(lambda: (rig.vehicle.state.mission_seq or 0) > last, "all of the new mission")

        never_confirmed(monkeypatch, flown if flies_meanwhile else None)
        with pytest.raises(DiversionFailed, match="put back"):
            await divert(rig, new.id, CommandKind.REPLACE)
        counts = rig.flight.sortie.waypoints_reached, rig.flight.sortie.waypoints_total
        assert (counts, rig.on_board) == ((1, 3), own.hash)
        assert rig.station.craft.mission.nav_index == waypoint_seqs(own.items)[1]


async def test_what_was_flown_of_a_diversion_stays_flown_when_the_next_one_fails_at_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with aloft(tmp_path) as rig:
        await rig.paused()
        first = rig.store.kept[DiversionId(rig.diversion(*near(rig)[:1], (200.0, 200.0)))]
        seqs = waypoint_seqs(first.plan.items)
        await divert(rig, first.id)
        await rig.until(lambda: rig.vehicle.state.mission_seq == seqs[-1], "its last waypoint ahead")
        await rig.paused()
        never_confirmed(monkeypatch)
        with pytest.raises(DiversionFailed, match="put back"):
            await divert(rig, rig.diversion(*near(rig)))
        assert rig.station.craft.mission.nav_index == seqs[-1]
        assert rig.flight._itinerary.seq_to_go_on(rig.flight.sortie) == seqs[-1]
