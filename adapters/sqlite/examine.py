"""A look at a database from outside: whether it opens, is whole and up to date. Nothing in it is changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import apsw

from adapters.sqlite.migrate import MIGRATIONS, scripts, version_of

_BUSY_MS = 1_000


class Unreadable(Exception):
    """The file cannot be opened as a database, or reading it failed; the text says how."""


@dataclass(frozen=True, slots=True)
class Examined:
    """`known`: the newest schema version that this program makes. `damage`: what SQLite found wrong, if anything."""

    version: int
    known: int
    damage: tuple[str, ...]
    wal_bytes: int


def examine(path: Path, package: str = MIGRATIONS) -> Examined:
    """Opens `path` for reading and checks every page. Raises Unreadable."""
    wal = path.with_name(f"{path.name}-wal")
    wal_bytes = wal.stat().st_size if wal.exists() else 0
    # Without a log nobody has it open: opened as immutable, SQLite makes no files beside it.
    uri = f"file:{quote(str(path))}?mode=ro" + ("" if wal.exists() else "&immutable=1")
    try:
        connection = apsw.Connection(uri, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
        try:
            connection.set_busy_timeout(_BUSY_MS)
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
            version = version_of(connection)
        finally:
            connection.close()
    except apsw.Error as error:
        raise Unreadable(str(error)) from error
    return Examined(version, len(scripts(package)), () if found == ["ok"] else tuple(found), wal_bytes)
