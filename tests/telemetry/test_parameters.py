"""Parameters and log lists against a simulated vehicle over good and bad air, and against made-up answers."""

from __future__ import annotations

import pytest

from telemetry.logs import ListLogs
from telemetry.packets import LogEntry, LogRequestList, ParamRequest, ParamSet, ParamValue
from telemetry.parameters import ListParams, ReadParams, SetParams
from tests.telemetry.air import Air

NAMES = ("FENCE_ENABLE", "RTL_ALT", "FS_GCS_ENABLE", "BATT_CAPACITY", "WPNAV_SPEED", "MIS_RESTART")


@pytest.mark.parametrize("loss", [0.0, 0.3, 0.5])
@pytest.mark.parametrize("seed", range(8))
def test_a_lossy_link_does_not_make_a_parameter_absent(loss: float, seed: int) -> None:
    air = Air(loss=loss, twice=0.05, jitter_s=0.05, seed=seed)
    read = air.run(ReadParams((*NAMES, "NO_SUCH", "RTL_ALT_M"), now_s=0.0), limit_s=60)
    assert read.done
    assert set(read.values) == set(NAMES)
    assert read.absent == {"NO_SUCH", "RTL_ALT_M"}
    assert read.values["RTL_ALT"] == 1500.0


def test_what_is_absent_is_known_within_two_seconds_on_a_good_link() -> None:
    air = Air()
    assert air.run(ReadParams(("RTL_ALT_M",), now_s=0.0), limit_s=60).absent == {"RTL_ALT_M"}
    assert air.now_s < 2.5


def test_many_names_are_asked_for_at_once() -> None:
    air = Air()
    names = tuple(reading.name for reading in air.vehicle.aircraft.params)[:60]
    assert set(air.run(ReadParams(names, now_s=0.0), limit_s=60).values) == set(names)
    assert air.now_s < 2.5


def test_silence_is_no_absence() -> None:
    air = Air(loss=1.0)
    read = air.run(ReadParams(NAMES, now_s=0.0), limit_s=60)
    assert not read.done
    assert read.absent == set()
    assert air.now_s < 10


@pytest.mark.parametrize("seed", range(6))
def test_settings_hold_over_bad_air(seed: int) -> None:
    air = Air(loss=0.3, twice=0.05, jitter_s=0.05, seed=seed)
    wanted = {"FENCE_ENABLE": 1.0, "RTL_ALT": 2500.0, "WPNAV_SPEED": 812.5, "MIS_RESTART": 0.0}
    assert air.run(SetParams(wanted, now_s=0.0), limit_s=60).kept == {}
    assert {name: air.vehicle.aircraft.params[name] for name in wanted} == wanted


def test_a_value_that_the_vehicle_does_not_take_is_told() -> None:
    air = Air()
    done = air.run(SetParams({"MIS_TOTAL": 5.0, "FENCE_ACTION": 300.0, "RTL_ALT": 1600.0}, now_s=0.0), limit_s=60)
    assert done.kept == {"MIS_TOTAL": 0.0, "FENCE_ACTION": 127.0}


@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_the_list_is_complete_whatever_the_air_loses(loss: float) -> None:
    air = Air(loss=loss, seed=4)
    listed = air.run(ListParams(now_s=0.0), limit_s=120)
    assert listed.values == {reading.name: reading.value for reading in air.vehicle.aircraft.params}


def test_a_list_beyond_its_bound_is_refused() -> None:
    machine = ListParams(now_s=0.0, bound=100)
    machine.on_time(0.0)
    machine.on_packet(ParamValue("A", 1.0, 0, 101), 0.1)
    assert machine.refused == 101


def test_a_list_that_changes_while_it_is_read_is_read_anew() -> None:
    machine = ListParams(now_s=0.0)
    for index in range(3):
        machine.on_packet(ParamValue(f"P{index}", index, index, 4), 0.1)
    machine.on_packet(ParamValue("Q0", 0.0, 0, 2), 0.2)
    machine.on_packet(ParamValue("Q1", 1.0, 1, 2), 0.3)
    assert machine.values == {"Q0": 0.0, "Q1": 1.0}


def test_the_bounded_queue_of_the_autopilot_is_not_overrun() -> None:
    machine = ReadParams([f"P{index}" for index in range(100)], now_s=0.0)
    assert len(machine.on_time(0.0)) <= 20
    settings = SetParams({f"P{index}": 1.0 for index in range(100)}, now_s=0.0)
    assert sum(isinstance(packet, ParamSet) for packet in settings.on_time(0.0)) <= 12
    assert sum(isinstance(packet, ParamRequest) for packet in settings.on_time(1.0)) <= 12


def entry(number: int, *, count: int, last: int) -> LogEntry:
    return LogEntry(number, count, last, 1_700_000_000 + number, 1000 * number)


def test_gaps_in_the_list_of_logs_are_asked_for_again() -> None:
    machine = ListLogs(now_s=0.0)
    assert machine.on_time(0.0) == [LogRequestList(0, 0xFFFF)]
    for number in (3, 6, 7):
        machine.on_packet(entry(number, count=5, last=7), 0.1)
    assert machine.on_time(1.2) == [LogRequestList(4, 5)]
    for number in (4, 5):
        machine.on_packet(entry(number, count=5, last=7), 1.3)
    assert machine.done
    assert [log.id for log in machine.logs] == [3, 4, 5, 6, 7]


def test_no_logs_at_all_is_an_answer() -> None:
    machine = ListLogs(now_s=0.0)
    machine.on_time(0.0)
    machine.on_packet(LogEntry(0, 0, 0, None, 0), 0.1)
    assert machine.done
    assert machine.logs == ()


def test_of_a_full_card_the_newest_logs_are_listed() -> None:
    machine = ListLogs(now_s=0.0, bound=3)
    machine.on_time(0.0)
    for number in range(1, 501):
        machine.on_packet(entry(number, count=500, last=500), 0.1)
    assert [log.id for log in machine.logs] == [498, 499, 500]
