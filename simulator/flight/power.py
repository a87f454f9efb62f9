"""What flying costs: electrical power of a multirotor and the battery that pays for it.

Source: Y. Zeng, J. Xu, R. Zhang, "Energy Minimization for Wireless Communication With Rotary-Wing UAV", IEEE
Transactions on Wireless Communications 18(4), 2019, equation 12: blade profile, induced (momentum theory) and
parasite power of a rotary wing in forward flight. Climb adds the gain of potential energy. The efficiency of motors,
speed controllers and propellers divides the whole; 0.78 puts a 3.2 kg quadrotor at about 280 W in the hover.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

AIR_DENSITY = 1.225
"""kg/m³, ISA sea level."""
GRAVITY = 9.80665
"""m/s², standard."""
TIP_SPEED = 110.0
"""m/s, blade tips in the hover; sets how profile power grows with forward speed."""
DRAG_AREA = 0.06
"""m², drag coefficient times frontal area of a mid-size quadrotor."""
PROFILE_SHARE = 0.30
"""Profile power in the hover as a share of the induced power, typical of small propellers."""
EFFICIENCY = 0.78
MIN_LOAD = 0.1
"""Rotors that idle while it falls still turn."""
AVIONICS_W = 8.0
"""Autopilot, radio and camera; drawn also on the ground."""


@dataclass(frozen=True, slots=True)
class Airframe:
    """What the power model needs to know of the aircraft."""

    mass_kg: float
    rotor_radius_m: float
    rotors: int

    @property
    def disc_area_m2(self) -> float:
        """Area swept by all rotors."""
        return self.rotors * math.pi * self.rotor_radius_m**2

    def drag_mps2(self, air_speed_mps: float) -> float:
        """Deceleration by the drag of the body at an air speed."""
        return 0.5 * AIR_DENSITY * DRAG_AREA * air_speed_mps**2 / self.mass_kg


def flight_power_w(frame: Airframe, air_speed_mps: float, climb_mps: float, load_factor: float = 1.0) -> float:
    """Electrical power in watts at a horizontal air speed, a climb rate and a thrust of ``load_factor`` weights.

    A descent gives nothing back: rotors in a slow descent save little, and the sink rates flown here are slow.
    """
    thrust = frame.mass_kg * GRAVITY * max(MIN_LOAD, load_factor)
    hover_induced_mps = math.sqrt(thrust / (2.0 * AIR_DENSITY * frame.disc_area_m2))
    ratio = air_speed_mps**2 / (2.0 * hover_induced_mps**2)
    induced_w = thrust * hover_induced_mps * math.sqrt(math.sqrt(1.0 + ratio * ratio) - ratio)
    profile_w = PROFILE_SHARE * thrust * hover_induced_mps * (1.0 + 3.0 * (air_speed_mps / TIP_SPEED) ** 2)
    parasite_w = 0.5 * AIR_DENSITY * DRAG_AREA * air_speed_mps**3
    climb_w = frame.mass_kg * GRAVITY * max(0.0, climb_mps)
    return (induced_w + profile_w + parasite_w + climb_w) / EFFICIENCY + AVIONICS_W


_OPEN_CIRCUIT = ((0.0, 0.70), (0.05, 0.80), (0.15, 0.845), (0.5, 0.885), (0.8, 0.94), (1.0, 1.0))
"""Open-circuit voltage of a lithium-polymer pack as a share of full against its state of charge."""


class Battery:
    """A pack of a given energy: charge used, voltage under load.

    Voltage = open-circuit curve of the charge times the full voltage, less current times internal resistance.
    """

    __slots__ = (
        "_full_v",
        "_given_v",
        "capacity_wh",
        "current_a",
        "resistance_ohm",
        "used_mah",
        "used_wh",
        "voltage_v",
    )

    def __init__(self, capacity_wh: float, resistance_ohm: float = 0.012) -> None:
        self.capacity_wh = capacity_wh
        self.resistance_ohm = resistance_ohm
        self.used_wh = 0.0
        self.used_mah = 0.0
        self.current_a = 0.0
        self.voltage_v = self._full_v = self._given_v = 12.6

    @property
    def remaining(self) -> float:
        """State of charge, 0..1."""
        return max(0.0, 1.0 - self.used_wh / self.capacity_wh)

    def reset(self, charge: float, capacity_mah: float) -> None:
        """From now on it holds this share of its charge, and the autopilot reckons so too."""
        self.used_wh = (1.0 - charge) * self.capacity_wh
        self.used_mah = (1.0 - charge) * capacity_mah

    def step(self, dt: float, power_w: float, given_voltage_v: float) -> None:
        """Draw a power for ``dt`` seconds; a change of the given voltage (SIM_BATT_VOLTAGE) sets the resting one."""
        if given_voltage_v != self._given_v:
            self._given_v = given_voltage_v
            self._full_v = given_voltage_v / _interpolate(self.remaining)
        open_v = max(0.1, self._full_v * _interpolate(self.remaining))
        headroom = open_v * open_v - 4.0 * self.resistance_ohm * power_w
        self.voltage_v = 0.5 * (open_v + math.sqrt(max(0.0, headroom)))
        self.current_a = power_w / self.voltage_v
        self.used_wh += power_w * dt / 3600.0
        self.used_mah += self.current_a * dt / 3.6


def _interpolate(charge: float) -> float:
    for (low, below), (high, above) in pairwise(_OPEN_CIRCUIT):
        if charge <= high:
            return below + (above - below) * (charge - low) / (high - low)
    return 1.0
