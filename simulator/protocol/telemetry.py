"""What the aircraft says about itself: one function per MAVLink message, made of its present state."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable

from simulator.flight.aircraft import Aircraft
from simulator.flight.auto import Auto
from simulator.flight.fence import ALT_MAX, ALT_MIN, CIRCLE, POLYGON
from simulator.flight.mission import MissionState
from simulator.flight.modes import Mode
from simulator.flight.places import Vector, heading_deg
from simulator.protocol.codec import Message, dialect

Builder = Callable[[Aircraft], Message | None]

FIRMWARE = "ArduCopter V4.7.0-dev (Bailu simulator)"
FLIGHT_SW_VERSION = 4 << 24 | 7 << 16
"""4.7.0, type 0 = development."""

_S = dialect
_ALWAYS = (
    _S.MAV_SYS_STATUS_SENSOR_3D_GYRO | _S.MAV_SYS_STATUS_SENSOR_3D_ACCEL | _S.MAV_SYS_STATUS_SENSOR_3D_MAG
    | _S.MAV_SYS_STATUS_SENSOR_ABSOLUTE_PRESSURE | _S.MAV_SYS_STATUS_SENSOR_ANGULAR_RATE_CONTROL
    | _S.MAV_SYS_STATUS_SENSOR_ATTITUDE_STABILIZATION | _S.MAV_SYS_STATUS_SENSOR_YAW_POSITION
    | _S.MAV_SYS_STATUS_SENSOR_RC_RECEIVER | _S.MAV_SYS_STATUS_AHRS | _S.MAV_SYS_STATUS_LOGGING
    | _S.MAV_SYS_STATUS_SENSOR_BATTERY | _S.MAV_SYS_STATUS_SENSOR_PROPULSION | _S.MAV_SYS_STATUS_PREARM_CHECK
    | _S.MAV_SYS_STATUS_SENSOR_GPS
)  # fmt: skip
_POSITION_CONTROL = _S.MAV_SYS_STATUS_SENSOR_Z_ALTITUDE_CONTROL | _S.MAV_SYS_STATUS_SENSOR_XY_POSITION_CONTROL


def boot_ms(craft: Aircraft) -> int:
    """Milliseconds since boot, as every time_boot_ms field has it."""
    return int(craft.now_s * 1000.0) & 0xFFFFFFFF


def heartbeat(craft: Aircraft) -> Message:
    """HEARTBEAT."""
    base = _S.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED | _S.MAV_MODE_FLAG_STABILIZE_ENABLED
    base |= _S.MAV_MODE_FLAG_MANUAL_INPUT_ENABLED
    if craft.armed:
        base |= _S.MAV_MODE_FLAG_SAFETY_ARMED
    if craft.armed and craft.mode not in (Mode.STABILIZE, Mode.ALT_HOLD):
        base |= _S.MAV_MODE_FLAG_GUIDED_ENABLED
    if craft.failsafes.any:
        state = _S.MAV_STATE_CRITICAL
    else:
        state = _S.MAV_STATE_STANDBY if craft.land_complete else _S.MAV_STATE_ACTIVE
    return _S.MAVLink_heartbeat_message(
        _S.MAV_TYPE_QUADROTOR, _S.MAV_AUTOPILOT_ARDUPILOTMEGA, base, int(craft.mode), state, 3
    )


def sys_status(craft: Aircraft) -> Message:
    """SYS_STATUS with the health bits ground stations look at."""
    flying = craft.armed and craft.mode not in (Mode.STABILIZE,)
    present = _ALWAYS | _POSITION_CONTROL
    enabled = _ALWAYS | (_POSITION_CONTROL if flying else 0)
    health = enabled if craft.senses.ready else _S.MAV_SYS_STATUS_SENSOR_RC_RECEIVER
    if not craft.senses.gps_ok:
        health &= ~_S.MAV_SYS_STATUS_SENSOR_GPS
    if not craft.senses.position_ok:
        health &= ~_S.MAV_SYS_STATUS_AHRS
    if not craft.prearm_ok and not craft.armed:
        health &= ~_S.MAV_SYS_STATUS_PREARM_CHECK
    if craft.params.whole("SIM_MAG1_FAIL"):
        health &= ~_S.MAV_SYS_STATUS_SENSOR_3D_MAG
    if craft.params.whole("SIM_RC_FAIL"):
        health &= ~_S.MAV_SYS_STATUS_SENSOR_RC_RECEIVER
    if craft.failsafes.battery:
        health &= ~_S.MAV_SYS_STATUS_SENSOR_BATTERY
    fence = _S.MAV_SYS_STATUS_GEOFENCE
    if craft.fence.present_types(craft.params):
        present |= fence
        enabled |= fence if craft.fence.enabled_types and craft.params.whole("FENCE_ACTION") else 0
        health |= fence if not craft.fence.breaches else 0
    battery = craft.battery
    return _S.MAVLink_sys_status_message(
        present, enabled, health, 120, int(battery.voltage_v * 1000), int(min(327.0, battery.current_a) * 100),
        battery_percent(craft), 0, 0, 0, 0, 0, 0,
    )  # fmt: skip


def battery_percent(craft: Aircraft) -> int:
    """Remaining charge as the vehicle reckons it, from BATT_CAPACITY and what was used."""
    capacity = craft.params["BATT_CAPACITY"]
    return int(max(0.0, 1.0 - craft.battery.used_mah / capacity) * 100) if capacity > 0 else -1


def battery_status(craft: Aircraft) -> Message:
    """BATTERY_STATUS; the whole voltage stands in the first cell, as ArduPilot sends it without cell monitoring."""
    battery = craft.battery
    level = craft.failsafes.battery
    return _S.MAVLink_battery_status_message(
        0, 0, 0, 32767, [int(battery.voltage_v * 1000), *[65535] * 9], int(min(327.0, battery.current_a) * 100),
        int(battery.used_mah), int(battery.used_wh * 36), battery_percent(craft), 0, (1, 2, 3)[level],
    )  # fmt: skip


def attitude(craft: Aircraft) -> Message:
    """ATTITUDE."""
    body = craft.body
    return _S.MAVLink_attitude_message(
        boot_ms(craft), body.roll_rad, body.pitch_rad, body.yaw_rad, 0.0, 0.0, body.yaw_rate_radps
    )


def global_position_int(craft: Aircraft) -> Message:
    """GLOBAL_POSITION_INT: the estimate; zero until there is one."""
    body, place = craft.body, craft.place
    lat, lon = (place.lat_e7, place.lon_e7) if craft.home is not None else (0, 0)
    return _S.MAVLink_global_position_int_message(
        boot_ms(craft), lat, lon, int(place.alt_m * 1000), int(craft.alt_rel_m * 1000),
        _i16(body.vn_mps * 100), _i16(body.ve_mps * 100), _i16(-body.vu_mps * 100),
        int(heading_deg(body.yaw_rad) * 100) % 36000,
    )  # fmt: skip


def local_position_ned(craft: Aircraft) -> Message | None:
    """LOCAL_POSITION_NED; nothing before there is an origin."""
    if craft.home is None:
        return None
    body = craft.body
    return _S.MAVLink_local_position_ned_message(
        boot_ms(craft), body.north_m, body.east_m, -body.up_m, body.vn_mps, body.ve_mps, -body.vu_mps
    )


def vfr_hud(craft: Aircraft) -> Message:
    """VFR_HUD; alt above mean sea level, throttle from the load of the rotors."""
    body = craft.body
    throttle = int(min(100.0, 39.0 * body.load_factor)) if craft.armed and not craft.land_complete else 0
    return _S.MAVLink_vfr_hud_message(
        body.airspeed_mps,
        body.ground_speed_mps,
        int(heading_deg(body.yaw_rad)),
        throttle,
        craft.place.alt_m,
        body.vu_mps,
    )


def gps_raw_int(craft: Aircraft) -> Message:
    """GPS_RAW_INT: 10 satellites and fix type 6 as SITL has them, or none."""
    body, place = craft.body, craft.place
    if not craft.senses.gps_ok:
        return _S.MAVLink_gps_raw_int_message(
            int(craft.now_s * 1e6), 1, 0, 0, 0, 65535, 65535, 0, 65535, 0, 0, 0, 0, 0, 0, 0
        )
    course = int(heading_deg(math.atan2(body.ve_mps, body.vn_mps)) * 100) % 36000
    lat_e7, lon_e7 = (
        round(e7 + 1e7 * off) for e7, off in zip((place.lat_e7, place.lon_e7), craft.glitch_deg, strict=True)
    )
    return _S.MAVLink_gps_raw_int_message(
        int(craft.now_s * 1e6), 6, lat_e7, lon_e7, int(place.alt_m * 1000), 121, 200,
        int(min(655.0, body.ground_speed_mps) * 100), course, 10, int(place.alt_m * 1000), 300, 300, 40, 0, 0,
    )  # fmt: skip


def mission_current(craft: Aircraft) -> Message:
    """MISSION_CURRENT of the item being flown."""
    return mission_current_as(craft, craft.mission.nav_index)


def mission_current_as(craft: Aircraft, seq: int) -> Message:
    """MISSION_CURRENT with a given number, the way a MISSION_SET_CURRENT is acknowledged."""
    state = craft.mission.public_state
    if isinstance(craft.controller, Auto) and craft.controller.paused:
        state = MissionState.PAUSED
    total = max(0, len(craft.mission.items) - 1)
    return _S.MAVLink_mission_current_message(seq, total, state, int(craft.mode is Mode.AUTO))


def nav_controller_output(craft: Aircraft) -> Message:
    """NAV_CONTROLLER_OUTPUT: bearing and distance to where the mode leads."""
    body = craft.body
    target: Vector | None = craft.controller.target if craft.armed else None
    north, east, up = target or body.position
    bearing = int(math.degrees(math.atan2(east - body.east_m, north - body.north_m)))
    distance = int(min(65535.0, math.hypot(north - body.north_m, east - body.east_m)))
    return _S.MAVLink_nav_controller_output_message(
        math.degrees(body.roll_rad), math.degrees(body.pitch_rad), int(math.degrees(body.yaw_rad)), bearing, distance,
        up - body.up_m, 0.0, 0.0,
    )  # fmt: skip


def system_time(craft: Aircraft) -> Message:
    """SYSTEM_TIME: simulated time since an epoch the fleet sets; zero without GPS."""
    unix_us = int((craft.epoch_s + craft.now_s) * 1e6) if craft.home is not None else 0
    return _S.MAVLink_system_time_message(unix_us, boot_ms(craft))


def extended_sys_state(craft: Aircraft) -> Message:
    """EXTENDED_SYS_STATE."""
    if craft.land_complete:
        state = _S.MAV_LANDED_STATE_ON_GROUND
    elif craft.landing:
        state = _S.MAV_LANDED_STATE_LANDING
    elif craft.controller.taking_off:
        state = _S.MAV_LANDED_STATE_TAKEOFF
    else:
        state = _S.MAV_LANDED_STATE_IN_AIR
    return _S.MAVLink_extended_sys_state_message(0, state)


def home_position(craft: Aircraft) -> Message | None:
    """HOME_POSITION; nothing before there is one."""
    home = craft.home
    if home is None:
        return None
    north, east, up = craft.home_local
    unknown = [math.nan] * 4
    return _S.MAVLink_home_position_message(
        home.lat_e7,
        home.lon_e7,
        int(home.alt_m * 1000),
        north,
        east,
        -up,
        unknown,
        0.0,
        0.0,
        0.0,
        int(craft.now_s * 1e6),
    )


def gps_global_origin(craft: Aircraft) -> Message | None:
    """GPS_GLOBAL_ORIGIN; nothing before there is one."""
    if craft.home is None:
        return None
    frame = craft.frame
    return _S.MAVLink_gps_global_origin_message(
        frame.lat_e7, frame.lon_e7, int(frame.alt_amsl_m * 1000), int(craft.now_s * 1e6)
    )


def fence_status(craft: Aircraft) -> Message | None:
    """FENCE_STATUS; nothing while no fence is enabled."""
    fence = craft.fence
    if not fence.enabled_types:
        return None
    kind = _S.FENCE_BREACH_NONE
    for types, name in (
        (ALT_MIN, _S.FENCE_BREACH_MINALT),
        (ALT_MAX, _S.FENCE_BREACH_MAXALT),
        (CIRCLE | POLYGON, _S.FENCE_BREACH_BOUNDARY),
    ):
        kind = name if fence.breaches & types else kind
    return _S.MAVLink_fence_status_message(
        int(bool(fence.breaches)), fence.breach_count, kind, int(fence.breach_time_s * 1000), _S.FENCE_MITIGATE_NONE
    )


def ekf_status_report(craft: Aircraft) -> Message:
    """EKF_STATUS_REPORT: all estimates good (831), or attitude and height only."""
    flags = 831 if craft.senses.position_ok else 167
    variance = 0.02 if craft.senses.gps_ok else 0.4
    return _S.MAVLink_ekf_status_report_message(flags, variance, variance, 0.01, 0.01, 0.0)


def vibration(craft: Aircraft) -> Message:
    """VIBRATION: low, growing with the load of the rotors and with the noise that SIM_ACC1_RND adds."""
    level = 0.3 * craft.body.load_factor + craft.params["SIM_ACC1_RND"]
    return _S.MAVLink_vibration_message(int(craft.now_s * 1e6), level, level, 1.5 * level, 0, 0, 0)


def rc_channels(craft: Aircraft) -> Message:
    """RC_CHANNELS: a transmitter with its sticks in the middle and the throttle down on the ground."""
    throttle = 1000 if craft.land_complete else 1500
    sticks = [1500, 1500, throttle, 1500, 1800, 1000, 1000, 1800]
    return _S.MAVLink_rc_channels_message(boot_ms(craft), 16, *sticks, *[0] * 10, 254)


def servo_output_raw(craft: Aircraft) -> Message:
    """SERVO_OUTPUT_RAW: the four motors."""
    pwm = 1000 if not craft.armed else int(min(2000.0, 1100 + 390 * craft.body.load_factor))
    return _S.MAVLink_servo_output_raw_message(int(craft.now_s * 1e6) & 0xFFFFFFFF, 0, *[pwm] * 4, *[0] * 12)


def wind(craft: Aircraft) -> Message:
    """WIND as the EKF estimates it: where it comes from, its speed."""
    north, east = craft.wind.north_mps, craft.wind.east_mps
    return _S.MAVLink_wind_message(math.degrees(math.atan2(-east, -north)), math.hypot(north, east), 0.0)


def raw_imu(craft: Aircraft) -> Message:
    """RAW_IMU: accelerometer in mG, gyro in mrad/s."""
    body = craft.body
    down = int(-1000 * (body.load_factor or 1.0))
    yaw_rate = _i16(body.yaw_rate_radps * 1000)
    return _S.MAVLink_raw_imu_message(int(craft.now_s * 1e6), 0, 0, down, 0, 0, yaw_rate, 200, 0, 400, 0, 4500)


def scaled_pressure(craft: Aircraft) -> Message:
    """SCALED_PRESSURE of the standard atmosphere at this height."""
    hpa = 1013.25 * (1.0 - 2.25577e-5 * max(0.0, craft.place.alt_m)) ** 5.25588
    return _S.MAVLink_scaled_pressure_message(boot_ms(craft), hpa, 0.0, 3500)


def power_status(craft: Aircraft) -> Message:  # noqa: ARG001 - a constant supply
    """POWER_STATUS: a healthy supply."""
    return _S.MAVLink_power_status_message(5000, 0, 0)


def meminfo(craft: Aircraft) -> Message:  # noqa: ARG001 - a constant
    """MEMINFO."""
    return _S.MAVLink_meminfo_message(0, 65535, 131072)


def position_target_global_int(craft: Aircraft) -> Message | None:
    """POSITION_TARGET_GLOBAL_INT: where the mode leads; nothing without a point."""
    target = craft.controller.target if craft.armed else None
    if target is None:
        return None
    lat, lon = craft.frame.on_earth(target[0], target[1])
    alt = target[2] + craft.frame.alt_amsl_m
    return _S.MAVLink_position_target_global_int_message(
        boot_ms(craft), 0, 0xFFF8, lat, lon, alt, 0, 0, 0, 0, 0, 0, 0, 0
    )


def autopilot_version(craft: Aircraft) -> Message:
    """AUTOPILOT_VERSION; uid2 is derived from the vehicle's name and system id and never changes."""
    can = (
        _S.MAV_PROTOCOL_CAPABILITY_MISSION_FLOAT | _S.MAV_PROTOCOL_CAPABILITY_PARAM_FLOAT
        | _S.MAV_PROTOCOL_CAPABILITY_MISSION_INT | _S.MAV_PROTOCOL_CAPABILITY_COMMAND_INT
        | _S.MAV_PROTOCOL_CAPABILITY_SET_POSITION_TARGET_LOCAL_NED
        | _S.MAV_PROTOCOL_CAPABILITY_SET_POSITION_TARGET_GLOBAL_INT | _S.MAV_PROTOCOL_CAPABILITY_FLIGHT_TERMINATION
        | _S.MAV_PROTOCOL_CAPABILITY_MAVLINK2 | _S.MAV_PROTOCOL_CAPABILITY_MISSION_FENCE
        | _S.MAV_PROTOCOL_CAPABILITY_MISSION_RALLY
    )  # fmt: skip
    digest = hashlib.sha256(f"bailu-simulator/{craft.spec.name}/{craft.spec.system_id}".encode()).digest()
    git_hash = list(b"bailusim")
    return _S.MAVLink_autopilot_version_message(
        can, FLIGHT_SW_VERSION, 0, 0, 0, git_hash, [0] * 8, [0] * 8, 0, 0, 0, [*digest[:12], *[0] * 6]
    )


