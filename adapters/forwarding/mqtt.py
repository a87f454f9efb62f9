"""MQTT 3.1.1 and 5: events with QoS 1, telemetry with QoS 0, retained where the rule asks for it.

Sources: MQTT 3.1.1 and 5.0 (OASIS); CloudEvents MQTT binding 1.0.2, section 3.2 (structured mode: the envelope is the
payload, told by the content type in MQTT 5).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiomqtt import Client, MqttError, ProtocolVersion
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from adapters.forwarding.doors import Door, Doors
from adapters.forwarding.failures import away
from operations.forwarding.ports import Item, ItemsRefused, TargetAway
from operations.forwarding.rules import MqttVersion, Rule, Secrets
from operations.forwarding.topics import topic

# As many messages may be on their way unconfirmed; the broker confirms them in their order (MQTT 3.1.1, 4.6).
IN_FLIGHT = 10
KEEPALIVE_S = 15
ANSWER_S = 8.0  # the library's own 5 s for the connection come before it
CLOSE_S = 2.0
HANG_UP_S = 0.2  # on a broker that never said a word, which says none to a farewell either
CONTENT_TYPE = "application/cloudevents+json"

# Nobody else holds them until they are done (asyncio's documentation of create_task).
_HANGING_UP: set[asyncio.Future[None]] = set()

# MQTT 5.0, section 3.4.2.1: these are about the message; any other refusal is mended over there, and asked again.
_ABOUT_THE_MESSAGE = frozenset({"Topic name invalid", "Payload format invalid"})

_quiet = logging.getLogger("bailu.forwarding.mqtt")
_quiet.setLevel(logging.CRITICAL)  # what the library would say is in the rule's last error


class _Publisher(Client):
    """The library's client takes every PUBACK for a success; in MQTT 5 it may say that the message was refused."""

    refusal: ReasonCode | None = None

    def _on_publish(
        self, client: PahoClient, userdata: Any, mid: int, reason_code: ReasonCode, properties: Properties
    ) -> None:
        if reason_code.is_failure:
            self.refusal = reason_code
        super()._on_publish(client, userdata, mid, reason_code, properties)

    def judge(self) -> None:
        """Raises TargetAway or ItemsRefused when anything was refused since the last call."""
        refusal, self.refusal = self.refusal, None
        if refusal is None:
            return
        why = refusal.getName().lower()
        raise ItemsRefused(why) if refusal.getName() in _ABOUT_THE_MESSAGE else TargetAway(f"refused: {why}")


class MqttSession:
    """Publishes to one broker."""

    proves = True

    def __init__(self, client: _Publisher, rule: Rule) -> None:
        self._client = client
        self._target = rule.target
        self._properties: Properties | None = None
        if rule.target.version is MqttVersion.V5:
            self._properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            self._properties.ContentType = CONTENT_TYPE
            self._properties.PayloadFormatIndicator = 1

    async def send(self, items: Sequence[Item]) -> None:
        try:
            for start in range(0, len(items), IN_FLIGHT):
                await self._together(items[start : start + IN_FLIGHT])
        except MqttError as error:
            raise away(error) from error

    async def _together(self, items: Sequence[Item]) -> None:
        """Each is handed over in its order; then all of them are waited for, and what the broker said of them."""
        tasks = [asyncio.ensure_future(self._publish(item)) for item in items]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._client.judge()

    async def _publish(self, item: Item) -> None:
        live = item.is_telemetry and item.number == 0
        template = self._target.state_topic if item.is_telemetry else self._target.event_topic
        await self._client.publish(
            topic(template, item.topic_facts),
            item.body,
            qos=0 if live else 1,
            retain=live and self._target.retain_state,
            properties=self._properties,
        )

    async def gone(self) -> None:
        try:
            async for _ in self._client.messages:
                pass
        except MqttError as error:
            raise away(error) from error


def _client(rule: Rule, secrets: Secrets, door: Door) -> _Publisher:
    is_v5 = rule.target.version is MqttVersion.V5
    # Under TLS by name, for the certificate has to be the name's: who answers elsewhere under that name gets no byte.
    return _Publisher(
        door.host if door.is_secure else door.address,
        door.port,
        username=rule.target.username,
        password=secrets.password,
        logger=_quiet,
        identifier=f"bailu-{rule.id}"[:23],  # as many as every 3.1.1 broker has to take
        protocol=ProtocolVersion.V5 if is_v5 else ProtocolVersion.V311,
        clean_session=None if is_v5 else True,
        timeout=ANSWER_S,
        keepalive=KEEPALIVE_S,
        tls_context=door.tls if door.is_secure else None,
        max_inflight_messages=IN_FLIGHT,
        max_queued_outgoing_messages=1_000,
        max_queued_incoming_messages=1,
    )


@asynccontextmanager
async def mqtt_session(rule: Rule, secrets: Secrets, doors: Doors) -> AsyncIterator[MqttSession]:
    """The `Session` of a rule of kind mqtt."""
    client = _client(rule, secrets, await doors.door(rule.target.url))
    try:
        await _entered(client, doors)
    except MqttError as error:
        await _left(client, HANG_UP_S)
        raise away(error) from error
    try:
        yield MqttSession(client, rule)
    finally:
        await _left(client, CLOSE_S)


async def _entered(client: Client, doors: Doors) -> None:
    """Connects. The library, which connects in a thread, cannot be broken off: then it is hung up on afterwards.

    The thread keeps its place among the blocked ones until it is done, also when nobody waits for it any more.
    """
    await doors.blocking.acquire()
    entering = asyncio.ensure_future(client.__aenter__())
    entering.add_done_callback(lambda _: doors.blocking.release())
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        hanging_up = asyncio.ensure_future(_hung_up(client, entering))
        _HANGING_UP.add(hanging_up)
        hanging_up.add_done_callback(_HANGING_UP.discard)
        raise


async def _hung_up(client: Client, entering: asyncio.Future[Client]) -> None:
    with contextlib.suppress(MqttError):
        await entering
    await _left(client, HANG_UP_S)


async def _left(client: Client, within_s: float) -> None:
    """Leaves, also a broker that never answered: its socket would stay open."""
    with contextlib.suppress(MqttError, TimeoutError):
        async with asyncio.timeout(within_s):
            await client.__aexit__(None, None, None)
