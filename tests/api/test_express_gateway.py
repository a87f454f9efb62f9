"""A gateway that hears much takes it by compiled code after a while, and nobody notices but by what it costs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from adapters.bus_local import LocalBus
from adapters.sqlite import open_store
from adapters.sqlite.records import open_records
from core.clock import SystemClock
from core.ids import VehicleId
from missions.fleet import default_airframe, default_docks
from telemetry.express.way import Express
from telemetry.gateway import Gateway, running_gateway
from telemetry.links import LinkConfig
from telemetry.links.batch import Datagrams
from telemetry.messages import LinkState
from telemetry.vehicle import VehicleConfig

_VEHICLES = 20
_SAID_EACH_S = 5  # positions


@pytest.mark.thorough
async def test_a_gateway_that_hears_much_takes_it_by_compiled_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = Counter[str]()
    take = Express.take

    def counted(self: Express, gate: object, datagrams: Datagrams, begin: int, count: int, now_s: float) -> int:
        reached = take(self, gate, datagrams, begin, count, now_s)  # type: ignore[arg-type]
        taken.update(express=reached - begin, offered=count if begin == 0 else 0)
        return reached

    monkeypatch.setattr(Express, "take", counted)
    dock, frame = default_docks()[0], default_airframe()
    vehicles = [
        VehicleConfig(VehicleId(f"v{number}"), f"v{number}", ("l",), number + 1, dock, frame)
        for number in range(_VEHICLES)
    ]
    async with (
        open_store(tmp_path / "bailu.db") as store,
        open_records(tmp_path / "telemetry.db") as records,
        running_gateway(
            name="g", links=[LinkConfig("l", "udpin:127.0.0.1:0")], vehicles=vehicles, bus=LocalBus(), store=store,
            alarms=store, clock=SystemClock(), data_dir=tmp_path, records=records,
        ) as running,
    ):  # fmt: skip
        port = running.link_addresses["l"][1]
        command = (sys.executable, "-m", "bench.swarm", str(port), "--vehicles", str(_VEHICLES), "--seconds", "60")
        swarm = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: ASYNC220 - it begins at once
        try:
            async with asyncio.timeout(45):
                while taken["express"] < 1_000:  # noqa: ASYNC110 - nobody tells when it is compiled
                    await asyncio.sleep(0.1)
            await _is_heard_and_recorded(running.gateway, taken)
        finally:
            swarm.terminate()
            swarm.wait()


async def _is_heard_and_recorded(gateway: Gateway, taken: Counter[str]) -> None:
    fleet = gateway._fleet
    taken.clear()
    before, rows = fleet.health()[0], gateway._recorder.written_rows
    await asyncio.sleep(4.0)
    after, states = fleet.health()[0], fleet.states()
    assert taken["express"] > 0.9 * taken["offered"] > 1_000
    assert after.frames - before.frames == pytest.approx(taken["offered"], rel=0.05)
    assert {state.link for state in states} == {LinkState.LIVE}
    assert all(state.position_age_s is not None and state.position_age_s < 1.0 for state in states)
    recorded = gateway._recorder.written_rows - rows
    assert recorded == pytest.approx(4.0 * _VEHICLES * _SAID_EACH_S, rel=0.3)
    assert (after.lost_share, after.bad_crc, after.refused) == (0.0, 0, 0)
