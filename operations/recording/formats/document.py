"""A file in pieces: text as it is, and lists that are filled from the rows, one pass over them each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from operations.recording.formats.cells import Cell, instants, lines, numbers, where
from operations.recording.rows import Rows
from operations.recording.table import scaled


@dataclass(frozen=True, slots=True)
class Pass:
    """Bytes for each part of the rows; `joint` stands between the parts that are not empty."""

    write: Callable[[Rows], bytes]
    joint: bytes = b""


# A piece is asked for when all before it are written: what a pass has seen may decide what comes after it.
Document = Iterable[bytes | Pass]


def listed(member: Callable[[Rows], list[Cell]], among: Callable[[Rows], Rows] = lambda rows: rows) -> Pass:
    """The members of a JSON array, one for each row of those that `among` leaves."""

    def write(rows: Rows) -> bytes:
        rows = among(rows)
        return lines(len(rows), *member(rows), b",")[:-1]

    return Pass(write, b",")


def times(rows: Rows) -> list[Cell]:
    """JSON strings."""
    return [b'"', *instants(rows["at_us"]), b'"']


def positions(rows: Rows) -> list[Cell]:
    """JSON arrays [lon, lat, metres above mean sea level]; without a height where it was never told."""
    alt_amsl_m = scaled(rows, "alt_amsl_m")
    lon_lat = [b"[", *numbers(scaled(rows, "lon_deg")), b",", *numbers(scaled(rows, "lat_deg"))]
    return [*lon_lat, *where(alt_amsl_m.told, b","), *numbers(alt_amsl_m), b"]"]


def text(value: object) -> bytes:
    """A value as JSON."""
    return msgspec.json.encode(value)
