"""Takes CloudEvents over a WebSocket and acknowledges them: python receive_websocket.py PORT. Needs websockets."""

import asyncio
import json
import sys

from websockets.asyncio.server import ServerConnection, serve


async def receive(socket: ServerConnection) -> None:
    async for frame in socket:
        event = json.loads(frame)
        print(event["type"], event.get("subject", "-"), json.dumps(event["data"], ensure_ascii=False), flush=True)
        await socket.send(json.dumps({"ack": event["id"]}))  # it is ours now: it does not come again


async def main() -> None:
    async with serve(receive, "127.0.0.1", int(sys.argv[1]), subprotocols=["cloudevents.json"]) as server:
        await server.serve_forever()


asyncio.run(main())
