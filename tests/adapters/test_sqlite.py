"""What SQLite in particular promises: durability, one schema, one unfinished sortie whatever the code believes."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from adapters.sqlite import database as module
from adapters.sqlite import open_store
from adapters.sqlite.database import Database, connect
from adapters.sqlite.migrate import NewerDatabase, migrate, scripts, version_of
from adapters.sqlite.reserve import Reserve
from core.errors import Overloaded
from tests.samples import a_mission, a_revision, a_sortie

# Appends track points one by one and writes the number of each on stdout once the store has acknowledged it.
WRITER = """
import asyncio, sys
from pathlib import Path
from adapters.sqlite import open_store
from core.ids import SortieId
from tests.samples import a_batch, a_mission, a_revision, a_sortie, a_track_point

async def main():
    async with open_store(Path(sys.argv[1])) as store:
        if not await store.missions(limit=1):
            await store.add_mission(a_mission(), a_revision())
            await store.add_sortie(a_sortie(), idempotency_key="k", request_digest="d")
        number = len(await store.track(SortieId("sortie-1")))
        while True:
            await store.records.append(a_batch([a_track_point(number)]))
            number += 1
            print(number, flush=True)

asyncio.run(main())
"""


async def _recorded(path: Path) -> int:
    async with open_store(path) as store:
        return len(await store.track(a_sortie().id))


@pytest.mark.thorough
def test_nothing_acknowledged_is_lost_to_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "bailu.db"
    acknowledged = 0
    for cycle in range(10):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
        )
        assert child.stdout is not None
        for _ in range(3 + 7 * cycle % 13):
            acknowledged = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        rest = child.stdout.read().split()  # what it still acknowledged while the signal was under way
        child.stdout.close()
        child.wait()
        acknowledged = int(rest[-1]) if rest else acknowledged
        recorded = asyncio.run(_recorded(path))
        assert acknowledged <= recorded <= acknowledged + 1
    assert acknowledged > 30


def test_acknowledged_means_synced_and_the_sqlite_is_a_fixed_one(tmp_path: Path) -> None:
    connection = connect(tmp_path / "x.db")
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2  # FULL
    assert connection.pragma("foreign_keys") == 1
    assert tuple(map(int, apsw.sqlite_lib_version().split("."))) >= (3, 51, 3)
    connection.close()


def test_a_second_migration_changes_nothing(tmp_path: Path) -> None:
    connection = connect(tmp_path / "x.db")
    assert migrate(connection) == migrate(connection) == version_of(connection) == len(scripts())
    connection.close()


async def test_a_newer_database_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    connection = connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(NewerDatabase, match="schema version 99"):
        async with open_store(path):
            pass
    connection = connect(path)
    assert version_of(connection) == 99
    connection.close()


async def test_the_index_holds_one_unfinished_sortie_whatever_the_code_believes(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    async with open_store(path) as store:
        await store.add_mission(a_mission(), a_revision())
        await store.add_sortie(a_sortie(), idempotency_key="k", request_digest="d")
    connection = connect(path)
    with pytest.raises(apsw.ConstraintError):
        connection.execute(
            "INSERT INTO sorties SELECT 'second', mission_id, revision, vehicle_id, state, finished, created_at, "
            "row_revision, body FROM sorties"
        )
    connection.close()


async def test_a_failed_transaction_leaves_no_trace(tmp_path: Path) -> None:
    async with open_store(tmp_path / "x.db") as store:
        with pytest.raises(apsw.ConstraintError):  # a sortie of a mission that is not there
            await store.add_sortie(a_sortie(), idempotency_key="k", request_digest="d")
        assert await store.sortie_for_key("k", "d") is None
        await store.add_mission(a_mission(), a_revision())
        assert (await store.add_sortie(a_sortie(), idempotency_key="k", request_digest="d")).id == "sortie-1"


async def test_a_database_that_is_behind_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.sqlite.database.MAX_WAITING", 2)
    database = Database(tmp_path / "x.db", name="test")
    release = threading.Event()
    waiting = [asyncio.create_task(database.read(lambda _: release.wait(5))) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await database.read(lambda _: None)
    release.set()
    assert await asyncio.gather(*waiting) == [True, True]
    await database.close()


async def test_urgent_jobs_have_a_bound_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.sqlite.database.MAX_WAITING", 2)
    database = Database(tmp_path / "x.db", name="test")
    release = threading.Event()
    waiting = [asyncio.create_task(database.read(lambda _: release.wait(5), urgent=True)) for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="behind"):
        await database.read(lambda _: None, urgent=True)
    release.set()
    assert await asyncio.gather(*waiting) == [True] * 4
    await database.close()


async def test_a_job_whose_caller_gave_up_still_counts_as_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.sqlite.database.MAX_WAITING", 2)
    database = Database(tmp_path / "x.db", name="test")
    release = threading.Event()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await database.read(lambda _: release.wait(5))
    with pytest.raises(Overloaded, match="behind"):
        await database.read(lambda _: None)
    release.set()
    await database.close()


async def test_a_closing_database_does_what_waits_and_refuses_the_rest(tmp_path: Path) -> None:
    database = Database(tmp_path / "x.db", name="test")
    release = threading.Event()
    before = asyncio.create_task(database.read(lambda _: release.wait(5)))
    await asyncio.sleep(0)
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        with pytest.raises(Overloaded, match="closing"):
            await database.read(lambda _: None, urgent=True)
        release.set()
        assert await before
        await closing
        with pytest.raises(Overloaded, match="closing"):
            await database.read(lambda _: None)
        await database.close()  # a second time: it is closed


async def test_two_processes_may_write_one_database(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    async with open_store(path) as one, open_store(path) as other:
        await one.add_mission(a_mission("a"), a_revision("a"))
        await other.add_mission(a_mission("b"), a_revision("b"))
        assert {mission.id for mission in await one.missions(limit=9)} == {"a", "b"}


async def test_an_urgent_job_waits_for_the_one_being_done_and_for_no_other(tmp_path: Path) -> None:
    database, done = Database(tmp_path / "db", name="t"), list[str]()

    def job(name: str) -> Callable[[apsw.Connection], None]:
        def work(_: apsw.Connection) -> None:
            time.sleep(0.02)
            done.append(name)

        return work

    await database.read(lambda _: None)  # it is open
    usual = [asyncio.create_task(database.write(job(str(number)))) for number in range(5)]
    await asyncio.sleep(0.01)
    await database.write(job("urgent"), urgent=True)
    await asyncio.gather(*usual)
    await database.close()
    assert done == ["0", "urgent", "1", "2", "3", "4"]


async def _numbers(database: Database) -> list[int]:
    return await database.read(lambda db: [row[0] for row in db.execute("SELECT n FROM t ORDER BY n")])


async def _add(database: Database, number: int) -> None:
    await database.write(lambda db: db.execute("INSERT INTO t VALUES (?)", (number,)))


async def test_a_file_that_is_not_where_it_was_is_not_written_to_until_it_is_back(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    folder.mkdir()
    database = Database(folder / "x.db", name="test")
    await database.write(lambda db: db.execute("CREATE TABLE t (n INTEGER)"))
    folder.rename(elsewhere)
    with pytest.raises(Overloaded, match=r"x\.db is not in its folder"):
        await _add(database, 1)
    assert not folder.exists()
    elsewhere.rename(folder)
    await _add(database, 2)
    assert await _numbers(database) == [2]
    await database.close()


async def test_another_file_in_its_place_is_opened_anew_and_keeps_what_is_in_its_log(tmp_path: Path) -> None:
    folder, other = tmp_path / "data", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    writer, reader = (Database(folder / "x.db", name=name) for name in ("writer", "reader"))
    await writer.write(lambda db: db.execute("CREATE TABLE t (n INTEGER)"))
    await _add(writer, 1)
    assert await _numbers(reader) == [1]
    theirs = connect(other / "x.db")
    theirs.execute("CREATE TABLE t (n INTEGER)")
    theirs.execute("INSERT INTO t VALUES (7)")  # in the log only
    folder.rename(tmp_path / "away")
    shutil.copytree(other, folder)
    theirs.close()
    assert (folder / "x.db-wal").stat().st_size > 0
    await _add(writer, 8)
    assert await _numbers(reader) == [7, 8]
    assert (folder / "x.db-wal").stat().st_size > 0, "whoever opens it next finds all of it"
    await writer.close()
    await reader.close()
    before = connect(tmp_path / "away" / "x.db")
    assert before.execute("SELECT n FROM t").fetchall() == [(1,)]
    before.close()


@pytest.mark.parametrize("has_a_call", [True, False])
def test_the_reserve_takes_real_blocks_and_only_where_there_is_room_for_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_a_call: bool
) -> None:
    if not has_a_call:
        monkeypatch.delattr(os, "posix_fallocate")
    reserve = Reserve(tmp_path / "reserve", 1 << 20)
    usage = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as little:
        little.setattr(shutil, "disk_usage", lambda _: usage._replace(free=(2 << 20) - 1))
        reserve.hold()
        assert (reserve.is_held, reserve.release(), [*tmp_path.iterdir()]) == (False, False, [])
    reserve = Reserve(tmp_path / "reserve", 1 << 20)
    reserve.hold()
    assert reserve.is_held
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 1 << 20
    assert reserve.release()
    assert [*tmp_path.iterdir()] == []
    assert not reserve.release()


async def test_a_write_that_finds_the_disk_full_has_the_room_of_the_reserve(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", 4_096)
    database = Database(tmp_path / "x.db", name="test", reserve=reserve)
    await database.write(lambda db: db.execute("CREATE TABLE t (n INTEGER)"))
    assert reserve.is_held

    def job(db: apsw.Connection) -> int:
        db.execute("INSERT INTO t VALUES (1)")
        if reserve.is_held:
            raise apsw.FullError("database or disk is full")
        return 5

    assert await database.write(job) == 5
    assert await _numbers(database) == [1], "the first try left no trace"
    await database.close()


async def test_a_file_that_is_replaced_while_it_is_opened_is_opened_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "x.db", tmp_path / "other.db"
    for each, text in ((path, "old"), (other, "new")):
        connection = connect(each)
        connection.execute(f"CREATE TABLE told AS SELECT '{text}' AS text")
        connection.close()

    def replacing(where: Path) -> apsw.Connection:
        opened = connect(where)
        if other.exists():
            other.rename(path)
        return opened

    monkeypatch.setattr(module, "connect", replacing)
    database = Database(path, name="test")
    try:
        assert await database.read(lambda db: db.execute("SELECT text FROM told").fetchall()) == [("new",)]
    finally:
        await database.close()
