"""The data folder's lines: each thing that can be wrong with it is found, and looking changes nothing."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections import namedtuple
from pathlib import Path

import pytest

from adapters.keyring import open_ring
from adapters.sqlite import open_store
from adapters.sqlite.examine import Examined
from adapters.sqlite.migrate import MIGRATIONS, scripts
from api.doctor import folder
from api.doctor.examination import examined
from api.doctor.finding import Patient, Verdict
from tests.api.doctor.conftest import only, patient_of, verdicts

Usage = namedtuple("Usage", "total used free")
LOOKS = {"disk": folder.disk, "store": folder.store, "key file": folder.key_file, "bus": folder.bus}


def listed(data_dir: Path) -> dict[str, tuple[int, int]]:
    return {each.name: (each.stat().st_size, each.stat().st_mtime_ns) for each in data_dir.iterdir()}


async def test_a_folder_that_is_used_now_and_one_that_was_are_good_and_stay_as_they_are(tmp_path: Path) -> None:
    patient = patient_of(tmp_path)
    open_ring(tmp_path)
    async with open_store(patient.settings.database):
        before = listed(tmp_path)
        assert set(verdicts(examined(patient, LOOKS)).values()) == {Verdict.GOOD}
        assert {name: size for name, size in listed(tmp_path).items() if not name.endswith("-shm")} == {
            name: size for name, size in before.items() if not name.endswith("-shm")
        }
    before = listed(tmp_path)
    assert not [name for name in before if name.endswith("-wal")]
    assert set(verdicts(examined(patient, LOOKS)).values()) == {Verdict.GOOD}
    assert listed(tmp_path) == before


def test_a_folder_that_is_not_there_yet_is_good_and_is_not_made(patient: Patient) -> None:
    assert set(verdicts(examined(patient, LOOKS)).values()) == {Verdict.GOOD}
    assert not patient.settings.data_dir.exists()


def test_a_folder_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert only(folder.disk(patient_of(tmp_path / "file" / "data"))).verdict == "failure"


@pytest.mark.parametrize(
    ("free_mib", "verdict"), [(255, "failure"), (256, "warning"), (1_023, "warning"), (1_024, "good")]
)
def test_a_disk_that_fills_up_is_told_before_the_floor(free_mib: int, verdict: str) -> None:
    assert only(folder.room(free_mib, 256)).verdict == verdict


def test_the_disk_of_the_folder_is_the_one_that_is_looked_at(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def full(path: Path) -> Usage:
        asked.append(path)
        return Usage(0, 0, 0)

    monkeypatch.setattr("api.doctor.folder.shutil.disk_usage", full)
    assert verdicts(folder.disk(patient))["disk"] is Verdict.FAILURE
    assert asked == [tmp_path]


@pytest.mark.parametrize(("seconds", "verdict"), [(0.01, "good"), (0.06, "warning"), (0.6, "failure")])
def test_a_disk_on_which_a_synced_write_takes_long_is_told(seconds: float, verdict: str) -> None:
    assert only(folder.sync_finding(seconds)).verdict == verdict


def test_measuring_the_disk_leaves_nothing_on_it(tmp_path: Path) -> None:
    assert folder.synced_s(tmp_path) > 0.0
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "bailu.db"
    path.write_bytes(b"not a database at all, but long enough to be read as a header" * 20)
    assert only(folder.database(path, MIGRATIONS)).verdict == "failure"


def test_a_database_with_a_broken_page_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "bailu.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a PRIMARY KEY, b)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(n, "x" * 200) for n in range(500)])
    connection.commit()
    connection.close()
    data = bytearray(path.read_bytes())
    data[3 * 4096 : 3 * 4096 + 200] = b"\xff" * 200
    path.write_bytes(data)
    assert only(folder.database(path, MIGRATIONS)).verdict == "failure"


def test_a_database_that_can_be_read_and_is_not_whole_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "bailu.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    connection.close()
    data = bytearray(path.read_bytes())
    data[36:40] = (5).to_bytes(4, "big")  # pages on the freelist (SQLite file format, 1.3)
    path.write_bytes(data)
    finding = only(folder.database(path, MIGRATIONS))
    assert (finding.verdict, "is damaged" in finding.found) == ("failure", True)


@pytest.mark.parametrize(
    ("ahead", "verdict", "word"), [(-1, "good", "takes it from"), (0, "good", "at version"), (1, "failure", "newer")]
)
def test_a_database_of_another_version_is_told(tmp_path: Path, ahead: int, verdict: str, word: str) -> None:
    path = tmp_path / "bailu.db"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(scripts()) + ahead}")
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    connection.close()
    finding = only(folder.database(path, MIGRATIONS))
    assert (finding.verdict, word in f"{finding.found} {finding.remedy}") == (verdict, True)


def test_a_log_that_is_never_folded_in_is_told() -> None:
    found = list(folder.stored("bailu.db", Examined(8, 8, (), (256 << 20) + 1)))
    assert [each.verdict for each in found] == [Verdict.GOOD, Verdict.WARNING]


def test_a_key_that_others_can_read_or_that_is_cut_off_or_has_gone_is_a_failure(tmp_path: Path) -> None:
    open_ring(tmp_path)
    (key,) = tmp_path.iterdir()
    secret = key.read_bytes()
    patient = patient_of(tmp_path)
    assert only(folder.key_file(patient)).verdict == "good"
    key.chmod(0o640)
    assert only(folder.key_file(patient)).remedy == f"chmod 600 {key}"
    key.chmod(0o600)
    key.write_bytes(secret[:31])
    cut = only(folder.key_file(patient))
    assert (cut.verdict, secret[:4].hex() in repr(cut)) == ("failure", False)
    assert only(folder.key_file(patient_of(tmp_path, key_file=tmp_path / "gone"))).verdict == "failure"


def test_a_key_that_the_user_may_not_read_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_ring(tmp_path)
    monkeypatch.setattr("api.doctor.folder.os.access", lambda *_: False)
    assert only(folder.key_file(patient_of(tmp_path))).remedy.startswith("chown")


def test_a_socket_that_a_killed_gateway_left_is_told_and_a_live_one_is_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    patient = patient_of(Path())
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as gateway:
        gateway.bind(os.fspath(patient.settings.bus_socket))
        gateway.listen(1)
        assert only(folder.bus(patient)).verdict == "good"
    assert only(folder.bus(patient)).verdict == "warning"
