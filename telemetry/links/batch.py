"""Datagrams taken many at a time into memory that stays (Linux, recvmmsg(2))."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt

from telemetry.links.port import Peer

# A frame has at most 280 bytes; a datagram that an Ethernet link carries whole may hold several.
MAX_DATAGRAM = 1500
_ADDRESS_OCTETS = 16  # sockaddr_in


class _Io(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class _Message(ctypes.Structure):
    """struct msghdr."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_size", ctypes.c_uint),
        ("io", ctypes.POINTER(_Io)),
        ("io_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_size", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Header(ctypes.Structure):
    """struct mmsghdr."""

    _fields_ = (("message", _Message), ("size", ctypes.c_uint))


class Datagrams(NamedTuple):
    """What came: `data`, of each so many bytes as `sizes` says, from `peers` (sockaddr_in)."""

    data: npt.NDArray[np.uint8]
    sizes: npt.NDArray[np.uint32]
    peers: npt.NDArray[np.uint8]


class Batch:
    """Room for so many datagrams of IPv4 as are taken in one go; what the last `receive` took is in it."""

    def __init__(self, room: int, octets: int) -> None:
        """`octets`: of each; longer ones are cut. Raises OSError where the system cannot do it."""
        try:
            self._call = ctypes.CDLL(None, use_errno=True).recvmmsg
        except AttributeError:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from None
        data, peers = np.zeros((room, octets), np.uint8), np.zeros((room, _ADDRESS_OCTETS), np.uint8)
        self._room = room
        self._io = (_Io * room)(*(_Io(data.ctypes.data + at * octets, octets) for at in range(room)))
        self._headers = (_Header * room)()
        for at, header in enumerate(self._headers):
            message = header.message
            message.name, message.name_size = peers.ctypes.data + at * _ADDRESS_OCTETS, _ADDRESS_OCTETS
            message.io, message.io_count = ctypes.pointer(self._io[at]), 1
        headers = np.frombuffer(memoryview(self._headers).cast("B"), np.uint8).reshape(room, ctypes.sizeof(_Header))
        # The sizes as the kernel writes them, seen as an array.
        sizes = headers[:, _Header.size.offset : _Header.size.offset + 4].view(np.uint32)[:, 0]
        self.datagrams = Datagrams(data, sizes, peers)
        self._data, self._peers = data.reshape(-1).data, peers
        self._octets = octets

    def receive(self, sock: socket.socket) -> int:
        """Takes what is there; how many datagrams that were, 0 when nothing was. Raises OSError."""
        taken = self._call(sock.fileno(), self._headers, self._room, socket.MSG_DONTWAIT, None)
        if taken >= 0:
            return cast("int", taken)
        number = ctypes.get_errno()
        if number in (errno.EAGAIN, errno.EINTR):
            return 0
        raise OSError(number, os.strerror(number))

    def data(self, at: int) -> bytes:
        """The bytes of one of them."""
        begin = at * self._octets
        return bytes(self._data[begin : begin + int(self.datagrams.sizes[at])])

    def peer(self, at: int) -> Peer:
        """Who sent it."""
        address = bytes(self._peers[at])
        return socket.inet_ntoa(address[4:8]), int.from_bytes(address[2:4], "big")
