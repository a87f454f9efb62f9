"""A track as CSV (RFC 4180): a line of names with units, then one for each row."""

from __future__ import annotations

import numpy as np

from operations.recording.formats.cells import instants, lines, numbers
from operations.recording.formats.document import Document, Pass
from operations.recording.rows import Rows
from operations.recording.table import DECIMALS, WORDS, scaled


def csv() -> Document:
    """Empty is what was never told."""
    names = ("time", *DECIMALS, *WORDS)
    return (",".join(f'"{name}"' for name in names).encode() + b"\n", Pass(_lines))


def _lines(rows: Rows) -> bytes:
    cells = instants(rows["at_us"])
    for name in DECIMALS:
        cells += [b",", *numbers(scaled(rows, name))]
    for name in WORDS:
        cells += [b',"', np.strings.replace(rows[name], b'"', b'""'), b'"']
    return lines(len(rows), *cells, b"\n")
