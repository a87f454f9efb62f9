"""Statements on airspace versions and their reviews; each runs in the database's thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import apsw

from adapters.sqlite.rows import StoredAirspace, body, time_text, value
from core.errors import NotFound, StaleRevision
from geofence.publication import AirspaceSummary
from geofence.zones import Airspace
from missions.verdicts import AirspaceReview


def publish(db: apsw.Connection, new: Sequence[Airspace], based_on: int | None) -> tuple[Airspace, ...]:
    newest = db.execute("SELECT coalesce(max(version), 0) FROM airspaces").get
    if based_on is not None and newest != based_on:
        raise StaleRevision("airspace", "versions", newest, based_on)
    numbered = tuple(replace(each, version=newest + n) for n, each in enumerate(new, start=1))
    for each in numbered:
        _insert(db, each)
    return numbered


def _insert(db: apsw.Connection, airspace: Airspace) -> None:
    head = AirspaceSummary.of(airspace)
    starts_at = "" if head.starts_at is None else time_text(head.starts_at)
    db.execute(
        "INSERT INTO airspaces (version, starts_at, head, body) VALUES (?, ?, ?, ?)",
        (airspace.version, starts_at, body(head), body(StoredAirspace.of(airspace))),
    )


def airspace(db: apsw.Connection, version: int) -> Airspace:
    row = db.execute("SELECT body FROM airspaces WHERE version = ?", (version,)).fetchone()
    if row is None:
        raise NotFound("airspace version", str(version))
    return value(row[0], StoredAirspace).airspace(version)


def newest(db: apsw.Connection) -> int:
    return _version(db.execute("SELECT max(version) FROM airspaces").get, "newest")


def in_force(db: apsw.Connection, at: datetime) -> int:
    """As `geofence.publication.in_force`, asked of the rows."""
    found = db.execute("SELECT max(version) FROM airspaces WHERE starts_at <= ?", (time_text(at),)).get
    return _version(found, f"in force at {at.isoformat()}")


def _version(found: object, wanted: str) -> int:
    if not isinstance(found, int):
        raise NotFound("airspace version", wanted)
    return found


def versions(db: apsw.Connection) -> tuple[AirspaceSummary, ...]:
    rows = db.execute("SELECT head FROM airspaces ORDER BY version DESC")
    return tuple(value(text, AirspaceSummary) for (text,) in rows)


def save_review(db: apsw.Connection, review: AirspaceReview) -> None:
    db.execute("INSERT OR REPLACE INTO airspace_reviews VALUES (?, ?)", (review.version, body(review)))


def review(db: apsw.Connection, version: int) -> AirspaceReview:
    row = db.execute("SELECT body FROM airspace_reviews WHERE version = ?", (version,)).fetchone()
    if row is None:
        raise NotFound("review of airspace version", str(version))
    return value(row[0], AirspaceReview)
