"""The WebSocket of the live stream, and its description."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, WebSocket

from api.asyncapi import document
from api.rights import own_replay
from api.services import bailu_version, principal_in, services_of
from api.websocket import accepted
from core.errors import NotFound
from telemetry.stream.audience import Rights
from telemetry.stream.hub import StreamHub

router = APIRouter()

NO_SUCH_REPLAY = 1008  # policy violation (RFC 6455, section 7.4.1)


async def hub_for(websocket: WebSocket, replay_id: str | None) -> StreamHub | None:
    """The hub of the fleet, or of a recording that is played; None when there is no such one, and that was told."""
    services = services_of(websocket)
    if replay_id is None:
        return services.hub
    try:
        session = websocket.app.state.replays.session(replay_id)
        await own_replay(services, principal_in(services), session)
    except NotFound as error:
        await websocket.close(NO_SUCH_REPLAY, error.detail)
        return None
    assert isinstance(session.hub, StreamHub)
    return session.hub


@router.websocket("/stream")
async def stream(websocket: WebSocket, replay: str | None = None) -> None:
    """Live vehicles, sorties and events; the contract is docs/asyncapi.json."""
    hub = await hub_for(websocket, replay)
    if hub is None:
        return
    address = websocket.client.host if websocket.client else ""
    rights = Rights(principal_in(services_of(websocket)).units)
    await hub.serve(await accepted(websocket), rights, address)


@router.get("/asyncapi.json", include_in_schema=False)
async def description() -> dict[str, Any]:
    """What is said on the stream (AsyncAPI 3.0)."""
    return document(bailu_version())
