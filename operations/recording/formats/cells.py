"""Columns as text, all rows at once: every row gets cells of the same width, and what it does not fill is dropped."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from operations.recording.table import Column, Scaled

# What stands in every row at this place: the same bytes, or a column of `S…`.
Cell = bytes | Column

_DROPPED = b"\0"
_AT_ONCE = 4_096  # rows: no other thread runs while NUL bytes are dropped
_GROUP = 4  # digits that are looked up at once
_GROUP_SIZE = 10**_GROUP


def lines(count: int, *cells: Cell) -> bytes:
    """The text of `count` rows, each its cells one after the other."""
    table = np.empty(count, [(f"{n}", _type(cell)) for n, cell in enumerate(cells)])
    for n, cell in enumerate(cells):
        table[f"{n}"] = cell
    blocks = (table[at : at + _AT_ONCE] for at in range(0, count, _AT_ONCE))
    return b"".join([block.tobytes().translate(None, _DROPPED) for block in blocks])


def _type(cell: Cell) -> Any:
    return f"S{len(cell)}" if isinstance(cell, bytes) else cell.dtype


def where(told: Column, *cells: Cell) -> list[Cell]:
    """The cells of the rows that are told; nothing in the others."""
    return [np.where(told, cell, b"") for cell in cells]


def numbers(scaled: Scaled) -> list[Cell]:
    """Decimal numbers without needless zeros, but one place after the point if there are any; untold: nothing."""
    whole, part = _divided(np.abs(scaled.values), 10**scaled.decimals)
    cells: list[Cell] = [np.where(scaled.values < 0, b"-", b""), *_whole(whole)]
    if scaled.decimals:
        cells += [b".", *_part(part, scaled.decimals)]
    return cells if bool(scaled.told.all()) else where(scaled.told, *cells)


def _divided(values: Column, by: int) -> tuple[Column, Column]:
    over = values // by  # numpy's divmod is several times slower
    return over, values - over * by


def _whole(values: Column) -> list[Cell]:
    if values.max(initial=0) < _GROUP_SIZE:
        return [_bare()[values]]
    high, low = _divided(values, _GROUP_SIZE)
    return [*where(high > 0, *_whole(high)), np.where(high > 0, _padded(_GROUP)[low], _bare()[low])]


def _part(values: Column, digits: int) -> list[Cell]:
    if digits <= _GROUP:
        return [_cut(digits)[values]]
    high, low = _divided(values, _GROUP_SIZE)
    above = digits - _GROUP
    return [np.where(low > 0, _padded(above)[high], _cut(above)[high]), *where(low > 0, _cut(_GROUP)[low])]


def instants(at_us: Column) -> list[Cell]:
    """RFC 3339 in UTC, to the microsecond, of times since 1970."""
    second, micros = _divided(at_us, 1_000_000)
    day, of_day = _divided(second, 86_400)
    hour, of_hour = _divided(of_day, 3_600)
    minute, of_minute = _divided(of_hour, 60)
    high, low = _divided(micros, _GROUP_SIZE)
    days, which = np.unique(day, return_inverse=True)
    date = np.datetime_as_string(days.astype("datetime64[D]")).astype("S10")[which]
    two = _padded(2)
    clock: list[Cell] = [two[hour], b":", two[minute], b":", two[of_minute], b".", two[high], _padded(_GROUP)[low]]
    return [date, b"T", *clock, b"Z"]


@cache
def _bare() -> Column:
    """Up to four digits each."""
    return np.array([b"%d" % n for n in range(_GROUP_SIZE)], f"S{_GROUP}")


@cache
def _padded(digits: int) -> Column:
    """So many digits each, with zeros before."""
    return np.array([b"%0*d" % (digits, n) for n in range(10**digits)], f"S{digits}")


@cache
def _cut(digits: int) -> Column:
    """What follows a point: without zeros at its end, but for one that stands alone."""
    return np.array([each.rstrip(b"0") or b"0" for each in _padded(digits).tolist()], f"S{digits}")
