"""From a line of configuration to its link."""

from __future__ import annotations

from typing import assert_never

from core.clock import Clock, SystemClock
from telemetry.links.meter import Meter
from telemetry.links.port import Link, LinkChange, LinkConfig, LinkError, OnChange, OnData
from telemetry.links.replay import ReplayLink
from telemetry.links.serial_port import SerialLink
from telemetry.links.tcp import TcpClientLink, TcpServerLink
from telemetry.links.udp import UdpLink
from telemetry.links.urls import NetworkAddress, Recording, SerialAddress, parse_url


def make_link(
    config: LinkConfig, on_data: OnData, *, on_change: OnChange | None = None, clock: Clock | None = None
) -> Link:
    """The link that `config` describes. Raises LinkError when its URL is not understood."""
    try:
        where = parse_url(config.url)
    except LinkError as error:
        raise LinkError(f"link {config.name!r}: {error}") from error
    clock = clock or SystemClock()
    meter = Meter(config, clock, on_change or _nobody)
    match where:
        case NetworkAddress(scheme="tcp"):
            return TcpClientLink(config.name, where, on_data, meter=meter, clock=clock)
        case NetworkAddress(scheme="tcpin"):
            return TcpServerLink(config.name, where, on_data, meter=meter, clock=clock)
        case NetworkAddress():
            return UdpLink(config.name, where, on_data, meter=meter, clock=clock)
        case SerialAddress():
            return SerialLink(config.name, where, on_data, meter=meter, clock=clock)
        case Recording():
            return ReplayLink(config.name, where, on_data, meter=meter)
    assert_never(where)


def _nobody(change: LinkChange) -> None:
    """Nobody is told."""
