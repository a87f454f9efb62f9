"""Recorded rows: what one holds, how many become a blob, and the coarser levels of them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.void]

# One row. NaN, -1 of an integer and "" stand for what was never told. Positions are WGS-84; `alt_amsl_m` above mean
# sea level, `alt_rel_m` above home, `alt_agl_m` above ground. `lost_share`: of the link's frames in the last minute.
ROW = np.dtype(
    [
        ("at_us", "<i8"),
        ("lat_e7", "<i4"),
        ("lon_e7", "<i4"),
        ("alt_amsl_m", "<f4"),
        ("alt_rel_m", "<f4"),
        ("alt_agl_m", "<f4"),
        ("ground_speed_mps", "<f4"),
        ("north_mps", "<f4"),
        ("east_mps", "<f4"),
        ("climb_mps", "<f4"),
        ("heading_deg", "<f4"),
        ("course_deg", "<f4"),
        ("roll_deg", "<f4"),
        ("pitch_deg", "<f4"),
        ("battery_pct", "<f4"),
        ("battery_v", "<f4"),
        ("battery_a", "<f4"),
        ("hdop", "<f4"),
        ("vibration_mps2", "<f4"),
        ("lost_share", "<f4"),
        ("heartbeat_age_s", "<f4"),
        ("mission_seq", "<i2"),
        ("gps_fix", "i1"),
        ("satellites", "<i2"),
        ("armed", "i1"),
        ("landed", "S10"),
        ("mode", "S12"),
    ]
)
# A row of many vehicles' batch: whose it is and on which sortie, as indexes into the batch's names; -1: on none.
KEYED = np.dtype([("vehicle", "<i4"), ("sortie", "<i4"), *[(name, ROW[name]) for name in ROW.names or ()]])

RAW = 0
# Seconds between the rows of each level; 0 is every row.
LEVELS: tuple[int, ...] = (RAW, 1, 10, 60)
# No blob holds rows of two spans, so that whoever looks for a time knows how far back one may begin.
SPAN_S: dict[int, int] = {RAW: 60, 1: 600, 10: 3_600, 60: 86_400}
_FORMAT = b"\x01"


def packed(rows: Rows) -> bytes:
    """`rows` (of `ROW`) as a blob: column bytes apart, for neighbours in a column are alike, then deflate."""
    table = np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), ROW.itemsize)
    return _FORMAT + zlib.compress(np.ascontiguousarray(table.T).tobytes(), 1)


def unpacked(blob: bytes) -> Rows:
    """The rows that `packed` made a blob of. Raises ValueError for one of a newer format."""
    if blob[:1] != _FORMAT:
        raise ValueError(f"recorded rows of format {blob[0]}: a newer Bailu wrote them")
    table = np.frombuffer(zlib.decompress(memoryview(blob)[1:]), np.uint8)
    return np.ascontiguousarray(table.reshape(ROW.itemsize, -1).T).view(ROW).reshape(-1)


def thinned(rows: Rows, period_s: int) -> Rows:
    """The first row of each period: a row as it was recorded, no mean of several. `rows` in the order of time."""
    if period_s == RAW or len(rows) == 0:
        return rows
    period = rows["at_us"] // (period_s * 1_000_000)
    return taken(rows, _edges(period))


def ordered(rows: Rows) -> Rows:
    """`rows` in the order of time; those of one time as they came."""
    at_us = rows["at_us"]
    if bool(np.all(at_us[1:] >= at_us[:-1])):
        return rows
    return taken(rows, np.argsort(at_us, kind="stable"))


def between(rows: Rows, from_us: int, to_us: int) -> Rows:
    """The rows of `from_us` <= time < `to_us`."""
    inside = (rows["at_us"] >= from_us) & (rows["at_us"] < to_us)
    return rows if bool(inside.all()) else taken(rows, inside)


def joined(parts: Sequence[Rows]) -> Rows:
    """All parts as one, in the order of time; none are no rows."""
    if not parts:
        return np.empty(0, ROW)
    return ordered(np.concatenate([_plain(part) for part in parts]).view(parts[0].dtype))


def taken(rows: Rows, which: npt.NDArray[Any]) -> Rows:
    """`rows[which]`, many times faster: numpy copies a row that has fields field by field."""
    found: Rows = _plain(rows)[which].view(rows.dtype)
    return found


def _plain(rows: Rows) -> Rows:
    return rows.view(np.dtype((np.void, rows.dtype.itemsize)))


def grouped(batch: Rows, span_s: int) -> Iterator[tuple[int, int, Rows]]:
    """(vehicle, sortie, rows of `ROW` in the order of time) for each vehicle, sortie and span of a `KEYED` batch."""
    if len(batch) == 0:
        return
    span = batch["at_us"] // (span_s * 1_000_000)
    order = np.lexsort((batch["at_us"], span, batch["sortie"], batch["vehicle"]))
    vehicle, sortie = batch["vehicle"][order], batch["sortie"][order]
    starts = np.flatnonzero(_edges(vehicle) | _edges(sortie) | _edges(span[order]))
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(batch)], strict=True):
        # Group by group: all rows in their order would be another copy of all of them.
        yield int(vehicle[start]), int(sortie[start]), unkeyed(taken(batch, order[start:end]))


def thinned_keyed(batch: Rows, period_s: int) -> Rows:
    """The first row of each vehicle and sortie in each period, of a `KEYED` batch."""
    if len(batch) == 0:
        return batch
    period = batch["at_us"] // (period_s * 1_000_000)
    order = np.lexsort((batch["at_us"], period, batch["sortie"], batch["vehicle"]))
    first = _edges(batch["vehicle"][order]) | _edges(batch["sortie"][order]) | _edges(period[order])
    return batch[np.sort(order[first])]


def unkeyed(batch: Rows) -> Rows:
    """The rows of a `KEYED` batch without whose they are."""
    body = np.ascontiguousarray(batch).view(np.uint8).reshape(len(batch), KEYED.itemsize)
    return np.ascontiguousarray(body[:, KEYED.itemsize - ROW.itemsize :]).view(ROW).reshape(-1)


def _edges(column: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where a value differs from the one before; the first does."""
    edges = np.ones(len(column), np.bool_)
    edges[1:] = column[1:] != column[:-1]
    return edges
