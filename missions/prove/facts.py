"""What the proof takes for granted: errors of a flight, and facts of the autopilot that carries it out."""

from __future__ import annotations

from dataclasses import dataclass

# Height error of barometer and terrain that every vertical rule allows for (domain guide, section 7.1: 5 to 10 m).
VERTICAL_MARGIN_M = 5.0
# Coordinates go over the wire in 1e-7 degree: two roundings of half of 1.1 cm meet in a distance.
ROUNDING_M = 0.011
# Beyond this from home the planes are not good to 4 ppm any more, and straight lines bend (planning guide, 9.1).
FARTHEST_M = 30_000.0
# Nearer to the poles and to the 180th meridian neighbours in degrees are none on the ground.
FARTHEST_LAT_DEG, FARTHEST_LON_DEG = 85.0, 179.5
# Room between the path and the on-board fence: 2 m cross-track, 2 m cut corners, 1 m datum.
FENCE_SLACK_M = 5.0


@dataclass(frozen=True, slots=True)
class Autopilot:
    """Settings of ArduCopter that decide where it flies; the defaults are ArduCopter's own.

    `wp_radius_m` WPNAV_RADIUS; `speed_mps` WPNAV_SPEED, which RTL flies as well while RTL_SPEED is 0;
    `rally_limit_m` RALLY_LIMIT_KM, 0 is no limit; `return_cone` RTL_CONE_SLOPE; `retrace_waypoints`: what
    SRTL_POINTS 300 holds with three points to a waypoint; `retrace_m` SRTL_ACCURACY.
    Source: ArduCopter/mode_rtl.cpp, AP_Rally.cpp, AP_SmartRTL.h; fence and mission sizes: planning guide, 8.1.
    """

    wp_radius_m: float = 2.0
    speed_mps: float = 10.0
    rally_limit_m: float = 300.0
    return_cone: float = 3.0
    retrace_waypoints: int = 100
    retrace_m: float = 2.0
    most_items: int = 650
    most_fence_items: int = 70
    most_fence_bytes: int = 560


def margin_budget_m(speed_mps: float) -> float:
    """How far from its line a vehicle may be: GNSS 3, cross-track 2, cut corner 2, 0.2 s of lag, datum 1 m.

    Source: planning guide, section 9.3.
    """
    return 3.0 + 2.0 + 2.0 + 0.2 * speed_mps + 1.0
