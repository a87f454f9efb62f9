"""Tracks as Parquet, by Apache Arrow; imported when somebody asks for one."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from operations.recording.rows import Rows, joined
from operations.recording.table import DECIMALS, WORDS, About, number

# Rows of one group: what has to fit into memory at once, here and at the reader's.
GROUP_ROWS = 32_768


_SCHEMA = pa.schema(
    [
        pa.field("time", pa.timestamp("us", tz="UTC")),
        *(pa.field(name, pa.float64() if digits else pa.int32()) for name, digits in DECIMALS.items()),
        *(pa.field(name, pa.string()) for name in WORDS),
    ]
)
# Columns whose values come again and again; a dictionary of the others costs time and makes the file larger.
_ALIKE = [name for name in _SCHEMA.names if name not in ("time", "lat_deg", "lon_deg")]


async def parquet(parts: AsyncIterator[Rows], about: About) -> AsyncIterator[bytes]:
    """A Parquet file, a row group after the other; whose track it is stands in the file's metadata."""
    told = {"vehicle_id": about.vehicle_id, "sortie_id": about.sortie_id or "", "level": about.level_name}
    out = _Drained()
    schema = _SCHEMA.with_metadata(told)
    with pyarrow.parquet.ParquetWriter(out, schema, compression="zstd", use_dictionary=_ALIKE) as writer:
        async for rows in _regrouped(parts):
            await asyncio.to_thread(_put_group, writer, rows, schema)
            yield out.drained()
    yield out.drained()


def _put_group(writer: pyarrow.parquet.ParquetWriter, rows: Rows, schema: pa.Schema) -> None:
    time = pa.array(rows["at_us"].astype("datetime64[us]"), pa.timestamp("us", tz="UTC"))
    writer.write_table(pa.table([time, *_columns(rows)], schema=schema))


def _columns(rows: Rows) -> Iterator[pa.Array]:
    for name, digits in DECIMALS.items():
        values = number(rows, name)
        if digits:
            yield pa.array(values, from_pandas=True)  # NaN is a null
        else:
            told = np.isnan(values)
            yield pa.array(np.where(told, 0, values).astype(np.int32), mask=told)
    for name in WORDS:
        yield pa.array(rows[name]).cast(pa.string())


async def _regrouped(parts: AsyncIterator[Rows]) -> AsyncIterator[Rows]:
    """The same rows, `GROUP_ROWS` at once."""
    held: list[Rows] = []
    async for rows in parts:
        held.append(rows)
        if sum(map(len, held)) >= GROUP_ROWS:
            yield joined(held)
            held = []
    yield joined(held)


class _Drained(io.RawIOBase):
    """A file of which what was written is taken away, and its place remembered."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def write(self, data: object) -> int:
        view = memoryview(data)  # type: ignore[arg-type]
        self._buffer += view
        self._at += view.nbytes
        return view.nbytes

    def drained(self) -> bytes:
        """What was written since the last time."""
        taken, self._buffer = bytes(self._buffer), bytearray()
        return taken
