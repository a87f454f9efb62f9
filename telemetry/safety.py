"""What the autopilot must be set to before a patrol: its own fence on, and returns that go the proven way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from core.errors import VehicleRejected
from geofence.scene import RETURN_MPS
from missions.model import Plan, ReturnMode
from telemetry.exchange import read_params, set_params
from telemetry.parameters import same_value
from telemetry.vehicle import Vehicle

# FENCE_TYPE bits: 1 maximum altitude, 4 polygons and circles. Not 2: its 300 m circle round home is not our fence.
_FENCE_TYPE = 1 | 4
# FENCE_ACTION: 1 RTL or land, 5 SmartRTL or land.
_FENCE_ACTION = {ReturnMode.DIRECT: 1, ReturnMode.RETRACE: 5}
# AUTO_OPTIONS bits: 1 lets a mission take off without a raised throttle stick, which nobody holds at a dock.
_AUTO_OPTIONS = 3
# What the proof takes for granted (missions.prove.facts.Autopilot): where corners are cut, how RTL climbs and where
# it goes, how near SmartRTL keeps to its path. Renamed and rescaled in 4.7.
_PROVEN_WITH = (
    (("WPNAV_RADIUS", 200.0), ("WP_RADIUS_M", 2.0)),
    (("RTL_CONE_SLOPE", 3.0),),
    (("RALLY_LIMIT_KM", 0.3),),
    (("RALLY_INCL_HOME", 1.0),),
    (("SRTL_ACCURACY", 2.0),),
)
# What a former owner may have left, and what would then take the vehicle off the proven ways.
_UNDISTURBED = (
    # 1 begins the mission anew when AUTO is resumed: from anywhere straight to the first waypoint.
    (("MIS_RESTART", 0.0),),
    # RTL stays below FENCE_ALT_MAX less this: more than the vertical margin would bring returns down.
    (("FENCE_MARGIN", 2.0),),
    # Bit 0 bars pilot and operator from another mode after a breach, bit 1 joins inclusions instead of cutting them.
    (("FENCE_OPTIONS", 0.0),),
    # Anything else switches the fence off again, in the landing of a mission or after it.
    (("FENCE_AUTOENABLE", 0.0),),
    # RTL would climb so much more, and through the ceiling.
    (("RTL_CLIMB_MIN", 0.0), ("RTL_CLIMB_MIN_M", 0.0)),
    # 1 counts the return height from the ground, 0 from home as it is proven.
    (("RTL_ALT_TYPE", 0.0),),
    # Above 0 a return ends in a hover, until the battery is empty.
    (("RTL_ALT_FINAL", 0.0), ("RTL_ALT_FINAL_M", 0.0)),
    # The energy is counted for a wait of 5 s above home.
    (("RTL_LOIT_TIME", 5000.0),),
    # Avoidance on board finds ways of its own.
    (("OA_TYPE", 0.0),),
)
# SRTL_POINTS for so long a path as the proof lets it fly (missions.prove.facts.Autopilot.retrace_waypoints).
_RETRACE_POINTS = 300
# Failsafes and what they are set to, unless they do one of the other things. Never: fly home by a way that is not the
# proven one, drift (ALT_HOLD), or stop the motors in the air (5 of a battery). What may stay is nothing, landing,
# the proven return, and braking.
# Source: ArduCopter/defines.h, Copter.h FailsafeAction, events.cpp; FS_GCS_ENABLE of an unknown value is RTL there.
_FAILSAFES = {
    ReturnMode.DIRECT: {
        "FS_THR_ENABLE": (1.0, {0.0, 3.0, 7.0}),
        "FS_GCS_ENABLE": (1.0, {0.0, 5.0, 7.0}),
        "FS_DR_ENABLE": (2.0, {0.0, 1.0, 7.0}),
        "FS_EKF_ACTION": (1.0, {3.0}),
        "BATT_FS_LOW_ACT": (2.0, {0.0, 1.0, 7.0}),
        "BATT_FS_CRT_ACT": (2.0, {0.0, 1.0, 7.0}),
    },
    ReturnMode.RETRACE: {
        "FS_THR_ENABLE": (5.0, {0.0, 3.0, 7.0}),
        "FS_GCS_ENABLE": (4.0, {0.0, 5.0, 7.0}),
        "FS_DR_ENABLE": (4.0, {0.0, 1.0, 7.0}),
        "FS_EKF_ACTION": (1.0, {3.0}),
        "BATT_FS_LOW_ACT": (4.0, {0.0, 1.0, 7.0}),
        "BATT_FS_CRT_ACT": (4.0, {0.0, 1.0, 7.0}),
    },
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A parameter and its value; `names` in order of preference, since releases rename and rescale them.

    `optional`: a vehicle without it does not have what it is about. `unless`: these values may stay as well.
    """

    names: tuple[tuple[str, float], ...]
    optional: bool = False
    unless: frozenset[float] = field(default_factory=frozenset)


