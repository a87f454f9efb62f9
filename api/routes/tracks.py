"""Recorded tracks of sorties and vehicles, in the forms that other programs read."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import StreamingResponse
from starlette.types import Send

from api.schemas.sorties import TrackOut
from api.services import Wired
from api.tracks import MEDIA, Level, Range, Track, TrackFormat, accepted, given, track
from core.ids import SortieId, VehicleId
from operations.recording.ports import Wanted
from operations.recording.rows import RAW
from operations.recording.table import About
from operations.recording.tracks import rows_of

router = APIRouter(tags=["tracks"])

# What a vehicle's track goes back to when nobody says from when.
_LAST = timedelta(hours=1)
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_TRACK: dict[int | str, dict[str, Any]] = {
    200: {
        "model": TrackOut,
        "description": "The track",
        "content": {"application/geo+json": {"schema": {"$ref": "#/components/schemas/TrackOut"}}}
        | {media: _BINARY for media, _ in MEDIA.values() if media != "application/geo+json"},
    }
}


async def _form(
    format: Annotated[TrackFormat | None, Query(description="Instead of an Accept header.")] = None,  # noqa: A002
    accept: Annotated[str, Header()] = "",
) -> TrackFormat:
    return format or accepted(accept)


async def _span(
    from_at: Annotated[datetime | None, Query(alias="from")] = None,
    to_at: Annotated[datetime | None, Query(alias="to", description="Not included.")] = None,
    level: Annotated[Level | None, Query(description="By default the finest that is still kept.")] = None,
) -> Range:
    return Range(from_at, to_at, level)


Form = Annotated[TrackFormat, Depends(_form)]
Span = Annotated[Range, Depends(_span)]


@router.get("/sorties/{sortie_id}/track", response_class=StreamingResponse, responses=_TRACK)
async def sortie_track(sortie_id: SortieId, services: Wired, form: Form, span: Span) -> StreamingResponse:
    """The recorded flight; no positions when nothing flew."""
    sortie = await services.store.sortie(sortie_id)
    about = About(sortie.vehicle_id, sortie.mission_name, sortie_id, RAW)
    found = await track(services.records, Wanted(sortie_id=sortie_id), span, about)
    if found.is_empty:
        # It may have been recorded before there was a database of its own for rows.
        found = given(rows_of(await services.store.track(sortie_id)), about)
    return _streamed(found, form, sortie_id)


@router.get("/vehicles/{vehicle_id}/track", response_class=StreamingResponse, responses=_TRACK)
async def vehicle_track(vehicle_id: VehicleId, services: Wired, form: Form, span: Span) -> StreamingResponse:
    """Where a vehicle was, on a sortie or not: the last hour, unless `from` says since when."""
    wanted = Wanted(vehicle_id=vehicle_id)
    if await services.records.extent(wanted) is None:
        services.hub.vehicle(vehicle_id)  # there is one, though nothing was recorded of it; or there is none
    if span.from_at is None:
        span = Range((span.to_at or services.clock.now()) - _LAST, span.to_at, span.level)
    about = About(vehicle_id, vehicle_id, None, RAW)
    return _streamed(await track(services.records, wanted, span, about), form, vehicle_id)


class _Streamed(StreamingResponse):
    """Closes what it is made of also when the client leaves in the middle."""

    async def stream_response(self, send: Send) -> None:
        async with aclosing(cast("AsyncGenerator[bytes]", self.body_iterator)):
            await super().stream_response(send)


def _streamed(found: Track, form: TrackFormat, name: str) -> StreamingResponse:
    media, ending = MEDIA[form]
    headers = {"Content-Disposition": f'inline; filename="{name}.{ending}"', "Vary": "Accept"}
    return _Streamed(found.write(form), media_type=media, headers=headers)
