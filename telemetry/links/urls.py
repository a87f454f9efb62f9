"""The forms of a link's URL, and what each says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from telemetry.links.port import LinkError

FORMS = "udpin:HOST:PORT, udpout:HOST:PORT, tcpin:HOST:PORT, tcp:HOST:PORT, serial:DEVICE:BAUD or replay:FILE[:SPEED]"

_NETWORK = re.compile(r"^(\[[0-9a-fA-F:]+\]|[^:\s\[\]]+):(\d{1,5})$")
_SERIAL = re.compile(r"^(\S.*):(\d{1,7})$")
_REPLAY = re.compile(r"^(\S.*?)(?::(\d+(?:\.\d+)?))?$")
_BAUD = (1_200, 4_000_000)
_FASTEST_REPLAY = 100.0

Scheme = Literal["udpin", "udpout", "tcpin", "tcp"]


@dataclass(frozen=True, slots=True)
class NetworkAddress:
    """`udpin` and `tcpin` listen there, `udpout` and `tcp` connect to it."""

    scheme: Scheme
    host: str
    port: int

    @property
    def listens(self) -> bool:
        return self.scheme.endswith("in")


@dataclass(frozen=True, slots=True)
class SerialAddress:
    """A serial device, 8N1."""

    device: str
    baud: int


@dataclass(frozen=True, slots=True)
class Recording:
    """A `.tlog` to be played at `speed` times the pace at which it was recorded."""

    path: Path
    speed: float


LinkAddress = NetworkAddress | SerialAddress | Recording


def parse_url(url: str) -> LinkAddress:
    """What `url` says. Raises LinkError that names what is wrong with it."""
    scheme, _, rest = url.partition(":")
    match scheme:
        case "udpin" | "udpout" | "tcpin" | "tcp":
            return _network(url, scheme, rest)
        case "serial":
            return _serial(url, rest)
        case "replay":
            return _recording(url, rest)
    raise LinkError(f"{url!r} is no link URL; use {FORMS}")


def _network(url: str, scheme: Scheme, rest: str) -> NetworkAddress:
    found = _NETWORK.match(rest)
    if not found:
        raise LinkError(f"{url!r} lacks its host or port; use {FORMS}")
    port = int(found[2])
    lowest = 0 if scheme.endswith("in") else 1
    if not lowest <= port <= 65_535:
        raise LinkError(f"{url!r}: there is no port {port}; use {FORMS}")
    return NetworkAddress(scheme, found[1].strip("[]"), port)


def _serial(url: str, rest: str) -> SerialAddress:
    found = _SERIAL.match(rest)
    if not found:
        raise LinkError(f"{url!r} lacks its device or baud rate (serial:/dev/ttyUSB0:57600); use {FORMS}")
    baud = int(found[2])
    if not _BAUD[0] <= baud <= _BAUD[1]:
        raise LinkError(f"{url!r}: {baud} is no baud rate from {_BAUD[0]} to {_BAUD[1]}; use {FORMS}")
    return SerialAddress(found[1], baud)


def _recording(url: str, rest: str) -> Recording:
    found = _REPLAY.match(rest)
    if not found:
        raise LinkError(f"{url!r} names no file to play; use {FORMS}")
    speed = float(found[2] or 1.0)
    if not 0.0 < speed <= _FASTEST_REPLAY:
        raise LinkError(f"{url!r}: a recording is played at more than 0 to {_FASTEST_REPLAY:g} times its pace")
    return Recording(Path(found[1]), speed)
