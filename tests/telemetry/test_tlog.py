from __future__ import annotations

import struct
from pathlib import Path

import pytest
from pymavlink.dialects.v20 import ardupilotmega as dialect

from telemetry.packets import Heartbeat
from telemetry.tlog import BadLog, read_tlog

BEAT = dialect.MAVLink_heartbeat_message(2, 3, 128, 5, 4, 3)


def record(time_s: float, *, version1: bool = False) -> bytes:
    codec = dialect.MAVLink(None, srcSystem=11, srcComponent=1)
    return struct.pack(">Q", round(time_s * 1e6)) + bytes(BEAT.pack(codec, force_mavlink1=version1))


def test_every_record_comes_back_with_its_time(tmp_path: Path) -> None:
    log = tmp_path / "a.tlog"
    log.write_bytes(record(1.5) + record(2.25, version1=True) + record(3.0))
    read = list(read_tlog(log))
    assert [time_s for time_s, _ in read] == [1.5, 2.25, 3.0]
    assert {frame.packet for _, frame in read} == {Heartbeat(True, True, 5, 4)}


def test_a_record_cut_off_at_the_end_is_left_out(tmp_path: Path) -> None:
    whole = record(1.0) + record(2.0)
    for cut in range(1, len(record(2.0))):
        (tmp_path / "a.tlog").write_bytes(whole[:-cut])
        assert [time_s for time_s, _ in read_tlog(tmp_path / "a.tlog")] == [1.0]


def test_a_file_that_is_no_log_is_named_with_the_place(tmp_path: Path) -> None:
    log = tmp_path / "photo.tlog"
    log.write_bytes(record(1.0) + b"this is no record at all")
    with pytest.raises(BadLog, match=r"photo\.tlog: no MAVLink frame at byte 37"):
        list(read_tlog(log))
    with pytest.raises(BadLog, match="No such file"):
        list(read_tlog(tmp_path / "absent.tlog"))
