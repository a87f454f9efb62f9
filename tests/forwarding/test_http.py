"""HTTP push to a real server that fails, hangs, asks for patience and refuses."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.forwarding import Doors
from adapters.forwarding.http_push import retry_after_s, signature
from adapters.sqlite import open_store
from core.ids import VehicleId
from operations.forwarding.ports import State
from operations.forwarding.rules import Filter, RuleId, Secrets, What
from telemetry.forwarding import collector
from telemetry.messages import FLEET_EVENT, FleetEvent
from tests.forwarding.stage import (
    NOW,
    QUICK,
    Receiver,
    alarm,
    flown_until,
    receiver,
    rule,
    settles,
    stage,
    until,
    vehicle,
)
from tests.samples import a_command


@pytest.fixture
def target() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


async def test_alarms_arrive_in_their_order_and_each_has_an_id_of_its_own(tmp_path: Path, target: Receiver) -> None:
    async with stage(tmp_path) as on:
        await on.save(rule(target.url))
        await on.alarms(*range(120))
        await until(lambda: len(target.taken) >= 120)
        assert target.alarm_ids() == [f"alarm-{number}" for number in range(120)]
        assert len({(each["source"], each["id"]) for each in target.taken}) == 120
        first = target.taken[0]
        assert (first["specversion"], first["type"], first["subject"]) == ("1.0", "bailu.alarm.v1", "vehicles/bl-01")
        assert first["severity"] == "warning"
        assert target.requests[0].headers["content-type"].startswith("application/cloudevents-batch+json")
        assert await settles(on, lambda standing: standing.sent_events == 120)


async def test_events_that_people_are_told_arrive_as_well(tmp_path: Path, target: Receiver) -> None:
    async with stage(tmp_path) as on:
        await on.save(rule(target.url, what=(What.EVENTS,)))
        on.bus.publish(FLEET_EVENT, FleetEvent(NOW, "warning", "statustext", "EKF variance", vehicle().vehicle_id))
        await until(lambda: target.taken)
        assert target.taken[0]["data"]["text"] == "EKF variance"
        assert target.taken[0]["data"]["code"] == "statustext"


async def test_what_becomes_of_a_command_arrives_with_the_autopilots_own_words(
    tmp_path: Path, target: Receiver
) -> None:
    async with stage(tmp_path) as on:
        await on.save(rule(target.url, what=(What.COMMANDS,), filter=Filter(vehicle_ids=(VehicleId("bl-01"),))))
        for command in (a_command("c-1"), replace(a_command("c-2"), vehicle_id=VehicleId("bl-02"))):
            await on.store.begin_command(command, idempotency_key=None)
            await on.store.finish_command(replace(command, state="failed", result="refused", texts=("Arm: Compass",)))
        await until(lambda: len(target.taken) >= 2)
        told = [(each["type"], each["data"]["command_id"], each["data"]["state"]) for each in target.taken]
        assert told == [("bailu.command.v1", "c-1", "issued"), ("bailu.command.v1", "c-1", "failed")]
        assert target.taken[1]["data"]["texts"] == ["Arm: Compass"]
        assert await settles(on, lambda standing: standing.sent_events == 2)


async def test_what_names_vehicles_of_two_units_is_told_to_neither_alone(tmp_path: Path, target: Receiver) -> None:
    async with stage(tmp_path) as on:
        units = {"bl-01": "north", "bl-02": "south", "bl-03": "north"}
        await on.save(rule(target.url, what=(What.EVENTS,), filter=Filter(units=("north",))))
        for other in ("bl-02", "bl-03"):
            both = FleetEvent(NOW, "warning", "traffic", other, VehicleId("bl-01"), others=(VehicleId(other),))
            on.bus.publish(FLEET_EVENT, both)

        def heard() -> object:
            on.tick(*(vehicle(each, unit=unit) for each, unit in units.items()))
            return target.taken

        await until(heard)
        assert [each["data"]["text"] for each in target.taken] == ["bl-03"]


async def test_events_that_came_faster_than_they_were_taken_are_told_as_lost(
    tmp_path: Path, target: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "MAX_WAITING", 5)
    async with stage(tmp_path) as on:
        await on.save(rule(target.url, what=(What.EVENTS,)))
        for number in range(12):
            on.bus.publish(FLEET_EVENT, FleetEvent(NOW, "warning", "statustext", str(number)))
        await until(lambda: len(target.taken) == 6)
        texts = [each["data"]["text"] for each in target.taken]
        assert texts[:5] == ["7", "8", "9", "10", "11"]
        assert texts[5].startswith("7 events came too fast")


async def test_nothing_of_before_the_rule_is_told(tmp_path: Path, target: Receiver) -> None:
    async with stage(tmp_path) as on:
        await on.save(rule("http://127.0.0.1:9/in", id="elsewhere"))
        await on.alarms(1)
        await on.save(rule(target.url))
        await on.alarms(2)
        await until(lambda: target.taken)
        assert target.alarm_ids() == ["alarm-2"]


@pytest.mark.thorough
async def test_a_server_that_fails_hangs_and_leaves_gets_everything_once_it_is_well(
    tmp_path: Path, target: Receiver
) -> None:
    target.answers = [(500, {}), (503, {}), None, (429, {}), (302, {"location": "http://127.0.0.1:9/"})]
    async with stage(tmp_path) as on:
        await on.save(rule(target.url))
        await on.alarms(1, 2, 3)
        await until(lambda: len(target.taken) >= 3)
        assert target.alarm_ids() == ["alarm-1", "alarm-2", "alarm-3"]
        assert len(target.requests) >= 6, "each failure once, and again where this machine was too slow"
        async with asyncio.timeout(10):  # how it went is written down now and then
            while "302" not in ((await on.standing()).last_error or ""):  # noqa: ASYNC110 - it is in a store
                await asyncio.sleep(0.02)


@pytest.mark.thorough
async def test_retry_after_is_honoured(tmp_path: Path, target: Receiver) -> None:
    target.answers = [(429, {"retry-after": "1"})]
    async with stage(tmp_path) as on:
        await on.save(rule(target.url))
        await on.alarms(1)
        await until(lambda: target.taken)
        first, second = target.requests
        assert second.at_s - first.at_s >= 1.0


async def test_a_refused_event_does_not_stand_in_the_way_of_the_others(tmp_path: Path, target: Receiver) -> None:
    target.refuse_ids = {"alarm-3"}
    async with stage(tmp_path) as on:
        await on.save(rule(target.url))
        await on.alarms(*range(8))
        await until(lambda: len(target.taken) >= 7)
        assert target.alarm_ids() == [f"alarm-{number}" for number in range(8) if number != 3]
        assert await settles(on, lambda standing: standing.dead == 1)


@pytest.mark.thorough
async def test_a_server_that_refuses_everything_for_a_while_loses_nothing(tmp_path: Path, target: Receiver) -> None:
    target.answers = [(400, {})] * 15
    async with stage(tmp_path) as on:
        await on.save(rule(target.url))
        await on.alarms(*range(8))
        await until(lambda: len(target.taken) >= 8)
        assert target.alarm_ids() == [f"alarm-{number}" for number in range(8)]
        assert (await on.standing()).dead == 0


async def test_after_a_restart_a_towns_events_wait_for_the_fleet_to_be_known(
    tmp_path: Path, target: Receiver
) -> None:
    async with stage(tmp_path) as on:
        await on.save(rule(target.url, filter=Filter(units=("town-xiayang",)), paused=True))
    async with open_store(tmp_path / "bailu.db") as store:
        await store.save_alarm(alarm(1))  # by a gateway, while nobody forwarded
    async with stage(tmp_path, replace(QUICK, first_tick=60.0)) as on:
        await asyncio.sleep(0.2)
        await flown_until(on, lambda: on.ticks > 20)
        assert await settles(on, lambda standing: standing.waiting_events == 1)


async def test_a_rule_made_again_under_its_id_is_told_nothing_of_the_first(tmp_path: Path, target: Receiver) -> None:
    async with stage(tmp_path) as on:
        await on.save(rule("http://127.0.0.1:9/in"))
        await on.alarms(1)
        assert await settles(on, lambda standing: standing.waiting_events == 1)
        await on.store.forwarding.remove_rule(RuleId("to-city"))
        await on.save(rule(target.url, created_at=NOW + timedelta(seconds=1)))
        await on.alarms(2)
        await until(lambda: target.taken)
        assert target.alarm_ids() == ["alarm-2"]


async def test_without_its_secrets_nothing_is_sent_to_a_target(tmp_path: Path, target: Receiver) -> None:
    async with stage(tmp_path) as on:
        saved = await on.save(rule(target.url), Secrets(token="let-me-in"))
        another = on.vault.lock(RuleId("another-rule"), Secrets(token="let-me-in"))
        await on.store.forwarding.save_rule(replace(saved, row_revision=2), another)
        await on.alarms(1)
        assert await settles(on, lambda standing: "give them again" in (standing.last_error or ""))
        assert target.requests == []


@pytest.mark.thorough
async def test_a_hanging_target_slows_no_other_one(tmp_path: Path, target: Receiver) -> None:
    with receiver() as hanging:
        hanging.answers = [None] * 100
        async with stage(tmp_path) as on:
            await on.save(rule(hanging.url, id="hangs"))
            await on.save(rule(target.url))
            await on.alarms(*range(10))
            await until(lambda: len(target.taken) >= 10, within_s=10.0)
            assert await settles(on, lambda standing: standing.state is State.AWAY, "hangs")


async def test_a_batch_is_signed_so_that_a_receiver_can_check_it(tmp_path: Path, target: Receiver) -> None:
    key = base64.b64encode(b"0123456789abcdef").decode()
    async with stage(tmp_path) as on:
        await on.save(rule(target.url), Secrets(token="let-me-in", signing_key=f"whsec_{key}"))
        await on.alarms(1)
        await until(lambda: target.taken)
    request = target.requests[0]
    assert request.headers["authorization"] == "Bearer let-me-in"
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    wanted = base64.b64encode(hmac.new(b"0123456789abcdef", signed, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{wanted}"


def test_the_signature_is_the_one_of_the_specification() -> None:
    """The example that the Standard Webhooks specification's libraries are tested with."""
    key, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    told = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)
    assert told == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.thorough
