"""What a network doubles, and what it loses, on its way to a command that must not run twice."""

from __future__ import annotations

from bench.vehicles.commands import a_vehicle, executed, signing

SEEDS = range(150)


def test_a_signed_command_that_the_network_doubles_runs_once() -> None:
    vehicle = a_vehicle()
    signer = signing(vehicle)
    runs = [executed(seed, vehicle, signer=signer, doubled=0.5) for seed in SEEDS]
    assert {times for times, _ in runs} == {0, 1}
    assert not any(told and not times for times, told in runs)


def test_an_unsigned_one_runs_twice_which_is_why_vehicles_sign() -> None:
    vehicle = a_vehicle()
    assert max(executed(seed, vehicle, doubled=0.5)[0] for seed in SEEDS) == 2


def test_without_a_network_that_doubles_nothing_runs_twice_either() -> None:
    vehicle = a_vehicle()
    assert max(executed(seed, vehicle)[0] for seed in SEEDS) == 1
