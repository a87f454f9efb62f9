"""What the autopilot must be set to before a patrol: its own fence on, and returns that go the proven way."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.errors import VehicleRejected
from geofence.scene import RETURN_MPS
from missions.model import Plan, ReturnMode
from telemetry.exchange import read_param, set_param
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
# Failsafes that would fly straight home, and what they do instead where that is barred: SmartRTL, or land.
_RETRACING = {
    "FS_THR_ENABLE": {1.0: 5.0, 4.0: 5.0, 6.0: 5.0},
    "FS_GCS_ENABLE": {1.0: 4.0, 2.0: 4.0, 3.0: 4.0, 6.0: 4.0},
    "FS_DR_ENABLE": {2.0: 4.0, 3.0: 4.0},
    "BATT_FS_LOW_ACT": {2.0: 4.0, 3.0: 4.0, 6.0: 4.0},
    "BATT_FS_CRT_ACT": {2.0: 4.0, 3.0: 4.0, 6.0: 4.0},
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A parameter and its value; `names` in order of preference, since releases rename and rescale them.

    `optional`: a vehicle without it does not have what it is about. `instead_of`: only these values are replaced.
    """

    names: tuple[tuple[str, float], ...]
    optional: bool = False
    instead_of: frozenset[float] = field(default_factory=frozenset)


def settings_for(plan: Plan) -> tuple[Setting, ...]:
    """The parameters that protect `plan`; each must be held by the autopilot before it may arm."""
    assert plan.fence is not None
    return_alt_m, wp_speed_mps = plan.return_alt_rel_m, max(plan.speed_mps, RETURN_MPS)
    return (
        Setting((("FENCE_ALT_MAX", plan.fence.alt_max_rel_m),)),
        Setting((("FENCE_TYPE", _FENCE_TYPE),)),
        Setting((("FENCE_ACTION", _FENCE_ACTION[plan.returns]),)),
        Setting((("FENCE_ENABLE", 1),)),
        # The return is proven at this height, so that is where it has to happen. Renamed to metres in 4.7.
        Setting((("RTL_ALT", round(return_alt_m * 100)), ("RTL_ALT_M", return_alt_m))),
        Setting((("AUTO_OPTIONS", _AUTO_OPTIONS),)),
        # It caps the mission's speed and is that of every return, for which the margins and the energy are counted.
        Setting((("WPNAV_SPEED", wp_speed_mps * 100), ("WP_SPD", wp_speed_mps)), optional=True),
        Setting((("RTL_SPEED", 0),), optional=True),
        *(Setting(names, optional=True) for names in _PROVEN_WITH),
        *(_retracing() if plan.returns is ReturnMode.RETRACE else ()),
    )


def _retracing() -> tuple[Setting, ...]:
    return tuple(
        Setting(((name, value),), optional=True, instead_of=frozenset({straight}))
        for name, values in _RETRACING.items()
        for straight, value in values.items()
    )


async def protect(vehicle: Vehicle, plan: Plan) -> None:
    """Sets and reads back every protective parameter. Raises VehicleRejected when one is missing or refused."""
    known: dict[str, float | None] = {}
    for setting in settings_for(plan):
        if setting.instead_of:
            name, value = setting.names[0]
            if name not in known:
                known[name] = await read_param(vehicle, name)
            if known[name] in setting.instead_of:
                await set_param(vehicle, name, value)
            continue
        for name, value in setting.names:
            if await set_param(vehicle, name, value):
                break
        else:
            if not setting.optional:
                names = " or ".join(name for name, _ in setting.names)
                raise VehicleRejected(vehicle.id, f"setting {names}", "it has no such parameter")
