"""pymavlink's `mavutil` and FastAPI: a dict for each message, JSON for each viewer, one `await` after the other.

`python -m bench.baselines.tutorial HTTP_PORT UDP_PORT…` serves `/stream`. Nothing in it is made slow on purpose: it
polls without sleeping while messages come, keeps uvicorn's defaults but for logs, and sends what changed at once.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pymavlink import mavutil
from shapely.geometry import Point, Polygon

_IDLE_S = 0.002
_FIELD = Polygon([(120.0, 30.0), (122.0, 30.0), (122.0, 32.0), (120.0, 32.0)])


class Service:
    """The latest of every vehicle, and who looks on."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.vehicles: dict[tuple[int, int], dict[str, Any]] = {}
        self.viewers: set[WebSocket] = set()
        self.messages = 0

    async def receive(self, port: int) -> None:
        """Reads one port until cancelled."""
        connection = mavutil.mavlink_connection(f"udpin:127.0.0.1:{port}", dialect="ardupilotmega")
        while True:
            message = connection.recv_match(blocking=False)
            if message is None:
                await asyncio.sleep(_IDLE_S)
            else:
                self.messages += 1
                await self.take(port, message)

    async def take(self, port: int, message: Any) -> None:
        """Puts a message into its vehicle's dict, and sends that to everybody with each attitude: ten a second."""
        fields = message.to_dict()
        system_id = message.get_srcSystem()
        state = self.vehicles.setdefault((port, system_id), {"id": f"{port}-{system_id}"})
        match fields.pop("mavpackettype"):
            case "HEARTBEAT":
                state |= {"mode": fields["custom_mode"], "armed": bool(fields["base_mode"] & 128)}
            case "GLOBAL_POSITION_INT":
                lat, lon = fields["lat"] / 1e7, fields["lon"] / 1e7
                state |= {"lat_deg": lat, "lon_deg": lon, "alt_amsl_m": fields["alt"] / 1e3}
                state |= {"alt_rel_m": fields["relative_alt"] / 1e3, "heading_deg": fields["hdg"] / 100}
                state |= {
                    "north_mps": fields["vx"] / 100,
                    "east_mps": fields["vy"] / 100,
                    "down_mps": fields["vz"] / 100,
                }
                state["inside"] = _FIELD.contains(Point(lon, lat))
            case "VFR_HUD":
                state |= {"ground_speed_mps": fields["groundspeed"], "air_speed_mps": fields["airspeed"]}
                state |= {"throttle_pct": fields["throttle"], "climb_mps": fields["climb"]}
            case "SYS_STATUS":
                state |= {"battery_v": fields["voltage_battery"] / 1e3, "battery_a": fields["current_battery"] / 100}
                state["battery_pct"] = fields["battery_remaining"]
            case "GPS_RAW_INT":
                state |= {"gps_fix": fields["fix_type"], "satellites": fields["satellites_visible"]}
                state["hdop"] = fields["eph"] / 100
            case "MISSION_CURRENT":
                state["mission_seq"] = fields["seq"]
            case "STATUSTEXT":
                state["text"] = fields["text"]
            case "ATTITUDE":
                state |= {"roll_rad": fields["roll"], "pitch_rad": fields["pitch"], "yaw_rad": fields["yaw"]}
                state["time"] = time.time()
                await self.broadcast(state)

    async def broadcast(self, state: dict[str, Any]) -> None:
        for viewer in list(self.viewers):
            try:
                await viewer.send_json(state)
            except (WebSocketDisconnect, RuntimeError):
                self.viewers.discard(viewer)


def make_app(service: Service) -> FastAPI:
    """The service with its two routes."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(service.receive(port)) for port in service.ports]
        yield
        for task in tasks:
            task.cancel()

    app = FastAPI(lifespan=life)

    @app.get("/counts")
    async def counts() -> dict[str, int]:
        return {"messages": service.messages, "vehicles": len(service.vehicles), "viewers": len(service.viewers)}

    @app.websocket("/stream")
    async def stream(websocket: WebSocket) -> None:
        await websocket.accept()
        service.viewers.add(websocket)
        try:
            while True:
                await websocket.receive_text()
        except WebSocketDisconnect:
            pass
        finally:
            service.viewers.discard(websocket)

    return app


if __name__ == "__main__":
    http_port, *udp_ports = map(int, sys.argv[1:])
    uvicorn.run(make_app(Service(udp_ports)), host="127.0.0.1", port=http_port, log_level="warning")
