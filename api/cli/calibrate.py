"""`bailu calibrate`: an airframe's power out of the telemetry logs of its own flights."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from api.cli.text import err, fail, plainly
from geofence.frame import Array
from missions import calibration
from missions.calibration import Calibration, NotEnoughFlight, Samples, joined
from telemetry.packets import GlobalPosition, Heartbeat, SysStatus
from telemetry.tlog import BadLog, read_tlog
from telemetry.wire import Frame

# Lower than this the ground carries a part of the weight, or all of it.
AIRBORNE_ABOVE_M = 2.0
# The autopilot tells whole percent: over less than this their rounding is too much of the difference.
LEAST_DROP_PCT = 10.0


@plainly
def calibrate(
    logs: Annotated[list[Path], typer.Argument(help="Telemetry logs (.tlog) of one airframe.", dir_okay=False)],
    *,
    name: Annotated[str, typer.Option("--name", help="What the airframe is to be called.")],
    battery_wh: Annotated[
        float | None,
        typer.Option(
            "--battery-wh", min=1.0, max=100_000.0, help="Energy of the pack as planned. [default: measured]"
        ),
    ] = None,
) -> None:
    """Print an entry for airframes.json, calibrated from flights that hover, climb and cruise.

    Ground speed stands for air speed: fly on a calm day. Powers are those that the autopilot counts its percent by.
    """
    try:
        flights = [read_flight(log) for log in logs]
        entry = entry_of(flights, name=name, battery_wh=battery_wh)
    except (BadLog, NotEnoughFlight) as error:
        raise fail(str(error)) from None
    err.print(f"{len(logs)} log(s). Standard deviation of the power to plan with: {entry['spread']:.1%}.")
    print(json.dumps(entry, ensure_ascii=False, indent=2))


class Flight:
    """What a log tells of one flight: samples in the air, and the drop of the battery while they were taken."""

    def __init__(self, samples: Samples, top: tuple[float, ...], dropped_pct: float | None) -> None:
        self.samples = samples
        self.top = top
        self.dropped_pct = dropped_pct

    @property
    def used_wh(self) -> float:
        """Energy that flowed, as voltage times current."""
        time_s, power_w = self.samples.time_s, self.samples.power_w
        return float((np.diff(time_s) * (power_w[1:] + power_w[:-1]) / 2.0).sum()) / 3600.0


def read_flight(log: Path) -> Flight:
    """The samples of a log, of the vehicle heard first. Raises BadLog and NotEnoughFlight."""
    rows, percents = _rows(frame for _, frame in read_tlog(log))
    if len(rows) < 2:
        raise NotEnoughFlight(f"{log}: nothing flies in it, or neither voltage nor current is told")
    time_s, speed, climb, power = np.array(rows).T
    top = tuple(_usual_most(values) for values in (speed, climb, -climb))
    dropped = percents[0] - percents[-1] if percents else None
    return Flight(Samples(time_s, speed, climb, power), top, dropped)


def _usual_most(values: Array) -> float:
    """What nine of ten samples that move that way at all stay below: not a peak in a gust."""
    moving = values[values > 0.3]
    return float(np.percentile(moving, 90.0)) if len(moving) else 0.0


def _rows(frames: Iterable[Frame]) -> tuple[list[tuple[float, float, float, float]], list[float]]:
    """Time, ground speed, climb and power of each position in the air; and the battery's percent there."""
    source, armed, power_w = None, False, math.nan
    percent: float | None = None
    rows: list[tuple[float, float, float, float]] = []
    percents: list[float] = []
    for frame in frames:
        match frame.packet:
            case Heartbeat(is_autopilot=True) as beat if source in (None, frame.source):
                source, armed = frame.source, beat.armed
            case SysStatus() as status if frame.source == source:
                known = status.battery_v is not None and status.battery_a is not None
                power_w = (status.battery_v or 0.0) * (status.battery_a or 0.0) if known else math.nan
                percent = status.battery_pct
            case GlobalPosition() as at if frame.source == source and armed and at.alt_rel_m > AIRBORNE_ABOVE_M:
                time_s = at.boot_ms / 1000.0
                if math.isnan(power_w) or (rows and time_s <= rows[-1][0]):
                    continue
                rows.append((time_s, math.hypot(at.north_mps, at.east_mps), -at.down_mps, power_w))
                if percent is not None:
                    percents.append(percent)
    return rows, percents


def entry_of(flights: list[Flight], *, name: str, battery_wh: float | None) -> dict[str, str | float]:
    """The airframe as `airframes.json` has it. Raises NotEnoughFlight."""
    full_wh = _full_wh(flights)
    battery_wh = battery_wh or full_wh
    if battery_wh is None:
        raise NotEnoughFlight(
            f"the battery falls by less than {LEAST_DROP_PCT:g} %: tell its energy with --battery-wh"
        )
    found = calibration.calibrate(joined([flight.samples for flight in flights]))
    # The autopilot's percent is what a plan is held against: its share of the planned energy is what counts.
    scale = 1.0 if full_wh is None else battery_wh / full_wh
    fastest, climb, descent = (max(flight.top[which] for flight in flights) for which in range(3))
    return {
        "name": name,
        "note": f"Calibrated by `bailu calibrate` from {len(flights)} log(s).",
        "battery_wh": round(battery_wh, 1),
        **_powers(found, scale),
        "max_speed_mps": round(fastest, 1),
        "climb_mps": round(climb, 1),
        "descent_mps": round(descent, 1),
        "reserve": 0.25,
        "lift_share": round(found.lift_share, 3),
        "spread": round(found.spread, 3),
    }


def _powers(found: Calibration, scale: float) -> dict[str, float]:
    return {
        "hover_w": round(scale * found.hover_w, 1),
        "cruise_w": round(scale * found.cruise_w, 1),
        "cruise_mps": found.cruise_mps,
        "climb_j_per_m": round(scale * found.climb_j_per_m, 1),
    }


def _full_wh(flights: list[Flight]) -> float | None:
    """The energy of the whole pack, by what flowed while the percent fell; None when it fell too little."""
    told = [(flight.used_wh, flight.dropped_pct) for flight in flights if flight.dropped_pct is not None]
    dropped_pct = sum(dropped for _, dropped in told)
    return sum(used for used, _ in told) / dropped_pct * 100.0 if dropped_pct >= LEAST_DROP_PCT else None
