"""Links, grouped by the gateway that has them."""

from __future__ import annotations

from pydantic import BaseModel

from telemetry.messages import LinksTick


class LinkList(BaseModel):
    gateways: list[LinksTick]
