"""What the autopilot must be set to before a patrol: its own fence on, with the plan's ceiling and the action RTL."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import VehicleRejected
from missions.model import Plan
from telemetry.exchange import set_param
from telemetry.vehicle import Vehicle

# FENCE_TYPE bits: 1 maximum altitude, 4 polygons and circles. Not 2: its 300 m circle round home is not our fence.
_FENCE_TYPE = 1 | 4
_FENCE_ACTION_RTL = 1
# AUTO_OPTIONS bits: 1 lets a mission take off without a raised throttle stick, which nobody holds at a dock.
_AUTO_OPTIONS = 3


@dataclass(frozen=True, slots=True)
class Setting:
    """A parameter and its value; `names` in order of preference, since releases rename and rescale them."""

    names: tuple[tuple[str, float], ...]


def settings_for(plan: Plan) -> tuple[Setting, ...]:
    """The parameters that protect `plan`; each must be held by the autopilot before it may arm."""
    assert plan.fence is not None
    return_alt_m = max((waypoint.alt_rel_m for waypoint in plan.waypoints), default=15.0)
    return (
        Setting((("FENCE_ALT_MAX", plan.fence.alt_max_rel_m),)),
        Setting((("FENCE_TYPE", _FENCE_TYPE),)),
        Setting((("FENCE_ACTION", _FENCE_ACTION_RTL),)),
        Setting((("FENCE_ENABLE", 1),)),
        # The return is proven at the plan's altitude, so that is where it has to happen. Renamed to metres in 4.7.
        Setting((("RTL_ALT", return_alt_m * 100), ("RTL_ALT_M", return_alt_m))),
        Setting((("AUTO_OPTIONS", _AUTO_OPTIONS),)),
    )


async def protect(vehicle: Vehicle, plan: Plan) -> None:
    """Sets and reads back every protective parameter. Raises VehicleRejected when one is missing or refused."""
    for setting in settings_for(plan):
        for name, value in setting.names:
            if await set_param(vehicle, name, value):
                break
        else:
            names = " or ".join(name for name, _ in setting.names)
            raise VehicleRejected(vehicle.id, f"setting {names}", "it has no such parameter")