async def test_telemetry_comes_at_the_rate_of_the_rule_and_only_the_latest(tmp_path: Path, target: Receiver) -> None:
    async with stage(tmp_path) as on:
        await on.save(rule(target.url, what=(What.TELEMETRY,), rate_hz=5.0))
        for number in range(40):
            on.tick(vehicle(battery_pct=80.0 - number), vehicle("bl-02"))
            await asyncio.sleep(0.025)
        await until(lambda: any(each["data"]["battery_pct"] == 41.0 for each in target.taken))
        told = [each["data"]["battery_pct"] for each in target.taken if each["data"]["vehicle_id"] == "bl-01"]
        assert 3 <= len(told) <= 8
        assert told == sorted(told, reverse=True)


@pytest.mark.thorough
async def test_what_was_not_sent_while_a_target_was_away_comes_later_only_where_it_is_asked_for(
    tmp_path: Path, target: Receiver
) -> None:
    with receiver() as second:
        for each in (target, second):
            each.answers = [(503, {})] * 8
        async with stage(tmp_path) as on:
            await on.save(rule(target.url, what=(What.TELEMETRY,), rate_hz=10.0))
            await on.save(rule(second.url, id="backfilled", what=(What.TELEMETRY,), rate_hz=10.0, backfill=True))
            for number in range(60):
                on.tick(vehicle(battery_pct=80.0 - number))
                await asyncio.sleep(0.025)
                if number == 40:
                    target.answers, second.answers = [], []
            await until(lambda: any(each["data"]["backfill"] for each in second.taken))
        assert not any(each["data"]["backfill"] for each in target.taken)
        late = [each["data"]["battery_pct"] for each in second.taken if each["data"]["backfill"]]
        assert len(late) >= 4
        assert late == sorted(late, reverse=True)


