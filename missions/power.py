"""What flying draws from the battery at an air speed: three measured numbers of an airframe and the shape between."""

from __future__ import annotations

import numpy as np

from geofence.frame import Array
from missions.model import Airframe

# Induced velocity of the rotors in the hover. √(T / 2ρA) is 5.3 m/s for 3.2 kg on four rotors of 0.19 m and for 7 kg
# on six of 0.23 m; rotors are loaded alike across small multirotors.
INDUCED_MPS = 5.3


def power_w(air_speed_mps: Array | float, airframe: Airframe) -> Array:
    """Level power at air speeds, any shape: hover at 0, cruise at the cruise speed.

    Hover power falls by the induced share as forward flight feeds the rotors, drag grows with the cube of the speed;
    drag is what makes the cruise power right. Source: Zeng, Xu, Zhang 2019 (IEEE Transactions on Wireless
    Communications 18(4)), equation 12, with the blade profile power held constant.
    """
    share = max(airframe.lift_share, least_lift_share(airframe))
    hover_w, cruise_mps = airframe.hover_w, airframe.cruise_mps
    drag = (airframe.cruise_w - hover_w * (1.0 - share * float(lift(cruise_mps)))) / cruise_mps**3
    return np.asarray(hover_w * (1.0 - share * lift(air_speed_mps)) + drag * air_speed_mps**3)


def lift(air_speed_mps: Array | float) -> Array:
    """The part of the induced power that an air speed saves: 0 in the hover, towards 1 in fast flight."""
    ratio = (air_speed_mps / INDUCED_MPS) ** 2 / 2.0
    return np.asarray(1.0 - np.sqrt(np.sqrt(1.0 + ratio**2) - ratio))


def least_lift_share(airframe: Airframe) -> float:
    """The lift share below which drag would have to be negative; above 0 only where the cruise costs less."""
    saved = 1.0 - airframe.cruise_w / airframe.hover_w
    return max(0.0, saved / float(lift(airframe.cruise_mps)))
