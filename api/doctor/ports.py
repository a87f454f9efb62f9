"""Ports and devices: free, or whose."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec

from api.doctor.finding import Finding, Patient, failure, good, warning
from api.fleet_process import process_start
from api.folder import PLATFORM_FILE
from api.settings import LinkSetting
from telemetry.links.urls import NetworkAddress, Recording, SerialAddress, parse_url

_LISTENING = "0A"  # TCP_LISTEN (Linux, include/net/tcp_states.h)


def http(patient: Patient) -> Iterator[Finding]:
    """The console's port."""
    settings = patient.settings
    yield from _port("http port", settings.host, settings.port, socket.SOCK_STREAM, patient)


def links(patient: Patient) -> Iterator[Finding]:
    """What each link listens on, or is plugged into."""
    for link in patient.settings.links:
        yield from _link(link, patient)


def _link(link: LinkSetting, patient: Patient) -> Iterator[Finding]:
    name, where = f"link {link.name}", parse_url(link.url)
    match where:
        case NetworkAddress(listens=True):
            kind = socket.SOCK_DGRAM if where.scheme.startswith("udp") else socket.SOCK_STREAM
            yield from _port(name, where.host, where.port, kind, patient)
        case NetworkAddress():
            yield from _far_end(name, where)
        case SerialAddress():
            yield from _device(name, Path(where.device))
        case Recording():
            yield from _recording(name, where.path)


def _port(name: str, host: str, port: int, kind: socket.SocketKind, patient: Patient) -> Iterator[Finding]:
    found = f"{host}:{port}"
    if port == 0 or _is_free(host, port, kind):
        yield good(name, f"{found} is free")
        return
    pids = owners(port, kind, patient.proc)
    ours = _platform(patient)
    if ours is not None and ours in pids:
        yield good(name, f"{found} is the running Bailu's (process {ours})")
        return
    who = ", ".join(f"process {pid} ({command(pid, patient.proc)})" for pid in pids) or "another user's program"
    stop = f"Stop it (kill {pids[0]})" if pids else "Stop it"
    yield failure(name, f"{found} is taken by {who}", f"{stop}, or choose another port in the settings.")


def _is_free(host: str, port: int, kind: socket.SocketKind) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def owners(port: int, kind: socket.SocketKind, proc: Path) -> list[int]:
    """The processes that have a socket at the port, as far as we may look (proc(5), net/tcp and fd)."""
    tables = ("tcp", "tcp6") if kind is socket.SOCK_STREAM else ("udp", "udp6")
    inodes = {inode for table in tables for inode in _inodes(proc / "net" / table, port, table.startswith("tcp"))}
    wanted = {f"socket:[{inode}]" for inode in inodes}
    return sorted(
        int(each.name) for each in proc.iterdir() if each.name.isdigit() and wanted & set(_open_files(each))
    )


def _inodes(table: Path, port: int, tcp: bool) -> Iterator[str]:
    for line in table.read_text().splitlines()[1:] if table.exists() else ():
        words = line.split()
        if int(words[1].rpartition(":")[2], 16) == port and (not tcp or words[3] == _LISTENING):
            yield words[9]


def _open_files(process: Path) -> Iterator[str]:
    try:
        for each in (process / "fd").iterdir():
            yield str(each.readlink())
    except OSError:  # another user's, or it has just ended
        return


def command(pid: int, proc: Path) -> str:
    """What a process was started as, in short."""
    try:
        words = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return "ended"
    return b" ".join(words).decode(errors="replace").strip()[:80]


def _platform(patient: Patient) -> int | None:
    """The process of the platform that runs on this data folder."""
    try:
        told = msgspec.json.decode((patient.settings.data_dir / PLATFORM_FILE).read_bytes())
        pid = int(told["pid"])
    except (OSError, msgspec.DecodeError, KeyError, TypeError, ValueError):
        return None
    return pid if process_start(pid) is not None else None


def _far_end(name: str, where: NetworkAddress) -> Iterator[Finding]:
    try:
        socket.getaddrinfo(where.host, where.port)
    except OSError as error:
        yield failure(
            name, f"{where.host} is not known ({error.strerror})", "Correct the link's host, or its DNS entry."
        )
    else:
        yield good(name, f"calls {where.host}:{where.port}")


def _device(name: str, device: Path) -> Iterator[Finding]:
    if not device.exists():
        yield failure(
            name, f"{device} does not exist", "Plug the radio in; `ls /dev/serial/by-id` shows what there is."
        )
    elif not os.access(device, os.R_OK | os.W_OK):
        yield failure(name, f"{device} may not be used", "Put the user who runs Bailu into the group of the device.")
    else:
        yield good(name, f"{device} is there")


def _recording(name: str, file: Path) -> Iterator[Finding]:
    if os.access(file, os.R_OK):
        yield warning(name, f"plays {file}: shown, never flown", "Take it out of the settings of a real platform.")
    else:
        yield failure(name, f"{file} cannot be read", "Correct the link's file.")
