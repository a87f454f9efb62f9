"""A track that is read once for all the passes of its file; its temporary file goes when nobody reads on."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import numpy as np
import pytest

from api import scratch
from api.routes.tracks import _streamed
from api.tracks import Track, TrackFormat
from operations.recording.rows import Rows, unkeyed
from operations.recording.table import About
from tests.adapters.big_export import minute

ABOUT = About("v", "v", None, 0)
PARTS = 20  # of 3 000 rows: more than is kept in memory


class Store:
    """Some minutes of one vehicle, and how often they were read."""

    def __init__(self, parts: int = PARTS) -> None:
        self.parts = [unkeyed(minute(number)) for number in range(parts)]
        self.readings = 0

    async def read(self) -> AsyncGenerator[Rows]:
        self.readings += 1
        for rows in self.parts:
            yield rows

    async def file(self, form: TrackFormat) -> bytes:
        return b"".join([data async for data in Track(ABOUT, self.read).write(form)])


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many temporary files are open; they have no name."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def count() -> int:
        links = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
        return sum(each.startswith(str(tmp_path)) for each in links)

    return count


@pytest.mark.parametrize("form", [form for form in TrackFormat if form is not TrackFormat.PARQUET])
@pytest.mark.parametrize("parts", [0, 1, PARTS])
async def test_every_form_reads_the_store_once(form: TrackFormat, parts: int, opened: Callable[[], int]) -> None:
    store = Store(parts)
    await store.file(form)
    assert store.readings == 1
    assert opened() == 0


@pytest.mark.parametrize("most_bytes", [0, 1_000_000, 5_000_000])
async def test_what_is_too_much_to_keep_is_read_again_and_the_file_is_the_same(
    monkeypatch: pytest.MonkeyPatch, most_bytes: int, opened: Callable[[], int]
) -> None:
    store = Store()
    kept = await store.file(TrackFormat.MF_JSON)
    monkeypatch.setattr(scratch, "_MOST_BYTES", most_bytes)
    assert await store.file(TrackFormat.MF_JSON) == kept
    assert store.readings > 2
    assert opened() == 0


async def test_a_disk_without_room_costs_readings_and_no_track(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    kept = await store.file(TrackFormat.GEOJSON)
    monkeypatch.setattr(tempfile, "TemporaryFile", _full)
    assert await store.file(TrackFormat.GEOJSON) == kept
    assert store.readings == 3


def _full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


async def test_passes_over_kept_rows_are_the_rows_of_the_store(opened: Callable[[], int]) -> None:
    store = Store()
    with scratch.Scratch(store.read) as kept:
        for _ in range(3):
            assert np.array_equal(
                np.concatenate([rows.copy() async for rows in kept.parts()]), np.concatenate(store.parts)
            )
        assert opened() == 1


async def test_a_client_that_leaves_in_the_middle_leaves_no_file_behind(opened: Callable[[], int]) -> None:
    sent = list[int]()

    async def send(message: object) -> None:
        sent.append(opened())
        if sent[-1]:
            raise ConnectionResetError

    response = _streamed(Track(ABOUT, Store().read), TrackFormat.KML, "v")
    with pytest.raises(ConnectionResetError):
        await response.stream_response(send)
    assert sent[-1] == 1
    assert opened() == 0
