"""Ports and devices: free, ours, or whose."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

import pytest

from api.doctor import ports
from api.doctor.finding import Verdict
from tests.api.doctor.conftest import only, patient_of


@pytest.mark.parametrize(("scheme", "kind"), [("udpin", socket.SOCK_DGRAM), ("tcpin", socket.SOCK_STREAM)])
def test_a_taken_port_is_told_with_the_process_that_has_it(
    tmp_path: Path, scheme: str, kind: socket.SocketKind
) -> None:
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            other.listen(1)
        port = other.getsockname()[1]
        patient = patient_of(tmp_path, link=f"{scheme}:127.0.0.1:{port}")
        taken = only(ports.links(patient))
        assert taken.verdict is Verdict.FAILURE
        if sys.platform == "linux":
            assert f"process {os.getpid()} (" in taken.found
            assert f"kill {os.getpid()}" in taken.remedy
    assert only(ports.links(patient)).verdict is Verdict.GOOD


def test_a_port_that_the_running_platform_has_is_good(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells whose a port is")
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", 0))
        ours.listen(1)
        patient = patient_of(tmp_path, port=ours.getsockname()[1])
        assert only(ports.http(patient)).verdict is Verdict.FAILURE
        (tmp_path / "platform.json").write_text(json.dumps({"pid": os.getpid(), "url": "http://127.0.0.1/"}))
        assert only(ports.http(patient)).verdict is Verdict.GOOD
        (tmp_path / "platform.json").write_text(json.dumps({"pid": os.getppid(), "url": "http://127.0.0.1/"}))
        assert only(ports.http(patient)).verdict is Verdict.FAILURE
        (tmp_path / "platform.json").write_text("{")
        assert only(ports.http(patient)).verdict is Verdict.FAILURE


def test_another_user_s_process_is_not_looked_into(tmp_path: Path) -> None:
    net = tmp_path / "net"
    net.mkdir()
    listening, visiting = "0: 0100007F:20E4 00000000:0000 0A", "1: 0100007F:20E4 0100007F:9999 01"
    rest = "0:0 00:0 0 1000 0"
    (net / "tcp").write_text(f"sl local\n {listening} {rest} 4711 1\n {visiting} {rest} 4712 1\n")
    (tmp_path / "78" / "fd").mkdir(parents=True)
    (tmp_path / "78" / "fd" / "9").symlink_to("socket:[4712]")
    (tmp_path / "77").mkdir()
    assert ports.owners(0x20E4, socket.SOCK_STREAM, tmp_path) == []
    (tmp_path / "77" / "fd").mkdir()
    (tmp_path / "77" / "fd" / "3").symlink_to("socket:[4711]")
    assert ports.owners(0x20E4, socket.SOCK_STREAM, tmp_path) == [77]
    assert ports.owners(0x20E4, socket.SOCK_DGRAM, tmp_path) == []


def test_a_radio_that_is_not_plugged_in_or_not_ours_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    radio = tmp_path / "ttyUSB0"
    patient = patient_of(tmp_path, link=f"serial:{radio}:57600")
    assert "does not exist" in only(ports.links(patient)).found
    radio.write_text("")
    assert only(ports.links(patient)).verdict is Verdict.GOOD
    monkeypatch.setattr("api.doctor.ports.os.access", lambda *_: False)
    assert "may not be used" in only(ports.links(patient)).found


def test_a_far_end_that_no_name_server_knows_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert only(ports.links(patient_of(tmp_path, link="tcp:127.0.0.1:5760"))).verdict is Verdict.GOOD

    def unknown(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("api.doctor.ports.socket.getaddrinfo", unknown)
    found = only(ports.links(patient_of(tmp_path, link="udpout:no.such.host:14550")))
    assert (found.verdict, "no.such.host" in found.found) == (Verdict.FAILURE, True)


def test_a_recording_is_told_and_one_that_is_missing_is_a_failure(tmp_path: Path) -> None:
    file = tmp_path / "flight.tlog"
    assert only(ports.links(patient_of(tmp_path, link=f"replay:{file}"))).verdict is Verdict.FAILURE
    file.write_bytes(b"")
    assert only(ports.links(patient_of(tmp_path, link=f"replay:{file}"))).verdict is Verdict.WARNING
