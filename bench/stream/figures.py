"""What the telemetry's way promises, from real datagrams to real viewers, in figures."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figure import Figure
from bench.ingest import ingest
from bench.stream import age, decode, growth, herd, lanes, pairs, recorder, zones


def stream() -> Iterator[Figure]:
    """Every figure of the stream."""
    yield from decode.decode()
    yield from ingest()
    yield from age.age()
    yield from zones.zones()
    yield from recorder.recorder()
    yield from pairs.pairs()
    yield from pairs.stalled()
    yield from pairs.compressed()
    yield from pairs.most()
    yield from lanes.lanes()
    yield from herd.herd()
    yield from growth.growth()
    yield from pairs.thousand()


def hour() -> Iterator[Figure]:
    """An hour of a thousand vehicles and a thousand viewers."""
    yield from pairs.hour()
