"""Statements on recorded rows; each runs in the telemetry database's thread."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import apsw
import numpy as np

from operations.recording.ports import FOREVER_US, Batch, Extent, Gone
from operations.recording.rows import (
    KEYED,
    LEVELS,
    RAW,
    SPAN_S,
    Rows,
    between,
    grouped,
    joined,
    packed,
    thinned,
    unkeyed,
    unpacked,
)

NOBODY = -1
_S = 1_000_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Whose rows: numbers of names; None is any."""

    vehicle: int | None
    sortie: int | None
    level: int

    def where(self) -> tuple[str, tuple[int, ...]]:
        """Condition of the rows of `chunks`, and its values."""
        if self.sortie is not None:
            return "sortie = ?", (self.sortie,)
        return "vehicle = ?", (self.vehicle if self.vehicle is not None else NOBODY,)


def numbers(db: apsw.Connection, names: Sequence[str], known: Mapping[str, int]) -> dict[str, int]:
    """The number of each name; new ones are stored."""
    found = {}
    for name in names:
        number = known.get(name)
        if number is None:
            db.execute("INSERT OR IGNORE INTO names (name) VALUES (?)", (name,))
            number = db.execute("SELECT number FROM names WHERE name = ?", (name,)).get
        found[name] = number
    return found


