"""The WebSocket of the live stream, and its description."""

from __future__ import annotations

from fastapi import APIRouter, WebSocket

from api.services import services_of
from api.websocket import WebSocketEnd
from telemetry.stream.frames import Encoding

router = APIRouter()


@router.websocket("/stream")
async def stream(websocket: WebSocket) -> None:
    """Live vehicles, sorties and events; the contract is docs/asyncapi.json. No subprotocol asked for is JSON."""
    asked: list[str] = websocket.scope.get("subprotocols", [])
    encoding = next((each for each in Encoding if each.value in asked), Encoding.JSON)
    await websocket.accept(encoding.value if encoding.value in asked else None)
    address = websocket.client.host if websocket.client else ""
    await services_of(websocket).hub.serve(WebSocketEnd(websocket, encoding), address=address)
