"""What the alarm routes answer."""

from __future__ import annotations

from pydantic import BaseModel

from operations.alarms import Alarm


class AlarmList(BaseModel):
    items: list[Alarm]