def number(db: apsw.Connection, name: str) -> int:
    """The number of a name; that of nobody when it was never recorded."""
    row = db.execute("SELECT number FROM names WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else -2


def append(db: apsw.Connection, batch: Batch, known: Mapping[str, int]) -> dict[str, int]:
    """Stores a batch as it came and gives the numbers of its names."""
    found = numbers(db, batch.names, known)
    by_index = np.array([*found.values(), NOBODY], "<i4")  # index -1 is the last
    rows = batch.rows.copy()
    rows["vehicle"], rows["sortie"] = by_index[rows["vehicle"]], by_index[rows["sortie"]]
    first, last = int(rows["at_us"].min()), int(rows["at_us"].max())
    db.execute(
        "INSERT INTO pending (count, from_us, to_us, data) VALUES (?, ?, ?, ?)",
        (len(rows), first, last, rows.tobytes()),
    )
    return found


def waiting(db: apsw.Connection) -> tuple[int, int]:
    """How many rows are not in chunks yet, and the time of the first of them."""
    count, first = db.execute("SELECT coalesce(sum(count), 0), coalesce(min(from_us), 0) FROM pending").get
    return count, first


def compact(db: apsw.Connection, most_rows: int) -> int:
    """Turns the oldest batches, about `most_rows`, into chunks and the finest level of each; gives how many rows."""
    last, count = None, 0
    for n, rows in db.execute("SELECT n, count FROM pending ORDER BY n"):
        last, count = n, count + rows
        if count >= most_rows:
            break
    if last is None:
        return 0
    # Read into their place: each copy more of what a thousand vehicles told in twenty seconds is 13 MiB.
    batch, at = np.empty(count, KEYED), 0
    for rows, data in db.execute("SELECT count, data FROM pending WHERE n <= ? ORDER BY n", (last,)):
        batch[at : at + rows] = np.frombuffer(data, KEYED)
        at += rows
    for vehicle, sortie, rows in grouped(batch, SPAN_S[RAW]):
        put(db, RAW, vehicle, sortie, rows, piece=False)
        put(db, LEVELS[1], vehicle, sortie, thinned(rows, LEVELS[1]), piece=True)
    db.execute("DELETE FROM pending WHERE n <= ?", (last,))
    return count


def put(db: apsw.Connection, level: int, vehicle: int, sortie: int, rows: Rows, *, piece: bool) -> None:
    """Stores rows of one vehicle and sortie, N >= 1 in the order of time, as a blob."""
    first, last = int(rows["at_us"][0]), int(rows["at_us"][-1])
    db.execute(
        "INSERT INTO chunks (level, vehicle, sortie, from_us, to_us, count, piece, data) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (level, vehicle, sortie, first, last, len(rows), piece, packed(rows)),
    )


def roll_up(db: apsw.Connection, level: int, now_us: int, most_vehicles: int) -> int:
    """Joins the pieces of spans that are over, and makes the pieces of the next coarser level of them.

    Gives how many vehicles there were to do, of at most `most_vehicles`.
    """
    span_us = SPAN_S[level] * _S
    before_us = (now_us - SPAN_S[RAW] * _S) // span_us * span_us
    query = "SELECT DISTINCT vehicle FROM chunks WHERE level = ? AND piece = 1 AND from_us < ? LIMIT ?"
    vehicles = [row[0] for row in db.execute(query, (level, before_us, most_vehicles))]
    for vehicle in vehicles:
        _roll_up(db, level, vehicle, before_us)
    return len(vehicles)


def _roll_up(db: apsw.Connection, level: int, vehicle: int, before_us: int) -> None:
    query = (
        "SELECT id, sortie, from_us, data FROM chunks "
        "WHERE vehicle = ? AND level = ? AND piece = 1 AND from_us < ? ORDER BY from_us, id"
    )
    spans: dict[tuple[int, int], list[Rows]] = {}
    for _, sortie, from_us, data in db.execute(query, (vehicle, level, before_us)):
        spans.setdefault((sortie, from_us // (SPAN_S[level] * _S)), []).append(unpacked(data))
    db.execute(
        "DELETE FROM chunks WHERE vehicle = ? AND level = ? AND piece = 1 AND from_us < ?",
        (vehicle, level, before_us),
    )
    coarser = LEVELS[LEVELS.index(level) + 1 :][:1]
    for (sortie, _), parts in spans.items():
        rows = thinned(joined(parts), level)
        put(db, level, vehicle, sortie, rows, piece=False)
        for each in coarser:
            put(db, each, vehicle, sortie, thinned(rows, each), piece=True)


def page(db: apsw.Connection, wanted: Selection, from_us: int, to_us: int, most_rows: int) -> tuple[Rows, int]:
    """Rows from `from_us` on, of as many blobs as hold about `most_rows`, and the time up to which these are all.

    Whatever is joined or rolled up between two pages, no row is missed and none comes twice.
    """
    which, values = wanted.where()
    span_us = SPAN_S[wanted.level] * _S
    query = (
        f"SELECT from_us, count, data FROM chunks WHERE {which} AND level = ? AND from_us >= ? AND from_us < ? "  # noqa: S608 - our own constant
        "AND to_us >= ? ORDER BY from_us, id"
    )
    found, count, until_us = [], 0, to_us
    for first, rows, data in db.execute(query, (*values, wanted.level, from_us - span_us, to_us, from_us)):
        if count >= most_rows:
            step_us = max(1, wanted.level * _S)
            until_us = first // step_us * step_us
            if until_us <= from_us:  # they all begin together
                return page(db, wanted, from_us, to_us, 4 * most_rows)
            break
        found.append((first, data))
        count += rows
    parts = [unpacked(data) for first, data in found if first < until_us]
    parts += _unrolled(db, wanted, from_us, until_us)
    parts += _pending(db, wanted, from_us, until_us)
    return thinned(between(joined(parts), from_us, until_us), wanted.level), until_us


def _unrolled(db: apsw.Connection, wanted: Selection, from_us: int, to_us: int) -> list[Rows]:
    """The pieces of finer levels that are not in the wanted level yet."""
    which, values = wanted.where()
    parts = []
    for level in LEVELS[1 : LEVELS.index(wanted.level)] if wanted.level != RAW else ():
        query = (
            f"SELECT data FROM chunks WHERE {which} AND level = ? AND piece = 1 AND from_us >= ? AND from_us < ? "  # noqa: S608 - our own constant
            "ORDER BY from_us, id"
        )
        rows = db.execute(query, (*values, level, from_us - SPAN_S[level] * _S, to_us))
        parts += [unpacked(data) for (data,) in rows]
    return parts


def _pending(db: apsw.Connection, wanted: Selection, from_us: int, to_us: int) -> list[Rows]:
    parts = []
    for (data,) in db.execute(
        "SELECT data FROM pending WHERE to_us >= ? AND from_us < ? ORDER BY n", (from_us, to_us)
    ):
        rows = np.frombuffer(data, KEYED)
        mine = rows["sortie"] == wanted.sortie if wanted.sortie is not None else rows["vehicle"] == wanted.vehicle
        parts.append(unkeyed(rows[mine]))
    return parts


def window(db: apsw.Connection, from_us: int, to_us: int) -> Rows:
    """All vehicles' rows (`KEYED`, by number) of a short time, in its order."""
    parts = [np.frombuffer(data, KEYED) for (data,) in db.execute(
        "SELECT data FROM pending WHERE to_us >= ? AND from_us < ? ORDER BY n", (from_us, to_us)
    )]  # fmt: skip
    query = (
        "SELECT vehicle, sortie, data FROM chunks "
        "WHERE level = 0 AND to_us >= ? AND to_us < ? AND from_us < ? ORDER BY from_us, id"
    )
    span_us = SPAN_S[RAW] * _S
    for vehicle, sortie, data in db.execute(query, (from_us, to_us + span_us, to_us)):
        parts.append(_keyed(between(unpacked(data), from_us, to_us), vehicle, sortie))
    rows = between(np.concatenate(parts), from_us, to_us) if parts else np.empty(0, KEYED)
    return rows[np.argsort(rows["at_us"], kind="stable")]


def _keyed(rows: Rows, vehicle: int, sortie: int) -> Rows:
    keyed = np.empty(len(rows), KEYED)
    for name in rows.dtype.names or ():
        keyed[name] = rows[name]
    keyed["vehicle"], keyed["sortie"] = vehicle, sortie
    return keyed


def names_of(db: apsw.Connection) -> dict[int, str]:
    """All names by number."""
    return dict(db.execute("SELECT number, name FROM names"))


def extent(db: apsw.Connection, wanted: Selection, since_us: int = 0) -> Extent | None:
    """From when to when there are rows of a vehicle or a sortie, in whatever level; None without any.

    `finest` is of the range that begins with `since_us`: whatever was kept or not before it does not count.
    """
    which, values = wanted.where()
    ends: list[tuple[int, int]] = []
    begins: list[tuple[int, int]] = []
    query = f"SELECT min(from_us), max(to_us) FROM chunks WHERE {which} AND level = ?"  # noqa: S608 - our own constant
    for level in LEVELS:
        first, last = db.execute(query, (*values, level)).get
        if first is not None:
            ends.append((first, last))
            begins += [(at_us, level) for at_us in _first_since(db, replace(wanted, level=level), since_us)]
    for at_us in (rows["at_us"] for rows in _pending(db, wanted, 0, FOREVER_US) if len(rows)):
        ends.append((int(at_us.min()), int(at_us.max())))
        wanted_us = at_us[at_us >= since_us]
        if len(wanted_us):
            begins.append((int(wanted_us.min()), RAW))
    if not ends:
        return None
    _, finest = min(begins, default=(since_us, RAW))
    return Extent(min(first for first, _ in ends), max(last for _, last in ends), finest)


def _first_since(db: apsw.Connection, wanted: Selection, since_us: int) -> list[int]:
    """The times of rows from `since_us` on, the first of the level among them; none when it has none."""
    which, values = wanted.where()
    query = f"SELECT min(from_us) FROM chunks WHERE {which} AND level = ? AND from_us >= ?"  # noqa: S608 - our own constant
    first = db.execute(query, (*values, wanted.level, since_us)).get
    found = [] if first is None else [first]
    # A blob that begins before may have the first row in its midst.
    query = f"SELECT data FROM chunks WHERE {which} AND level = ? AND from_us >= ? AND from_us < ? AND to_us >= ?"  # noqa: S608 - our own constant
    reach_us = since_us - SPAN_S[wanted.level] * _S
    for (data,) in db.execute(query, (*values, wanted.level, reach_us, since_us, since_us)):
        at_us = unpacked(data)["at_us"]
        found.append(int(at_us[at_us >= since_us].min()))
    return found


def used_bytes(db: apsw.Connection) -> int:
    """What the database holds, without the room of what was deleted, which is used again."""
    pages = int(db.pragma("page_count")) - int(db.pragma("freelist_count"))
    return pages * int(db.pragma("page_size"))


def expire(
    db: apsw.Connection, levels: Sequence[int], before_us: int, held: Collection[int], most_chunks: int
) -> Gone:
    """Deletes the oldest chunks of `levels` that end before a time and that no held sortie has."""
    spared = ",".join(str(int(each)) for each in held) or "NULL"
    gone: list[tuple[Any, ...]] = []
    for level in levels:
        query = (
            f"SELECT id, count, from_us, to_us FROM chunks WHERE level = ? AND to_us < ? AND (sortie IN ({spared})) "  # noqa: S608 - numbers only
            "IS NOT TRUE ORDER BY to_us LIMIT ?"
        )
        gone += db.execute(query, (level, before_us, most_chunks)).fetchall()
    if not gone:
        return Gone()
    db.executemany("DELETE FROM chunks WHERE id = ?", [(row[0],) for row in gone])
    return Gone(sum(row[1] for row in gone), min(row[2] for row in gone), max(row[3] for row in gone))
