"""The store of `missions.ports` on SQLite: each method is one job in the writing or the reading thread."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from adapters.sqlite import airspaces as airspace_rows
from adapters.sqlite import alarms as alarm_rows
from adapters.sqlite import diversions as diversion_rows
from adapters.sqlite import enrollments as enrollment_rows
from adapters.sqlite import history as history_rows
from adapters.sqlite import holds as hold_rows
from adapters.sqlite import missions as mission_rows
from adapters.sqlite import sorties as sortie_rows
from adapters.sqlite.database import Database
from adapters.sqlite.forwarding import SqliteForwarding
from adapters.sqlite.migrate import migrate, rewrite_version
from adapters.sqlite.records import FILE as TELEMETRY_FILE
from adapters.sqlite.records import Records, open_records
from adapters.sqlite.reserve import FILE as RESERVE_FILE
from adapters.sqlite.reserve import Reserve
from core.ids import AlarmId, DiversionId, MissionId, OperatorId, SortieId, VehicleId
from core.metrics import Reading, Spread
from geofence.publication import AirspaceSummary
from geofence.zones import Airspace
from missions.enrollment import Enrollment, SigningMemory, WrappedKeys
from missions.manoeuvre import Diversion
from missions.model import CommandRecord, Mission, Revision, Sortie, TrackPoint
from missions.verdicts import AirspaceReview
from operations.alarms import Alarm
from operations.recording.history import History
from operations.recording.ports import Hold, Wanted
from operations.recording.tracks import track_points

KEPT_AIRSPACES = 8


class SqliteStore:
    """Writes are committed and synced when their method returns; reads see every write that returned before."""

    def __init__(self, writer: Database, reader: Database, records: Records) -> None:
        self._writer = writer
        self._reader = reader
        self.records = records
        self._airspaces: OrderedDict[int, Airspace] = OrderedDict()
        self._proof: asyncio.Future[None] | None = None
        self.forwarding = SqliteForwarding(writer, reader)

    async def prove_writable(self) -> None:
        """Writes and syncs something that changes nothing. Raises Overloaded when the disk does not take it."""
        # One at a time, whoever asks: behind a disk that hangs nothing may pile up.
        if self._proof is None or self._proof.done():
            self._proof = asyncio.ensure_future(self._writer.write(rewrite_version))
            self._proof.add_done_callback(lambda proof: proof.cancelled() or proof.exception())
        await asyncio.shield(self._proof)

    def readings(self) -> Iterator[Reading]:
        """What waits, and what was refused by now."""
        for role, database in self._databases():
            yield Reading("bailu_store_waiting", database.waiting, (role,))
            yield Reading("bailu_store_refused_total", database.refused, (role,))

    def spreads(self) -> Iterator[Spread]:
        """How long jobs lasted; a write is on the disk then."""
        return (
            database.lasted.read("bailu_store_job_duration_seconds", (role,)) for role, database in self._databases()
        )

    def _databases(self) -> tuple[tuple[str, Database], ...]:
        return ("write", self._writer), ("read", self._reader)

    async def add_mission(self, mission: Mission, first: Revision) -> None:
        await self._writer.write(lambda db: mission_rows.add_mission(db, mission, first))

    async def add_revision(self, revision: Revision, *, based_on: int) -> Mission:
        return await self._writer.write(lambda db: mission_rows.add_revision(db, revision, based_on))

    async def mission(self, mission_id: MissionId) -> Mission:
        return await self._reader.read(lambda db: mission_rows.mission(db, mission_id))

    async def revision(self, mission_id: MissionId, revision: int) -> Revision:
        return await self._reader.read(lambda db: mission_rows.revision(db, mission_id, revision))

    async def missions(self, *, limit: int) -> Sequence[Mission]:
        return await self._reader.read(lambda db: mission_rows.missions(db, limit))

    async def add_sortie(self, sortie: Sortie, *, idempotency_key: str, request_digest: str) -> Sortie:
        return await self._writer.write(
            lambda db: sortie_rows.add_sortie(db, sortie, idempotency_key, request_digest)
        )

    async def sortie_for_key(self, idempotency_key: str, request_digest: str) -> Sortie | None:
        return await self._reader.read(lambda db: sortie_rows.sortie_for_key(db, idempotency_key, request_digest))

    async def save_sortie(self, sortie: Sortie) -> None:
        await self._writer.write(lambda db: sortie_rows.save_sortie(db, sortie))

    async def sortie(self, sortie_id: SortieId) -> Sortie:
        return await self._reader.read(lambda db: sortie_rows.sortie(db, sortie_id))

    async def sorties(self, *, limit: int, unfinished_only: bool = False) -> Sequence[Sortie]:
        return await self._reader.read(lambda db: sortie_rows.sorties(db, limit, unfinished_only))

    async def sorties_before(self, sortie_id: SortieId) -> Sequence[Sortie]:
        return await self._reader.read(lambda db: sortie_rows.sorties_before(db, sortie_id))

    async def add_diversion(self, diversion: Diversion) -> None:
        await self._writer.write(lambda db: diversion_rows.add_diversion(db, diversion))

    async def save_diversion(self, diversion: Diversion) -> None:
        await self._writer.write(lambda db: diversion_rows.save_diversion(db, diversion))

    async def diversion(self, diversion_id: DiversionId) -> Diversion:
        return await self._reader.read(lambda db: diversion_rows.diversion(db, diversion_id))

    async def diversions(self, sortie_id: SortieId) -> Sequence[Diversion]:
        return await self._reader.read(lambda db: diversion_rows.diversions(db, sortie_id))

    async def track(self, sortie_id: SortieId) -> Sequence[TrackPoint]:
        points = list(await self._reader.read(lambda db: sortie_rows.track(db, sortie_id)))
        async for rows in self.records.read(Wanted(sortie_id=sortie_id)):
            points.extend(track_points(rows))
        return points

    async def publish_airspace(self, airspace: Airspace) -> Airspace:
        (published,) = await self.publish_airspaces((airspace,))
        return published

    async def publish_airspaces(
        self, airspaces: Sequence[Airspace], *, based_on: int | None = None
    ) -> Sequence[Airspace]:
        published = await self._writer.write(lambda db: airspace_rows.publish(db, airspaces, based_on))
        for each in published:
            self._keep(each)
        return published

    async def airspace(self, version: int | None = None) -> Airspace:
        if version is None:
            version = await self._reader.read(airspace_rows.newest)
        return await self._version(version)

    async def airspace_at(self, at: datetime) -> Airspace:
        return await self._version(await self._reader.read(lambda db: airspace_rows.in_force(db, at)))

    async def _version(self, version: int) -> Airspace:
        """A version never changes, and thousands of zones take a while to read: those used last are kept."""
        found = self._airspaces.get(version)
        if found is None:
            found = await self._reader.read(lambda db: airspace_rows.airspace(db, version))
        return self._keep(found)

    def _keep(self, airspace: Airspace) -> Airspace:
        self._airspaces[airspace.version] = airspace
        self._airspaces.move_to_end(airspace.version)
        while len(self._airspaces) > KEPT_AIRSPACES:
            self._airspaces.popitem(last=False)
        return airspace

    async def airspace_versions(self) -> Sequence[AirspaceSummary]:
        return await self._reader.read(airspace_rows.versions)

    async def save_review(self, review: AirspaceReview) -> None:
        await self._writer.write(lambda db: airspace_rows.save_review(db, review))

    async def review(self, version: int) -> AirspaceReview:
        return await self._reader.read(lambda db: airspace_rows.review(db, version))

    async def revisions(self, wanted: Sequence[tuple[MissionId, int]]) -> Sequence[Revision]:
        return await self._reader.read(lambda db: mission_rows.revisions(db, wanted))

    async def newest_revisions(self, *, limit: int) -> Sequence[Revision]:
        return await self._reader.read(lambda db: mission_rows.newest_revisions(db, limit))

    async def departing(self, *, after: datetime, limit: int) -> Sequence[tuple[MissionId, int]]:
        return await self._reader.read(lambda db: mission_rows.departing(db, after, limit))

    async def mission_count(self) -> int:
        return await self._reader.read(mission_rows.count)

    async def begin_command(self, command: CommandRecord, *, idempotency_key: str | None) -> CommandRecord:
        return await self._writer.write(
            lambda db: sortie_rows.begin_command(db, command, idempotency_key), urgent=True
        )

    async def finish_command(self, command: CommandRecord) -> None:
        await self._writer.write(lambda db: sortie_rows.finish_command(db, command))

    async def commands(self, vehicle_id: VehicleId, *, limit: int) -> Sequence[CommandRecord]:
        return await self._reader.read(lambda db: sortie_rows.commands(db, vehicle_id, limit))

    async def newest_commands(self, *, limit: int) -> Sequence[CommandRecord]:
        return await self._reader.read(lambda db: sortie_rows.newest_commands(db, limit))

    async def save_alarm(self, alarm: Alarm) -> Alarm:
        return await self._writer.write(lambda db: alarm_rows.save_alarm(db, alarm))

    async def acknowledge_alarm(self, alarm_id: AlarmId, by: OperatorId, at: datetime) -> Alarm:
        return await self._writer.write(lambda db: alarm_rows.acknowledge_alarm(db, alarm_id, by, at))

    async def alarms(
        self, *, limit: int, open_only: bool = False, vehicle_id: VehicleId | None = None
    ) -> Sequence[Alarm]:
        return await self._reader.read(lambda db: alarm_rows.alarms(db, limit, open_only, vehicle_id))

    async def history(self, from_at: datetime, to_at: datetime, *, vehicle_id: VehicleId | None = None) -> History:
        return await self._reader.read(lambda db: history_rows.history(db, from_at, to_at, vehicle_id))

    async def hold(self, hold: Hold) -> Hold:
        return await self._writer.write(lambda db: hold_rows.hold(db, hold))

    async def release(self, sortie_id: SortieId, by: OperatorId, at: datetime) -> Hold:
        return await self._writer.write(lambda db: hold_rows.release(db, sortie_id, by, at))

    async def holds(self, *, sortie_id: SortieId | None = None, open_only: bool = True) -> Sequence[Hold]:
        return await self._reader.read(lambda db: hold_rows.holds(db, sortie_id, open_only=open_only))

    async def enrollments(self, *, retired: bool = False, unit: str | None = None) -> Sequence[Enrollment]:
        return await self._reader.read(lambda db: enrollment_rows.enrollments(db, retired, unit))

    async def save_enrollment(self, enrollment: Enrollment, keys: WrappedKeys | None = None) -> Enrollment:
        return await self._writer.write(lambda db: enrollment_rows.save(db, enrollment, keys))

    async def enrollment_keys(self, vehicle_id: VehicleId) -> WrappedKeys:
        return await self._reader.read(lambda db: enrollment_rows.keys(db, vehicle_id))

    async def enrollments_version(self) -> int:
        return await self._reader.read(enrollment_rows.version)

    async def signing_memory(self) -> SigningMemory:
        return await self._reader.read(enrollment_rows.signing_memory)

    async def remember_signing(self, memory: SigningMemory) -> None:
        await self._writer.write(lambda db: enrollment_rows.remember_signing(db, memory))


@asynccontextmanager
async def open_store(path: Path, *, reserve_bytes: int = 0) -> AsyncIterator[SqliteStore]:
    """The store in `path` and the telemetry database beside it, made or migrated first. Raises NewerDatabase.

    `reserve_bytes`: kept free for the journal, for when the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    reserve = Reserve(path.with_name(RESERVE_FILE), reserve_bytes)
    writer = Database(path, name="sqlite-writer", reserve=reserve)
    try:
        await writer.read(migrate)
        reader = Database(path, name="sqlite-reader")
        try:
            async with open_records(path.with_name(TELEMETRY_FILE)) as records:
                yield SqliteStore(writer, reader, records)
        finally:
            await reader.close()
    finally:
        await writer.close()