BUILDERS: dict[int, Builder] = {
    _S.MAVLINK_MSG_ID_HEARTBEAT: heartbeat,
    _S.MAVLINK_MSG_ID_SYS_STATUS: sys_status,
    _S.MAVLINK_MSG_ID_SYSTEM_TIME: system_time,
    _S.MAVLINK_MSG_ID_GPS_RAW_INT: gps_raw_int,
    _S.MAVLINK_MSG_ID_RAW_IMU: raw_imu,
    _S.MAVLINK_MSG_ID_SCALED_PRESSURE: scaled_pressure,
    _S.MAVLINK_MSG_ID_ATTITUDE: attitude,
    _S.MAVLINK_MSG_ID_LOCAL_POSITION_NED: local_position_ned,
    _S.MAVLINK_MSG_ID_GLOBAL_POSITION_INT: global_position_int,
    _S.MAVLINK_MSG_ID_SERVO_OUTPUT_RAW: servo_output_raw,
    _S.MAVLINK_MSG_ID_MISSION_CURRENT: mission_current,
    _S.MAVLINK_MSG_ID_GPS_GLOBAL_ORIGIN: gps_global_origin,
    _S.MAVLINK_MSG_ID_NAV_CONTROLLER_OUTPUT: nav_controller_output,
    _S.MAVLINK_MSG_ID_RC_CHANNELS: rc_channels,
    _S.MAVLINK_MSG_ID_VFR_HUD: vfr_hud,
    _S.MAVLINK_MSG_ID_POSITION_TARGET_GLOBAL_INT: position_target_global_int,
    _S.MAVLINK_MSG_ID_POWER_STATUS: power_status,
    _S.MAVLINK_MSG_ID_BATTERY_STATUS: battery_status,
    _S.MAVLINK_MSG_ID_AUTOPILOT_VERSION: autopilot_version,
    _S.MAVLINK_MSG_ID_MEMINFO: meminfo,
    _S.MAVLINK_MSG_ID_FENCE_STATUS: fence_status,
    _S.MAVLINK_MSG_ID_WIND: wind,
    _S.MAVLINK_MSG_ID_EKF_STATUS_REPORT: ekf_status_report,
    _S.MAVLINK_MSG_ID_VIBRATION: vibration,
    _S.MAVLINK_MSG_ID_HOME_POSITION: home_position,
    _S.MAVLINK_MSG_ID_EXTENDED_SYS_STATE: extended_sys_state,
}
"""Every message that can be streamed or asked for by id."""


def _i16(value: float) -> int:
    return int(max(-32767.0, min(32767.0, value)))
