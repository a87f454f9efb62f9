"""Transports: UDP, TCP, serial and replay behind one small port; each supervises itself and tells how it does."""

from telemetry.links.make import make_link
from telemetry.links.port import (
    Link,
    LinkChange,
    LinkCondition,
    LinkConfig,
    LinkError,
    LinkHealth,
    OnChange,
    OnData,
    Peer,
)

__all__ = [
    "Link",
    "LinkChange",
    "LinkCondition",
    "LinkConfig",
    "LinkError",
    "LinkHealth",
    "OnChange",
    "OnData",
    "Peer",
    "make_link",
]
