"""The heart's process, `python -m telemetry.heart`: beats on copies of the links' own descriptors while it is fed.

Its standard input is a socket: one JSON document a line, descriptors beside them (SCM_RIGHTS), see `Control`. Apart
from the gateway so that neither its event loop, its garbage collector nor its long computations can hold a beat up;
fed by it so that a gateway that is dead or frozen is not covered up (MAVLink, heartbeat protocol).
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import stat
import time
from contextlib import suppress

from telemetry.heart.beating import Beating, Signing, Target

# What a successor says that starts (`telemetry.heart.door`, which this small process does not import).
SOON = b"soon\n"
_WORD_WITHIN_S = 0.25

TICK_S = 0.25
REPORT_S = 1.0
# A stream with so much waiting is not read by its peer: a beat would wait behind it, or end in the middle of a frame.
_MOST_WAITING = 16 * 1024
_SIOCOUTQ = 0x5411  # tty_ioctl(4), socket(7) of Linux
_MAX_LINE = 64 * 1024


class Outlet:
    """A descriptor that beats leave by: a socket, connected or not, or a serial device."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._socket = socket.socket(fileno=fd) if stat.S_ISSOCK(os.fstat(fd).st_mode) else None
        self._connected = self._is_connected()

    def _is_connected(self) -> bool:
        try:
            return self._socket is None or bool(self._socket.getpeername())
        except OSError:
            return False

    def send(self, data: bytes, address: tuple[str, int] | None) -> bool:
        """Whether the beat left; never waits."""
        try:
            if self._connected and self._waiting() > _MOST_WAITING:
                return False
            if self._socket is None:
                return os.write(self._fd, data) == len(data)
            if self._connected:
                return self._socket.send(data, socket.MSG_DONTWAIT) == len(data)
            return address is not None and self._socket.sendto(data, socket.MSG_DONTWAIT, address) == len(data)
        except OSError:
            return False

    def _waiting(self) -> int:
        from fcntl import ioctl  # noqa: PLC0415 - only streams ask

        try:
            return int.from_bytes(ioctl(self._fd, _SIOCOUTQ, b"\0\0\0\0"), "little")
        except OSError:
            return 0

    def close(self) -> None:
        if self._socket is None:
            os.close(self._fd)
        else:
            self._socket.close()


class Control:
    """What the core says, done to `beating` and the outlets.

    `socket`: the next descriptor is outlet `id`. `close`: it goes. `beat`: target `id` gets heartbeats. `quiet`: it
    gets none any more. `stamp`: it signs by a time that jumped ahead. `feed`: the core worked at `at_s`. `door`: the
    next descriptor listens for a successor. `end`: the core stops in order.
    """

    def __init__(self, beating: Beating) -> None:
        self.beating = beating
        self.outlets: dict[int, Outlet] = {}
        self.door: socket.socket | None = None
        self._fds: list[int] = []
        self._text = b""

    def take(self, data: bytes, fds: list[int]) -> None:
        """Bytes as they come; the last line may be unfinished."""
        self._fds += fds
        *lines, self._text = (self._text + data).split(b"\n")
        if len(self._text) > _MAX_LINE:
            raise ValueError("a line without an end")
        for line in lines:
            self._do(json.loads(line))

    def _do(self, said: dict) -> None:  # type: ignore[type-arg]
        kind, number = said["do"], said.get("id", 0)
        if kind == "feed":
            self.beating.feed(said["at_s"])
        elif kind == "beat":
            self.beating.targets[number] = _target(said)
        elif kind == "stamp":
            signing = self.beating.targets[number].signing
            if signing is not None:
                signing.advance(said["mono_s"], said["stamp"])
        elif kind == "quiet":
            self.beating.targets.pop(number, None)
        elif kind == "socket":
            self.outlets[number] = Outlet(self._fds.pop(0))
        elif kind == "close":
            self.outlets.pop(number).close()
        elif kind == "door":
            self.door = socket.socket(fileno=self._fds.pop(0))
        elif kind == "end":
            self.beating.ended = True


def _target(said: dict) -> Target:  # type: ignore[type-arg]
    sign = said["sign"]
    signing = sign and Signing(bytes.fromhex(sign["key"]), sign["link_id"], sign["mono_s"], sign["stamp"])
    to = said["to"]
    return Target(said["socket"], to and (to[0], to[1]), said["every_s"], tuple(said["source"]), signing)


class Heart:
    """The loop: listen to the core, beat, report. Ends when told to, when a successor comes, or unfed."""

    def __init__(self, core: socket.socket) -> None:
        self._core = core
        self._core_lives = True
        self._control = Control(Beating())
        self._sent = self._failed = 0
        self._reported_s = 0.0
        self._visitor: socket.socket | None = None
        core.setblocking(False)

    def run(self) -> None:
        beating = self._control.beating
        while not beating.ended:
            now_s = time.monotonic()
            if not self._core_lives and not beating.beats(now_s):
                return
            self._beat(now_s)
            self._report(now_s)
            self._listen(beating.wait_s(time.monotonic(), TICK_S))

    def _beat(self, now_s: float) -> None:
        for target, frame in self._control.beating.due(now_s):
            outlet = self._control.outlets.get(target.socket_id)
            if outlet is not None and outlet.send(frame, target.address):
                self._sent += 1
            else:
                self._failed += 1

    def _report(self, now_s: float) -> None:
        """So that the gateway knows that its beats go out; a core that does not listen misses it."""
        if not self._core_lives or now_s - self._reported_s < REPORT_S:
            return
        self._reported_s = now_s
        try:
            self._core.send(json.dumps({"sent": self._sent, "failed": self._failed}).encode() + b"\n")
        except BlockingIOError:
            return
        except OSError:
            self._core_lives = False

    def _listen(self, wait_s: float) -> None:
        door = self._control.door
        ears = [ear for ear in (self._core if self._core_lives else None, door) if ear is not None]
        ready, _, _ = select.select(ears, [], [], wait_s)
        if self._core in ready:
            self._hear()
        if door is not None and door in ready:
            self._admit(door)

    def _admit(self, door: socket.socket) -> None:
        """A successor: it starts, and we go on for a while; or it needs the ports, and we end."""
        self._visitor, _ = door.accept()  # after NOW it waits until our end closes this
        self._visitor.settimeout(_WORD_WITHIN_S)
        try:
            word = self._visitor.recv(16)
        except OSError:
            word = b""
        if word == SOON:
            self._control.beating.spare(time.monotonic())
            self._visitor.close()
        else:
            self._control.beating.ended = True

    def _hear(self) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(self._core, 65_536, 64)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        if data:
            self._control.take(data, fds)
        else:
            self._core_lives = False


def main() -> None:
    """Runs until it is over."""
    # The terminal's Ctrl-C is for the gateway, which then tells us to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    with suppress(OSError):  # only root and CAP_SYS_NICE may; its own session still gets a share of its own
        os.nice(-10)
    Heart(socket.socket(fileno=0)).run()


if __name__ == "__main__":
    main()
