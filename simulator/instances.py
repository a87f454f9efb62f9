"""Which instance numbers SITL processes of this machine fly under: each number stands for a set of ports."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

BASE_PORT = 5760
PORT_STRIDE = 10
MOST = 100
_LISTENING = (2, 3)  # serial ports of a SITL whose serial 0 sends UDP


class NoInstanceFree(RuntimeError):
    """Every number has a port that is in use."""

    def __init__(self, count: int) -> None:
        last = BASE_PORT + PORT_STRIDE * MOST - 1
        super().__init__(
            f"No {count} SITL fit beside each other into TCP ports {BASE_PORT} to {last}: all are in use."
        )


@contextmanager
def claimed_instances(count: int) -> Iterator[int]:
    """The first of `count` numbers in a row that nobody uses, and that nobody else gets while the context lasts.

    The claim is the TCP port of serial 0, which SITL with UDP there leaves alone: bound without listening, so that
    two who look at the same moment do not find the same numbers, and let go of however a process ends.
    Raises NoInstanceFree.
    """
    for first in range(0, MOST - count + 1, count):
        with ExitStack() as claims:
            if all(_claimed(claims, first + place) for place in range(count)):
                yield first
                return
    raise NoInstanceFree(count)


def _claimed(claims: ExitStack, instance: int) -> bool:
    """Whether the number is ours now, and the ports that SITL is going to listen on are free."""
    base = BASE_PORT + PORT_STRIDE * instance
    claim = claims.enter_context(closing(socket.socket()))
    try:
        claim.bind(("127.0.0.1", base))  # without SO_REUSEADDR: with it two may bind what neither listens on
    except OSError:
        return False
    return all(_is_free(base + serial) for serial in _LISTENING)


def _is_free(port: int) -> bool:
    """As SITL would bind it: what a closed connection left behind is in nobody's way."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
