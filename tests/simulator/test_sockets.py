"""The fleet on real sockets, with ports the system chooses."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymavlink.dialects.v20 import ardupilotmega as mav

from simulator.fleet import running_fleet
from simulator.sitl import (
    STOP_PATIENCE_S,
    SitlExited,
    SitlNotFound,
    command_line,
    defaults_text,
    find_binary,
    running_sitl_fleet,
)
from simulator.sockets import PortTaken
from simulator.vehicle import Vehicle
from tests.simulator.station import spec


class Line:
    """A peer with a codec of its own over whatever carries bytes."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._mav = mav.MAVLink(None, srcSystem=255, srcComponent=190)
        self._mav.robust_parsing = True
        self._write = write
        self.heard: list[Any] = []
        self.new = asyncio.Event()

    def send(self, message: Any) -> None:
        self._write(message.pack(self._mav))
        self._mav.seq = (self._mav.seq + 1) % 256

    def feed(self, data: bytes) -> None:
        self.heard.extend(self._mav.parse_buffer(data) or [])
        self.new.set()

    async def wait_for(self, kind: str, seconds: float = 5.0) -> Any:
        async with asyncio.timeout(seconds):
            while True:
                for message in self.heard:
                    if message.get_type() == kind:
                        return message
                self.new.clear()
                await self.new.wait()


class Udp(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.lines: dict[tuple[str, int], Line] = {}
        self.transport: Any = None
        self.news = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr not in self.lines:
            self.lines[addr] = Line(lambda reply: self.transport.sendto(reply, addr))
        self.lines[addr].feed(data)
        self.news.set()


async def connect(address: tuple[str, int]) -> tuple[Line, asyncio.StreamWriter, asyncio.Task[None]]:
    reader, writer = await asyncio.open_connection(*address)
    line = Line(writer.write)

    async def read() -> None:
        while data := await reader.read(4096):
            line.feed(data)

    return line, writer, asyncio.create_task(read())


async def hang_up(writer: asyncio.StreamWriter, task: asyncio.Task[None]) -> None:
    task.cancel()
    writer.close()
    await asyncio.gather(task, return_exceptions=True)


async def test_each_tcp_client_is_a_channel_of_its_own() -> None:
    async with running_fleet([spec(1), spec(2)], tcp_base_port=0) as fleet:
        assert set(fleet.tcp_addresses) == {1, 2}
        first, second = await connect(fleet.tcp_addresses[1]), await connect(fleet.tcp_addresses[1])
        other = await connect(fleet.tcp_addresses[2])
        for line, *_ in (first, second, other):
            await line.wait_for("HEARTBEAT")
        first[0].send(mav.MAVLink_param_request_read_message(1, 1, b"RTL_ALT", -1))
        assert (await first[0].wait_for("PARAM_VALUE")).get_srcSystem() == 1
        assert not [m for m in second[0].heard if m.get_type() == "PARAM_VALUE"]
        other[0].send(mav.MAVLink_param_request_read_message(2, 1, b"RTL_ALT", -1))
        assert (await other[0].wait_for("PARAM_VALUE")).get_srcSystem() == 2
        for _, writer, task in (first, second, other):
            await hang_up(writer, task)
        async with asyncio.timeout(5):
            while any(vehicle.channels for vehicle in fleet.vehicles.values()):  # noqa: ASYNC110 - nothing to wait on
                await asyncio.sleep(0.01)


async def test_udp_goes_both_ways_on_a_socket_per_vehicle() -> None:
    loop = asyncio.get_running_loop()
    transport, hub = await loop.create_datagram_endpoint(Udp, local_addr=("127.0.0.1", 0))
    target = transport.get_extra_info("sockname")
    async with running_fleet([spec(1), spec(2), spec(3)], tcp_base_port=None, udp_targets=[target]) as fleet:
        async with asyncio.timeout(5):
            while len(hub.lines) < 3:
                hub.news.clear()
                await hub.news.wait()
        assert fleet.tcp_addresses == {}
        for line in hub.lines.values():
            me = (await line.wait_for("HEARTBEAT")).get_srcSystem()
            line.send(mav.MAVLink_command_long_message(me, 1, 512, 0, 148, 0, 0, 0, 0, 0, 0))
            assert (await line.wait_for("AUTOPILOT_VERSION")).get_srcSystem() == me
    transport.close()


async def test_time_runs_as_fast_as_told() -> None:
    async with running_fleet([spec(1)], speedup=50, tcp_base_port=None) as fleet:
        await asyncio.sleep(0.4)
        assert 10 <= fleet.vehicles[1].aircraft.now_s <= 40
        assert fleet.vehicles[1].aircraft.params["SIM_SPEEDUP"] == 50


async def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"vehicle 1 cannot listen on 127.0.0.1:{port}: the port is taken"):
            async with running_fleet([spec(1)], tcp_base_port=port):
                pass


async def test_a_client_that_stops_reading_is_dropped_and_the_others_fly_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.sockets.SLOW_CLIENT_BYTES", 1000)
    async with running_fleet([spec(1)], speedup=100, tcp_base_port=0) as fleet:
        lazy = socket.create_connection(fleet.tcp_addresses[1])
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        codec = mav.MAVLink(None, srcSystem=255)
        lazy.sendall(mav.MAVLink_request_data_stream_message(1, 1, 0, 25, 1).pack(codec))
        good = await connect(fleet.tcp_addresses[1])
        async with asyncio.timeout(20):
            while fleet.board.slow_clients == 0:  # noqa: ASYNC110 - a counter gives no event
                await asyncio.sleep(0.02)
        good[0].heard.clear()
        await good[0].wait_for("HEARTBEAT")
        lazy.close()
        await hang_up(*good[1:])


