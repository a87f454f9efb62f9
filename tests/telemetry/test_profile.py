"""The safety profile: what is wrong is named with its reason, and setting it makes it right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from core.clock import SystemClock
from core.errors import IllegalTransition, VehicleOffline
from core.ids import OperatorId
from missions.model import CommandRecord
from missions.ports import Store
from telemetry.messages import SafetyRequest
from telemetry.packets import Heartbeat, Outbound
from telemetry.preflight import safety_checks
from telemetry.profile import NAMES, changes, compared
from telemetry.safety_desk import safety_state
from telemetry.vehicle import Vehicle
from telemetry.wire import Decoder, Encoder, MavAddress
from tests.telemetry.air import Air
from tests.telemetry.test_flight import a_vehicle

# What an ArduCopter 4.7.0-dev SITL has and holds by default, of the profile (its parameter list).
SITL = {
    "FS_GCS_ENABLE": 0.0, "FS_GCS_TIMEOUT": 5.0, "FS_OPTIONS": 16.0, "FS_CRASH_CHECK": 1.0, "FS_VIBE_ENABLE": 1.0,
    "FS_EKF_ACTION": 1.0, "FS_DR_ENABLE": 2.0, "FENCE_ENABLE": 0.0, "FENCE_ACTION": 1.0, "AVD_ENABLE": 0.0,
    "ARMING_CHECK": 1.0, "MAV_GCS_SYSID": 255.0, "BATT_MONITOR": 4.0, "BATT_CAPACITY": 3300.0, "BATT_LOW_MAH": 0.0,
    "BATT_CRT_MAH": 0.0, "BATT_FS_LOW_ACT": 0.0, "BATT_FS_CRT_ACT": 0.0, "BATT2_MONITOR": 0.0,
}  # fmt: skip


def wrong(held: dict[str, float]) -> set[str]:
    return {line.parameter for line in compared(held, gcs_system_id=255, reserve=0.25) if not line.ok}


def test_what_a_new_autopilot_lacks_of_the_profile_is_named() -> None:
    assert wrong(SITL) == {
        "FS_GCS_ENABLE", "FENCE_ENABLE", "BATT_LOW_MAH", "BATT_CRT_MAH", "BATT_FS_LOW_ACT", "BATT_FS_CRT_ACT",
    }  # fmt: skip
    assert all(line.why for line in compared(SITL, gcs_system_id=255, reserve=0.25))


def test_setting_what_differs_makes_it_right() -> None:
    lines = compared(SITL, gcs_system_id=255, reserve=0.25)
    assert changes(lines)["BATT_LOW_MAH"] == 825.0
    assert changes(lines)["BATT_CRT_MAH"] == 330.0
    assert wrong(SITL | changes(lines)) == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FS_GCS_ENABLE", 0.0),
        ("FS_GCS_TIMEOUT", 60.0),
        ("FS_OPTIONS", 2.0),
        ("MAV_GCS_SYSID", 254.0),
        ("MAV_GCS_SYSID_HI", 255.5),
        ("ARMING_CHECK", 0.0),
        ("ARMING_SKIPCHK", 64.0),
        ("FENCE_ACTION", 0.0),
        ("AVD_ENABLE", 1.0),
        ("BATT_FS_CRT_ACT", 5.0),
        ("BATT_CAPACITY", 0.0),
        ("BATT_MONITOR", 0.0),
        ("BATT_LOW_MAH", 100.0),
    ],
)
def test_each_setting_that_would_hurt_is_found(name: str, value: float) -> None:
    right = SITL | changes(compared(SITL, gcs_system_id=255, reserve=0.25))
    assert name in NAMES
    assert name in wrong(right | {name: value})


def test_a_second_battery_counts_only_when_there_is_one() -> None:
    second = {"BATT2_MONITOR": 4.0, "BATT2_CAPACITY": 3300.0, "BATT2_FS_LOW_ACT": 0.0, "BATT2_FS_CRT_ACT": 0.0}
    assert {"BATT2_FS_LOW_ACT", "BATT2_FS_CRT_ACT"} <= wrong(SITL | second)
    assert not any(name.startswith("BATT2") for name in wrong(SITL | second | {"BATT2_MONITOR": 0.0}))


def test_bits_of_others_are_left_as_they_are() -> None:
    lines = compared(SITL | {"FS_OPTIONS": 18.0}, gcs_system_id=255, reserve=0.25)
    assert changes(lines)["FS_OPTIONS"] == 16.0


def test_preflight_names_what_is_wrong_and_leaves_out_what_the_launch_sets() -> None:
    lines = compared(SITL, gcs_system_id=255, reserve=0.25)
    checks = safety_checks(lines, set_by_launch={"FENCE_ENABLE"}, required=True)
    assert {check.detail.split(" ")[0] for check in checks} == wrong(SITL) - {"FENCE_ENABLE"}
    assert not any(check.ok for check in checks)
    assert "when the platform is silent" in next(
        c.detail for c in checks if c.detail.startswith("FS_GCS_ENABLE is 0")
    )
    right = compared(SITL | changes(lines), gcs_system_id=255, reserve=0.25)
    assert [check.ok for check in safety_checks(right, set_by_launch=(), required=True)] == [True]


class Journal:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.records: list[CommandRecord] = []

    async def begin_command(self, command: CommandRecord, *, idempotency_key: str | None) -> CommandRecord:
        self.records.append(command)
        return command

    async def finish_command(self, command: CommandRecord) -> None:
        self.records.append(command)


def spoken_to(air: Air) -> Vehicle:
    """Our side of the simulated vehicle, over a perfect line."""
    vehicle, decoder, encoder = a_vehicle(), Decoder(), Encoder(MavAddress(255, 190))
    channel = air.vehicle.open_channel()

    def transmit(packet: Outbound) -> None:
        for frame in decoder.feed(air.vehicle.receive(channel, encoder.frame(packet, MavAddress(11, 1)))):
            vehicle.hear(frame.packet)

    vehicle.attach(transmit)
    return vehicle


BEAT = Heartbeat(is_autopilot=True, armed=False, custom_mode=4, system_status=4)


async def asked(vehicle: Vehicle, journal: Journal, *, apply: bool) -> Any:
    request = SafetyRequest(vehicle.id, OperatorId("local"), apply)
    return await safety_state(vehicle, request, cast("Store", journal), SystemClock())


async def test_applying_sets_reads_back_and_journals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemetry.parameters.ASK_AGAIN_S", 0.02)
    air, journal = Air(), Journal()
    vehicle = spoken_to(air)
    vehicle.hear(BEAT)
    before = await asked(vehicle, journal, apply=False)
    assert not before.ok
    assert journal.records == []
    after = await asked(vehicle, journal, apply=True)
    assert after.ok
    assert air.vehicle.aircraft.params["FS_GCS_ENABLE"] == 1.0
    assert "BATT_LOW_MAH" in after.changed
    assert [(r.kind, r.state) for r in journal.records] == [("safety-profile", "issued"), ("safety-profile", "done")]
    assert (await asked(vehicle, journal, apply=True)).changed == ()


async def test_nobody_changes_parameters_of_a_vehicle_that_is_armed_or_not_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("telemetry.parameters.ASK_AGAIN_S", 0.02)
    vehicle, journal = spoken_to(Air()), Journal()
    with pytest.raises(VehicleOffline):
        await asked(vehicle, journal, apply=True)
    vehicle.hear(replace(BEAT, armed=True))
    with pytest.raises(IllegalTransition):
        await asked(vehicle, journal, apply=True)
    assert journal.records == []
