"""What the vehicle does on its own: fences, failsafes, refusals to arm, the battery."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymavlink.dialects.v20 import ardupilotmega as mav

from simulator.flight.fence import Zone
from simulator.flight.kinds import Cmd
from simulator.flight.power import Airframe, Battery, flight_power_w
from simulator.vehicle import Vehicle
from tests.simulator.station import (
    ACCEPTED,
    AUTO,
    BRAKE,
    FAILED,
    GUIDED,
    LAND,
    LOITER,
    RTL,
    SMART_RTL,
    RawItem,
    Station,
    north_east,
    plain,
    spec,
    takeoff,
    waypoint,
)

FENCE = 1
EXCLUDED, INCLUDED = Cmd.NAV_FENCE_POLYGON_VERTEX_EXCLUSION, Cmd.NAV_FENCE_POLYGON_VERTEX_INCLUSION


def box(command: int, south: float, west: float, north: float, east: float) -> list[RawItem]:
    corners = ((south, west), (south, east), (north, east), (north, west))
    return [(5, command, (4.0, 0.0, 0.0, 0.0), *north_east(*corner), 0.0) for corner in corners]


def fly_north(station: Station, speed: float = 5.0) -> None:
    mask = 0b0000_1101_1100_0111
    station.send(
        mav.MAVLink_set_position_target_local_ned_message(0, 1, 1, 1, mask, 0, 0, 0, speed, 0, 0, 0, 0, 0, 0, 0)
    )


def run_into(station: Station, seconds: float = 20.0) -> None:
    for _ in range(int(seconds)):
        fly_north(station)
        station.run(1)
        if station.last("HEARTBEAT").custom_mode != GUIDED:
            return


@pytest.mark.parametrize(("action", "mode"), [(1, RTL), (2, LAND), (3, SMART_RTL), (4, BRAKE), (5, SMART_RTL)])
def test_leaving_the_circle_brings_the_action_chosen(action: int, mode: int) -> None:
    station = Station().hover(10)
    for name, value in (("FENCE_RADIUS", 40), ("FENCE_ACTION", action), ("FENCE_ENABLE", 1)):
        station.set_parameter(name, value)
    run_into(station)
    assert station.last("HEARTBEAT").custom_mode == mode
    assert "Circle fence breached" in station.texts
    status = station.ask(mav.MAVLINK_MSG_ID_FENCE_STATUS)
    assert (status.breach_status, status.breach_count, status.breach_type) == (1, 1, 3)


def test_a_fence_that_only_reports_lets_it_fly_on() -> None:
    station = Station().hover(10)
    for name, value in (("FENCE_RADIUS", 40), ("FENCE_ACTION", 0), ("FENCE_ENABLE", 1)):
        station.set_parameter(name, value)
    run_into(station, 12)
    assert station.last("HEARTBEAT").custom_mode == GUIDED
    assert "Circle fence breached" in station.texts


def test_coming_back_clears_the_breach() -> None:
    station = Station().hover(10)
    station.set_parameter("FENCE_RADIUS", 40)
    station.set_parameter("FENCE_ENABLE", 1)
    run_into(station)
    station.run(10)
    assert "Fence breach cleared" in station.texts
    assert station.ask(mav.MAVLINK_MSG_ID_FENCE_STATUS).breach_status == 0


def test_an_exclusion_on_the_way_of_a_mission_ends_in_rtl() -> None:
    station = Station().ready()
    assert station.upload(box(EXCLUDED, 60, -30, 90, 30), FENCE) == 0
    station.set_parameter("FENCE_ENABLE", 1)
    station.start_mission([takeoff(20), waypoint(150, 0, 20), plain(Cmd.NAV_RETURN_TO_LAUNCH)])
    station.run_until(lambda: "Polygon fence breached" in station.texts, 60)
    assert station.last("HEARTBEAT").custom_mode == RTL
    assert 58 < station.craft.body.north_m < 64, "noticed at the edge"
    station.land()
    assert math.hypot(*station.craft.body.position[:2]) < 1.5


def test_two_inclusions_mean_their_intersection_unless_told_otherwise() -> None:
    station = Station().hover(10)
    zones = [*box(INCLUDED, -50, -50, 50, 10), *box(INCLUDED, -50, -50, 30, 50)]
    assert station.upload(zones, FENCE) == 0
    craft = station.craft
    assert craft.fence.polygon_breached((40.0, 0.0), craft.params)
    assert not craft.fence.polygon_breached((0.0, 0.0), craft.params)
    station.set_parameter("FENCE_OPTIONS", 2)
    assert not craft.fence.polygon_breached((40.0, 0.0), craft.params)
    assert craft.fence.polygon_breached((40.0, 20.0), craft.params)


def test_above_the_maximum_altitude_it_returns_below_it() -> None:
    station = Station().hover(10)
    station.set_parameter("FENCE_ALT_MAX", 15)
    station.set_parameter("FENCE_ENABLE", 1)
    mask = 0b0000_1101_1100_0111
    for _ in range(6):
        station.send(
            mav.MAVLink_set_position_target_local_ned_message(0, 1, 1, 1, mask, 0, 0, 0, 0, 0, -2, 0, 0, 0, 0, 0)
        )
        station.run(1)
    assert "Max Alt fence breached" in station.texts
    assert station.last("HEARTBEAT").custom_mode == RTL


def test_a_guided_point_outside_the_fence_is_refused() -> None:
    station = Station().hover(10)
    station.upload(box(INCLUDED, -50, -50, 50, 50), FENCE)
    station.set_parameter("FENCE_ENABLE", 1)
    station.run(0.1)
    assert station.command_int(Cmd.DO_REPOSITION, (-1, 0, 0, 0), *north_east(80, 0), 10.0) == FAILED
    assert station.command_int(Cmd.DO_REPOSITION, (-1, 0, 0, 0), *north_east(40, 0), 10.0) == ACCEPTED


def test_the_fence_shows_in_the_health_bits() -> None:
    station = Station().ready()
    bit = mav.MAV_SYS_STATUS_GEOFENCE
    assert not station.ask(mav.MAVLINK_MSG_ID_SYS_STATUS).onboard_control_sensors_enabled & bit
    assert station.command(Cmd.DO_FENCE_ENABLE, 1) == ACCEPTED
    assert station.ask(mav.MAVLINK_MSG_ID_SYS_STATUS).onboard_control_sensors_enabled & bit
    assert station.command(Cmd.DO_FENCE_ENABLE, 0) == ACCEPTED
    assert not station.ask(mav.MAVLINK_MSG_ID_SYS_STATUS).onboard_control_sensors_enabled & bit


@given(st.floats(-50, 50), st.floats(-50, 50))
def test_a_zone_allows_a_point_exactly_when_it_is_not_outside(north: float, east: float) -> None:
    square = ((-20.0, -20.0), (-20.0, 20.0), (20.0, 20.0), (20.0, -20.0))
    for inclusion in (True, False):
        for zone in (Zone(inclusion, square), Zone(inclusion, ((3.0, 4.0),), 25.0)):
            outside = zone.outside_m((north, east))
            assert abs(outside) < 1e-6 or zone.allows((north, east)) == (outside < 0)


# -- failsafes ----------------------------------------------------------------------------------------------------


def test_a_silent_ground_station_brings_it_home() -> None:
    station = Station().hover(10)
    station.set_parameter("FS_GCS_ENABLE", 1)
    station.run(2)
    station.heartbeats = False
    station.run(3.9)
    assert station.last("HEARTBEAT").custom_mode == GUIDED
    station.run(2.5)
    assert station.last("HEARTBEAT").custom_mode == RTL
    assert station.last("HEARTBEAT").system_status == mav.MAV_STATE_CRITICAL
    assert "GCS Failsafe" in station.texts
    station.heartbeats = True
    station.run(2)
    assert "GCS Failsafe Cleared" in station.texts


def test_only_the_configured_station_keeps_the_failsafe_quiet() -> None:
    station = Station().hover(10)
    other = Station(station.vehicle, system_id=200)
    station.set_parameter("FS_GCS_ENABLE", 1)
    station.run(1)
    station.heartbeats = False
    other.run(8)
    assert station.vehicle.aircraft.mode == RTL


def test_a_station_never_heard_is_not_missed() -> None:
    station = Station()
    station.heartbeats = False
    station.hover(10)
    station.set_parameter("FS_GCS_ENABLE", 1)
    station.run(15)
    assert station.vehicle.aircraft.mode == GUIDED


def test_continue_in_auto_is_an_option() -> None:
    station = Station().start_mission([takeoff(10), waypoint(200, 0, 10), plain(Cmd.NAV_LAND)])
    station.set_parameter("FS_GCS_ENABLE", 1)
    station.set_parameter("FS_OPTIONS", 2)
    station.run(2)
    station.heartbeats = False
    station.run(8)
    assert station.vehicle.aircraft.mode == AUTO
    assert "GCS Failsafe - Continuing Auto Mode" in station.texts


def test_a_low_battery_acts_after_its_timer_and_stays_latched() -> None:
    station = Station().hover(10)
    station.set_parameter("BATT_FS_LOW_ACT", 2)
    station.set_parameter("SIM_BATT_VOLTAGE", 10.4)
    station.run(9)
    assert station.vehicle.aircraft.mode == GUIDED
    station.run(3)
    assert station.vehicle.aircraft.mode == RTL
    assert any(text.startswith("Battery 1 is low 10.") for text in station.texts)
    station.land()
    station.set_parameter("SIM_BATT_VOLTAGE", 12.6)
    station.run(1)
    assert station.command(Cmd.COMPONENT_ARM_DISARM, 1) == FAILED
    station.run(0.1)
    assert "Battery failsafe" in station.texts[-1] or "mode not armable" in station.texts[-1]


@pytest.mark.parametrize(
    ("remembers", "action", "mode"), [(1, 3, SMART_RTL), (1, 4, SMART_RTL), (0, 3, RTL), (0, 4, LAND)]
)
@pytest.mark.parametrize("failure", ["battery", "ground station", "fence"])
def test_a_failure_retraces_the_track_or_else_does_the_next_best(
    failure: str, remembers: int, action: int, mode: int
) -> None:
    """Values of BATT_FS_LOW_ACT and FS_GCS_ENABLE; FENCE_ACTION has 5 where they have 4."""
    station = Station()
    station.set_parameter("SRTL_POINTS", 300 * remembers)
    station.hover(10)
    if failure == "battery":
        station.set_parameter("BATT_FS_LOW_ACT", action)
        station.set_parameter("SIM_BATT_VOLTAGE", 10.4)
        station.run(12)
    elif failure == "ground station":
        station.set_parameter("FS_GCS_ENABLE", action)
        station.run(2)
        station.heartbeats = False
        station.run(6)
    else:
        for name, value in (("FENCE_RADIUS", 40), ("FENCE_ACTION", {3: 3, 4: 5}[action]), ("FENCE_ENABLE", 1)):
            station.set_parameter(name, value)
        run_into(station)
    assert station.craft.mode == mode


def test_used_capacity_counts_as_low_too() -> None:
    station = Station().hover(10)
    station.set_parameter("BATT_FS_LOW_ACT", 1)
    station.set_parameter("BATT_LOW_MAH", 6600)
    station.run_until(lambda: station.vehicle.aircraft.mode == LAND, 60)


def test_an_empty_battery_ends_the_flight() -> None:
    station = Station(Vehicle(spec(battery_wh=2.5))).hover(10)
    station.run_until(lambda: not station.craft.armed, 120)
    assert station.craft.battery.remaining == 0.0
    assert station.craft.body.up_m == 0.0


def test_without_gps_it_lands() -> None:
    station = Station().hover(10)
    station.set_parameter("SIM_GPS1_ENABLE", 0)
    station.run(1)
    assert station.ask(mav.MAVLINK_MSG_ID_GPS_RAW_INT).fix_type == 1
    station.run(10)
    assert station.vehicle.aircraft.mode == LAND
    assert "EKF Failsafe: changed to LAND Mode" in station.texts


# -- arming -------------------------------------------------------------------------------------------------------

REFUSALS = [
    ({"FENCE_ENABLE": 1, "FENCE_RADIUS": 1}, "Arm: Circle FENCE_MARGIN is greater than FENCE_RADIUS"),
    ({"FENCE_ENABLE": 1, "FENCE_ALT_MIN": 98}, "Arm: FENCE_MARGIN too big"),
    ({"FS_GCS_ENABLE": 2}, "Arm: FS_GCS_ENABLE=2 removed, see FS_OPTIONS"),
    ({"BATT_ARM_VOLT": 12.7}, "Arm: Battery 1 below minimum arming voltage"),
    ({"SIM_GPS1_ENABLE": 0}, "Arm: GPS 1: Bad fix"),
    ({"SIM_RC_FAIL": 1}, "Arm: RC not found"),
]


@pytest.mark.parametrize(("parameters", "text"), REFUSALS)
def test_it_refuses_to_arm_and_says_why(parameters: dict[str, float], text: str) -> None:
    station = Station().ready()
    station.set_mode(GUIDED)
    for name, value in parameters.items():
        station.set_parameter(name, value)
    station.run(1.5)
    assert station.command(Cmd.COMPONENT_ARM_DISARM, 1) == FAILED
    assert text in station.texts
    assert (
        not station.ask(mav.MAVLINK_MSG_ID_SYS_STATUS).onboard_control_sensors_health
        & mav.MAV_SYS_STATUS_PREARM_CHECK
    )
    assert not station.last("SYS_STATUS").onboard_control_sensors_health & mav.MAV_SYS_STATUS_PREARM_CHECK


def test_a_vehicle_just_booted_does_not_arm() -> None:
    station = Station()
    assert station.command(Cmd.COMPONENT_ARM_DISARM, 1) == FAILED
    assert "Arm: System not initialised" in station.texts
    assert station.command(Cmd.COMPONENT_ARM_DISARM, 1, 21196) == ACCEPTED, "force passes over it"


def test_failing_checks_are_announced_by_themselves() -> None:
    station = Station().ready()
    station.set_parameter("FS_GCS_ENABLE", 2)
    station.run(31)
    assert "PreArm: FS_GCS_ENABLE=2 removed, see FS_OPTIONS" in station.texts
    station.forget()
    assert station.command(Cmd.RUN_PREARM_CHECKS) == ACCEPTED
    assert "PreArm: FS_GCS_ENABLE=2 removed, see FS_OPTIONS" in station.texts


def test_force_passes_over_the_checks_but_not_over_a_missing_position() -> None:
    station = Station().ready()
    station.set_mode(LOITER)
    station.set_parameter("FS_GCS_ENABLE", 2)
    assert station.command(Cmd.COMPONENT_ARM_DISARM, 1) == FAILED
    assert station.command(Cmd.COMPONENT_ARM_DISARM, 1, 2989) == ACCEPTED
    lost = Station().ready()
    lost.set_mode(LOITER)
    lost.set_parameter("SIM_GPS1_ENABLE", 0)
    lost.run(10)
    assert lost.command(Cmd.COMPONENT_ARM_DISARM, 1, 21196) == FAILED
    assert lost.texts[-1] == "Arm: Need Position Estimate"


# -- power --------------------------------------------------------------------------------------------------------

FRAME = Airframe(3.2, 0.19, 4)


def test_hovering_costs_what_the_guide_measured() -> None:
    assert flight_power_w(FRAME, 0.0, 0.0) == pytest.approx(286, abs=15)


def test_power_has_its_least_at_a_moderate_speed() -> None:
    watts = [flight_power_w(FRAME, float(v), 0.0) for v in range(26)]
    best = watts.index(min(watts))
    assert 6 <= best <= 12
    assert watts[25] > watts[0]


@given(st.floats(0, 25), st.floats(-3, 5), st.floats(1, 1.5))
def test_climbing_and_leaning_never_save_power(speed: float, climb: float, load: float) -> None:
    level = flight_power_w(FRAME, speed, 0.0)
    assert flight_power_w(FRAME, speed, climb, load) >= level - 1e-9


@given(st.floats(0, 2000), st.floats(0, 1))
def test_voltage_sags_under_load_and_energy_is_conserved(power_w: float, used: float) -> None:
    battery = Battery(74.0)
    battery.used_wh = 74.0 * used
    battery.step(1.0, 0.0, 12.6)
    resting = battery.voltage_v
    before = battery.used_wh
    battery.step(1.0, power_w, 12.6)
    assert battery.voltage_v <= resting + 1e-6
    assert battery.used_wh - before == pytest.approx(power_w / 3600.0)
