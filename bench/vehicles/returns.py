"""A return under loss: how soon the vehicle is seen to obey, in simulated time, against the simulator's own code."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from bench.figure import Figure
from simulator.vehicle import Vehicle
from telemetry.acting import Act, class_of, effect_of
from telemetry.packets import Cmd, CommandLong, Mode
from tests.simulator.station import Station, spec
from tests.telemetry.air import Air

_LOSS = 0.3
_RETURN = CommandLong(Cmd.DO_SET_MODE, (1.0, float(Mode.RTL)))
_LATEST_S = 30.0


def flying() -> Vehicle:
    """A vehicle that holds 40 m above its pad; nobody listens to it yet."""
    vehicle = Station(Vehicle(spec(11))).hover(40.0).vehicle
    for channel in tuple(vehicle.channels):
        vehicle.close_channel(channel)
    return vehicle


def returned_after_s(seed: int, vehicle: Vehicle) -> float:
    """Seconds from the operator's word to the mode being seen; infinity when it was not seen in half a minute."""
    air = Air(loss=_LOSS, twice=0.05, jitter_s=0.03, delay_s=0.035, seed=seed, vehicle=copy.deepcopy(vehicle))
    act = Act(_RETURN, class_of(_RETURN), now_s=0.0, until_s=_LATEST_S, shows=effect_of(_RETURN), urgent=True)
    air.run(act, limit_s=_LATEST_S)
    return air.now_s if act.done else float("inf")


def returns(seeds: int = 10_000) -> Iterator[Figure]:
    """Goal: seen within 5 s in 99.99 % of the seeds."""
    vehicle = flying()
    took_s = sorted(returned_after_s(seed, vehicle) for seed in range(seeds))
    soon = 100.0 * sum(took <= 5.0 for took in took_s) / seeds
    name = f"vehicles.returns.{seeds}"
    yield Figure(f"{name}.seen-within-5-s", soon, "%", 99.99, "higher")
    yield Figure(f"{name}.p50", took_s[seeds // 2], "s")
    yield Figure(f"{name}.p99", took_s[int(0.99 * (seeds - 1))], "s")
    yield Figure(f"{name}.worst", took_s[-1], "s")
