"""A backup is whole, made while the platform writes, and a platform starts from it."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from adapters.keyring import open_ring
from adapters.sqlite import open_store
from api.backup import backed_up
from api.folder import StartError
from api.settings import Settings
from geofence.qingpu import default_airspace


async def test_a_backup_made_while_the_store_writes_is_one_that_a_platform_starts_from(tmp_path: Path) -> None:
    settings, target = Settings(data_dir=tmp_path / "data"), tmp_path / "backup"
    async with open_store(settings.database) as store:
        open_ring(settings.data_dir)
        await store.publish_airspace(default_airspace())
        (settings.data_dir / "tlogs").mkdir()
        (settings.data_dir / "tlogs" / "sortie-1.tlog").write_bytes(b"frames")

        async def writing() -> None:
            while True:
                await store.prove_writable()

        writer = asyncio.create_task(writing())
        copied = await asyncio.to_thread(lambda: list(backed_up(settings, target, with_key=True)))
        writer.cancel()
    assert {"bailu.db", "telemetry.db", "sortie-1.tlog", "vehicle-keys.key"} <= {each.name for each in copied}
    assert (target / "tlogs" / "sortie-1.tlog").read_bytes() == b"frames"
    assert stat.S_IMODE((target / "vehicle-keys.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    async with open_store(Settings(data_dir=target).database) as again:
        assert (await again.airspace()).version == 1
    open_ring(target)


async def test_without_being_asked_for_the_key_stays_where_it_is(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    async with open_store(settings.database):
        open_ring(settings.data_dir)
    assert "vehicle-keys.key" not in {each.name for each in backed_up(settings, tmp_path / "b", with_key=False)}


@pytest.mark.parametrize(
    ("at", "wrong", "said"),
    [(4096, b"\xff" * 8192, "cannot be copied|is damaged"), (36, (5).to_bytes(4, "big"), "is damaged")],
)
async def test_a_damaged_database_makes_no_good_backup(tmp_path: Path, at: int, wrong: bytes, said: str) -> None:
    """Pages that are none, and a count of free pages that is wrong (SQLite file format, 1.3)."""
    settings = Settings(data_dir=tmp_path / "data")
    async with open_store(settings.database) as store:
        await store.publish_airspace(default_airspace())
    data = bytearray(settings.database.read_bytes())
    data[at : at + len(wrong)] = wrong
    settings.database.write_bytes(data)
    with pytest.raises(StartError, match=said):
        list(backed_up(settings, tmp_path / "b", with_key=False))


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine").write_text("")
    with pytest.raises(StartError, match="not empty"):
        list(backed_up(Settings(data_dir=tmp_path), tmp_path / "b", with_key=False))


def test_a_folder_that_is_none_of_ours_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="no data folder"):
        list(backed_up(Settings(data_dir=tmp_path / "empty"), tmp_path / "b", with_key=False))
    assert not (tmp_path / "b").exists()
