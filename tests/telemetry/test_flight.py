"""A flight's record when the store says no."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from core.clock import ManualClock, SystemClock
from core.errors import Overloaded, StaleRevision
from core.geo import LatLon
from core.ids import DockId, MissionId, OperatorId, SortieId, VehicleId
from missions.model import Airframe, Dock, MissionRequest, Pattern, Revision, Sortie, SortieState
from missions.ports import Store
from telemetry import logbook as module
from telemetry.flight import Flight
from telemetry.packets import Outbound
from telemetry.vehicle import Vehicle, VehicleConfig
from tests.telemetry.test_preflight import PLAN

NOW = ManualClock().now()
DOCK = Dock(DockId("dock"), "机场", "dock", LatLon(31.139, 121.124), 4.0)
FRAME = Airframe("quad", 130, 280, 260, 10, 50, 15, 3, 2)
REVISION = Revision(
    MissionId("m"), 1, MissionRequest("m", DOCK.id, Pattern.ROUTE, 30, 8), PLAN, NOW, OperatorId("local")
)
SORTIE = Sortie(
    SortieId("s"), MissionId("m"), 1, "m", VehicleId("bl-01"), SortieState.REQUESTED, NOW, OperatorId("local")
)


class GrudgingStore:
    """Answers the first saves with errors, then takes them."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.saved: list[Sortie] = []

    async def save_sortie(self, sortie: Sortie) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.saved.append(sortie)

    async def append_track(self, *_: Any) -> None:
        return


def flight(store: GrudgingStore, tmp_path: Path, sortie: Sortie = SORTIE) -> tuple[Flight, list[Outbound]]:
    sent: list[Outbound] = []
    vehicle = Vehicle(VehicleConfig(VehicleId("bl-01"), "one", "x", 11, DOCK, FRAME), clock=SystemClock())
    vehicle.attach(sent.append)
    made = Flight(
        vehicle, REVISION, sortie,
        store=cast("Store", store), publish=lambda _: None, clock=SystemClock(), data_dir=tmp_path,
    )  # fmt: skip
    return made, sent


async def test_a_sortie_that_somebody_else_closed_does_not_start(tmp_path: Path) -> None:
    store = GrudgingStore(StaleRevision("sortie", "s", 2, 1))
    made, sent = flight(store, tmp_path)
    await made.fly()
    assert (sent, store.saved) == ([], [])


async def test_a_launch_that_cannot_be_recorded_is_refused_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STORE_AGAIN_S", 0.01)
    store = GrudgingStore(Overloaded("The disk does not take the data"), Overloaded("The database is busy"))
    made, sent = flight(store, tmp_path)
    await made.fly()
    assert sent == []
    assert [saved.state for saved in store.saved] == [SortieState.REFUSED]
    assert store.saved[0].problem is not None
    assert store.saved[0].problem["slug"] == "overloaded"


async def test_in_the_air_the_record_is_kept_until_the_store_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STORE_AGAIN_S", 0.01)
    store = GrudgingStore(*(Overloaded("The disk does not take the data") for _ in range(3)))
    made, _ = flight(store, tmp_path, replace(SORTIE, state=SortieState.LANDING))
    await made._close("it landed and disarmed")
    assert [saved.state for saved in store.saved] == [SortieState.CLOSED]
