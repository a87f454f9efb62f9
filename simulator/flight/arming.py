"""Why the vehicle refuses to arm, in ArduCopter's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.flight.fence import CIRCLE, POLYGON, fence_names
from simulator.flight.modes import FACTS, Mode

if TYPE_CHECKING:
    from simulator.flight.aircraft import Aircraft

ALLOW_ARMING_IN_AUTO = 1 << 0
"""AUTO_OPTIONS bit."""
REPORT_PERIOD_S = 30.0
"""Failing pre-arm checks are announced this often."""
SILENT = 1 << 0
"""ARMING_OPTIONS bit: do not announce them."""


def prearm_failures(craft: Aircraft) -> list[str]:
    """Every pre-arm check that fails now; empty when ready to arm."""
    mandatory = _position_failures(craft)
    if craft.params.whole("ARMING_CHECK") == 0:
        return mandatory
    return [
        *_parameter_failures(craft),
        *(["GCS failsafe on"] if craft.failsafes.gcs else []),
        *_sensor_failures(craft),
        *mandatory,
        *_battery_failures(craft),
        *_mission_failures(craft),
        *_fence_failures(craft),
    ]


def arm_failures(craft: Aircraft) -> list[str]:
    """What forbids arming at this moment, beyond the pre-arm checks."""
    facts = FACTS[craft.mode]
    allowed = facts.armable
    if craft.mode is Mode.AUTO:
        allowed = bool(craft.params.whole("AUTO_OPTIONS") & ALLOW_ARMING_IN_AUTO)
    return [] if allowed else [f"{facts.name} mode not armable"]


def forced_failures(craft: Aircraft) -> list[str]:
    """What even a forced arming may not pass over."""
    return _position_failures(craft)


def _parameter_failures(craft: Aircraft) -> list[str]:
    params, failures = craft.params, []
    if params.whole("FS_THR_ENABLE") and not 910 <= params["FS_THR_VALUE"] < params["RC3_MIN"] - 10:
        failures.append("Check FS_THR_VALUE")
    if params.whole("FS_GCS_ENABLE") == 2:
        failures.append("FS_GCS_ENABLE=2 removed, see FS_OPTIONS")
    if not 1000 <= params["ANGLE_MAX"] <= 8000:
        failures.append("Check ANGLE_MAX")
    return failures


def _sensor_failures(craft: Aircraft) -> list[str]:
    if not craft.senses.ready:
        return ["System not initialised"]
    if craft.params.whole("SIM_RC_FAIL") == 1 and craft.params.whole("FS_THR_ENABLE"):
        return ["RC not found"]
    if craft.params.whole("SIM_MAG1_FAIL") and craft.params.whole("COMPASS_USE"):
        return ["Compass 1 not healthy"]
    if not FACTS[craft.mode].needs_position and craft.mode is not Mode.ALT_HOLD:
        return []
    if not craft.senses.gps_ok:
        return ["GPS 1: Bad fix"]
    return [] if craft.home is not None else ["AHRS: waiting for home"]


def _position_failures(craft: Aircraft) -> list[str]:
    if FACTS[craft.mode].needs_position or craft.params.whole("ARMING_NEED_LOC"):
        return [] if craft.senses.position_ok else ["Need Position Estimate"]
    if craft.fence.enabled_types & (CIRCLE | POLYGON) and not craft.senses.position_ok:
        return ["Fence enabled, need position estimate"]
    return []


def _battery_failures(craft: Aircraft) -> list[str]:
    params, battery = craft.params, craft.battery
    if not params.whole("BATT_MONITOR"):
        return []
    latched = ["Battery failsafe"] if craft.failsafes.battery else []
    if battery.voltage_v < params["BATT_ARM_VOLT"]:
        return ["Battery 1 below minimum arming voltage"]
    if params["BATT_CAPACITY"] - battery.used_mah < params["BATT_ARM_MAH"]:
        return ["Battery 1 below minimum arming capacity"]
    for word, prefix in (("critical", "CRT"), ("low", "LOW")):
        if 0 < battery.voltage_v < params[f"BATT_{prefix}_VOLT"]:
            return [f"Battery 1 {word} voltage failsafe", *latched]
        if params["BATT_CAPACITY"] - battery.used_mah < params[f"BATT_{prefix}_MAH"]:
            return [f"Battery 1 {word} capacity failsafe", *latched]
    return latched


def _mission_failures(craft: Aircraft) -> list[str]:
    return ["Mode requires mission"] if craft.mode is Mode.AUTO and not craft.mission.present else []


def _fence_failures(craft: Aircraft) -> list[str]:
    params, fence = craft.params, craft.fence
    if not fence.enabled_types & params.whole("FENCE_TYPE"):
        return []
    margin = params["FENCE_MARGIN"]
    if params.whole("FENCE_TYPE") & (CIRCLE | POLYGON) and not craft.senses.position_ok:
        return ["Fence requires position"]
    if any(zone.inclusion and 0 < zone.radius_m < margin for zone in fence.zones):
        return ["Polygon fence margin is greater than inclusion circle radius"]
    if params["FENCE_RADIUS"] < margin:
        return ["Circle FENCE_MARGIN is greater than FENCE_RADIUS"]
    if params["FENCE_ALT_MAX"] < 0:
        return ["Invalid FENCE_ALT_MAX value"]
    if params["FENCE_ALT_MIN"] < -100:
        return ["Invalid FENCE_ALT_MIN value"]
    if fence.breaches:
        return [f"Vehicle breaching {fence_names(fence.breaches)}"]
    if margin < 0:
        return ["Invalid FENCE_MARGIN value"]
    if params["FENCE_ALT_MAX"] < params["FENCE_ALT_MIN"]:
        return ["FENCE_ALT_MAX < FENCE_ALT_MIN"]
    return ["FENCE_MARGIN too big"] if params["FENCE_ALT_MAX"] - params["FENCE_ALT_MIN"] <= 2 * margin else []
