"""The power of an airframe out of a flight's own log: three numbers by least squares, and how well they fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geofence.frame import Array
from missions.power import lift

# What a log must hold: so many seconds in the air in all, in the hover and in cruise.
LEAST_FLIGHT_S = 120.0
LEAST_PART_S = 10.0
HOVER_BELOW_MPS = 1.0
CRUISE_ABOVE_MPS = 4.0
# The fit is judged by means over so long: gusts and the noise of the current sensor even out in flight too.
BLOCK_S = 30.0
# A sample stands for at most so long: a hole in the log is not filled.
LONGEST_STEP_S = 2.0
# No calibration is better than this: batteries age and air changes its density with the season.
LEAST_SPREAD = 0.03


class NotEnoughFlight(ValueError):
    """The log does not show what the numbers are made of; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Samples:
    """A flight in the air, all (N,), times rising. Without a wind sensor ground speed stands for air speed."""

    time_s: Array
    air_speed_mps: Array
    climb_mps: Array
    power_w: Array


@dataclass(frozen=True, slots=True)
class Calibration:
    """What `Airframe` wants to know. `residual`: standard deviation of the power about the fit, as a share."""

    hover_w: float
    cruise_w: float
    cruise_mps: float
    climb_j_per_m: float
    lift_share: float
    residual: float

    @property
    def spread(self) -> float:
        """The standard deviation to plan with."""
        return max(LEAST_SPREAD, self.residual)


def calibrate(samples: Samples) -> Calibration:
    """The numbers that fit a flight best, none of them negative. Raises NotEnoughFlight.

    Power = hover − lift · saved(v) + drag · v³ + climb · max(0, climb rate): linear in the four, weighted by time.
    """
    weight = np.minimum(np.diff(samples.time_s, append=samples.time_s[-1:]), LONGEST_STEP_S)
    _check(samples, weight)
    speed = samples.air_speed_mps
    parts = np.column_stack((np.ones(len(speed)), -lift(speed), speed**3, np.maximum(0.0, samples.climb_mps)))
    factors = _fit(parts, samples.power_w, weight)
    hover_w, lift_w, _, climb = factors.tolist()
    level = (np.abs(samples.climb_mps) < 0.5) & (speed > CRUISE_ABOVE_MPS)
    cruise_mps = round(float(np.median(speed[level])), 1)
    cruise_w = hover_w - lift_w * float(lift(cruise_mps)) + float(factors[2]) * cruise_mps**3
    return Calibration(
        hover_w=hover_w,
        cruise_w=cruise_w,
        cruise_mps=cruise_mps,
        climb_j_per_m=climb,
        lift_share=lift_w / hover_w,
        residual=_residual(samples, parts @ factors, weight),
    )


def joined(flights: list[Samples]) -> Samples:
    """Several flights as one, their times moved apart by a step that no sample stands for."""
    moved, begin_s = [], 0.0
    for flight in flights:
        moved.append(flight.time_s - flight.time_s[0] + begin_s)
        begin_s = float(moved[-1][-1]) + LONGEST_STEP_S
    return Samples(
        np.concatenate(moved),
        np.concatenate([flight.air_speed_mps for flight in flights]),
        np.concatenate([flight.climb_mps for flight in flights]),
        np.concatenate([flight.power_w for flight in flights]),
    )


def _check(samples: Samples, weight: Array) -> None:
    still = np.abs(samples.climb_mps) < 0.5
    for what, least_s, which in (
        ("flight", LEAST_FLIGHT_S, np.ones(len(weight), dtype=bool)),
        ("hover", LEAST_PART_S, samples.air_speed_mps < HOVER_BELOW_MPS),
        (
            f"level flight above {CRUISE_ABOVE_MPS:g} m/s",
            LEAST_PART_S,
            still & (samples.air_speed_mps > CRUISE_ABOVE_MPS),
        ),
        ("climb", LEAST_PART_S, samples.climb_mps > 0.5),
    ):
        found_s = float(weight[which].sum())
        if found_s < least_s:
            raise NotEnoughFlight(f"{found_s:.0f} s of {what}; a calibration needs {least_s:g} s")


def _fit(parts: Array, power_w: Array, weight: Array) -> Array:
    """Least squares without negative factors: the most negative is left out until there is none."""
    root = np.sqrt(weight)
    factors = np.zeros(parts.shape[1])
    used: NDArray[np.intp] = np.arange(parts.shape[1])
    while len(used):
        found, *_ = np.linalg.lstsq(parts[:, used] * root[:, None], power_w * root, rcond=None)
        if (found >= 0.0).all():
            factors[used] = found
            break
        used = np.delete(used, found.argmin())
    if factors[0] <= 0.0:
        raise NotEnoughFlight("the power in the log does not look like that of a multirotor")
    return factors


def _residual(samples: Samples, fitted_w: Array, weight: Array) -> float:
    block = ((samples.time_s - samples.time_s[0]) // BLOCK_S).astype(np.int64)
    seconds = np.bincount(block, weight)
    full = seconds > BLOCK_S / 2.0
    used_j = np.bincount(block, weight * samples.power_w)[full]
    fitted_j = np.bincount(block, weight * fitted_w)[full]
    return float(np.sqrt(np.mean((used_j / fitted_j - 1.0) ** 2)))
