"""Identifiers: one NewType per thing, so that they cannot be mixed up."""

from __future__ import annotations

import secrets
from typing import NewType

VehicleId = NewType("VehicleId", str)
DockId = NewType("DockId", str)
ZoneId = NewType("ZoneId", str)
MissionId = NewType("MissionId", str)
SortieId = NewType("SortieId", str)
CommandId = NewType("CommandId", str)
DiversionId = NewType("DiversionId", str)
OperatorId = NewType("OperatorId", str)
AlarmId = NewType("AlarmId", str)


def new_id(prefix: str) -> str:
    """A fresh identifier that cannot be guessed: `prefix-` and 64 random bits in hexadecimal."""
    return f"{prefix}-{secrets.token_hex(8)}"
