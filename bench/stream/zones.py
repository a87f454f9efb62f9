"""A thousand vehicles against a thousand zones: what a tick costs, beside a loop over `Polygon.covers(Point)`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
from shapely.geometry import Point

from bench.figure import Figure
from geofence.frame import Array
from geofence.presence import Heights, Presence, lonlat_area
from tests.geofence.test_presence import random_zones

_COUNT, _NAIVE_COUNT, _ROUNDS = 1_000, 20, 9
_LOOKS = 10  # a tick follows a tick


def zones() -> Iterator[Figure]:
    """CPU of one look; the ratio is the median of rounds in which both take turns."""
    drawn = random_zones(3, _COUNT)
    presence, areas = Presence(drawn), [lonlat_area(zone) for zone in drawn]
    lonlat = np.random.default_rng(4).uniform((120.9, 31.0), (121.2, 31.3), (_COUNT, 2))
    heights = Heights(*np.full((3, _COUNT), 50.0))

    def ours() -> None:
        for _ in range(_LOOKS):
            presence.look(lonlat[:, 1], lonlat[:, 0], heights)

    def naive() -> None:
        for lon, lat in lonlat[:_NAIVE_COUNT].tolist():
            for area in areas:
                area.covers(Point(lon, lat))

    ours()
    pairs = [(_cpu_s(ours) / _LOOKS, _cpu_s(naive) * _COUNT / _NAIVE_COUNT) for _ in range(_ROUNDS)]
    ours_ms = 1_000.0 * statistics.median(ours_s for ours_s, _ in pairs)
    yield Figure("stream.zones.1000x1000.tick", ours_ms, "ms of CPU", 2.5)
    ratio = statistics.median(naive_s / ours_s for ours_s, naive_s in pairs)
    yield Figure("stream.zones.1000x1000.naive-loop-ratio", ratio, "×", 60.0, "higher")
    yield Figure("stream.zones.1000x1000.pairs", _found(presence, lonlat, heights), "vehicle in zone")


def _cpu_s(work: Callable[[], None]) -> float:
    began_s = time.process_time()
    work()
    return time.process_time() - began_s


def _found(presence: Presence, lonlat: Array, heights: Heights) -> float:
    vehicle, _ = presence.look(lonlat[:, 1], lonlat[:, 0], heights)
    return float(len(vehicle))
