"""Vehicles as far as heartbeats go: they speak, and write down when the kernel got a ground station's heartbeat."""

from __future__ import annotations

import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass, field

from pymavlink.dialects.v20 import ardupilotmega as dialect

_SPEAK_EVERY_S = 0.5
_SO_TIMESTAMPNS = 35  # socket(7) of Linux: the time at which the kernel got the datagram
_TIMESYNC = b"\x6f\0\0"
_MAGIC, _SYSTEM_AT, _MESSAGE_AT = 0xFD, 5, slice(7, 10)


@dataclass
class Ear:
    """A vehicle on a UDP socket. `beats`: Unix time at which each heartbeat of `station` arrived."""

    system_id: int
    station: tuple[str, int]
    station_id: int
    beats: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.settimeout(_SPEAK_EVERY_S)
        self._codec = dialect.MAVLink(None, srcSystem=self.system_id, srcComponent=1)
        self._spoke_s = 0.0

    def live(self, until_s: float) -> None:
        """Speaks and listens until `until_s` on the monotonic clock."""
        while (now_s := time.monotonic()) < until_s:
            if now_s - self._spoke_s >= _SPEAK_EVERY_S:
                self._spoke_s = now_s
                with suppress(OSError):
                    self._socket.sendto(self._heartbeat(), self.station)
            self._socket.settimeout(max(0.01, min(_SPEAK_EVERY_S, until_s - now_s)))
            with suppress(TimeoutError, ConnectionError):
                self._take(*self._socket.recvmsg(2048, 128)[:2])

    def _heartbeat(self) -> bytes:
        """A quadrotor with ArduPilot that stands disarmed."""
        message = dialect.MAVLink_heartbeat_message(2, 3, 81, 0, 3, 3)
        return bytes(message.pack(self._codec))

    def _take(self, data: bytes, beside: list[tuple[int, int, bytes]]) -> None:
        if data[_MESSAGE_AT] == _TIMESYNC:
            self._echo(data)
        if data[0] == _MAGIC and data[_SYSTEM_AT] == self.station_id and data[_MESSAGE_AT] == b"\0\0\0":
            seconds, nanos = struct.unpack("qq", beside[0][2][:16])
            self.beats.append(seconds + nanos / 1e9)

    def _echo(self, data: bytes) -> None:
        """Proves that we are where we send from, as autopilots do without knowing it."""
        tc1, ts1 = struct.unpack("<qq", data[10 : 10 + data[1]].ljust(16, b"\0")[:16])
        if tc1 == 0:
            answer = dialect.MAVLink_timesync_message(time.monotonic_ns(), ts1)
            self._socket.sendto(bytes(answer.pack(self._codec)), self.station)

    def longest_gap_s(self) -> float:
        """Between two heartbeats that followed each other. Needs two."""
        return max(after - before for before, after in zip(self.beats, self.beats[1:], strict=False))

    def close(self) -> None:
        self._socket.close()
