"""What one simulated vehicle is: who it is, where it stands, what it weighs, which wind it meets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VehicleSpec:
    """A vehicle to simulate.

    ``alt_amsl_m`` is the ground it stands on. ``wind_from_deg`` is where the wind comes from, as `SIM_WIND_DIR`
    has it; ``gust_mps`` is the standard deviation of the gusts about the steady wind. Everything random in the
    vehicle follows from ``seed``, so one spec and one input give one flight.
    """

    system_id: int
    name: str
    lat_deg: float
    lon_deg: float
    alt_amsl_m: float = 4.0
    heading_deg: float = 0.0
    seed: int = 1
    battery_wh: float = 74.0
    mass_kg: float = 3.2
    rotor_radius_m: float = 0.19
    rotors: int = 4
    wind_mps: float = 0.0
    wind_from_deg: float = 180.0
    gust_mps: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.system_id <= 254:
            raise ValueError(f"system id {self.system_id} is outside 1..254")
        if not (-90.0 <= self.lat_deg <= 90.0 and -180.0 <= self.lon_deg <= 180.0):
            raise ValueError(f"{self.name}: {self.lat_deg}, {self.lon_deg} is not a place on Earth")
        if min(self.battery_wh, self.mass_kg, self.rotor_radius_m, self.rotors) <= 0:
            raise ValueError(f"{self.name}: battery, mass, rotor radius and rotor count must be positive")


def disarm_delay_s(speedup: float) -> float:
    """DISARM_DELAY of a vehicle whose time runs so fast: 10 s as ArduCopter has it, of ours while its range allows.

    A ground station lives in our time. At ten times the pace it would have one second from arming to the start, and
    on a busy machine find the vehicle disarmed again. Source: ArduCopter, Parameters.cpp, 0 to 127 s.
    """
    return min(127.0, 10.0 * max(1.0, speedup))
