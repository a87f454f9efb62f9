"""The bytes of a ground station's HEARTBEAT. Standard library only: the process is small and starts at once."""

from __future__ import annotations

import struct

# MAVLink 2 packet format and HEARTBEAT (0) of minimal.xml: https://mavlink.io/en/guide/serialization.html
_MAGIC = 0xFD
_SIGNED = 0x01  # MAVLINK_IFLAG_SIGNED
_CRC_EXTRA = 50
# custom_mode 0, MAV_TYPE_GCS, MAV_AUTOPILOT_INVALID, base_mode 0, MAV_STATE_ACTIVE, MAVLink 2.
_PAYLOAD = struct.pack("<IBBBBB", 0, 6, 8, 0, 4, 3)


def heartbeat(sequence: int, system_id: int, component_id: int, *, signed: bool = False) -> bytes:
    """One frame, 21 bytes; `signed`: its signature still has to follow."""
    flags = _SIGNED if signed else 0
    head = struct.pack("<BBBBBB3x", len(_PAYLOAD), flags, 0, sequence, system_id, component_id)
    crc = _x25(head + _PAYLOAD + bytes((_CRC_EXTRA,)))
    return bytes((_MAGIC,)) + head + _PAYLOAD + struct.pack("<H", crc)


def signature(frame: bytes, key: bytes, link_id: int, stamp: int) -> bytes:
    """The 13 bytes that follow a signed frame. `stamp`: 10 µs since 2015-01-01, growing within a stream.

    Source: https://mavlink.io/en/guide/message_signing.html: 48 bits of SHA-256 over key, frame, link id and stamp.
    """
    # OpenSSL is a third of the process's memory: only a heart that signs loads it.
    from hashlib import sha256  # noqa: PLC0415

    tail = bytes((link_id,)) + stamp.to_bytes(6, "little")
    return tail + sha256(key + frame + tail).digest()[:6]


def _x25(data: bytes) -> int:
    """CRC-16/MCRF4XX, the checksum of MAVLink."""
    crc = 0xFFFF
    for byte in data:
        mixed = byte ^ (crc & 0xFF)
        mixed = (mixed ^ (mixed << 4)) & 0xFF
        crc = (crc >> 8) ^ (mixed << 8) ^ (mixed << 3) ^ (mixed >> 4)
    return crc & 0xFFFF
