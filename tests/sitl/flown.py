"""What a flight's `.tlog` tells, read by pymavlink's own reader: where it was, in which mode, what it cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from pymavlink import mavutil
from pymavlink.dialects.v20 import ardupilotmega as dialect

from core.geo import LatLon
from geofence.frame import Array
from tests.fields import FRAME, Field

# A recorded line is looked at this often: at 5 samples a second a vehicle moves 2 m from one to the next.
_LOOK_EVERY_M = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Flown:
    """A flight as it was recorded, armed to disarmed, N positions.

    `time_s` (N,) since boot; `xyz` (N, 3): metres round `tests.fields.HOME`, and above home; `modes` (N,): the
    numbers of ArduCopter/mode.h. `used_mah`: the current that flowed. `breached`: how many samples tell of a breach
    of the on-board fence. `pace`: seconds of the vehicle's time in one of ours.
    """

    time_s: Array
    xyz: Array
    modes: NDArray[np.intp]
    used_mah: float
    breached: int
    pace: float
    texts: tuple[str, ...]

    @property
    def duration_s(self) -> float:
        return float(self.time_s[-1] - self.time_s[0])

    @property
    def end(self) -> Array:
        """Where it came down, (2,)."""
        place: Array = self.xyz[-1, :2]
        return place

    def part(self, *modes: int) -> Array:
        """The positions in these modes, (K, 3)."""
        return np.asarray(self.xyz[np.isin(self.modes, modes)])

    def dense(self) -> Array:
        """The recorded line with a vertex every `_LOOK_EVERY_M`, (K, 3)."""
        legs = np.diff(self.xyz, axis=0)
        cuts = np.maximum(1, np.ceil(np.sqrt((legs**2).sum(axis=1)) / _LOOK_EVERY_M)).astype(int)
        leg_of = np.repeat(np.arange(len(legs)), cuts)
        share = (np.arange(len(leg_of)) - np.repeat(np.cumsum(cuts) - cuts, cuts)) / cuts[leg_of]
        return np.concatenate((self.xyz[leg_of] + share[:, None] * legs[leg_of], self.xyz[-1:]))


def read_flown(tlog: Path) -> Flown:
    """The flight of a record. Raises ValueError when nothing flies in it."""
    rows: list[tuple[float, float, float, float, int]] = []
    amps: list[tuple[float, float]] = []
    heard_s: list[float] = []
    texts, breached, armed, mode = [], 0, False, -1
    reader = mavutil.mavlink_connection(str(tlog))
    try:
        while (message := reader.recv_match()) is not None:
            match message.get_type():
                case "HEARTBEAT" if message.autopilot == dialect.MAV_AUTOPILOT_ARDUPILOTMEGA:
                    armed, mode = bool(message.base_mode & dialect.MAV_MODE_FLAG_SAFETY_ARMED), message.custom_mode
                case "GLOBAL_POSITION_INT" if armed:
                    row = (message.time_boot_ms / 1e3, message.lon / 1e7, message.lat / 1e7)
                    rows.append((*row, message.relative_alt / 1e3, mode))
                    heard_s.append(message._timestamp)
                case "SYS_STATUS" if armed and rows:
                    amps.append((rows[-1][0], message.current_battery / 100.0))
                case "FENCE_STATUS" if armed:
                    breached += bool(message.breach_status)
                case "STATUSTEXT":
                    texts.append(message.text)
    finally:
        reader.close()
    if len(rows) < 2:
        raise ValueError(f"{tlog}: nothing flies in it")
    time_s, lon, lat, alt, modes = np.array(rows).T
    xy = FRAME.project(np.column_stack((lon, lat)))
    moment_s, current_a = np.array(amps).T
    used_mah = float(np.trapezoid(current_a, moment_s)) / 3.6
    pace = float((time_s[-1] - time_s[0]) / (heard_s[-1] - heard_s[0]))
    return Flown(time_s, np.column_stack((xy, alt)), modes.astype(np.intp), used_mah, breached, pace, tuple(texts))


def least_gaps_m(flown: Flown, field: Field) -> tuple[float, float]:
    """The least distance of the recorded line from any zone, where it flies at the zone's heights, and from the edge
    of what it must stay inside; negative: in the zone, or outside. Infinite without a zone at its heights."""
    path = flown.dense()
    points = np.asarray(shapely.points(path[:, :2]))
    found = math.inf
    for zone in field.zones:
        met = points[(zone.low_rel_m <= path[:, 2]) & (path[:, 2] <= zone.high_rel_m)]
        if not len(met):
            continue
        if zone.radius_m is not None:
            gaps = shapely.distance(met, zone.shape.centroid) - zone.radius_m
        else:
            outside = np.asarray(shapely.distance(met, zone.shape))
            gaps = np.where(outside > 0.0, outside, -shapely.distance(met, zone.shape.boundary))
        found = min(found, float(gaps.min()))
    to_edge = shapely.distance(points, field.inside.exterior)
    inside = np.where(shapely.contains(field.inside, points), to_edge, -to_edge)
    return found, float(inside.min())


def cross_track_m(flown: Array, places: tuple[LatLon, ...]) -> Array:
    """How far each position, (K, 3), is from the line through `places`, (K,)."""
    line = shapely.LineString(FRAME.to_xy(places))
    return np.asarray(shapely.distance(shapely.points(flown[:, :2]), line))
