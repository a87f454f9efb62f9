"""What tests of forwarding stand on: rules, a forwarder on real databases, receivers that fail when told to."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from adapters.bus_local import LocalBus
from adapters.forwarding import Doors, Openers
from adapters.forwarding.vault import Vault
from adapters.keyring import open_ring
from adapters.sqlite import SqliteStore, open_store
from adapters.sqlite.spool import SqliteSpool, open_spool
from core.clock import Clock, SystemClock
from core.ids import AlarmId, DockId, OperatorId, VehicleId
from operations.alarms import Alarm, AlarmKind, Severity
from operations.forwarding.addresses import TargetKind
from operations.forwarding.ports import Standing, Waits
from operations.forwarding.rules import Rule, RuleId, Secrets, Target, What, check
from telemetry.forwarding.collector import running_collector
from telemetry.forwarding.forwarder import Forwarder, Ways
from telemetry.messages import FLEET_TICK, FleetTick, LinkState, VehicleState

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
QUICK = Waits(
    connect=2.0,
    send=1.5,
    first_retry=0.02,
    last_retry=0.2,
    longest_retry_after=5.0,
    look=0.05,
    first_tick=0.5,
    report=0.05,
)


def rule(url: str = "http://127.0.0.1:1/in", **changes: Any) -> Rule:
    kind = {"h": TargetKind.HTTP, "w": TargetKind.WEBSOCKET, "m": TargetKind.MQTT}[url[0]]
    plain = Rule(
        id=RuleId("to-city"),
        name="城运中心",
        what=(What.ALARMS,),
        target=Target(kind, url),
        created_at=NOW,
        created_by=OperatorId("local"),
    )
    return replace(plain, **changes)


def alarm(number: int, **changes: Any) -> Alarm:
    plain = Alarm(
        AlarmId(f"alarm-{number}"), AlarmKind.LOW_BATTERY, Severity.WARNING, "28 %", VehicleId("bl-01"), None, NOW
    )
    return replace(plain, **changes)


def vehicle(vehicle_id: str = "bl-01", **changes: Any) -> VehicleState:
    plain = VehicleState(
        vehicle_id=VehicleId(vehicle_id), name=vehicle_id, dock_id=DockId("dock-xiayang"), system_id=11,
        link_name="fleet", airframe="quad-3kg", unit="town-xiayang", link=LinkState.LIVE, heard_age_s=0.1,
        position_age_s=0.1,
        lat_deg=31.15, lon_deg=121.12, alt_rel_m=60.0, battery_pct=80.0,
    )  # fmt: skip
    return replace(plain, **changes)


@dataclass
class Stage:
    """A forwarder at work and everything that it works with."""

    store: SqliteStore
    spool: SqliteSpool
    bus: LocalBus
    clock: Clock
    vault: Vault
    ticks: int = 0

    async def save(self, new: Rule, secrets: Secrets | None = None) -> Rule:
        secrets = secrets or Secrets()
        new = replace(new, secrets=secrets.held)
        check(new)
        locked = self.vault.lock(new.id, secrets) if secrets.held else None
        return await self.store.forwarding.save_rule(new, locked)

    async def alarms(self, *numbers: int) -> None:
        for number in numbers:
            await self.store.save_alarm(alarm(number))

    def tick(self, *states: VehicleState) -> None:
        self.ticks += 1
        self.bus.publish(FLEET_TICK, FleetTick.of("test", self.clock.now(), states, self.ticks))

    async def standing(self, rule_id: str = "to-city") -> Standing:
        return (await self.spool.standings()).get(RuleId(rule_id), Standing())


@asynccontextmanager
async def stage(folder: Path, waits: Waits = QUICK, *, doors: Doors | None = None) -> AsyncIterator[Stage]:
    """A stage in `folder`; what an earlier one left there goes on."""
    clock, bus = SystemClock(), LocalBus()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(folder / "bailu.db"))
        spool = await stack.enter_async_context(open_spool(folder))
        vault = Vault(open_ring(folder))
        outbox = store.forwarding
        await stack.enter_async_context(running_collector(bus=bus, outbox=outbox, clock=clock))
        openers = Openers(doors or Doors())
        forwarder = Forwarder(Ways(outbox, outbox, spool, bus, clock, openers, vault.unlock, waits))
        before = bus.subscriber_count
        task = asyncio.create_task(forwarder.run())
        await until(lambda: bus.subscriber_count > before)
        try:
            yield Stage(store, spool, bus, clock, vault)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if not task.cancelled():
                task.result()


async def until(holds: Callable[[], Any], within_s: float = 30.0) -> None:
    """Waits until `holds()`; an awaitable answer is awaited."""
    end_s = time.monotonic() + within_s
    while True:
        answer = holds()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return
        assert time.monotonic() < end_s, "it did not come about in time"
        await asyncio.sleep(0.01)


async def settles(on: Stage, holds: Callable[[Standing], bool], rule_id: str = "to-city") -> bool:
    """Waits until the standing of a rule is so."""

    async def so() -> bool:
        return holds(await on.standing(rule_id))

    await until(so)
    return True


async def flown_until(on: Stage, holds: Callable[[], Any]) -> None:
    """Waits until `holds()`, with a vehicle that is heard meanwhile."""

    async def so() -> Any:
        on.tick(vehicle())
        return holds()

    await until(so)


@dataclass
class Request:
    headers: dict[str, str]
    body: bytes
    at_s: float

    @property
    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.body)
        return found


Answer = tuple[int, dict[str, str]] | None


@dataclass
class Receiver:
    """A real HTTP server. `answers`: status and headers for the next requests, None: no answer; then 204 always."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    refuse_ids: set[str] = field(default_factory=set)
    released: threading.Event = field(default_factory=threading.Event)

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        if self.answers:
            return self.answers.pop(0)
        if self.refuse_ids & {each["data"].get("alarm_id", "") for each in request.events}:
            return 422, {}
        self.taken += request.events
        return 204, {}

    def alarm_ids(self) -> list[str]:
        return [each["data"]["alarm_id"] for each in self.taken if each["type"] == "bailu.alarm.v1"]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver on a free port of this machine."""
    known = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = known.answer(Request(headers, body, time.monotonic()))
            if answer is None:
                known.released.wait(10)
                self.close_connection = True
                return
            status, more = answer
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    known.url = f"http://127.0.0.1:{server.server_address[1]}/in"
    try:
        yield known
    finally:
        known.released.set()
        server.shutdown()
        server.server_close()
