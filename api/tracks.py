"""Tracks as files: which rows somebody asks for, in which form, streamed as they are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from importlib import import_module

from api.scratch import Scratch
from core.errors import FieldError, InvalidRequest
from operations.recording.formats.csv import csv
from operations.recording.formats.document import Document
from operations.recording.formats.geojson import geojson
from operations.recording.formats.kml import kml
from operations.recording.formats.mfjson import mfjson
from operations.recording.ports import RowStore, Wanted
from operations.recording.rows import LEVELS, Rows
from operations.recording.table import About
from operations.recording.tracks import micros_of, time_of


class TrackFormat(StrEnum):
    """What a track is written as."""

    GEOJSON = "geojson"
    KML = "kml"
    CSV = "csv"
    MF_JSON = "mf-json"
    PARQUET = "parquet"


class Level(StrEnum):
    """How coarse: every row, or the first of each second, ten seconds, minute."""

    RAW = "raw"
    SECOND = "1s"
    TEN_SECONDS = "10s"
    MINUTE = "60s"

    @property
    def seconds(self) -> int:
        return _SECONDS[self]


_SECONDS = dict(zip(Level, LEVELS, strict=True))

# Media type and file name's end of each. MF-JSON has no registered type of its own.
MEDIA: Mapping[TrackFormat, tuple[str, str]] = {
    TrackFormat.GEOJSON: ("application/geo+json", "geojson"),
    TrackFormat.KML: ("application/vnd.google-earth.kml+xml", "kml"),
    TrackFormat.CSV: ("text/csv", "csv"),
    TrackFormat.MF_JSON: ("application/vnd.ogc.mf+json", "mfjson"),
    TrackFormat.PARQUET: ("application/vnd.apache.parquet", "parquet"),
}
_DOCUMENTS: Mapping[TrackFormat, Callable[[About], Document]] = {
    TrackFormat.GEOJSON: geojson,
    TrackFormat.KML: kml,
    TrackFormat.MF_JSON: mfjson,
}


def accepted(accept: str) -> TrackFormat:
    """The first form that an Accept header names; GeoJSON for any other, as for none."""
    types = [each.split(";")[0].strip().lower() for each in accept.split(",")]
    by_type = {media: form for form, (media, _) in MEDIA.items()}
    return next((by_type[each] for each in types if each in by_type), TrackFormat.GEOJSON)


@dataclass(frozen=True, slots=True)
class Range:
    """From when to when, and how coarse; None: as it was recorded."""

    from_at: datetime | None = None
    to_at: datetime | None = None
    level: Level | None = None

    def __post_init__(self) -> None:
        for name in ("from", "to"):
            at = getattr(self, f"{name}_at")
            if at is not None and at.tzinfo is None:
                raise InvalidRequest((FieldError(f"/{name}", "needs a time zone, such as Z"),))
        if self.from_at and self.to_at and self.from_at >= self.to_at:
            raise InvalidRequest((FieldError("/to", "is not after from"),))


@dataclass(frozen=True, slots=True)
class Track:
    """Rows that do not change any more while they are read, as often as a file needs."""

    about: About
    parts: Callable[[], AsyncGenerator[Rows]]
    is_empty: bool = False

    def write(self, form: TrackFormat) -> AsyncGenerator[bytes]:
        """The file, piece by piece. Close it: a temporary file may be open meanwhile."""
        if form is TrackFormat.PARQUET:
            return self._parquet()
        if form is TrackFormat.CSV:
            return _filled(csv(), self.parts)
        return self._read_once(_DOCUMENTS[form](self.about))

    async def _parquet(self) -> AsyncGenerator[bytes]:
        # Large, and seldom asked for. It takes a thread, like all that is made: vehicles are listened to meanwhile.
        arrow = await asyncio.to_thread(import_module, "adapters.arrow")
        async with aclosing(arrow.parquet(self.parts(), self.about)) as pieces:
            async for data in pieces:
                yield data

    async def _read_once(self, document: Document) -> AsyncGenerator[bytes]:
        with Scratch(self.parts) as scratch:
            async with aclosing(_filled(document, scratch.parts)) as pieces:
                async for data in pieces:
                    yield data


async def _filled(document: Document, read: Callable[[], AsyncGenerator[Rows]]) -> AsyncGenerator[bytes]:
    for piece in document:
        if isinstance(piece, bytes):
            yield piece
            continue
        joint = b""
        async with aclosing(read()) as parts:
            async for rows in parts:
                if data := await asyncio.to_thread(piece.write, rows):
                    yield joint + data
                    joint = piece.joint


async def track(records: RowStore, wanted: Wanted, span: Range, about: About) -> Track:
    """The rows of a range that there are now; of the finest level that is still kept unless one is asked for."""
    since_us = micros_of(span.from_at) if span.from_at else 0
    extent = await records.extent(replace(wanted, from_us=since_us))
    if extent is None:
        return Track(about, _none, is_empty=True)
    level = span.level.seconds if span.level else extent.finest
    from_us = since_us if span.from_at else extent.from_us
    to_us = min(micros_of(span.to_at) if span.to_at else extent.to_us + 1, extent.to_us + 1)
    exact = replace(wanted, from_us=from_us, to_us=to_us, level=level)
    about = replace(about, level=level, from_at=time_of(from_us), to_at=time_of(to_us))
    return Track(about, lambda: _rising(records.read(exact)))


def given(rows: Rows, about: About) -> Track:
    """A track of rows that are at hand."""

    async def once() -> AsyncGenerator[Rows]:
        if len(rows):
            yield rows

    return Track(about, once, is_empty=not len(rows))


async def _none() -> AsyncGenerator[Rows]:
    nothing: tuple[Rows, ...] = ()
    for rows in nothing:
        yield rows


async def _rising(parts: AsyncIterator[Rows]) -> AsyncGenerator[Rows]:
    """The rows whose time is later than that of the one before: files that are played need it so."""
    last_us = -1
    async for rows in parts:
        at_us = rows["at_us"]
        later = at_us > last_us
        later[1:] &= at_us[1:] > at_us[:-1]
        if bool(later.any()):
            yield rows if bool(later.all()) else rows[later]
            last_us = int(at_us[-1])
