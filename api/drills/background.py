"""Vehicles, links and platforms for programs without an event loop: each runs in a thread that ends with its user."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from api.drills.flying import HOST, Address
from api.drills.scenario import Kind
from missions.fleet import default_docks
from simulator.faults.impairment import PERFECT
from simulator.faults.instructor import Heard, Instructor, instructing
from simulator.faults.line import LinkFaults
from simulator.faults.tcp import TcpProxy
from simulator.faults.vehicle import fault, normal
from simulator.faults.words import with_words
from simulator.fleet import running_fleet
from simulator.flight.modes import Mode
from simulator.sitl import find_binary, running_sitl_fleet
from simulator.spec import VehicleSpec

T = TypeVar("T")

ENDS_WITHIN_S = 20.0
ANSWERS_WITHIN_S = 30.0
_NOBODY = (HOST, 9)
"""A SITL sends UDP somewhere; the discard port (RFC 863) listens to nothing here."""


class Background:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bailu", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T], within_s: float = ANSWERS_WITHIN_S) -> T:
        """What the work gives; raises what it raises, and TimeoutError."""
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, within_s), self._loop).result()

    @contextmanager
    def holding(self, context: AbstractAsyncContextManager[T], within_s: float = 120.0) -> Iterator[T]:
        """Keeps a context open, entered and left by one task of the loop."""
        entered: asyncio.Future[T] = self._loop.create_future()
        leave = asyncio.Event()

        async def keep() -> None:
            try:
                async with context as found:
                    entered.set_result(found)
                    await leave.wait()
            except BaseException as error:
                if entered.done():
                    raise
                entered.set_exception(error)

        async def wait_entered() -> T:
            return await entered

        kept = asyncio.run_coroutine_threadsafe(keep(), self._loop)
        try:
            yield self.call(wait_entered(), within_s)
        finally:
            self._loop.call_soon_threadsafe(leave.set)
            kept.result(ENDS_WITHIN_S)

    def close(self) -> None:
        """Ends the thread, and what still runs in it."""
        asyncio.run_coroutine_threadsafe(_end_all(), self._loop).result(ENDS_WITHIN_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ENDS_WITHIN_S)
        self._loop.close()


async def _end_all() -> None:
    """Cancels every other task, and lets sockets finish closing: that takes the loop a turn or two."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0.01)


@contextmanager
def background() -> Iterator[Background]:
    """A loop for as long as the context is open."""
    made = Background()
    try:
        yield made
    finally:
        made.close()


@dataclass(frozen=True, slots=True)
class TestVehicle:
    """A vehicle that flies in the background. `address`: where it listens for ground stations over TCP."""

    __test__ = False

    kind: Kind
    system_id: int
    address: Address
    heard: list[Heard]
    _instructor: Instructor
    _background: Background

    @property
    def url(self) -> str:
        """As pymavlink, MAVProxy and DroneKit write it."""
        return f"tcp:{self.address[0]}:{self.address[1]}"

    @property
    def texts(self) -> list[str]:
        """What it has said so far."""
        return [heard.value for heard in self.heard if heard.what == "text"]

    @property
    def mode(self) -> str:
        """Its flight mode, by its own word; empty before the first."""
        return next((heard.value for heard in reversed(self.heard) if heard.what == "mode"), "")

    def hurt(self, word: str, value: object) -> None:
        """Breaks something, in the words of a drill: `hurt("gps", "lost")`. Raises ValueError, NotAnswered."""
        self._background.call(self._instructor.apply(fault(word, value)))

    def mend(self, word: str) -> None:
        """The opposite. Raises ValueError for what cannot be mended."""
        effect = normal(word)
        if effect is None:
            raise ValueError(f"{word} cannot be mended")
        self._background.call(self._instructor.apply(effect))

    def set_parameter(self, name: str, value: float) -> None:
        """Raises NotAnswered."""
        self._background.call(self._instructor.set_parameter(name, value))

    def pilot(self, mode: str) -> None:
        """A pilot flips the mode switch."""
        self._background.call(self._instructor.pilot(mode))

    def reboot(self) -> str:
        """Asks the autopilot to restart; its answer, such as MAV_RESULT_FAILED. Raises NotAnswered."""
        return self._background.call(self._instructor.reboot())


