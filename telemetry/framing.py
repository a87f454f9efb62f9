"""Bytes to whole MAVLink frames and back: lengths, checksums and signature blocks, but no message is understood here.

Source: MAVLink developer guide, "Packet Serialization" and "Message Signing".
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

MARKER_1, MARKER_2 = 0xFE, 0xFD
_HEADER_1, _HEADER_2 = 6, 10
_CHECKSUM = 2
SIGNATURE_BYTES = 13  # link id, time stamp of six bytes, six bytes of hash
_SIGNED = 0x01  # MAVLINK_IFLAG_SIGNED; a frame with any other incompatibility flag must be dropped
_NEWER_FIELDS = 32
MAX_FRAME_BYTES = _HEADER_2 + 255 + _CHECKSUM + SIGNATURE_BYTES

_MARKERS = re.compile(b"[\xfd\xfe]")
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def mirrored_crc(data: bytes, crc: int = 0xFFFF) -> int:
    """CRC-16/MCRF4XX by the standard library: CRC-CCITT of mirrored bytes, read backwards, is computed in C."""
    crc = binascii.crc_hqx(data.translate(_MIRRORED), _MIRRORED[crc & 0xFF] << 8 | _MIRRORED[crc >> 8])
    return _MIRRORED[crc & 0xFF] << 8 | _MIRRORED[crc >> 8]


try:
    # pymavlink brings it along; it takes a third of the time.
    from fastcrc.crc16 import mcrf4xx as _crc
except ImportError:
    _crc = mirrored_crc  # type: ignore[assignment]


def checksum(data: bytes, crc_extra: int) -> int:
    """CRC-16/MCRF4XX of `data` (a frame from its length byte on) and the message's own extra byte."""
    return _crc(bytes((crc_extra,)), _crc(data))


class Known(Protocol):
    """What is known of a message. `extra`: its checksum's own byte."""

    @property
    def extra(self) -> bytes: ...


K = TypeVar("K", bound=Known)


def plain_frame(data: bytes, known: Mapping[bytes, K]) -> K | None:
    """What is known of `data` if it is one whole unsigned MAVLink 2 frame of a known message, and nothing else.

    `known`: by the three bytes of the message id. None: look at it with a `Framer`.
    """
    if len(data) < 12 or data[0] != MARKER_2 or data[2] or data[1] + 12 != len(data):
        return None
    found = known.get(data[7:10])
    if found is None or _crc(data[1:-2] + found.extra) != data[-2] | data[-1] << 8:
        return None
    return found


@dataclass(frozen=True, slots=True)
class RawFrame:
    """A frame whose checksum is right; nothing is said about its signature."""

    data: bytes
    sequence: int
    system_id: int
    component_id: int
    message_id: int
    payload: bytes
    is_mavlink1: bool

    @property
    def signature(self) -> Signature | None:
        """Its signature block, None when it is not signed."""
        if self.is_mavlink1 or not self.data[2] & _SIGNED:
            return None
        block = self.data[-SIGNATURE_BYTES:]
        return Signature(block[0], int.from_bytes(block[1:7], "little"), block[7:])


@dataclass(frozen=True, slots=True)
class Signature:
    """What a signature block says. `timestamp`: 10 µs since 2015-01-01 UTC. `hash48`: 6 bytes."""

    link_id: int
    timestamp: int
    hash48: bytes


