"""The WebSocket: adapts a connection to the hub's small Socket protocol."""

from __future__ import annotations

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from api.services import services_of

router = APIRouter()


class WebSocketEnd:
    """A WebSocket as the hub sees the far end of a viewer."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def send(self, frame: str) -> None:
        try:
            await self._websocket.send_text(frame)
        except WebSocketDisconnect as error:
            raise ConnectionError("the viewer has gone") from error

    async def receive(self) -> str | bytes | None:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        text, data = message.get("text"), message.get("bytes")
        return text if text is not None else bytes(data or b"")

    async def close(self, code: int) -> None:
        try:
            await self._websocket.close(code)
        except (WebSocketDisconnect, RuntimeError) as error:  # RuntimeError: it was closed already
            raise ConnectionError("the viewer has gone") from error


@router.websocket("/stream")
async def stream(websocket: WebSocket) -> None:
    """Live vehicles, sorties and events; see the stream's contract in docs."""
    await websocket.accept()
    await services_of(websocket).hub.serve(WebSocketEnd(websocket))