async def test_a_private_address_is_refused_where_the_settings_say_so(tmp_path: Path, target: Receiver) -> None:
    async with stage(tmp_path, doors=Doors(allow_private=False)) as on:
        await on.save(rule(target.url))
        await on.alarms(1)
        assert await settles(on, lambda standing: "private" in (standing.last_error or ""))
        assert target.requests == []


@pytest.mark.thorough
async def test_a_paused_rule_keeps_what_happens_meanwhile(tmp_path: Path, target: Receiver) -> None:
    async with stage(tmp_path) as on:
        saved = await on.save(rule(target.url, paused=True))
        await on.alarms(1, 2)
        assert await settles(on, lambda told: told.waiting_events == 2 and told.state is State.PAUSED)
        assert target.requests == []
        await on.store.forwarding.save_rule(replace(saved, paused=False, row_revision=2), None)
        await until(lambda: len(target.taken) == 2)


def test_retry_after_is_seconds_or_a_date_and_nonsense_is_nothing() -> None:
    now = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
    assert retry_after_s("120", now) == 120.0
    assert retry_after_s("Mon, 23 Nov 2026 04:00:30 GMT", now) == 30.0
    assert retry_after_s("Mon, 23 Nov 2026 03:00:30 GMT", now) == 0.0
    assert retry_after_s("soon", now) == retry_after_s(None, now) == retry_after_s("-5", now) == 0.0
    assert retry_after_s("9" * 400, now) < 1e10
