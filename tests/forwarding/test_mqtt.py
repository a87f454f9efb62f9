"""MQTT 3.1.1 and 5 against a real Mosquitto, killed in the middle as well."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import aiomqtt
import pytest

from adapters.forwarding import Doors
from operations.forwarding.ports import State
from operations.forwarding.rules import MqttVersion, RuleId, Secrets, What
from tests.forwarding.broker import PASSWD, Broker, broker_in, listening
from tests.forwarding.certificates import write_certificates
from tests.forwarding.stage import flown_until, rule, settles, stage, until

pytestmark = pytest.mark.thorough

BOTH = tuple(MqttVersion)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    found = broker_in(tmp_path / "broker")
    yield found
    found.kill()


@pytest.mark.parametrize("version", BOTH)
async def test_events_and_states_come_on_their_topics(tmp_path: Path, broker: Broker, version: MqttVersion) -> None:
    is_v5 = version is MqttVersion.V5
    more = {"protocol": aiomqtt.ProtocolVersion.V5, "clean_session": None} if is_v5 else {}
    async with stage(tmp_path) as on, listening(broker, **more) as listener:
        plain = rule(broker.url, what=(What.ALARMS, What.TELEMETRY), rate_hz=10.0)
        await on.save(replace(plain, target=replace(plain.target, version=version)))
        await flown_until(on, lambda: listener.heard)
        await on.alarms(1)
        await until(lambda: any("alarms" in each.topic for each in listener.heard))
    told = {each.topic: each for each in listener.heard}
    assert told.keys() == {"bailu/town-xiayang/bl-01/state", "bailu/town-xiayang/bl-01/alarms"}
    assert {topic.rpartition("/")[2]: each.qos for topic, each in told.items()} == {"state": 0, "alarms": 1}
    assert told["bailu/town-xiayang/bl-01/state"].event["data"]["lat_deg"] == 31.15
    assert {each.content_type for each in listener.heard} == {"application/cloudevents+json" if is_v5 else None}


@pytest.mark.parametrize("version", BOTH)
async def test_every_event_arrives_in_order_though_the_broker_is_killed_in_the_middle(
    tmp_path: Path, broker: Broker, version: MqttVersion
) -> None:
    async with stage(tmp_path) as on, listening(broker) as listener:
        plain = rule(broker.url)
        await on.save(replace(plain, target=replace(plain.target, version=version)))
        for number in range(150):
            await on.alarms(number)
            if number in (40, 90):
                # What a broker acknowledged and had not passed on when it was killed is lost with it, not by us.
                await until(partial(listener.has, f"alarm-{number}"))
                broker.freeze()
            if number in (50, 100):
                await asyncio.sleep(0.2)
                broker.kill()
                await asyncio.sleep(0.1)
                broker.start()
        await until(lambda: set(listener.alarm_ids) >= {f"alarm-{number}" for number in range(150)})
    first_seen = list(dict.fromkeys(listener.alarm_ids))
    assert first_seen == [f"alarm-{number}" for number in range(150)]


async def test_a_retained_state_is_there_for_who_comes_late(tmp_path: Path, broker: Broker) -> None:
    async with stage(tmp_path) as on:
        plain = rule(broker.url, what=(What.TELEMETRY,), rate_hz=10.0)
        await on.save(replace(plain, target=replace(plain.target, retain_state=True)))
        async with listening(broker, identifier="first") as first:
            await flown_until(on, lambda: first.heard)
        async with listening(broker) as listener:
            await until(lambda: listener.heard)
        assert listener.heard[0].retain


async def test_a_broker_with_tls_and_a_password_is_reached_and_a_wrong_password_is_told(tmp_path: Path) -> None:
    if PASSWD is None:
        pytest.skip("NOT TESTED AGAINST A REAL BROKER: there is no mosquitto_passwd here")
    folder = tmp_path / "broker"
    folder.mkdir()
    authority = write_certificates(folder)
    add = [PASSWD, "-b", "-c", str(folder / "users"), "bailu", "right"]
    await asyncio.to_thread(subprocess.run, add, check=True)
    files = [f"cafile {authority}", f"certfile {folder / 'server.pem'}", f"keyfile {folder / 'server.key'}"]
    broker = broker_in(folder, *files, f"password_file {folder / 'users'}")
    try:
        async with stage(tmp_path, doors=Doors(ca_file=authority)) as on:
            plain = rule(f"mqtts://localhost:{broker.port}")
            named = replace(plain, target=replace(plain.target, username="bailu"))
            await on.save(named, Secrets(password="right"))
            await on.save(replace(named, id=RuleId("wrong")), Secrets(password="wrong"))
            unproven = replace(plain, id=RuleId("by-address"))
            await on.save(replace(unproven, target=replace(plain.target, url=f"mqtts://127.0.0.2:{broker.port}")))
            await on.alarms(1)
            assert await settles(on, lambda standing: standing.sent_events == 1)
            assert await settles(on, lambda standing: "uthor" in (standing.last_error or ""), "wrong")
            assert await settles(on, lambda standing: standing.state is State.AWAY, "by-address")
    finally:
        broker.kill()


async def test_a_message_that_the_brokers_rules_refuse_is_kept_until_they_let_it_in(tmp_path: Path) -> None:
    """MQTT 5 only: before it a broker could not say so (MQTT 3.1.1, section 3.4 has no reason)."""
    rules = tmp_path / "rules"
    rules.write_text("topic read #\n")
    broker = broker_in(tmp_path / "broker", "allow_anonymous true", f"acl_file {rules}")
    try:
        async with stage(tmp_path) as on, listening(broker) as listener:
            plain = rule(broker.url)
            await on.save(replace(plain, target=replace(plain.target, version=MqttVersion.V5)))
            await on.alarms(1, 2)
            assert await settles(on, lambda standing: standing.last_error == "refused: not authorized")
            standing = await on.standing()
            assert (standing.sent_events, standing.waiting_events, standing.dead) == (0, 2, 0)
            rules.write_text("topic readwrite #\n")
            broker.reread()
            assert await settles(on, lambda standing: standing.sent_events == 2)
            await until(lambda: listener.has("alarm-1") and listener.has("alarm-2"))
    finally:
        broker.kill()


async def test_a_broker_that_never_answers_leaves_no_socket_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.forwarding.mqtt.ANSWER_S", 0.3)
    accepted: list[asyncio.StreamWriter] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(writer)
        await reader.read()  # until it is closed over there
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with stage(tmp_path) as on:
            await on.save(rule(f"mqtt://127.0.0.1:{port}"))
            await on.alarms(1)
            assert await settles(on, lambda standing: "timed out" in (standing.last_error or ""))
            await until(lambda: len(accepted) >= 3)
        await until(lambda: all(each.is_closing() for each in accepted), within_s=20.0)


async def test_a_broker_that_is_not_there_is_told_and_asked_again(tmp_path: Path, broker: Broker) -> None:
    broker.kill()
    async with stage(tmp_path) as on:
        await on.save(rule(broker.url))
        await on.alarms(1)
        assert await settles(on, lambda standing: standing.state is State.AWAY and standing.waiting_events == 1)
        broker.start()
        assert await settles(on, lambda standing: standing.sent_events == 1 and standing.waiting_events == 0)
