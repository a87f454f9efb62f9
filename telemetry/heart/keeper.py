"""The gateway's hold on its heart: starts it, feeds it, tells it where to beat, starts it again when it died."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import random
import socket
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from telemetry.heart.beating import FED_WITHIN_S
from telemetry.heart.door import SUCCEED_S, address
from telemetry.links.port import Link, Peer
from telemetry.links.supervise import pause_s

log = logging.getLogger("bailu.heart")

# A heart that does not listen is not waited for: what it missed is told to the next one.
_OUTBOX_BYTES = 256 * 1024
# The heart is told anew when the time of signing jumped ahead by more than this: 5 s.
_AHEAD_TICKS = 500_000
_ROOT = Path(__file__).resolve().parents[2]

OnTrouble = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BeatSigning:
    """How the beats to a vehicle are signed. `stamp`: the vehicle's signing time at `mono_s`, in 10 µs.

    `link_id` is the heart's alone, so that the stamps of two processes never meet in one stream.
    """

    key: bytes
    link_id: int
    mono_s: float
    stamp: int

    @property
    def zero(self) -> int:
        """What the stamp was when the monotonic clock was 0: the same as long as the signing time does not jump."""
        return self.stamp - round(self.mono_s * 100_000)


@dataclass(frozen=True, slots=True)
class Beat:
    """Heartbeats are to go to `peer` on `link`, as `source` (system id, component id)."""

    link: Link
    peer: Peer
    source: tuple[int, int]
    signing: BeatSigning | None = None

    @property
    def key(self) -> tuple[str, Peer, tuple[int, int], bytes | None, int]:
        """What makes it another beat; the moving time of signing does not."""
        sign = self.signing
        signed = (None, -1) if sign is None else (sign.key, sign.link_id)
        return (self.link.name, self.peer, self.source, *signed)


class Heart:
    """The heart's process as the gateway holds it. Nothing here waits for it."""

    def __init__(self, door: Path, *, every_s: float, on_trouble: OnTrouble) -> None:
        """`every_s`: seconds between beats. `on_trouble`: told when the process died by itself."""
        self.sent = self.failed = 0
        self._heard_s = self._fed_s = -math.inf
        self._door_path = door
        self._every_s = every_s
        self._on_trouble = on_trouble
        self._process: asyncio.subprocess.Process | None = None
        self._control: socket.socket | None = None
        self._door: socket.socket | None = None
        self._wanted: tuple[Beat, ...] = ()
        self._kept: _Kept | None = None  # what the process knows all of
        self._told: dict[object, int] = {}
        self._zeros: dict[int, int] = {}
        self._outlets: dict[object, int] = {}
        self._next_id = 1

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    @property
    def is_beating(self) -> bool:
        """Whether it was fed lately, and says itself that it is at work."""
        return time.monotonic() - min(self._heard_s, self._fed_s) <= FED_WITHIN_S

    # --- life ---

    async def run(self) -> None:
        """Keeps a heart's process until cancelled, then ends it."""
        failures, rng = 0, random.Random()
        try:
            while True:
                process = await self._start()
                await self._listen()
                status = await process.wait()
                failures += 1
                self._on_trouble(f"The process that sends heartbeats ended with status {status}; starting it again.")
                await asyncio.sleep(pause_s(failures, rng))
        finally:
            await self._end()

    async def _start(self) -> asyncio.subprocess.Process:
        if self._control is not None:
            self._control.close()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _OUTBOX_BYTES)
        with theirs:
            # -S: without site-packages it starts in a third of the time and memory.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-S", "-m", "telemetry.heart",
                stdin=theirs.fileno(), stdout=asyncio.subprocess.DEVNULL, start_new_session=True,
                env={"PYTHONPATH": str(_ROOT), "PATH": os.defpath},
            )  # fmt: skip
        self._control = ours
        self._told.clear()
        self._zeros.clear()
        self._outlets.clear()
        self._kept = None
        self._open_door()
        self._tell_all()
        return self._process

    def _open_door(self) -> None:
        """Where a successor knocks; without one, after a kill, it would have to wait for the ports."""
        if self._door is None:
            self._door_path.unlink(missing_ok=True)
            self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            with address(self._door_path) as place:
                self._door.bind(place)
            self._door.listen(2)
        self._say({"do": "door"}, self._door.fileno())

    async def _listen(self) -> None:
        """Takes its reports until it is gone."""
        loop, text = asyncio.get_running_loop(), b""
        control = self._control
        assert control is not None
        while data := await _received(loop, control):
            *lines, text = (text + data).split(b"\n")
            for line in lines:
                said = json.loads(line)
                self.sent, self.failed = said["sent"], said["failed"]
                self._heard_s = time.monotonic()

    async def _end(self) -> None:
        self._say({"do": "end"})
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._door is not None:
            self._door.close()
            self._door_path.unlink(missing_ok=True)
        process = self._process
        if process is not None and process.returncode is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(SUCCEED_S):
                    await process.wait()
            if process.returncode is None:
                process.kill()
                await process.wait()

    # --- what the core tells it ---

    def feed(self) -> None:
        """The command path works at this moment; say so only when it was seen to."""
        self._fed_s = time.monotonic()
        self._say({"do": "feed", "at_s": self._fed_s})

    def keep(self, beats: Iterable[Beat]) -> None:
        """Beats go to these and to nobody else. Call it often: a link that came back has another descriptor."""
        self._wanted = tuple(beats)
        self._tell_all()

    def _tell_all(self) -> None:
        if self._control is None:
            return
        facts: dict[int, _Place | None] = {}  # a thousand vehicles may share one socket
        outlets = [_outlet(beat, facts) for beat in self._wanted]
        if self._kept == (self._wanted, outlets):
            return
        self._kept = (self._wanted, outlets)
        placed = [(beat, outlet) for beat, outlet in zip(self._wanted, outlets, strict=True) if outlet is not None]
        self._hand_over(placed)
        wanted = {(beat.key, outlet[1]): (beat, outlet[1]) for beat, outlet in placed}
        for key in [key for key in self._told if key not in wanted]:
            number = self._told.pop(key)
            self._zeros.pop(number, None)
            self._say({"do": "quiet", "id": number})
        for key, (beat, place) in wanted.items():
            if key not in self._told and place in self._outlets:
                self._told[key] = self._new_id()
                self._say(self._words(self._told[key], beat, self._outlets[place]))
            if key in self._told and beat.signing is not None:
                self._set_time(self._told[key], beat.signing)
        for gone in self._outlets.keys() - {outlet[1] for _, outlet in placed}:
            self._say({"do": "close", "id": self._outlets.pop(gone)})

    def _set_time(self, number: int, signing: BeatSigning) -> None:
        """A vehicle takes no new stream that is a minute behind its own time, and after a reboot every one is new:
        the heart signs by that time as soon as it is known."""
        if number not in self._zeros:
            self._zeros[number] = signing.zero
        elif signing.zero - self._zeros[number] > _AHEAD_TICKS:
            self._zeros[number] = signing.zero
            self._say({"do": "stamp", "id": number, "mono_s": signing.mono_s, "stamp": signing.stamp})

    def _hand_over(self, placed: Iterable[tuple[Beat, _Outlet]]) -> None:
        for _, (descriptor, place) in placed:
            if place not in self._outlets:
                number = self._new_id()
                if self._say({"do": "socket", "id": number}, descriptor):
                    self._outlets[place] = number

    def _words(self, number: int, beat: Beat, socket_id: int) -> dict[str, object]:
        sign = beat.signing
        return {
            "do": "beat",
            "id": number,
            "socket": socket_id,
            "to": beat.peer,
            "every_s": self._every_s,
            "source": beat.source,
            "sign": sign
            and {"key": sign.key.hex(), "link_id": sign.link_id, "mono_s": sign.mono_s, "stamp": sign.stamp},
        }

    def _new_id(self) -> int:
        self._next_id += 1
        return self._next_id

    def _say(self, words: dict[str, object], *fds: int) -> bool:
        """Whether the heart will read it. A full socket means that it hangs: then it is replaced."""
        if self._control is None:
            return False
        data = json.dumps(words).encode() + b"\n"
        try:
            if socket.send_fds(self._control, [data], fds) == len(data):
                return True
        except OSError:
            pass
        self._replace()
        return False

    def _replace(self) -> None:
        """A heart that missed a word does not know where to beat: kill it, `run` starts another."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()


# A descriptor, and what tells it from another one that had the same number: inode, device, connection.
_Place = tuple[int, int, int]
_Outlet = tuple[int, _Place]
_Kept = tuple[tuple[Beat, ...], list[_Outlet | None]]


def _outlet(beat: Beat, known: dict[int, _Place | None]) -> _Outlet | None:
    """Where the beat goes out. `known`: by descriptor, what was found out a moment ago."""
    fd = beat.link.descriptor(beat.peer)
    if fd is None:
        return None
    if fd not in known:
        known[fd] = _place(fd, beat.link)
    place = known[fd]
    return None if place is None else (fd, place)


def _place(fd: int, link: Link) -> _Place | None:
    try:
        facts = os.fstat(fd)
    except OSError:
        return None
    return facts.st_ino, facts.st_dev, link.health().connects


async def _received(loop: asyncio.AbstractEventLoop, control: socket.socket) -> bytes:
    try:
        return await loop.sock_recv(control, 4096)
    except OSError:
        return b""
