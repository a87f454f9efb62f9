"""The list of logs on board: a file for each boot that was armed."""

from __future__ import annotations

from pymavlink.dialects.v20 import ardupilotmega as mav

from simulator.flight.kinds import Cmd
from tests.simulator.station import ACCEPTED, Station


def listed(station: Station, first: int = 0, last: int = 0xFFFF) -> list[tuple[int, int]]:
    """The number of each log, and how many there are."""
    station.forget()
    station.send(mav.MAVLink_log_request_list_message(1, 1, first, last))
    return [(entry.id, entry.num_logs) for entry in station.all("LOG_ENTRY")]


def armed_once(station: Station) -> None:
    station.run(15.0)
    assert station.command(Cmd.COMPONENT_ARM_DISARM, 1) == ACCEPTED
    assert listed(station) == []
    assert "Disarm for log download" in station.texts
    station.run(1.0)
    assert station.command(Cmd.COMPONENT_ARM_DISARM, 0) == ACCEPTED


def test_each_boot_that_was_armed_has_its_log_and_an_armed_vehicle_lists_none() -> None:
    station = Station()
    assert listed(station) == [(0, 0)]
    for boots in (1, 2, 3):
        armed_once(station)
        armed_once(station)
        assert listed(station) == [(number, boots) for number in range(1, boots + 1)]
        assert station.command(Cmd.PREFLIGHT_REBOOT_SHUTDOWN, 1) == ACCEPTED
        station.run(1.0)
    assert listed(station, 2, 2) == [(2, 3)]
    assert all(entry.size > 0 and entry.time_utc > 0 for entry in station.all("LOG_ENTRY"))
