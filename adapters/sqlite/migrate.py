"""Brings a database to the newest schema: numbered scripts, each in its own transaction, by `user_version`."""

from __future__ import annotations

from importlib.resources import files

import apsw

MIGRATIONS = "adapters.migrations"
TELEMETRY_MIGRATIONS = "adapters.migrations.telemetry"


class NewerDatabase(Exception):
    """The database was made by a newer Bailu; the text says what to do."""


def scripts(package: str = MIGRATIONS) -> list[str]:
    """The migrations in order; the first is number 1."""
    found = sorted((item for item in files(package).iterdir() if item.name.endswith(".sql")), key=lambda it: it.name)
    numbers = [int(item.name[:4]) for item in found]
    assert numbers == list(range(1, len(found) + 1)), numbers
    return [item.read_text(encoding="utf-8") for item in found]


def migrate(connection: apsw.Connection, package: str = MIGRATIONS) -> int:
    """Applies what is missing and gives the version. Raises NewerDatabase, with nothing changed."""
    known = scripts(package)
    at = version_of(connection)
    if at > len(known):
        raise NewerDatabase(
            f"The database is at schema version {at}; this Bailu knows up to {len(known)}. "
            "Start the newer Bailu that made it, or use another data folder."
        )
    for number in range(at, len(known)):
        _apply(connection, number + 1, known[number])
    return len(known)


def version_of(connection: apsw.Connection) -> int:
    return int(connection.pragma("user_version"))


def _apply(connection: apsw.Connection, number: int, script: str) -> None:
    # IMMEDIATE, then look again: another process may be migrating the same file.
    connection.execute("BEGIN IMMEDIATE")
    try:
        if version_of(connection) < number:
            connection.execute(script)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def rewrite_version(connection: apsw.Connection) -> None:
    """Writes the version that is there: a page goes to the disk, and nothing is another than before."""
    connection.execute(f"PRAGMA user_version = {version_of(connection)}")
