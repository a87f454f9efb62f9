"""Faults of a vehicle mean the same in words, in parameters and in what the vehicle then does."""

from __future__ import annotations

import asyncio

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mav

from simulator.faults.instructor import BATTERY_RESET, MODES, Heard, Instructor, NotAnswered, instructing
from simulator.faults.vehicle import FAULTS, fault, normal
from simulator.fleet import running_fleet
from simulator.flight.modes import Mode
from simulator.flight.parameters import Parameters
from tests.simulator.station import ACCEPTED, FAILED, GUIDED, RTL, Station, spec

WORST: dict[str, object] = {
    "gps": "lost", "battery": {"voltage_v": 9.0}, "wind": {"speed_mps": 9}, "vibration": {"level_mps2": 60},
    "motor": {"failed": 1}, "rc": "lost", "compass": "lost",
}  # fmt: skip


def broken(station: Station, word: str, value: object) -> None:
    for setting in fault(word, value).settings:
        name, number = setting[0]
        station.set_parameter(name, number)


def test_every_fault_sets_parameters_that_the_embedded_vehicle_has() -> None:
    known = Parameters()
    assert set(WORST) == set(FAULTS)
    for word, value in WORST.items():
        effect, mended = fault(word, value), normal(word)
        assert mended is not None
        assert effect != mended
        for setting in (*effect.settings, *mended.settings):
            assert setting[0][0] in known, setting


@pytest.mark.parametrize(
    ("word", "value", "says"),
    [
        ("lights", "out", "is no fault of a vehicle; known are gps"),
        ("gps", "gone", "gps is lost, normal or"),
        ("battery", {}, None),
        ("battery", {"voltage_v": -1}, "voltage_v is a number from 0.1 to 100"),
        ("motor", {"failed": 9}, "failed is a number from 1 to 8"),
        ("wind", {"speed": 3}, "wind is an object of speed_mps"),
        ("rc", True, "rc is lost or normal"),
    ],
)
def test_a_wrong_word_is_told(word: str, value: object, says: str | None) -> None:
    if says is None:
        assert fault(word, value).settings == ()
        return
    with pytest.raises(ValueError, match=says):
        fault(word, value)


def test_a_lost_transmitter_brings_it_home_after_a_second_and_is_told() -> None:
    station = Station().hover(10)
    broken(station, "rc", "lost")
    station.run(0.8)
    assert station.craft.mode == GUIDED
    station.run(0.5)
    assert station.craft.mode == RTL
    assert "Radio Failsafe" in station.texts
    broken(station, "rc", "normal")
    station.run(0.2)
    assert "Radio Failsafe Cleared" in station.texts


@pytest.mark.parametrize(("enabled", "options", "mode"), [(0, 0, GUIDED), (1, 4, GUIDED), (3, 0, 9), (7, 0, 17)])
def test_the_radio_failsafe_does_what_its_parameters_say(enabled: int, options: int, mode: int) -> None:
    station = Station().hover(10)
    station.set_parameter("FS_THR_ENABLE", enabled)
    station.set_parameter("FS_OPTIONS", options)
    broken(station, "rc", "lost")
    station.run(2)
    assert station.craft.mode == mode


def test_a_jumping_gps_is_told_and_shown_and_the_vehicle_stays_where_it_is() -> None:
    station = Station().hover(10)
    before = station.craft.body.position
    broken(station, "gps", {"glitch_m": 100})
    station.run(5)
    assert "GPS Glitch or Compass error" in station.texts
    raw = station.ask(mav.MAVLINK_MSG_ID_GPS_RAW_INT)
    assert raw.lat - station.craft.place.lat_e7 == pytest.approx(100 / 2**0.5 / 0.011131949, rel=0.01)
    assert station.craft.body.position == pytest.approx(before, abs=0.2)


def test_vibration_and_a_dead_compass_are_shown() -> None:
    station = Station().hover(10)
    calm = station.ask(mav.MAVLINK_MSG_ID_VIBRATION).vibration_x
    broken(station, "vibration", {"level_mps2": 60})
    broken(station, "compass", "lost")
    assert station.ask(mav.MAVLINK_MSG_ID_VIBRATION).vibration_x == pytest.approx(calm + 60, abs=1)
    health = station.ask(mav.MAVLINK_MSG_ID_SYS_STATUS).onboard_control_sensors_health
    assert not health & mav.MAV_SYS_STATUS_SENSOR_3D_MAG


def test_the_charge_of_a_battery_is_set() -> None:
    station = Station()
    station.run(1)
    assert station.command(BATTERY_RESET, 1, 40) == ACCEPTED
    assert station.ask(mav.MAVLINK_MSG_ID_SYS_STATUS).battery_remaining == pytest.approx(40, abs=1)
    assert station.craft.battery.remaining == pytest.approx(0.4, abs=0.01)
    assert station.command(BATTERY_RESET, 1, 140) == FAILED


async def test_the_instructor_breaks_things_hears_the_truth_and_is_no_ground_station() -> None:
    heard: list[Heard] = []
    async with running_fleet([spec(7)], speedup=50, tcp_base_port=0) as fleet:
        vehicle = fleet.vehicles[7]
        by_hand = Instructor(7, heard.append, fly_by_hand=lambda number: vehicle.pilot_mode_change(Mode(number)))
        async with instructing(by_hand, fleet.tcp_addresses[7]):
            async with asyncio.timeout(5):
                while not any(each.what == "position" for each in heard):  # noqa: ASYNC110 - no event tells it
                    await asyncio.sleep(0.01)
            await by_hand.apply(fault("battery", {"voltage_v": 11.1, "charge": "30%"}))
            assert vehicle.aircraft.params["SIM_BATT_VOLTAGE"] == pytest.approx(11.1)
            assert vehicle.aircraft.battery.remaining == pytest.approx(0.3, abs=0.02)
            await by_hand.pilot("ALT_HOLD")
            assert MODES[vehicle.aircraft.mode] == "ALT_HOLD"
            assert await by_hand.reboot() == "MAV_RESULT_ACCEPTED"
            assert vehicle.aircraft.failsafes.gcs_heard_s is None
    assert {"mode", "armed", "text", "position"} <= {each.what for each in heard}


async def test_a_parameter_that_the_vehicle_does_not_have_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.faults.instructor.ANSWER_WITHIN_S", 0.05)
    async with running_fleet([spec(7)], speedup=50, tcp_base_port=0) as fleet:
        instructor = Instructor(7, lambda _: None)
        async with instructing(instructor, fleet.tcp_addresses[7]):
            await asyncio.sleep(0.1)
            await instructor.set_parameter("FS_GCS_ENABLE", 1.0)
            with pytest.raises(NotAnswered, match="NO_SUCH was set: it may have no such parameter"):
                await instructor.set_parameter("NO_SUCH", 1.0)
