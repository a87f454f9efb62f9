"""Ours beside the usual way, in the same run and turn by turn: what an update costs, and how far each goes."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from bench.figure import Figure
from bench.stream.rigs import Load, Measured, measured
from bench.stream.viewers import FULL_AFTER_S

_PAIRS = 5
_LOADS = (Load(40, 100), Load(100, 20))
_RATIO_GOAL = 15.0
_OCTETS_GOAL = 0.2
# The minute and a half of news that is kept for those who come back is full by then.
_LONG = Load(1_000, 100, settle_s=110.0, measure_s=300.0)
_HOUR = Load(1_000, 1_000, settle_s=600.0, measure_s=3_000.0, rate_hz=1.0)
_TICKS_S = 0.2
_STALLED_MANY = 40
# What the search for the most begins with, and how near it comes.
_FIRST, _NEAR, _VIEWERS_FIRST, _KEEPS_UP_S = {"bailu": 800, "tutorial": 16}, 1.15, 500, 0.5
_MOST_VEHICLES = {100: 60.0, 20: 15.0}


def pairs(count: int = _PAIRS) -> Iterator[Figure]:
    """CPU of a vehicle's update delivered to a viewer, and its size."""
    for load in _LOADS:
        name = f"stream.{load.vehicles}x{load.viewers}"
        both = [(measured("bailu", load), measured("tutorial", load)) for _ in range(count)]
        ours, usual = zip(*both, strict=True)
        yield Figure(f"{name}.cpu-per-update", _median(ours, "us_per_update"), "µs")
        yield Figure(f"{name}.baseline.cpu-per-update", _median(usual, "us_per_update"), "µs")
        ratio = statistics.median(b.us_per_update / a.us_per_update for a, b in both)
        yield Figure(f"{name}.ratio", ratio, "× less", _RATIO_GOAL, "higher")
        yield Figure(f"{name}.octets-per-update", _median(ours, "octets_per_update"), "B")
        share = statistics.median(a.octets_per_update / b.octets_per_update for a, b in both)
        yield Figure(f"{name}.octets-share", share, "of the baseline's JSON", _OCTETS_GOAL)
        yield Figure(f"{name}.age-p99", max(each.age_p99_s for each in ours), "s", _TICKS_S)
        yield Figure(f"{name}.baseline.age-p99", max(each.age_p99_s for each in usual), "s")


def thousand(load: Load = _LONG) -> Iterator[Figure]:
    """A thousand vehicles and a hundred viewers, everything on."""
    found = measured("bailu", load)
    name = f"stream.{load.vehicles}x{load.viewers}"
    yield Figure(f"{name}.cores", found.cores, "of a core", 0.6)
    yield Figure(f"{name}.delivered", found.delivered(load), "of the updates", 0.9, "higher")
    yield Figure(f"{name}.lost-datagrams", found.lost_datagrams, "", 0.0)
    yield Figure(f"{name}.recorded", found.rows_per_s, "rows/s")
    yield Figure(f"{name}.positions-not-recorded", found.lost_rows, "", 0.0)
    yield Figure(f"{name}.age-p50", found.age_p50_s, "s")
    yield Figure(f"{name}.age-p99", found.age_p99_s, "s", _TICKS_S)
    yield Figure(f"{name}.memory-growth", found.growth_mib, "MiB", 5.0)
    yield Figure(f"{name}.memory", found.rss_mib, "MiB")
    yield Figure(f"{name}.worst-served", found.least_share, "of the frames")


def stalled() -> Iterator[Figure]:
    """One viewer of 51 does not read, ours and the usual way's: what the others get, and what it holds."""
    load = Load(100, 50)
    for rig, goal in (("bailu", 0.99), ("tutorial", None)):
        # The same time of its run is looked at with and without.
        free = measured(rig, replace(load, settle_s=load.settle_s + FULL_AFTER_S))
        held = measured(rig, replace(load, stalled=1))
        name = f"stream.stalled{'' if rig == 'bailu' else '.baseline'}"
        share = (held.updates / held.took_s) / (free.updates / free.took_s)
        yield Figure(f"{name}.delivered", share, "of without it", goal, "higher")
        # Two runs differ by some MiB: of ours so many are held that one's share is seen.
        many = measured(rig, replace(load, stalled=_STALLED_MANY)) if rig == "bailu" else held
        each_mib = max(0.0, many.rss_mib - free.rss_mib) / (_STALLED_MANY if rig == "bailu" else 1)
        yield Figure(f"{name}.memory", each_mib, "MiB each", 1.0 if goal else None)


def compressed(count: int = 3) -> Iterator[Figure]:
    """CPU with compression for everybody, beside without."""
    off = Load(100, 100)
    both = [(measured("bailu", replace(off, compression=True)), measured("bailu", off)) for _ in range(count)]
    yield Figure("stream.compressed.cpu", statistics.median(a.cores / b.cores for a, b in both), "× of off", 1.3)
    share = statistics.median(a.octets_per_update / b.octets_per_update for a, b in both)
    yield Figure("stream.compressed.octets", share, "of off")


def hour(load: Load = _HOUR) -> Iterator[Figure]:
    """Memory after ten minutes and after an hour, of a thousand vehicles and a thousand viewers at one a second."""
    found = measured("bailu", load)
    yield Figure("stream.hour.memory", found.rss_mib, "MiB", 500.0)
    yield Figure("stream.hour.growth", found.growth_mib, "MiB after 10 min")
    yield Figure("stream.hour.cores", found.cores, "of a core")
    yield Figure("stream.hour.lost-viewers", found.lost_viewers, "", 0.0)
    yield Figure("stream.hour.positions-not-recorded", found.lost_rows, "", 0.0)


def most() -> Iterator[Figure]:
    """The most vehicles that each keeps up with, by the same criterion."""
    for viewers, goal in _MOST_VEHICLES.items():
        found = {rig: _most(rig, partial(_of_vehicles, viewers), first, _KEEPS_UP_S) for rig, first in _FIRST.items()}
        for rig, vehicles in found.items():
            yield Figure(f"stream.most-vehicles.{viewers}.{rig}", vehicles, "vehicles", better="higher")
        ratio = found["bailu"] / max(1, found["tutorial"])
        yield Figure(f"stream.most-vehicles.{viewers}.ratio", ratio, "×", goal, "higher")
    most_viewers = _most("bailu", lambda asked: Load(100, asked, settle_s=10.0 + asked / 100), _VIEWERS_FIRST, 0.25)
    yield Figure("stream.most-viewers.100", most_viewers, "viewers", 1_000.0, "higher")


def _most(rig: str, load_of: Callable[[int], Load], first: int, within_s: float) -> int:
    """Doubles until it does not keep up, then halves the gap until it is small."""
    good, bad, asked = 0, 0, first
    while not bad or bad > good * _NEAR:
        load = load_of(asked)
        if measured(rig, load).keeps_up(load, within_s):
            good = asked
        else:
            bad = asked
        if bad == 1:
            return 0
        asked = good * 2 if not bad else (good + bad) // 2
        if asked in (good, bad):
            break
    return good


def _of_vehicles(viewers: int, vehicles: int) -> Load:
    # A fleet that comes all at once is asked for its streams a hundred a second.
    return Load(vehicles, viewers, settle_s=10.0 + vehicles / 40.0)


def _median(found: tuple[Measured, ...], name: str) -> float:
    return float(statistics.median(getattr(each, name) for each in found))
