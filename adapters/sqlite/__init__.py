"""The embedded store: SQLite in WAL with `synchronous=FULL`, one thread that writes and one that reads."""

from adapters.sqlite.store import SqliteStore, open_store

__all__ = ["SqliteStore", "open_store"]
