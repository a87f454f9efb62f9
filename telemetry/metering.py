"""What a gateway counts of itself, and tells whoever asks over the bus."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from core.clock import Clock
from core.errors import BailuError
from core.metrics import LONG_S, SHORT_S, Histogram, Reading, Spread
from missions.model import SortieState
from missions.sortie import TRANSITIONS
from operations.alarms import Alarm, AlarmKind, Severity
from telemetry.fleet import Fleet
from telemetry.links.port import LinkCondition, LinkHealth
from telemetry.messages import LinkState
from telemetry.recorder import Recorder


@dataclass(frozen=True, slots=True)
class MetricsQuestion:
    """Asks a gateway for its numbers."""


@dataclass(frozen=True, slots=True)
class MetricsTold:
    """A gateway's numbers as of now."""

    gateway: str
    readings: tuple[Reading, ...]
    spreads: tuple[Spread, ...]


def metrics_subject(gateway: str) -> str:
    return f"gateway.{gateway.replace('.', '-')}.metrics"


class GatewayMeter:
    """Counts ticks and commands; the gateway's task alone writes it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._took = Histogram(SHORT_S)
        self._late = Histogram(SHORT_S)
        self._ended: Counter[tuple[str, str]] = Counter()
        self._lasted: defaultdict[str, Histogram] = defaultdict(lambda: Histogram(LONG_S))

    def tick(self, *, took_s: float, late_s: float) -> None:
        """One look at the whole fleet, how long it took and how much later than due it began."""
        self._took.observe(took_s)
        self._late.observe(max(0.0, late_s))

    @contextmanager
    def command(self, kind: str) -> Iterator[None]:
        """Counts what is done within as a command: by how it ended, and how long that took."""
        began_s, result = self._clock.mono_s(), "failed"
        try:
            yield
            result = "done"
        except BailuError as error:
            result = error.slug
            raise
        finally:
            self._ended[kind, result] += 1
            self._lasted[kind].observe(self._clock.mono_s() - began_s)

    def readings(self) -> Iterator[Reading]:
        for labels, count in self._ended.items():
            yield Reading("bailu_command_total", count, labels)

    def spreads(self) -> Iterator[Spread]:
        yield self._took.read("bailu_tick_duration_seconds")
        yield self._late.read("bailu_tick_lateness_seconds")
        for kind, histogram in self._lasted.items():
            yield histogram.read("bailu_command_duration_seconds", (kind,))


def link_readings(links: Iterable[LinkHealth]) -> Iterator[Reading]:
    """How each link does; a share or a round trip that nothing is known of is left out."""
    for link in links:
        name = (link.name,)
        for state in LinkCondition:
            yield Reading("bailu_link_state", float(link.state is state), (link.name, str(state)))
        yield Reading("bailu_link_connects_total", link.connects, name)
        yield Reading("bailu_link_receive_bytes_total", link.rx_bytes, name)
        yield Reading("bailu_link_transmit_bytes_total", link.tx_bytes, name)
        yield Reading("bailu_link_frames_total", link.frames, name)
        yield Reading("bailu_link_bad_crc_total", link.bad_crc, name)
        yield Reading("bailu_link_duplicates_total", link.duplicates, name)
        yield Reading("bailu_link_oversized_total", link.oversized, name)
        yield Reading("bailu_link_refused_total", link.refused, name)
        yield Reading("bailu_link_unsent_total", link.unsent, name)
        yield Reading("bailu_link_dropped_total", link.dropped, name)
        if link.lost_share is not None:
            yield Reading("bailu_link_lost_ratio", link.lost_share, name)
        if link.rtt_s is not None:
            yield Reading("bailu_link_rtt_seconds", link.rtt_s, name)


def stranger_readings(refused: Mapping[str, int]) -> Iterator[Reading]:
    """Messages not listened to, by the bound that they were over."""
    return (Reading("bailu_strangers_refused_total", count, (bound,)) for bound, count in refused.items())


def vehicle_readings(links: Iterable[LinkState]) -> Iterator[Reading]:
    """How many vehicles are heard how well; each state is told, so that a zero is seen."""
    counted = Counter(links)
    return (Reading("bailu_vehicles", counted[state], (str(state),)) for state in LinkState)


def alarm_readings(alarms: Iterable[Alarm]) -> Iterator[Reading]:
    """Open alarms by kind and severity."""
    counted = Counter((alarm.kind, alarm.severity) for alarm in alarms)
    for kind in AlarmKind:
        for severity in Severity:
            yield Reading("bailu_alarm_open", counted[kind, severity], (str(kind), str(severity)))


def sortie_readings(states: Iterable[SortieState]) -> Iterator[Reading]:
    """The sorties that are being flown or prepared, by state."""
    counted = Counter(states)
    return (Reading("bailu_sorties", counted[state], (str(state),)) for state in SortieState if TRANSITIONS[state])


def recorder_readings(recorder: Recorder) -> Iterator[Reading]:
    """What was recorded, and what was given up."""
    yield Reading("bailu_recorder_rows_total", recorder.written_rows)
    yield Reading("bailu_recorder_waiting_rows", recorder.waiting_rows)
    yield Reading("bailu_recorder_lost_rows_total", recorder.lost.rows)
    yield Reading("bailu_recorder_lost_log_bytes_total", recorder.lost.log_bytes)
    yield Reading("bailu_recorder_lost_events_total", recorder.lost.events)
    yield Reading("bailu_recorder_shed_level", recorder.shed)
    yield Reading("bailu_recorder_degraded", float(recorder.wrong is not None))
    yield Reading("bailu_recorder_open_logs", len(recorder.open_logs()))


def told_of(
    fleet: Fleet,
    meter: GatewayMeter,
    recorder: Recorder,
    *,
    sorties: Iterable[SortieState],
    alarms: Iterable[Alarm],
    follows_refused: int,
    is_beating: bool,
) -> MetricsTold:
    """Everything that is counted of a gateway."""
    readings = (
        *link_readings(fleet.health()),
        *stranger_readings(fleet.refused()),
        *vehicle_readings(vehicle.link for vehicle in fleet.vehicles.values()),
        *sortie_readings(sorties),
        *alarm_readings(alarms),
        *recorder_readings(recorder),
        *meter.readings(),
        Reading("bailu_follow_refused_total", follows_refused),
        Reading("bailu_gateway_heart_beating", float(is_beating)),
    )
    return MetricsTold(fleet.name, readings, tuple(meter.spreads()))