class Framer:
    """Bytes of one peer in, frames out. Total on any input; holds less than one frame between two calls.

    After damage it looks for the next marker byte by byte, so that a damaged length swallows no good frame. There,
    MAVLink 1 is not believed before the next read or the next MAVLink 2 frame: its checks are so few that noise
    would pass once in some hundred thousand frames.
    """

    def __init__(self, crc_extra: Mapping[int, int], sizes: Mapping[int, int] | None = None) -> None:
        """`sizes`: each message's longest payload; a header that claims much more is damaged and not waited for.

        Newer dialects add fields at the end of a message, so a little more is believed.
        """
        self._crc_extra = crc_extra
        self._sizes = sizes or {}
        self.held = b""
        """The beginning of a frame whose rest is not here yet."""
        self.damaged = 0
        """Runs of bytes that are no frame, frames with a wrong checksum, and frames of messages that nobody knows."""

    def feed(self, data: bytes) -> Iterator[RawFrame]:
        """The frames that `data` completes, in order."""
        in_step = not self.held or self._begins_well(data)
        if in_step:
            self.damaged += bool(self.held)
        else:
            data = self.held + data
        self.held, at = b"", 0
        while at < len(data):
            length = 0 if self._claims_too_much(data, at) else _length(data, at)
            if length > len(data) - at:
                # At the most one frame's worth of bytes is kept.
                self.held = data[at:]
                return
            frame = self._frame(data[at : at + length], in_step) if length else None
            if frame is not None:
                at, in_step = at + length, True
                yield frame
                continue
            self.damaged += in_step
            in_step = False
            marker = _MARKERS.search(data, at + 1)
            at = marker.start() if marker else len(data)

    def _claims_too_much(self, data: bytes, at: int) -> bool:
        if data[at] != MARKER_2 or len(data) - at < _HEADER_2:
            return False
        longest = self._sizes.get(int.from_bytes(data[at + 7 : at + 10], "little"), 255)
        return data[at + 1] > longest + _NEWER_FIELDS

    def _begins_well(self, data: bytes) -> bool:
        """Whether a good frame begins here, so that what is held was the beginning of none (a datagram cut short)."""
        length = _length(data, 0) if data else 0
        return 0 < length <= len(data) and self._frame(data[:length], in_step=False) is not None

    def _frame(self, data: bytes, in_step: bool) -> RawFrame | None:
        """The frame that `data` is, if its checksum says so; the checksum of an unknown message cannot be known."""
        if data[0] == MARKER_1:
            if not in_step:
                return None
            body, ids, message_id = _HEADER_1, data[2:5], data[5]
        else:
            body, ids, message_id = _HEADER_2, data[4:7], int.from_bytes(data[7:10], "little")
        extra = self._crc_extra.get(message_id)
        end = body + data[1]
        if extra is None or checksum(data[1:end], extra) != int.from_bytes(data[end : end + 2], "little"):
            return None
        return RawFrame(data, ids[0], ids[1], ids[2], message_id, data[body:end], data[0] == MARKER_1)


def _length(data: bytes, at: int) -> int:
    """Bytes of the frame that begins here; 0: none does; more than there are: not yet known or not yet here."""
    marker, left = data[at], len(data) - at
    if marker == MARKER_1:
        return _HEADER_1 + data[at + 1] + _CHECKSUM if left > 1 else left + 1
    if marker != MARKER_2:
        return 0
    if left < 3:
        return left + 1
    if data[at + 2] & ~_SIGNED:
        return 0
    return _HEADER_2 + data[at + 1] + _CHECKSUM + (SIGNATURE_BYTES if data[at + 2] else 0)


@dataclass(frozen=True, slots=True)
class Header:
    """Who sends which message, and as the how manieth on its way."""

    sequence: int
    system_id: int
    component_id: int
    message_id: int


def build(header: Header, payload: bytes, crc_extra: int) -> bytes:
    """The unsigned MAVLink 2 frame. `payload`: 0…255 bytes; zeros at its end are not sent."""
    return _build(header, payload, crc_extra, flags=0)


def build_signed(
    header: Header, payload: bytes, crc_extra: int, *, key: bytes, link_id: int, timestamp: int
) -> bytes:
    """The signed MAVLink 2 frame. `key`: 32 bytes. `timestamp`: 10 µs since 2015-01-01 UTC."""
    frame = _build(header, payload, crc_extra, flags=_SIGNED)
    frame += bytes((link_id,)) + timestamp.to_bytes(6, "little")
    return frame + hash48(key, frame)


def hash48(key: bytes, data: bytes) -> bytes:
    """The first 48 bits of SHA-256 over the key and `data`: a frame up to and with its time stamp."""
    return hashlib.sha256(key + data).digest()[:6]


def without_signature(frame: RawFrame, crc_extra: int) -> bytes:
    """The same frame as it would be unsigned: what a telemetry log may keep."""
    if frame.signature is None:
        return frame.data
    header = Header(frame.sequence, frame.system_id, frame.component_id, frame.message_id)
    return build(header, frame.payload, crc_extra)


def _build(header: Header, payload: bytes, crc_extra: int, *, flags: int) -> bytes:
    # At least one byte stays ("Empty-Byte Payload Truncation").
    payload = payload[:1] + payload[1:].rstrip(b"\0")
    ids = bytes((header.sequence, header.system_id, header.component_id)) + header.message_id.to_bytes(3, "little")
    body = bytes((len(payload), flags, 0)) + ids + payload
    return bytes((MARKER_2,)) + body + checksum(body, crc_extra).to_bytes(2, "little")
