"""Readings as the text that Prometheus reads: prometheus-client writes it, nothing is kept between two scrapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from api.metrics.catalog import CATALOG, GATEWAY_NAMES, Kind, Metric, labels_of
from core.metrics import Reading, Spread
from telemetry.metering import MetricsTold

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_INFINITE = "+Inf"


def exposed(own: Iterable[Reading | Spread], gateways: Iterable[MetricsTold]) -> bytes:
    """The whole text, `process_*` included. Raises KeyError for a name that is not in the catalogue."""
    found = _Families()
    for each in own:
        found.add(each, each.labels)
    for told in gateways:
        numbers: tuple[Reading | Spread, ...] = (*told.readings, *told.spreads)
        for number in numbers:
            if number.name in GATEWAY_NAMES:  # a newer gateway may tell more than this door knows
                found.add(number, (told.gateway, *number.labels))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(found)
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Families(Collector):
    """Families in the order of the catalogue."""

    def __init__(self) -> None:
        self._made: dict[str, Family] = {}

    def add(self, each: Reading | Spread, labels: tuple[str, ...]) -> None:
        family = self._family(CATALOG[each.name])
        if isinstance(family, HistogramMetricFamily):
            assert isinstance(each, Spread)
            family.add_metric(labels, _buckets(each), each.total)
        elif isinstance(family, CounterMetricFamily | GaugeMetricFamily):
            assert isinstance(each, Reading)
            family.add_metric(labels, each.value)

    def _family(self, metric: Metric) -> Family:
        if metric.name not in self._made:
            self._made[metric.name] = _MAKERS[metric.kind](metric.name, metric.help, labels=labels_of(metric))
        return self._made[metric.name]

    def collect(self) -> Iterator[Family]:
        return (self._made[name] for name in CATALOG if name in self._made)


_MAKERS = {Kind.COUNTER: CounterMetricFamily, Kind.GAUGE: GaugeMetricFamily, Kind.HISTOGRAM: HistogramMetricFamily}


def _buckets(spread: Spread) -> list[tuple[str, float]]:
    """Prometheus counts a value in every bucket whose bound it does not exceed."""
    bounds = [*map(str, spread.bounds), _INFINITE]
    return list(zip(bounds, accumulate(spread.counts), strict=True))
