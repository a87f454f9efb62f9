"""SITL instance numbers: who has some has them alone, and lets go of them."""

from __future__ import annotations

import multiprocessing
import socket

import pytest

from simulator import instances
from simulator.instances import BASE_PORT, PORT_STRIDE, NoInstanceFree, claimed_instances


def test_two_who_claim_at_the_same_time_get_different_numbers() -> None:
    with claimed_instances(3) as first, claimed_instances(2) as second:
        assert not {*range(first, first + 3)} & {*range(second, second + 2)}
        with claimed_instances(1) as third:
            assert third not in {*range(first, first + 3), *range(second, second + 2)}


def claim(count: int) -> set[int]:
    with claimed_instances(count) as first:
        return {*range(first, first + count)}


def test_another_process_does_not_get_what_is_claimed_here() -> None:
    with claimed_instances(2) as first, multiprocessing.get_context("spawn").Pool(1) as pool:
        assert not pool.apply(claim, (2,)) & {first, first + 1}


@pytest.mark.parametrize("serial", [0, 2, 3])
def test_a_number_with_a_port_in_use_is_passed_over(serial: int) -> None:
    with claimed_instances(1) as free:
        pass
    with socket.create_server(("127.0.0.1", BASE_PORT + PORT_STRIDE * free + serial)), claimed_instances(1) as other:
        assert other != free


def test_there_is_an_end_to_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instances, "MOST", 0)
    with pytest.raises(NoInstanceFree, match="No 1 SITL"), claimed_instances(1):
        pass
