"""How the links to the vehicles do."""

from __future__ import annotations

from fastapi import APIRouter

from api.schemas.links import LinkList
from api.services import Asker, Wired

router = APIRouter(tags=["links"])


@router.get("/links")
async def list_links(services: Wired, asker: Asker) -> LinkList:
    """Every link of every gateway that was heard, as it was at the gateway's time; the oldest are a second old."""
    return LinkList(gateways=list(services.hub.links(asker.units)))
