"""One scrape: what this process counts, and what its gateways tell of themselves in time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from api.forwarding import ForwardingDesk
from api.requests import RequestMeter
from api.services import Services, bailu_version
from core.bus import Bus
from core.errors import BailuError
from core.metrics import Measured, Reading, Spread
from operations.forwarding.ports import Standing, State
from telemetry.metering import MetricsQuestion, MetricsTold, metrics_subject
from telemetry.stream.hub import StreamHub

# Twice of it is well below the ten seconds for which Prometheus waits by default.
ANSWER_WITHIN_S = 3.0


async def asked(bus: Bus, gateways: Sequence[str]) -> Mapping[str, MetricsTold | None]:
    """What each gateway tells; None of one that does not answer in time."""
    told = await asyncio.gather(*(_asked(bus, gateway) for gateway in gateways))
    return dict(zip(gateways, told, strict=True))


async def _asked(bus: Bus, gateway: str) -> MetricsTold | None:
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await bus.request(metrics_subject(gateway), MetricsQuestion(), MetricsTold)
    except (TimeoutError, BailuError, msgspec.MsgspecError):  # the last: a gateway of another version
        return None


def process_readings(role: str, *parts: Measured) -> Iterator[Reading | Spread]:
    """What a process tells of itself, whatever its role."""
    yield Reading("bailu_info", 1, (bailu_version(), role))
    for part in parts:
        yield from part.readings()
        yield from part.spreads()


def stream_readings(hub: StreamHub) -> Iterator[Reading]:
    yield Reading("bailu_stream_viewers", hub.viewer_count)
    yield Reading("bailu_stream_frames_total", hub.frames_sent)
    yield Reading("bailu_stream_bytes_total", hub.bytes_sent)
    for how, count in hub.starts.items():
        yield Reading("bailu_stream_starts_total", count, (how,))
    for reason, count in hub.drops.items():
        yield Reading("bailu_stream_drops_total", count, (reason,))


async def forwarding_readings(desk: ForwardingDesk) -> list[Reading]:
    """How the forwarding rules are; nothing of a store that does not answer."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            standings = [(str(rule.id), standing) for rule, standing in await desk.all()]
    except (TimeoutError, BailuError):
        return []
    return [reading for name, standing in standings for reading in _forwarding(name, standing)]


def _forwarding(rule: str, standing: Standing) -> Iterator[Reading]:
    for state in State:
        yield Reading("bailu_forward_state", float(standing.state is state), (rule, str(state)))
    for what in ("events", "telemetry"):
        yield Reading("bailu_forward_sent_total", getattr(standing, f"sent_{what}"), (rule, what))
        yield Reading("bailu_forward_lost_total", getattr(standing, f"lost_{what}"), (rule, what))
        yield Reading("bailu_forward_waiting", getattr(standing, f"waiting_{what}"), (rule, what))
    yield Reading("bailu_forward_dead_total", standing.dead, (rule,))
    yield Reading("bailu_forward_spool_bytes", standing.spool_bytes, (rule,))


async def scraped(
    services: Services, requests: RequestMeter, desk: ForwardingDesk
) -> tuple[list[Reading | Spread], list[MetricsTold]]:
    """Everything of the people's side, and of the gateways that it hears."""
    told = await asked(services.bus, [tick.gateway for tick in services.hub.links()])
    own = [
        *process_readings("api", services.store, requests),
        *stream_readings(services.hub),
        *await forwarding_readings(desk),
        *(Reading("bailu_gateway_up", float(answer is not None), (gateway,)) for gateway, answer in told.items()),
    ]
    return own, [answer for answer in told.values() if answer is not None]
