"""A backup of the data folder: every database as of one moment each, logs, and the key when it is asked for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adapters.keyring import KEY_FILE
from adapters.sqlite.backup import copy_database
from adapters.sqlite.examine import Unreadable, examine
from api.folder import StartError
from api.settings import Settings

LOGS = "tlogs"


@dataclass(frozen=True, slots=True)
class Copied:
    """One file of a backup."""

    name: str
    size_bytes: int


def backed_up(settings: Settings, target: Path, *, with_key: bool) -> Iterator[Copied]:
    """Copies the data folder into the new folder `target` and checks each copied database.

    A log that is being written is copied as far as it is; its last record may be cut, as after a power cut. Raises
    StartError, and leaves what was copied by then.
    """
    if target.exists() and any(target.iterdir()):
        raise StartError(f"{target} is not empty: name a new folder for the backup.")
    databases = sorted(settings.data_dir.glob("*.db"))
    if settings.database not in databases:
        raise StartError(f"{settings.data_dir} is no data folder of Bailu: it has no {settings.database.name}.")
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    for database in databases:
        yield _database(database, target / database.name)
    for log in sorted((settings.data_dir / LOGS).glob("*.tlog")):
        (target / LOGS).mkdir(exist_ok=True)
        yield _copied(log, target / LOGS / log.name)
    if with_key:
        yield _copied(settings.key_file or settings.data_dir / KEY_FILE, target / KEY_FILE)
    _synced(target)


def _database(source: Path, target: Path) -> Copied:
    try:
        copy_database(source, target)
        damage = examine(target).damage
    except Unreadable as error:
        raise StartError(f"{source} cannot be copied: {error}") from error
    if damage:
        raise StartError(f"{source} is damaged: {'; '.join(damage)}")
    return Copied(target.name, target.stat().st_size)


def _copied(source: Path, target: Path) -> Copied:
    shutil.copy2(source, target)
    return Copied(target.name, target.stat().st_size)


def _synced(folder: Path) -> None:
    """Everything of the backup is on the disk: files first, then the folders that name them."""
    places = sorted((each for each in folder.rglob("*")), key=Path.is_dir)
    for place in (*places, folder):
        number = os.open(place, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
