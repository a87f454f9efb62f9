"""Parameters that a former owner left: each is either harmless or replaced before the vehicle may arm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from core.errors import VehicleRejected
from missions.model import Plan, ReturnMode
from telemetry import safety
from telemetry.safety import protect
from tests.samples import a_plan

PLANS = {returns: replace(a_plan(), returns=returns) for returns in ReturnMode}


class Autopilot:
    """Answers for its parameters and nothing else."""

    id = "bl-01"
    gcs_system_id = 254

    def __init__(self, **parameters: float) -> None:
        self.values = {"FENCE_ALT_MAX": 0.0, "FENCE_TYPE": 7.0, "FENCE_ACTION": 0.0, "FENCE_ENABLE": 0.0}
        self.values |= {"RTL_ALT": 0.0, "AUTO_OPTIONS": 0.0, "SYSID_MYGCS": 255.0} | parameters


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read(vehicle: Any, names: Iterable[str]) -> dict[str, float]:
        return {name: vehicle.values[name] for name in names if name in vehicle.values}

    async def put(vehicle: Any, values: Mapping[str, float]) -> None:
        vehicle.values |= values

    monkeypatch.setattr(safety, "read_params", read)
    monkeypatch.setattr(safety, "set_params", put)


async def after(plan: Plan, **parameters: float) -> dict[str, float]:
    vehicle = Autopilot(**parameters)
    await protect(vehicle, plan)  # type: ignore[arg-type]
    return vehicle.values


async def test_the_failsafe_listens_to_us_and_to_nobody_else() -> None:
    assert (await after(PLANS[ReturnMode.DIRECT]))["SYSID_MYGCS"] == 254


LEFT_OVER = {
    "MIS_RESTART": 1.0,
    "FENCE_MARGIN": 20.0,
    "FENCE_OPTIONS": 3.0,
    "FENCE_AUTOENABLE": 1.0,
    "RTL_CLIMB_MIN": 3000.0,
    "RTL_ALT_TYPE": 1.0,
    "RTL_ALT_FINAL": 1000.0,
    "RTL_LOIT_TIME": 60000.0,
    "OA_TYPE": 1.0,
}


@pytest.mark.parametrize("returns", list(ReturnMode))
@pytest.mark.parametrize("name", list(LEFT_OVER))
async def test_nothing_left_over_takes_a_vehicle_off_its_proven_ways(name: str, returns: ReturnMode) -> None:
    held = await after(PLANS[returns], **{name: LEFT_OVER[name]})
    harmless = {"FENCE_MARGIN": 2.0, "RTL_LOIT_TIME": 5000.0}
    assert held[name] == harmless.get(name, 0.0)


# What flies straight home (RTL, also by default for a value that is not known), by parameter.
STRAIGHT = {
    "FS_THR_ENABLE": (1, 2, 4, 6),
    "FS_GCS_ENABLE": (1, 2, 3, 6, 8, 99),
    "FS_DR_ENABLE": (2, 3, 6),
    "BATT_FS_LOW_ACT": (2, 3, 6),
    "BATT_FS_CRT_ACT": (2, 3, 6),
}
LANDS = {"FS_THR_ENABLE": 3, "FS_GCS_ENABLE": 5, "FS_DR_ENABLE": 1, "BATT_FS_LOW_ACT": 1, "BATT_FS_CRT_ACT": 1}


@pytest.mark.parametrize(("name", "left"), [(name, left) for name in STRAIGHT for left in STRAIGHT[name]])
async def test_no_failsafe_flies_straight_home_where_that_is_barred(name: str, left: int) -> None:
    held = await after(PLANS[ReturnMode.RETRACE], **{name: float(left)})
    assert held[name] not in STRAIGHT[name]
    assert held[name] != 0


@pytest.mark.parametrize("returns", list(ReturnMode))
@pytest.mark.parametrize("name", list(LANDS))
async def test_a_failsafe_that_lands_is_left_as_it_is(name: str, returns: ReturnMode) -> None:
    assert (await after(PLANS[returns], **{name: float(LANDS[name])}))[name] == LANDS[name]


@pytest.mark.parametrize("returns", list(ReturnMode))
@pytest.mark.parametrize("name", ["BATT_FS_LOW_ACT", "BATT_FS_CRT_ACT", "FS_DR_ENABLE"])
async def test_no_failsafe_stops_the_motors_in_the_air(name: str, returns: ReturnMode) -> None:
    assert (await after(PLANS[returns], **{name: 5.0}))[name] != 5.0


@pytest.mark.parametrize("left", [0.0, 2.0])
async def test_without_a_position_it_lands_instead_of_drifting(left: float) -> None:
    assert (await after(PLANS[ReturnMode.DIRECT], FS_EKF_ACTION=left))["FS_EKF_ACTION"] == 1.0


async def test_a_way_back_is_not_promised_without_the_memory_for_it() -> None:
    with pytest.raises(VehicleRejected, match="SRTL_POINTS"):
        await after(PLANS[ReturnMode.RETRACE], SRTL_POINTS=50.0)
    await after(PLANS[ReturnMode.RETRACE], SRTL_POINTS=300.0)
    await after(PLANS[ReturnMode.DIRECT], SRTL_POINTS=50.0)
