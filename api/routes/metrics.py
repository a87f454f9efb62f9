"""Where Prometheus reads."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.metrics.collecting import scraped
from api.metrics.exposition import CONTENT_TYPE, exposed
from api.services import Wired

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
async def metrics(services: Wired, request: Request) -> Response:
    """Everything that is counted, of this process and of the gateways that it hears; see docs/metrics.md."""
    own, gateways = await scraped(services, request.app.state.requests, request.app.state.forwarding)
    return Response(exposed(own, gateways), media_type=CONTENT_TYPE)
