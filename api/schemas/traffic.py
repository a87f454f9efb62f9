"""Conflicts between our own flights."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from telemetry.messages import TrafficConflict


class TrafficConflictList(BaseModel):
    """The present ones, those between two flights in the air first. `looked_at` null: nobody looked yet."""

    looked_at: datetime | None
    items: list[TrafficConflict]
