"""Traces where somebody wants them: spans of what takes long, through OpenTelemetry's API; without its SDK nothing.

FastAPI itself makes the span of each request; these lie within it.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version
from typing import ParamSpec, TypeVar

from opentelemetry import trace

from api.folder import StartError

P = ParamSpec("P")
R = TypeVar("R")

_NAME = "bailu"
EXPORT_WITHIN_S = 3.0
_INSTALL = "Traces need OpenTelemetry's SDK: pip install 'bailu[otel]', or take trace_endpoint out of the settings."


@contextmanager
def span(name: str, **facts: str) -> Iterator[None]:
    """What is done within, as a span; an error that leaves it is told with it. `facts`: ids and kinds, no secrets."""
    told = {f"{_NAME}.{key}": value for key, value in facts.items()}
    with trace.get_tracer(_NAME).start_as_current_span(name, attributes=told):
        yield


def traced(name: str) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Makes each call of a coroutine function a span."""

    def wrapping(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        @functools.wraps(function)
        async def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
            with span(name):
                return await function(*args, **kwargs)

        return wrapped

    return wrapping


@asynccontextmanager
async def exported(endpoint: str | None) -> AsyncIterator[None]:
    """Sends spans to a collector while the context is open (OTLP over HTTP). Raises StartError without the SDK.

    A collector that is away costs spans, past 2 048 of them (BatchSpanProcessor), and nothing else.
    """
    if endpoint is None:
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise StartError(_INSTALL) from error
    resource = Resource.create({"service.name": _NAME, "service.version": version(_NAME)})
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_WITHIN_S)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        await asyncio.to_thread(provider.shutdown)
