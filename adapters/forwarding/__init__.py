"""Ways to other systems: HTTP push, MQTT and WebSocket, each behind one guard of addresses."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from adapters.forwarding.doors import Doors
from adapters.forwarding.http_push import http_session
from adapters.forwarding.mqtt import mqtt_session
from adapters.forwarding.websocket import websocket_session
from operations.forwarding.addresses import TargetKind
from operations.forwarding.ports import Session
from operations.forwarding.rules import Rule, Secrets


class Openers:
    """The `Opener` of `operations.forwarding.ports`."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def __call__(self, rule: Rule, secrets: Secrets) -> AbstractAsyncContextManager[Session]:
        match rule.target.kind:
            case TargetKind.HTTP:
                return http_session(rule, secrets, self._doors)
            case TargetKind.MQTT:
                return mqtt_session(rule, secrets, self._doors)
            case TargetKind.WEBSOCKET:
                return websocket_session(rule, secrets, self._doors)


__all__ = ["Doors", "Openers"]
