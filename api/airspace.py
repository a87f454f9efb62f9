"""Publishing airspace versions: whole ones and changes to single zones, one at a time, away from the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec

from core.clock import Clock
from core.errors import FieldError, InvalidRequest, NotFound, Overloaded, StaleRevision
from core.ids import OperatorId, ZoneId
from core.members import Problems, read_array, read_choice, read_number, read_object, read_text
from geofence.changes import amended, changes
from geofence.geojson import MOST_ZONES, parse_zones
from geofence.members import read_time
from geofence.publication import (
    Advice,
    AirspaceSummary,
    check_publication,
    in_force,
    schedule,
    short_notices,
    superseded,
)
from geofence.zones import Airspace, Combination, Zone
from missions.ports import AirspaceStore

T = TypeVar("T")
Body = Callable[[], Awaitable[bytes]]

MOST_WAITING = 8
BODY_DEADLINE_S = 60.0
LONGEST_NOTE = 500
HIGHEST_CEILING_M = 1_000.0


@dataclass(frozen=True, slots=True)
class VersionDraft:
    """A whole new version as it was asked for."""

    note: str
    zones: tuple[Zone, ...]
    combination: Combination
    ceiling_agl_m: float
    effective_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChangeDraft:
    """Zones to put in and to take out of whatever is in force."""

    note: str
    add: tuple[Zone, ...]
    remove: tuple[ZoneId, ...]


@dataclass(frozen=True, slots=True)
class Publication:
    """What was stored: the version asked for, those ahead that were changed with it, and what to know about it."""

    version: AirspaceSummary
    ahead: tuple[AirspaceSummary, ...]
    warnings: tuple[Advice, ...]


def read_version(body: bytes) -> VersionDraft:
    """A body of POST /airspace/versions. Raises InvalidRequest with everything wrong."""
    problems = Problems()
    known = ("note", "combination", "ceiling_agl_m", "effective_at", "zones")
    told = read_object(_decoded(body), "", problems, known=known, required=("note", "zones"))
    note = _note(told, problems)
    combination = read_choice(told.get("combination", "intersection"), "/combination", problems, Combination)
    ceiling_m = read_number(
        told.get("ceiling_agl_m", 120.0), "/ceiling_agl_m", problems, low=1.0, high=HIGHEST_CEILING_M
    )
    effective_at = read_time(told.get("effective_at"), "/effective_at", problems)
    problems.raise_any()
    zones = parse_zones(told["zones"], "/zones")
    assert combination is not None
    assert ceiling_m is not None
    return VersionDraft(note, zones, combination, ceiling_m, effective_at)


def read_change(body: bytes) -> ChangeDraft:
    """A body of POST /airspace/changes. Raises InvalidRequest with everything wrong."""
    problems = Problems()
    told = read_object(_decoded(body), "", problems, known=("note", "add", "remove"), required=("note",))
    note = _note(told, problems)
    listed = read_array(told.get("remove", []), "/remove", problems, longest=MOST_ZONES)
    remove = [read_text(each, f"/remove/{index}", problems, longest=100) for index, each in enumerate(listed)]
    problems.raise_any()
    add = parse_zones(told["add"], "/add") if told.get("add") is not None else ()
    if not add and not remove:
        raise InvalidRequest((FieldError("", "changes nothing: add names no zone and remove none"),))
    return ChangeDraft(note, add, tuple(ZoneId(each) for each in remove if each))


def _decoded(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest((FieldError("", f"not JSON: {error}"),)) from error


def _note(told: Mapping[str, object], problems: Problems) -> str:
    return read_text(told.get("note", "-"), "/note", problems, longest=LONGEST_NOTE) or ""


class Worker(Protocol):
    """Does what would stall the event loop even from a thread: megabytes of JSON are decoded in one go."""

    async def run(self, job: Callable[..., T], *arguments: Any) -> T:
        """Raises what `job` raises, and Overloaded."""
        ...


class Publisher:
    """Takes one publication at a time; more than `MOST_WAITING` others are told to come back.

    `published` is called with each new version once it is stored: whoever reviews missions hears of it there.
    """

    def __init__(
        self, store: AirspaceStore, clock: Clock, worker: Worker, *, published: Callable[[AirspaceSummary], None]
    ) -> None:
        self._store = store
        self._clock = clock
        self._worker = worker
        self._published = published
        self._lock = asyncio.Lock()
        self._waiting = 0

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= MOST_WAITING:
            raise Overloaded("Too many airspace versions are being published")
        self._waiting += 1
        try:
            async with self._lock:
                yield
        finally:
            self._waiting -= 1

    async def publish(self, body: Body, by: OperatorId) -> Publication:
        """A whole new version, from its `effective_at` on. Raises InvalidRequest and Overloaded, nothing stored."""
        async with self._turn():
            draft = await self._worker.run(read_version, await _arrived(body))
            now = self._clock.now()
            new = Airspace(
                version=0,
                zones=draft.zones,
                combination=draft.combination,
                ceiling_agl_m=draft.ceiling_agl_m,
                published_at=now,
                published_by=by,
                note=draft.note,
                effective_at=draft.effective_at,
            )
            await asyncio.to_thread(check_publication, new, pointer="/zones/features")
            return await self._stored((new,), now, await self._store.airspace_versions())

    async def change(self, body: Body, based_on: int, by: OperatorId) -> Publication:
        """The version in force with single zones put in and taken out, from now on.

        Versions published ahead are changed alike, or the zones would come and go with them.

        Raises StaleRevision when not `based_on` is in force, InvalidRequest and Overloaded; nothing is stored then.
        """
        async with self._turn():
            draft = await self._worker.run(read_change, await _arrived(body))
            now = self._clock.now()
            versions = await self._store.airspace_versions()
            if not versions:
                raise NotFound("airspace version", "in force")
            present, *ahead = schedule(versions, now)
            if present.version != based_on:
                raise StaleRevision("airspace", "in force", present.version, based_on)
            bases = [await self._store.airspace(each.version) for each in (present, *ahead)]
            new = await asyncio.to_thread(_all_amended, bases, draft)
            signed = [replace(each, published_at=now, published_by=by, note=draft.note) for each in new]
            return await self._stored(signed, now, versions)

    async def _stored(
        self, new: Sequence[Airspace], now: datetime, versions: Sequence[AirspaceSummary]
    ) -> Publication:
        newest = max((each.version for each in versions), default=0)
        published = await self._store.publish_airspaces(new, based_on=newest)
        told = [AirspaceSummary.of(each) for each in published]
        for each in told:
            self._published(each)
        warnings = await asyncio.to_thread(_warnings, await self._before(told[0], versions), published[0])
        lost = superseded(versions, [*versions, *told], now) if len(new) == 1 else ()
        return Publication(told[0], tuple(told[1:]), (*warnings, *lost))

    async def _before(self, new: AirspaceSummary, versions: Sequence[AirspaceSummary]) -> Airspace | None:
        """What `new` takes the place of."""
        replaced = in_force(versions, new.starts_at) if new.starts_at is not None else None
        return await self._store.airspace(replaced.version) if replaced is not None else None


async def _arrived(body: Body) -> bytes:
    """The whole body. Raises InvalidRequest when it dawdles: it holds up the next publication."""
    try:
        async with asyncio.timeout(BODY_DEADLINE_S):
            return await body()
    except TimeoutError as error:
        detail = f"the body did not arrive within {BODY_DEADLINE_S:.0f} s"
        raise InvalidRequest((FieldError("", detail),)) from error


def _all_amended(bases: Sequence[Airspace], draft: ChangeDraft) -> tuple[Airspace, ...]:
    """The first base is in force: the change must fit it. Those ahead may lack what goes, and keep their start."""
    first, *ahead = bases
    made = [replace(amended(first, draft.add, draft.remove), effective_at=None)]
    for base in ahead:
        known = {zone.id for zone in base.zones}
        made.append(amended(base, draft.add, [each for each in draft.remove if each in known]))
    for each in made:
        check_publication(each, pointer="")
    return tuple(made)


def _warnings(before: Airspace | None, new: Airspace) -> tuple[Advice, ...]:
    zones = changes(before, new).new_zones if before is not None else new.zones
    return tuple(short_notices(new, zones))