def settings_for(plan: Plan, gcs_system_id: int = 255) -> tuple[Setting, ...]:
    """The parameters that protect `plan`; each must be held by the autopilot before it may arm."""
    assert plan.fence is not None
    return_alt_m, wp_speed_mps = plan.return_alt_rel_m, max(plan.speed_mps, RETURN_MPS)
    return (
        Setting((("FENCE_ALT_MAX", plan.fence.alt_max_rel_m),)),
        Setting((("FENCE_TYPE", _FENCE_TYPE),)),
        Setting((("FENCE_ACTION", _FENCE_ACTION[plan.returns]),)),
        Setting((("FENCE_ENABLE", 1),)),
        # Whose silence the ground-station failsafe acts on: another one's heartbeats would hide ours. Renamed in 4.7.
        Setting((("MAV_GCS_SYSID", gcs_system_id), ("SYSID_MYGCS", gcs_system_id))),
        # The return is proven at this height, so that is where it has to happen. Renamed to metres in 4.7.
        Setting((("RTL_ALT", round(return_alt_m * 100)), ("RTL_ALT_M", return_alt_m))),
        Setting((("AUTO_OPTIONS", _AUTO_OPTIONS),)),
        # It caps the mission's speed and is that of every return, for which the margins and the energy are counted.
        Setting((("WPNAV_SPEED", wp_speed_mps * 100), ("WP_SPD", wp_speed_mps)), optional=True),
        Setting((("RTL_SPEED", 0),), optional=True),
        *(Setting(names, optional=True) for names in (*_PROVEN_WITH, *_UNDISTURBED)),
        *_failsafes(plan.returns),
    )


def _failsafes(returns: ReturnMode) -> Iterator[Setting]:
    for name, (value, others) in _FAILSAFES[returns].items():
        yield Setting(((name, value),), optional=True, unless=frozenset(others))


async def protect(vehicle: Vehicle, plan: Plan) -> None:
    """Sets and reads back every protective parameter. Raises VehicleRejected when one is missing or refused."""
    settings = settings_for(plan, vehicle.gcs_system_id)
    held = await read_params(vehicle, {name for each in settings for name, _ in each.names} | {"SRTL_POINTS"})
    if plan.returns is ReturnMode.RETRACE:
        _refuse_forgetful(vehicle, held.get("SRTL_POINTS"))
    await set_params(vehicle, dict(_changes(vehicle, settings, held)))


def _changes(vehicle: Vehicle, settings: Iterable[Setting], held: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """What is to be set. Raises VehicleRejected for a setting that the vehicle has under no name."""
    for setting in settings:
        if any(held.get(name) in setting.unless for name, _ in setting.names):
            continue
        found = next(((name, value) for name, value in setting.names if name in held), None)
        if found is None and not setting.optional:
            names = " or ".join(name for name, _ in setting.names)
            raise VehicleRejected(vehicle.id, f"setting {names}", "it has no such parameter")
        if found is not None and not same_value(held[found[0]], found[1]):
            yield found


def _refuse_forgetful(vehicle: Vehicle, points: float | None) -> None:
    """Raises VehicleRejected when SmartRTL has less memory than the proof counts on; it is set only by a restart."""
    if points is not None and points < _RETRACE_POINTS:
        asked = f"remembering its way back with SRTL_POINTS of {_RETRACE_POINTS} at least"
        raise VehicleRejected(vehicle.id, asked, f"it has {points:g}; set it and restart the autopilot")
