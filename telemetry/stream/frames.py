"""Frames as they go out: encoded once, framed once, compressed once, written to any number of viewers."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import msgspec
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode

from telemetry.stream.contract import JSON, MSGPACK, Frame

# Less than this does not get smaller by more than its header.
DEFLATE_FROM_BYTES = 512
# What the Python client asks for by itself; whoever can take a wider window can take this one.
WINDOW_BITS = 12


class Encoding(Enum):
    """How frames are written; the value is the WebSocket subprotocol."""

    JSON = JSON
    MSGPACK = MSGPACK

    def encode(self, value: object) -> bytes:
        """Any value; times and enumerations are the same text in both encodings."""
        if self is Encoding.JSON:
            return msgspec.json.encode(value)
        return msgspec.msgpack.encode(msgspec.to_builtins(value))

    def join(self, frame: Frame) -> bytes:
        """A frame whose parts are plain, or were made by `raw`."""
        return msgspec.json.encode(frame) if self is Encoding.JSON else msgspec.msgpack.encode(frame)

    def raw(self, value: object) -> Any:
        """A part that is encoded now and goes into any number of frames; stands where the value would."""
        return msgspec.Raw(self.encode(value))

    def plain(self, value: object) -> Any:
        """The same for what holds nothing but numbers, text, lists and maps."""
        return msgspec.Raw(msgspec.json.encode(value) if self is Encoding.JSON else msgspec.msgpack.encode(value))

    def again(self, json: bytes) -> Any:
        """The same for what is JSON text already."""
        if self is Encoding.JSON:
            return msgspec.Raw(json)
        return msgspec.Raw(msgspec.msgpack.encode(msgspec.json.decode(json)))


class Sent:
    """One frame for all that get it: its payload, and what goes on the wire with and without compression."""

    __slots__ = ("_deflated", "_plain", "encoding", "payload")

    def __init__(self, payload: bytes, encoding: Encoding) -> None:
        self.payload = payload
        self.encoding = encoding
        self._plain: bytes | None = None
        self._deflated: bytes | None = None

    @property
    def plain(self) -> bytes:
        """The WebSocket frame (RFC 6455)."""
        if self._plain is None:
            self._plain = self._framed()
        return self._plain

    @property
    def deflated(self) -> bytes:
        """The frame for a viewer of permessage-deflate without context takeover (RFC 7692): the same for all."""
        if self._deflated is None:
            small = len(self.payload) < DEFLATE_FROM_BYTES
            self._deflated = self.plain if small else self._framed((_deflate(),))
        return self._deflated

    def _framed(self, extensions: Sequence[Extension] = ()) -> bytes:
        opcode = Opcode.TEXT if self.encoding is Encoding.JSON else Opcode.BINARY
        return WireFrame(opcode, self.payload).serialize(mask=False, extensions=extensions)


def _deflate() -> Extension:
    # Level 1: of a frame of rows, 6 takes three times as long for a tenth less (performance guide, section 2).
    return PerMessageDeflate(
        remote_no_context_takeover=True,
        local_no_context_takeover=True,
        remote_max_window_bits=WINDOW_BITS,
        local_max_window_bits=WINDOW_BITS,
        compress_settings={"level": 1},
    )
