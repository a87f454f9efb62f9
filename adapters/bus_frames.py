"""What crosses the bus's socket: length-prefixed msgpack frames with a bound, a closed set of them."""

from __future__ import annotations

import asyncio
import struct
from typing import Any, TypeVar, get_type_hints

import msgspec

from core.errors import BailuError, all_errors

T = TypeVar("T")

# A thousand vehicles are 0.7 MB; whoever sends more than this is not one of us.
MAX_FRAME_BYTES = 8 << 20
_LENGTH = struct.Struct(">I")


class FrameError(Exception):
    """The far end sent what is not a frame; the connection is of no more use."""


class Subscribe(msgspec.Struct, frozen=True, array_like=True, tag="sub"):
    id: int
    pattern: str


class Unsubscribe(msgspec.Struct, frozen=True, array_like=True, tag="unsub"):
    id: int


class Serve(msgspec.Struct, frozen=True, array_like=True, tag="serve"):
    id: int
    subject: str


class Unserve(msgspec.Struct, frozen=True, array_like=True, tag="unserve"):
    id: int


class Done(msgspec.Struct, frozen=True, array_like=True, tag="done"):
    """A Subscribe or a Serve took effect."""

    id: int


class Publish(msgspec.Struct, frozen=True, array_like=True, tag="pub"):
    subject: str
    kind: str
    body: bytes


class Message(msgspec.Struct, frozen=True, array_like=True, tag="msg"):
    """What was published, for the far end's subscription `id`."""

    id: int
    kind: str
    body: bytes


class Ask(msgspec.Struct, frozen=True, array_like=True, tag="ask"):
    id: int
    subject: str
    kind: str
    body: bytes


class Reply(msgspec.Struct, frozen=True, array_like=True, tag="reply"):
    id: int
    kind: str
    body: bytes


class Failure(msgspec.Struct, frozen=True, array_like=True, tag="fail"):
    """A BailuError by its slug and facts."""

    id: int
    slug: str
    facts: bytes


Frame = Subscribe | Unsubscribe | Serve | Unserve | Done | Publish | Message | Ask | Reply | Failure

_frames: msgspec.msgpack.Decoder[Frame] = msgspec.msgpack.Decoder(Frame)


class Encoded(msgspec.Struct, frozen=True):
    """A message that this process only passes on: the name of its type and its bytes."""

    kind: str
    body: bytes


def encode_message(message: object) -> Encoded:
    """`message` for the wire; one that is encoded already goes on as it is."""
    if isinstance(message, Encoded):
        return message
    return Encoded(type(message).__name__, msgspec.msgpack.encode(message))


def decode_message(encoded: Encoded, kind: type[T]) -> T:
    """Raises msgspec.DecodeError when the bytes are not a `kind`."""
    if kind is Encoded:
        return encoded  # type: ignore[return-value]
    return msgspec.msgpack.decode(encoded.body, type=kind)


def encode_failure(ask_id: int, error: BailuError) -> Failure:
    return Failure(ask_id, error.slug, msgspec.msgpack.encode(msgspec.to_builtins(error.facts())))


def decode_failure(failure: Failure) -> BailuError:
    """The error as its own class; one that we do not know, or not so, is a bare BailuError."""
    cls = all_errors().get(failure.slug, BailuError)
    hints = get_type_hints(cls)
    try:
        facts: dict[str, Any] = msgspec.msgpack.decode(failure.facts, type=dict[str, Any])
        return cls(**{name: msgspec.convert(fact, hints[name]) for name, fact in facts.items()})
    except (msgspec.MsgspecError, TypeError, KeyError):
        return BailuError()


def pack(frame: Frame) -> bytes:
    """Raises ValueError when the frame is over the bound: better here than at the far end."""
    data = msgspec.msgpack.encode(frame)
    if len(data) > MAX_FRAME_BYTES:
        raise ValueError(f"a frame of {len(data)} bytes is over the bound of {MAX_FRAME_BYTES}")
    return _LENGTH.pack(len(data)) + data


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    """Raises FrameError for garbage, OSError or EOFError when the connection ends."""
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if length > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {length} bytes is over the bound of {MAX_FRAME_BYTES}")
    try:
        return _frames.decode(await reader.readexactly(length))
    except msgspec.DecodeError as error:
        raise FrameError(str(error)) from error
