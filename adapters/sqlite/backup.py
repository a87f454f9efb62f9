"""A copy of a database as it is at one moment, while others write to it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import apsw

from adapters.sqlite.examine import Unreadable

_BUSY_MS = 5_000


def copy_database(source: Path, target: Path) -> None:
    """Copies `source` to the new file `target`, in one step: readers of a log (WAL) hold up no writer.

    Raises Unreadable.
    """
    try:
        _copy(source, target)
    except apsw.Error as error:
        raise Unreadable(str(error)) from error


def _copy(source: Path, target: Path) -> None:
    reading = f"file:{quote(str(source))}?mode=ro"
    with (
        closing(apsw.Connection(reading, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)) as original,
        closing(apsw.Connection(str(target))) as copy,
    ):
        original.set_busy_timeout(_BUSY_MS)
        with copy.backup("main", original, "main") as backup:
            backup.step(-1)
