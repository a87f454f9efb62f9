"""One scrape: what this process counts, and what its gateways tell of themselves within a second."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from api.requests import RequestMeter
from api.services import Services, bailu_version
from core.bus import Bus
from core.errors import BailuError
from core.metrics import Measured, Reading, Spread
from telemetry.metering import MetricsQuestion, MetricsTold, metrics_subject
from telemetry.streams import StreamHub

ANSWER_WITHIN_S = 1.0


async def asked(bus: Bus, gateways: Sequence[str]) -> Mapping[str, MetricsTold | None]:
    """What each gateway tells; None of one that does not answer in time."""
    told = await asyncio.gather(*(_asked(bus, gateway) for gateway in gateways))
    return dict(zip(gateways, told, strict=True))


async def _asked(bus: Bus, gateway: str) -> MetricsTold | None:
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await bus.request(metrics_subject(gateway), MetricsQuestion(), MetricsTold)
    except (TimeoutError, BailuError):
        return None


def process_readings(role: str, *parts: Measured) -> Iterator[Reading | Spread]:
    """What a process tells of itself, whatever its role."""
    yield Reading("bailu_info", 1, (bailu_version(), role))
    for part in parts:
        yield from part.readings()
        yield from part.spreads()


def stream_readings(hub: StreamHub) -> Iterator[Reading]:
    yield Reading("bailu_stream_viewers", hub.viewer_count)
    for reason, count in hub.drops.items():
        yield Reading("bailu_stream_drops_total", count, (reason,))


async def scraped(services: Services, requests: RequestMeter) -> tuple[list[Reading | Spread], list[MetricsTold]]:
    """Everything of the people's side, and of the gateways that it hears."""
    told = await asked(services.bus, [tick.gateway for tick in services.hub.links()])
    own = [
        *process_readings("api", services.store, requests),
        *stream_readings(services.hub),
        *(Reading("bailu_gateway_up", answer is not None, (gateway,)) for gateway, answer in told.items()),
    ]
    return own, [answer for answer in told.values() if answer is not None]
