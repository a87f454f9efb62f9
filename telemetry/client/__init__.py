"""The public client of the live stream: it comes back by itself, and goes on where it was."""

from telemetry.client.connection import LiveStream
from telemetry.client.view import View
from telemetry.stream.contract import Resume, Subscribe

__all__ = ["LiveStream", "Resume", "Subscribe", "View"]
