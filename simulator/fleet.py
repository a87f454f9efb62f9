"""A fleet of simulated vehicles in one process: sockets on one side, a clock with a speed-up on the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from simulator.flight.motion import STEP_S
from simulator.sockets import Switchboard, TcpServer, UdpPeer
from simulator.spec import VehicleSpec
from simulator.vehicle import Vehicle

PORT_STRIDE = 10
"""Vehicle i listens on the base port + 10 i, as ArduPilot's SITL instances do."""
LONGEST_CATCH_UP_S = 0.5
"""A process held up longer than this (wall time) loses simulated time instead of rushing after it."""


class Fleet:
    """The running vehicles and their addresses."""

    def __init__(self, specs: Sequence[VehicleSpec], speedup: float) -> None:
        ids = [spec.system_id for spec in specs]
        if len(set(ids)) != len(ids):
            raise ValueError(f"system ids must differ: {ids}")
        if not 0.0 < speedup <= 1000.0:
            raise ValueError(f"a speed-up of {speedup} makes no sense")
        self.speedup = speedup
        self.vehicles = {spec.system_id: Vehicle(spec, epoch_s=time.time(), speedup=speedup) for spec in specs}
        self.tcp_addresses: dict[int, tuple[str, int]] = {}
        self.board = Switchboard()
        self.lost_s = 0.0
        """Simulated seconds not simulated because the process could not keep up."""
        self._endpoints: list[TcpServer | UdpPeer] = []
        self.clock: asyncio.Task[None] | None = None

    async def open(
        self, stack: AsyncExitStack, host: str, tcp_base_port: int | None, udp_targets: Sequence[tuple[str, int]]
    ) -> None:
        """Open every socket; what was opened is closed by the stack. Raises PortTaken."""
        for place, vehicle in enumerate(self.vehicles.values()):
            if tcp_base_port is not None:
                server = TcpServer(vehicle, self.board)
                port = tcp_base_port + PORT_STRIDE * place if tcp_base_port else 0
                self.tcp_addresses[vehicle.system_id] = await server.listen(host, port)
                stack.push_async_callback(server.close)
                self._endpoints.append(server)
            for target in udp_targets:
                peer = UdpPeer(vehicle, target, self.board)
                await peer.open()
                stack.push_async_callback(peer.close)
                self._endpoints.append(peer)

    def silence_s(self) -> float:
        """Seconds of wall time since any vehicle last heard a ground station, or since the start."""
        heard = (vehicle.aircraft.now_s - (vehicle.aircraft.failsafes.gcs_heard_s or 0.0) for vehicle in self._all())
        return min(heard, default=0.0) / self.speedup

    def any_armed(self) -> bool:
        """Whether any vehicle flies or is about to."""
        return any(vehicle.aircraft.armed for vehicle in self._all())

    def _all(self) -> Iterable[Vehicle]:
        return self.vehicles.values()

    async def wait_closed(self) -> None:
        """Wait until the fleet ends; raises what ended it."""
        if self.clock is not None:
            await asyncio.wait({self.clock})
            if not self.clock.cancelled():
                self.clock.result()

    async def run(self) -> None:
        """Step every vehicle at the pace of the wall clock times the speed-up, then flush every socket."""
        tick_s = STEP_S / min(self.speedup, 4.0)
        behind = 0.0
        last = time.monotonic()
        while True:
            await asyncio.sleep(tick_s)
            if self.board.failure is not None:
                raise self.board.failure
            now = time.monotonic()
            elapsed, last = now - last, now
            if elapsed > LONGEST_CATCH_UP_S:
                self.lost_s += (elapsed - LONGEST_CATCH_UP_S) * self.speedup
                elapsed = LONGEST_CATCH_UP_S
            behind += elapsed * self.speedup
            while behind >= STEP_S:
                behind -= STEP_S
                for vehicle in self.vehicles.values():
                    vehicle.step(STEP_S)
            for endpoint in self._endpoints:
                endpoint.flush()


@asynccontextmanager
async def running_fleet(
    specs: Sequence[VehicleSpec],
    *,
    speedup: float = 1.0,
    host: str = "127.0.0.1",
    tcp_base_port: int | None = 5760,
    udp_targets: Sequence[tuple[str, int]] = (),
) -> AsyncIterator[Fleet]:
    """Run a fleet while the context lasts.

    Vehicle i listens on TCP ``tcp_base_port + 10 i`` (0: free ports, None: no TCP) and sends UDP from a socket of its
    own to every target. An error inside the simulation cancels the body and is raised in its place.

    Raises: PortTaken when a port is in use; ValueError for specs that cannot be.
    """
    fleet = Fleet(specs, speedup)
    async with AsyncExitStack() as stack:
        await fleet.open(stack, host, tcp_base_port, udp_targets)
        try:
            async with asyncio.TaskGroup() as group:
                fleet.clock = group.create_task(fleet.run(), name="simulated fleet clock")
                yield fleet
                fleet.clock.cancel()
        except BaseExceptionGroup as group_error:
            if len(group_error.exceptions) == 1:
                raise group_error.exceptions[0] from None
            raise