async def test_an_error_in_the_simulation_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the context is what raises
        async with running_fleet([spec(1)], tcp_base_port=None) as fleet:
            monkeypatch.setattr(fleet.vehicles[1].aircraft, "step", lambda _dt: 1 / 0)
            await asyncio.sleep(5)


async def test_an_error_while_receiving_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the context is what raises
        async with running_fleet([spec(1)], tcp_base_port=0) as fleet:
            monkeypatch.setattr(fleet.vehicles[1], "receive", lambda _channel, _data: 1 / 0)
            line, writer, task = await connect(fleet.tcp_addresses[1])
            line.send(mav.MAVLink_heartbeat_message(6, 8, 0, 0, 0, 3))
            try:
                await asyncio.sleep(5)
            finally:
                await hang_up(writer, task)


async def test_an_error_of_the_caller_stays_as_it_is() -> None:
    with pytest.raises(KeyError, match="mine"):
        async with running_fleet([spec(1)], tcp_base_port=0):
            raise KeyError("mine")


async def test_two_vehicles_cannot_share_an_id() -> None:
    with pytest.raises(ValueError, match="must differ"):
        async with running_fleet([spec(1), spec(1)], tcp_base_port=None):
            pass


# -- SITL, without SITL --------------------------------------------------------------------------------------------


def program(folder: Path, text: str) -> Path:
    path = folder / "arducopter"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_the_binary_is_found_by_variable_then_by_path(tmp_path: Path) -> None:
    binary = program(tmp_path, "exit 0")
    assert find_binary({"BAILU_SITL_BINARY": str(binary)}) == binary
    assert find_binary({"PATH": str(tmp_path)}) == binary
    with pytest.raises(SitlNotFound, match=r"firmware\.ardupilot\.org"):
        find_binary({"PATH": "/nonexistent"})
    with pytest.raises(SitlNotFound, match="which is no file"):
        find_binary({"BAILU_SITL_BINARY": "/nonexistent/arducopter", "PATH": str(tmp_path)})


def test_the_defaults_file_makes_a_copter_that_can_fly() -> None:
    lines = defaults_text(spec(7, wind_mps=3.0), {"RTL_ALT": 3000}).splitlines()
    assert {"MAV_SYSID 7", "FRAME_CLASS 1", "SIM_WIND_SPD 3", "RTL_ALT 3000"} <= set(lines)


def test_serial_0_sends_to_the_target_at_once() -> None:
    line = command_line(Path("x"), spec(), 2, speedup=5, udp_target=("127.0.0.1", 14550), defaults=Path("d"))
    assert line[line.index("--serial0") + 1] == "udpclient:127.0.0.1:14550"
    assert line[line.index("-I") + 1] == "2"


@pytest.mark.parametrize(
    ("speedup", "delay_s"), [(0.5, 10.0), (1.0, 10.0), (4.0, 40.0), (10.0, 100.0), (50.0, 127.0)]
)
async def test_a_ground_station_has_ten_seconds_of_ours_from_arming_to_the_start(
    speedup: float, delay_s: float, tmp_path: Path
) -> None:
    embedded = Vehicle(spec(), speedup=speedup)
    assert embedded.aircraft.params["DISARM_DELAY"] == delay_s
    options = {"binary": program(tmp_path, "exec sleep 60"), "udp_target": ("127.0.0.1", 9), "work_dir": tmp_path}
    async with running_sitl_fleet([spec()], speedup=speedup, **options):  # type: ignore[arg-type]
        assert f"DISARM_DELAY {delay_s:g}\n" in (tmp_path / "sitl-1" / "defaults.parm").read_text()


async def test_a_sitl_that_dies_is_told_with_its_last_words(tmp_path: Path) -> None:
    binary = program(tmp_path, "echo out of luck; exit 3")
    with pytest.raises(SitlExited, match="status 3; its last lines:\nout of luck"):
        async with running_sitl_fleet([spec()], binary=binary, udp_target=("127.0.0.1", 9), work_dir=tmp_path):
            await asyncio.sleep(10)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_nothing_is_left_running(tmp_path: Path) -> None:
    binary = program(tmp_path, "exec sleep 60")
    async with running_sitl_fleet(
        [spec(1), spec(2)], binary=binary, udp_target=("127.0.0.1", 9), work_dir=tmp_path
    ) as fleet:
        pids = [process.pid for process in fleet.processes.values()]
        assert all(alive(pid) for pid in pids)
        (_, one), (_, other) = fleet.processes[2].tcp_addresses
        assert (one % 10, other) == (2, one + 1)
        begin = time.monotonic()
    assert not any(alive(pid) for pid in pids)
    assert time.monotonic() - begin < STOP_PATIENCE_S, "asked to end, not killed after a wait"


async def test_a_sitl_that_will_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.sitl.STOP_PATIENCE_S", 0.2)
    binary = program(tmp_path, "trap '' TERM; touch ready; while :; do sleep 0.05; done")
    async with running_sitl_fleet([spec()], binary=binary, udp_target=("127.0.0.1", 9), work_dir=tmp_path) as fleet:
        pid = fleet.processes[1].pid
        async with asyncio.timeout(5):
            while not (await asyncio.to_thread((tmp_path / "sitl-1" / "ready").exists)):  # noqa: ASYNC110 - a file gives no event
                await asyncio.sleep(0.02)
    assert not alive(pid)
