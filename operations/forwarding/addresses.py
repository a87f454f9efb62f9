"""Where data may go: schemes by kind of target, and which addresses are never connected to."""

from __future__ import annotations

import ipaddress
from enum import StrEnum
from urllib.parse import urlsplit

from core.errors import FieldError

MAX_URL = 2_048


class TargetKind(StrEnum):
    """How a target is reached."""

    WEBSOCKET = "websocket"
    MQTT = "mqtt"
    HTTP = "http"


# The encrypted scheme first.
SCHEMES = {
    TargetKind.WEBSOCKET: ("wss", "ws"),
    TargetKind.MQTT: ("mqtts", "mqtt"),
    TargetKind.HTTP: ("https", "http"),
}
PORTS = {"wss": 443, "ws": 80, "mqtts": 8883, "mqtt": 1883, "https": 443, "http": 80}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Where clouds answer with a machine's credentials outside of the link-local blocks:
# Alibaba Cloud (100.100.100.200), Oracle (192.0.0.192), Azure's host (168.63.129.16), AWS over IPv6 (fd00:ec2::254).
_METADATA = frozenset(
    map(ipaddress.ip_address, ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254"))
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052


def url_errors(kind: TargetKind, url: str) -> list[FieldError]:
    """What is wrong with a target's address as far as it can be told without asking anybody; [] when nothing is."""
    pointer = "/target/url"
    if len(url) > MAX_URL or not url.isprintable() or " " in url:
        return [FieldError(pointer, f"must be at most {MAX_URL} printable characters without spaces")]
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return [FieldError(pointer, f"is no address: {error}")]
    wrong = []
    if parts.scheme not in SCHEMES[kind]:
        wrong.append(FieldError(pointer, f"must begin with {' or '.join(f'{each}://' for each in SCHEMES[kind])}"))
    if not parts.hostname or port == 0:
        wrong.append(FieldError(pointer, "names no host, or port 0"))
    if parts.username is not None or parts.password is not None:
        wrong.append(FieldError(pointer, "must not hold credentials: they have members of their own"))
    if parts.fragment:
        wrong.append(FieldError(pointer, "must not have a fragment"))
    if kind is TargetKind.MQTT and (parts.path not in ("", "/") or parts.query):
        wrong.append(FieldError(pointer, "a broker's address has no path"))
    return wrong or _literal_errors(parts.hostname or "", pointer)


def _literal_errors(host: str, pointer: str) -> list[FieldError]:
    try:
        refused = refusal(ipaddress.ip_address(host), private_allowed=True)
    except ValueError:
        return []
    return [FieldError(pointer, refused)] if refused else []


def endpoint(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address that `url_errors` found nothing wrong with."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme]


def same_door(first: str, second: str) -> bool:
    """Whether both addresses are the same scheme, host and port: a secret told to one may be told to the other."""
    return endpoint(first) == endpoint(second)


def refusal(address: Address, *, private_allowed: bool) -> str | None:
    """Why data are never sent to `address`; None when they may be."""
    inner = _inner(address)
    if inner.is_link_local or inner in _METADATA:
        return f"{address} is link-local or a cloud's metadata service: nothing is ever sent there"
    if inner.is_unspecified or inner.is_multicast or (inner.version == 4 and inner == _BROADCAST):
        return f"{address} is not the address of one machine"
    if not private_allowed and not inner.is_global:
        return f"{address} is a private address, and the settings do not allow those (forwarding.allow_private)"
    return None


_BROADCAST = ipaddress.ip_address("255.255.255.255")


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, if it does; else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
