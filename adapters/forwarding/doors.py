"""Which machine a target's name means just now, and whether data may go there; certificates are checked always."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from operations.forwarding.addresses import SCHEMES, endpoint, refusal
from operations.forwarding.ports import TargetAway

BLOCKED_AT_MOST = 3
_SECURE = frozenset(secure for secure, _ in SCHEMES.values())


@dataclass(frozen=True, slots=True)
class Door:
    """Where to connect to: the address that was looked at; the name may mean another one a moment later."""

    scheme: str
    host: str
    address: str
    port: int
    tls: ssl.SSLContext
    is_secure: bool

    @property
    def authority(self) -> str:
        """Host and port as a Host header has them (RFC 9110, section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Doors:
    """Looks names up and refuses what `forwarding.addresses` refuses. `ca_file`: a city's own authority.

    What blocks a thread (a name server or a broker that does not answer) is kept to a few of them, so that no number
    of dead targets takes those that the rest of the platform needs.
    """

    def __init__(self, *, allow_private: bool = True, ca_file: Path | None = None) -> None:
        self._allow_private = allow_private
        self._ca_file = ca_file
        self._tls: ssl.SSLContext | None = None
        self._threads = ThreadPoolExecutor(max_workers=BLOCKED_AT_MOST, thread_name_prefix="forwarding-names")
        self.blocking = asyncio.Semaphore(BLOCKED_AT_MOST)

    async def door(self, url: str) -> Door:
        """Raises TargetAway: the name is not known, or one of its addresses may not be connected to."""
        scheme, host, port = endpoint(url)
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            )
        except OSError as error:
            raise TargetAway(f"the name {host} is not known: {error.strerror or error}") from error
        addresses = [str(each[4][0]).partition("%")[0] for each in found]
        for address in addresses:
            why = refusal(ipaddress.ip_address(address), private_allowed=self._allow_private)
            if why is not None:
                raise TargetAway(why)
        if self._tls is None:
            self._tls = await loop.run_in_executor(self._threads, self._context)
        return Door(scheme, host, addresses[0], port, self._tls, scheme in _SECURE)

    def _context(self) -> ssl.SSLContext:
        """Made once: reading the system's certificates takes a tick's time."""
        try:
            context = ssl.create_default_context(cafile=self._ca_file)
        except OSError as error:
            raise TargetAway(
                f"the certificates in {self._ca_file} cannot be read: {error.strerror or error}"
            ) from error
        if self._ca_file is not None:
            context.load_default_certs()
        return context
