"""Eight vehicles at eight docks, each on a patrol of its own, all in the air together under one platform."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
from shapely.geometry import box

from bench.process import cpu_s
from core.geo import LatLon
from geofence.geojson import zone_collection
from telemetry.trespass import LOOK_EVERY_S
from tests.fields import FRAME, Field
from tests.platform import Json, Platform, running_platform
from tests.sitl.stage import alarms

# Metres round `tests.fields.HOME`: rows and columns of docks, so far apart that no two flights meet.
_ROWS_M, _COLUMNS_M = (-400.0, 400.0), (-1_200.0, -400.0, 400.0, 1_200.0)
_OUT_M = ((0.0, 80.0), (120.0, 120.0), (150.0, -60.0), (-100.0, -120.0))
_GROUND_AMSL_M = 4.0
_FIRST_SYSTEM_ID = 21


@dataclass(frozen=True, slots=True)
class Member:
    """One of them: its dock's place, and its route."""

    number: int
    place: LatLon
    feature: Json

    @property
    def id(self) -> str:
        return f"bl-{_FIRST_SYSTEM_ID + self.number}"

    @property
    def dock(self) -> str:
        return f"dock-{self.number + 1}"


@dataclass(frozen=True, slots=True)
class Flown:
    """How it went. `together`: the most that were armed at one time; `platform_cpu`, `vehicles_cpu`: cores in use
    between the first launch and the last landing."""

    sorties: tuple[Json, ...]
    alarms: tuple[Json, ...]
    firmware: tuple[str, ...]
    together: int
    took_s: float
    platform_cpu: float
    vehicles_cpu: float


def members(count: int = 8) -> tuple[Member, ...]:
    """`count` of at most eight."""
    pads = [(east_m, north_m) for north_m in _ROWS_M for east_m in _COLUMNS_M]
    return tuple(_member(number, *pads[number]) for number in range(count))


def fly(data_dir: Path, crew: Sequence[Member], *, sitl: bool, speedup: float, within_s: float = 400.0) -> Flown:
    """Every patrol from launch to landing."""
    settings = _settings(crew, sitl=sitl)
    with running_platform(data_dir, sitl=sitl, speedup=speedup, settings=settings) as platform:
        airspace = {"note": "test", "zones": zone_collection(_AREA.airspace().zones)}
        platform.post_patiently("/airspace/versions", airspace)
        published_s = time.monotonic()
        missions = [platform.post_patiently("/missions", member.feature) for member in crew]
        for member in crew:
            platform.until_ready(member.id, within_s=within_s)
        # The watch over closed zones reads which ones count every few seconds; at this pace that is half a minute.
        platform.until(
            lambda: time.monotonic() > published_s + LOOK_EVERY_S + 1.0, within_s=30, what="the zones to count"
        )
        busy, began_s = _Busy(platform), time.monotonic()
        launched = [_launched(platform, mission, member) for mission, member in zip(missions, crew, strict=True)]
        together = _followed(platform, launched, within_s)
        took_s = time.monotonic() - began_s
        own, vehicles = busy.cores(took_s)
        return Flown(
            tuple(platform.sortie(sortie_id) for sortie_id in launched),
            tuple(alarm for member in crew for alarm in alarms(platform, member.id).values()),
            tuple(str(platform.vehicle(member.id)["firmware"]) for member in crew),
            together,
            took_s,
            own,
            vehicles,
        )


_AREA = Field(box(-1_600, -800, 1_600, 800), 5.0, ())


def _member(number: int, east_m: float, north_m: float) -> Member:
    way = FRAME.unproject(np.array(_OUT_M) + np.array([east_m, north_m])).tolist()
    lon, lat = FRAME.unproject(np.array([(east_m, north_m)]))[0].tolist()
    told = {"name": f"patrol {number + 1}", "pattern": "route", "alt_rel_m": 40, "speed_mps": 8}
    member = Member(number, LatLon(lat, lon), {})
    geometry = {"type": "LineString", "coordinates": way}
    feature = {"type": "Feature", "geometry": geometry, "properties": told | {"dock_id": member.dock}}
    return Member(number, member.place, feature)


def _settings(crew: Sequence[Member], *, sitl: bool) -> dict[str, str]:
    airframe = "arducopter-sitl" if sitl else "quad-3kg"
    docks = ", ".join(
        f'{{ id = "{each.dock}", name = "{each.dock}", lat_deg = {each.place.lat_deg:.7f}, '
        f"lon_deg = {each.place.lon_deg:.7f}, ground_amsl_m = {_GROUND_AMSL_M} }}"
        for each in crew
    )
    vehicles = ", ".join(
        f'{{ id = "{each.id}", name = "{each.id}", link = "fleet", system_id = {_FIRST_SYSTEM_ID + each.number}, '
        f'dock = "{each.dock}", airframe = "{airframe}" }}'
        for each in crew
    )
    links = '[{ name = "fleet", url = "udpin:127.0.0.1:0" }]'
    return {"BAILU_DOCKS": f"[{docks}]", "BAILU_VEHICLES": f"[{vehicles}]", "BAILU_LINKS": links}


def _launched(platform: Platform, mission: Json, member: Member) -> str:
    """Again while the platform has too much to do, as it tells one to."""
    answer: list[httpx.Response] = []

    def taken() -> bool:
        answer[:] = [platform.launch(mission, member.id)]
        return answer[0].status_code != 503

    platform.until(taken, within_s=60.0, what=f"the launch of {member.id}")
    assert answer[0].status_code == 202, answer[0].text
    return str(answer[0].json()["sortie_id"])


def _followed(platform: Platform, sortie_ids: Sequence[str], within_s: float) -> int:
    """Until all are over; the most that were armed at one time."""
    together = 0

    def over() -> bool:
        nonlocal together
        together = max(together, sum(bool(each["armed"]) for each in platform.get("/vehicles")["items"]))
        states = [platform.sortie(sortie_id)["state"] for sortie_id in sortie_ids]
        return all(state in ("closed", "refused", "aborted", "lost") for state in states)

    platform.until(over, within_s=within_s, what="all landings")
    return together


class _Busy:
    """What the platform's process and its fleet's processes have used since now."""

    def __init__(self, platform: Platform) -> None:
        assert platform.process is not None
        fleet = int(json.loads((platform.data_dir / "fleet.json").read_text())["pid"])
        self._own = platform.process.pid
        self._vehicles = [fleet, *_children(fleet)]
        self._before = self._used_s()

    def cores(self, took_s: float) -> tuple[float, float]:
        now = self._used_s()
        return (now[0] - self._before[0]) / took_s, (now[1] - self._before[1]) / took_s

    def _used_s(self) -> tuple[float, float]:
        return cpu_s(self._own), sum(cpu_s(pid) for pid in self._vehicles)


def _children(pid: int) -> list[int]:
    """Processes that it started and that still run (proc(5), task/TID/children)."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