@dataclass(frozen=True, slots=True)
class TestLink:
    """A bad line to a TCP address; connect to `address` instead."""

    __test__ = False

    address: Address
    _proxy: TcpProxy
    _background: Background

    @property
    def url(self) -> str:
        return f"tcp:{self.address[0]}:{self.address[1]}"

    def set(self, **words: object) -> None:
        """Faults both ways from now on, in the words of a drill: `set(loss="30%")`. Raises ValueError."""
        self._background.call(self._set(link_faults(words)))

    def cut(self) -> None:
        """Nothing passes."""
        self.set(cut=True)

    def heal(self) -> None:
        """Everything passes at once."""
        self.set()

    async def _set(self, faults: LinkFaults) -> None:
        self._proxy.set(faults)


def link_faults(words: dict[str, object]) -> LinkFaults:
    """The same faults both ways. Raises ValueError."""
    faults = with_words(PERFECT, words)
    return LinkFaults(faults, faults)


@asynccontextmanager
async def vehicles(
    count: int, kind: Kind, speedup: float, seed: int, loop: Background
) -> AsyncIterator[list[TestVehicle]]:
    """`count` vehicles in a row beside the first dock, system ids from 1, each ready to be connected to."""
    dock = default_docks()[0]
    specs = [
        VehicleSpec(
            system_id=number,
            name=f"test-{number}",
            lat_deg=dock.place.lat_deg,
            lon_deg=dock.place.lon_deg + 0.0002 * (number - 1),
            alt_amsl_m=dock.alt_amsl_m,
            seed=1000 * seed + number,
        )
        for number in range(1, count + 1)
    ]
    async with AsyncExitStack() as stack:
        make = _embedded if kind is Kind.EMBEDDED else _sitl
        found = []
        for system_id, address, instructor, line, heard in await make(stack, specs, speedup):
            await stack.enter_async_context(instructing(instructor, line))
            found.append(TestVehicle(kind, system_id, address, heard, instructor, loop))
        while not all(vehicle.mode for vehicle in found):  # noqa: ASYNC110 - its first heartbeat sets no event
            await asyncio.sleep(0.02)
        yield found


_Made = list[tuple[int, Address, Instructor, Address, list[Heard]]]


async def _embedded(stack: AsyncExitStack, specs: list[VehicleSpec], speedup: float) -> _Made:
    fleet = await stack.enter_async_context(running_fleet(specs, speedup=speedup, tcp_base_port=0))
    made: _Made = []
    for system_id, vehicle in fleet.vehicles.items():
        heard: list[Heard] = []

        def by_hand(number: int, vehicle: Any = vehicle) -> bool:
            return number in Mode._value2member_map_ and bool(vehicle.pilot_mode_change(Mode(number)))

        instructor = Instructor(system_id, heard.append, fly_by_hand=by_hand)
        address = fleet.tcp_addresses[system_id]
        made.append((system_id, address, instructor, address, heard))
    return made


async def _sitl(stack: AsyncExitStack, specs: list[VehicleSpec], speedup: float) -> _Made:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bailu-sitl-", ignore_cleanup_errors=True))
    running = running_sitl_fleet(
        specs,
        binary=find_binary(os.environ),
        speedup=speedup,
        udp_target=_NOBODY,
        work_dir=Path(folder),
    )
    fleet = await stack.enter_async_context(running)
    made: _Made = []
    for system_id, process in fleet.processes.items():
        heard: list[Heard] = []
        instructor = Instructor(system_id, heard.append, rc=process.rc_address)
        for_users, for_us = process.tcp_addresses
        made.append((system_id, for_users, instructor, for_us, heard))
    return made


@asynccontextmanager
async def link(target: Address, words: dict[str, object], seed: int, loop: Background) -> AsyncIterator[TestLink]:
    """A bad line to `target`. Raises ValueError for words that it does not know."""
    proxy = TcpProxy(target, seed=seed, faults=link_faults(words))
    try:
        yield TestLink(await proxy.open((HOST, 0)), proxy, loop)
    finally:
        await proxy.close()
