"""What must not wait for a tick: every update of a followed vehicle, and alarms, while the whole fleet is watched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.figure import Figure
from bench.stream.rigs import Load, measured

_LOAD = Load(1_000, 100, settle_s=35.0, measure_s=60.0, probed=20)
# Who does not read is cut after 20 s: all of them are there for the whole of the time that counts.
_STALLED = replace(_LOAD, stalled=500, measure_s=15.0)
_STALLED_RUNS = 3


def lanes(load: Load = _LOAD, stalled: Load = _STALLED, runs: int = _STALLED_RUNS) -> Iterator[Figure]:
    """Frame in → client, of both lanes; in `runs` of alarms with five hundred viewers besides that never read."""
    quiet = measured("bailu", load)
    yield Figure("stream.follow.p50", _ms(quiet.follow_s, 0.5), "ms", 5.0)
    yield Figure("stream.follow.p99", _ms(quiet.follow_s, 0.99), "ms", 30.0)
    yield Figure("stream.follow.lost", quiet.lost_follow, "updates", 0.0)
    yield Figure("stream.alarms.p50", _ms(quiet.alarms_s, 0.5), "ms")
    yield Figure("stream.alarms.p99", _ms(quiet.alarms_s, 0.99), "ms", 50.0)
    held = [measured("bailu", stalled) for _ in range(runs)]
    alarms_s = [each for run in held for each in run.alarms_s]
    yield Figure("stream.alarms.stalled.p50", _ms(alarms_s, 0.5), "ms")
    yield Figure("stream.alarms.stalled.p99", _ms(alarms_s, 0.99), "ms", 50.0)
    yield Figure("stream.alarms.told", len(quiet.alarms_s) + len(alarms_s), "alarms")
    yield Figure("stream.alarms.lost", quiet.lost_alarms + sum(run.lost_alarms for run in held), "alarms", 0.0)


def _ms(found_s: Sequence[float], share: float) -> float:
    ordered = sorted(found_s)
    return 1e3 * ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("inf")
