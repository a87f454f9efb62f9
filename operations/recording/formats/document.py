"""A file in pieces: text as it is, and lists that are filled from the rows, one pass over them each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from operations.recording.rows import Rows


@dataclass(frozen=True, slots=True)
class Pass:
    """Bytes for each part of the rows; `joint` stands between the parts that are not empty."""

    write: Callable[[Rows], bytes]
    joint: bytes = b""


Document = Sequence[bytes | Pass]


def listed(values: Callable[[Rows], list[Any]]) -> Pass:
    """The members of a JSON array."""
    return Pass(lambda rows: msgspec.json.encode(values(rows))[1:-1], b",")


def text(value: object) -> bytes:
    """A value as JSON."""
    return msgspec.json.encode(value)
