"""Plans flown by a real ArduCopter with their compiled fences: how near they came to a zone, and what they cost.

`python -m bench.planner.sitl [FIRST [COUNT [SEED]]]` prints a line for each flight, then the figures.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from pymavlink import mavutil

from bench.figure import Figure
from geofence.geojson import zone_collection
from missions.energy import AIRFRAMES
from missions.fleet import SITL_AIRFRAME
from tests.platform import Platform, running_platform
from tests.sitl.cases import Case, cases, published
from tests.sitl.flown import Flown, cross_track_m, least_gaps_m, read_flown

_SPEEDUP = 10.0
_DEADLINE_S = 400.0  # for one flight, in our time
_AT_ONCE = 3  # vehicles, one at each of the three docks
# What SITL's battery is told to hold for each watt hour of the airframe's (simulator.sitl: 11.1 V).
_MAH_PER_WH = 1000.0 / 11.1
_SITL = AIRFRAMES[SITL_AIRFRAME]
# ArduCopter/mode.h.
_AUTO = 3


class BrokenOff(StrEnum):
    """What ends a flight before its time."""

    NOTHING = "nothing"
    RETURN = "return"  # the operator's command
    BATTERY = "battery"  # the low battery's failsafe
    GCS = "gcs"  # the failsafe for a ground station that falls silent


_BY_TURNS = (BrokenOff.NOTHING, BrokenOff.RETURN, BrokenOff.NOTHING, BrokenOff.BATTERY, BrokenOff.NOTHING,
             BrokenOff.NOTHING, BrokenOff.RETURN, BrokenOff.NOTHING, BrokenOff.GCS, BrokenOff.RETURN)  # fmt: skip
# What a failsafe does when nobody changes it: RTL. It is set before the launch, which may make it a SmartRTL.
_FAILSAFES = {"BATT_FS_LOW_ACT": 2.0, "FS_GCS_ENABLE": 1.0}
# How each is brought about in flight: more than any battery holds, and a ground station that is not there.
_TRIGGERS = {BrokenOff.BATTERY: ("BATT_LOW_MAH", 1e6), BrokenOff.GCS: ("MAV_GCS_SYSID", 77.0)}


@dataclass(frozen=True, slots=True)
class Row:
    """One flight, measured. Gaps in metres, negative in a zone or outside; energies in Wh.

    `needed_wh`: what the plan may take at most in the median, broken off at the worst place.
    """

    name: str
    dock: str
    speed_mps: float
    broken_off: str
    modes: str
    outcome: str
    zones: int
    zone_gap_m: float
    edge_gap_m: float
    off_path_m: float
    home_m: float
    breaches: int
    planned_m: float
    planned_s: float
    flown_s: float
    planned_wh: float
    needed_wh: float
    used_wh: float
    pace: float

    @property
    def is_whole(self) -> bool:
        return self.broken_off == BrokenOff.NOTHING

    @property
    def energy_error_pct(self) -> float:
        """How much more than planned it took, of what was planned."""
        return 100.0 * (self.used_wh / self.planned_wh - 1.0)

    @property
    def time_error_pct(self) -> float:
        return 100.0 * (self.flown_s / self.planned_s - 1.0)


def sitl(count: int = 20, seed: int = 1) -> Iterator[Figure]:
    """So many flights, three at a time, half of them broken off on the way by a command or a failsafe."""
    yield from figures(list(fly(range(count), seed)))


def figures(rows: Sequence[Row]) -> Iterator[Figure]:
    """What all flights together say."""
    whole = [row for row in rows if row.is_whole]
    yield Figure("planner.sitl.flights", len(rows), "flights", 20, better="higher")
    yield Figure("planner.sitl.zone-gap.least", min(row.zone_gap_m for row in rows), "m", 0.0, better="higher")
    yield Figure("planner.sitl.edge-gap.least", min(row.edge_gap_m for row in rows), "m", 0.0, better="higher")
    yield Figure("planner.sitl.breaches", sum(row.breaches for row in rows), "breaches", 0)
    incomplete = sum(row.outcome != "completed" for row in whole)
    yield Figure("planner.sitl.incomplete", incomplete, "flights", 0)
    energy_pct = max((abs(row.energy_error_pct) for row in whole), default=0.0)
    yield Figure("planner.sitl.energy-error.worst", energy_pct, "%", 10.0)
    yield Figure("planner.sitl.time-error.worst", max((abs(row.time_error_pct) for row in whole), default=0.0), "%")
    cut = [row for row in rows if not row.is_whole]
    yield Figure("planner.sitl.broken-off", len(cut), "flights")
    most = max((100.0 * row.used_wh / row.needed_wh for row in cut), default=0.0)
    yield Figure("planner.sitl.broken-off.energy-of-needed.worst", most, "%", 110.0)
    yield Figure("planner.sitl.off-path.worst", max(row.off_path_m for row in rows), "m")
    yield Figure("planner.sitl.pace.least", min(row.pace for row in rows), "× real time")
    yield Figure("planner.sitl.landed-from-home.worst", max(row.home_m for row in rows), "m")


def fly(numbers: Sequence[int], seed: int) -> Iterator[Row]:
    """The flights of these numbers, measured, in rounds of three: from each dock one, in one airspace."""
    drawn = cases(seed, numbers)
    for first in range(0, len(numbers), _AT_ONCE):
        some = numbers[first : first + _AT_ONCE]
        flights = [next(drawn) for _ in some]
        with tempfile.TemporaryDirectory(prefix="bailu-sitl-", ignore_cleanup_errors=True) as folder:
            yield from _round(flights, some, seed, Path(folder))


def _round(flights: Sequence[Case], numbers: Sequence[int], seed: int, folder: Path) -> list[Row]:
    with running_platform(folder, speedup=_SPEEDUP, sitl=True) as platform:
        vehicles = [_vehicle_at(platform, case) for case in flights]
        for vehicle_id in vehicles:
            platform.until_ready(vehicle_id)
        airspace = published(flights)
        zones = {"combination": airspace.combination, "zones": zone_collection(airspace.zones)}
        platform.post_patiently("/airspace/versions", zones | {"note": "random fields"})
        with ThreadPoolExecutor(len(flights)) as pool:
            jobs = [
                pool.submit(_flight, platform, case, vehicle_id, _BY_TURNS[number % len(_BY_TURNS)], [seed, number])
                for case, vehicle_id, number in zip(flights, vehicles, numbers, strict=True)
            ]
            return [job.result() for job in jobs]


def _flight(platform: Platform, case: Case, vehicle_id: str, broken_off: BrokenOff, seed: Sequence[int]) -> Row:
    with _Knobs(platform, vehicle_id) as knobs:
        for name, value in _FAILSAFES.items():
            knobs.turn(name, value)
        mission = platform.post_patiently("/missions", case.feature)
        response = platform.launch(mission, vehicle_id)
        assert response.status_code == 202, response.text
        sortie_id = str(response.json()["sortie_id"])
        if broken_off is not BrokenOff.NOTHING:
            share = float(np.random.default_rng(seed).uniform(0.2, 0.8))
            _break_off(platform, knobs, sortie_id, broken_off, share)
        sortie = platform.until_state(sortie_id, "closed", within_s=_DEADLINE_S)
    flown = read_flown(platform.data_dir / "tlogs" / f"{sortie_id}.tlog")
    return _row(case, broken_off, flown, sortie["outcome"], sortie["breaches"])


def _vehicle_at(platform: Platform, case: Case) -> str:
    """The vehicle that stands at the dock of the case."""
    vehicles = platform.get("/vehicles")["items"]
    return next(str(each["vehicle_id"]) for each in vehicles if each["dock_id"] == case.dock.id)


def _break_off(platform: Platform, knobs: _Knobs, sortie_id: str, how: BrokenOff, share: float) -> None:
    """Ends the flight when so much of its waypoints is behind."""
    platform.until_state(sortie_id, "on_mission")

    def behind() -> bool:
        sortie = platform.sortie(sortie_id)
        return bool(sortie["waypoints_reached"] >= share * sortie["waypoints_total"])

    platform.until(behind, within_s=_DEADLINE_S, what=f"{share:.0%} of the waypoints")
    if how is BrokenOff.RETURN:
        platform.post(f"/vehicles/{platform.sortie(sortie_id)['vehicle_id']}/commands", {"kind": "return"})
    else:
        knobs.turn(*_TRIGGERS[how])


def _row(case: Case, broken_off: BrokenOff, flown: Flown, outcome: str, breaches: int) -> Row:
    made = case.plan
    zone_gap_m, edge_gap_m = least_gaps_m(flown, case.field)
    auto = flown.part(_AUTO)
    off_m = cross_track_m(auto, (made.home, *(each.place for each in made.waypoints), made.home))
    names = mavutil.mode_mapping_acm
    modes = [names.get(mode, str(mode)) for mode in dict.fromkeys(flown.modes.tolist())]
    return Row(
        name=case.name,
        dock=str(case.dock.id),
        speed_mps=made.speed_mps,
        broken_off=str(broken_off),
        modes=" ".join(modes),
        outcome=outcome,
        zones=len(case.field.zones),
        zone_gap_m=zone_gap_m,
        edge_gap_m=edge_gap_m,
        off_path_m=float(off_m.max()),
        home_m=float(np.hypot(*(flown.end - case.home))),
        breaches=flown.breached + breaches,
        planned_m=made.length_m,
        planned_s=made.duration_s,
        flown_s=flown.duration_s,
        planned_wh=made.energy_wh,
        needed_wh=_SITL.battery_wh * (made.battery_needed_pct / 100.0 - _SITL.reserve),
        used_wh=flown.used_mah / _MAH_PER_WH,
        pace=flown.pace,
    )


class _Knobs:
    """A second ground station on the vehicle's own port: it turns what no platform would."""

    def __init__(self, platform: Platform, vehicle_id: str) -> None:
        system_id = 10 + int(vehicle_id.removeprefix("bl-"))
        fleet = json.loads((platform.data_dir / "fleet.json").read_text())
        self._link = mavutil.mavlink_connection(
            f"tcp:127.0.0.1:{fleet['tcp_ports'][str(system_id)]}", source_system=250
        )
        self._system_id = system_id

    def __enter__(self) -> _Knobs:
        return self

    def __exit__(self, *_: object) -> None:
        self._link.close()

    def turn(self, name: str, value: float) -> None:
        """Sets a parameter and waits until the vehicle tells it."""
        end = time.monotonic() + 20.0
        while time.monotonic() < end:
            self._link.mav.param_set_send(self._system_id, 1, name.encode(), value, 9)
            heard = self._link.recv_match(type="PARAM_VALUE", blocking=True, timeout=1)
            if heard is not None and heard.param_id == name and abs(heard.param_value - value) < 0.5:
                return
        raise AssertionError(f"{name} is not set")


def main(arguments: Sequence[str]) -> int:
    first, count, seed = (int(told) for told in (*arguments, *("0", "20", "1")[len(arguments) :]))
    rows = []
    for row in fly(range(first, first + count), seed):
        rows.append(row)
        print(json.dumps({name: _rounded(value) for name, value in asdict(row).items()}), flush=True)
    found = list(figures(rows))
    for figure in found:
        print(figure.line())
    return 0 if all(figure.met is not False for figure in found) else 1


def _rounded(value: object) -> object:
    return round(value, 2) if isinstance(value, float) else value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
