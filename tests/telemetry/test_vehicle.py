"""Asking a vehicle: what is sent, what counts as an answer, what silence and refusal become."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from core.clock import ManualClock, SystemClock
from core.errors import LinkTimeout, OutcomeUnknown, VehicleBusy, VehicleOffline, VehicleRejected
from core.geo import LatLon
from core.ids import DockId, VehicleId
from missions.model import Airframe, Dock
from telemetry import acting, parameters
from telemetry import vehicle as module
from telemetry.exchange import set_params
from telemetry.messages import LinkState
from telemetry.packets import (
    Cmd,
    CommandAck,
    CommandLong,
    Heartbeat,
    Outbound,
    ParamError,
    ParamRequest,
    ParamSet,
    ParamValue,
    StatusText,
)
from telemetry.vehicle import Vehicle, VehicleConfig

DOCK = Dock(DockId("dock"), "机场", "dock", LatLon(31.139, 121.124), 4.0, 20.0)
FRAME = Airframe("quad", 130, 280, 260, 10, 50, 15, 3, 2)
CONFIG = VehicleConfig(VehicleId("bl-01"), "one", ("fleet",), 11, DOCK, FRAME)
BEAT = Heartbeat(is_autopilot=True, armed=False, custom_mode=4, system_status=4)
Answer = Callable[[Vehicle, Outbound], None]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same tries, sooner."""
    monkeypatch.setattr(acting, "TRY_S", 0.02)
    monkeypatch.setattr(acting, "REJECTED_PAUSE_S", 0.02)
    monkeypatch.setattr(module, "_REASON_S", 0.02)
    monkeypatch.setattr(parameters, "ASK_AGAIN_S", 0.02)


def live_vehicle(answer: Answer) -> tuple[Vehicle, list[Outbound]]:
    """A vehicle that was just heard and answers what it is sent."""
    vehicle, sent = Vehicle(CONFIG, clock=SystemClock()), list[Outbound]()

    def transmit(packet: Outbound) -> None:
        sent.append(packet)
        answer(vehicle, packet)

    vehicle.attach(transmit)
    vehicle.hear(BEAT)
    return vehicle, sent


def silence(vehicle: Vehicle, packet: Outbound) -> None:
    """No answer at all."""


def results(*values: int) -> Answer:
    """Acknowledges each command with the next of `values`."""
    left = list(values)

    def answer(vehicle: Vehicle, packet: Outbound) -> None:
        if isinstance(packet, CommandLong) and left:
            vehicle.hear(CommandAck(packet.command, left.pop(0)))

    return answer


async def test_an_accepted_command_is_sent_once() -> None:
    vehicle, sent = live_vehicle(results(0))
    await vehicle.command(Cmd.RUN_PREARM_CHECKS)
    assert len(sent) == 1


async def test_a_lost_acknowledgement_repeats_the_command_with_a_rising_confirmation() -> None:
    vehicle, sent = live_vehicle(silence)
    with pytest.raises(LinkTimeout) as caught:
        await vehicle.command(Cmd.RUN_PREARM_CHECKS)
    assert [p.confirmation for p in sent if isinstance(p, CommandLong)] == [0, 1, 2, 3, 4]
    assert caught.value.attempts == 5


async def test_a_refusal_carries_the_autopilots_result_and_its_words() -> None:
    def refuse(vehicle: Vehicle, packet: Outbound) -> None:
        vehicle.hear(StatusText(3, "Arm: Throttle too high"))
        vehicle.hear(CommandAck(Cmd.COMPONENT_ARM_DISARM, 4))

    vehicle, _ = live_vehicle(refuse)
    with pytest.raises(VehicleRejected) as caught:
        await vehicle.command(Cmd.COMPONENT_ARM_DISARM, 1)
    assert (caught.value.mav_result, caught.value.texts) == ("FAILED", ("Arm: Throttle too high",))


async def test_temporarily_rejected_is_tried_again() -> None:
    vehicle, sent = live_vehicle(results(1, 1, 0))
    await vehicle.command(Cmd.RUN_PREARM_CHECKS)
    assert len(sent) == 3


async def test_in_progress_waits_for_the_final_result() -> None:
    def later(vehicle: Vehicle, packet: Outbound) -> None:
        vehicle.hear(CommandAck(Cmd.RUN_PREARM_CHECKS, 5))
        asyncio.get_running_loop().call_later(0.06, vehicle.hear, CommandAck(Cmd.RUN_PREARM_CHECKS, 0))

    vehicle, sent = live_vehicle(later)
    await vehicle.command(Cmd.RUN_PREARM_CHECKS)
    assert len(sent) == 1


async def test_an_acknowledgement_of_another_command_is_no_answer() -> None:
    vehicle, _ = live_vehicle(lambda v, _: v.hear(CommandAck(Cmd.DO_SET_MODE, 0)))
    with pytest.raises(LinkTimeout):
        await vehicle.command(Cmd.RUN_PREARM_CHECKS)


async def test_a_vehicle_never_heard_is_offline() -> None:
    with pytest.raises(VehicleOffline):
        await Vehicle(CONFIG, clock=SystemClock()).command(Cmd.RUN_PREARM_CHECKS)


async def test_a_parameter_is_set_and_read_back() -> None:
    held = {"FENCE_ENABLE": 0.0}

    def parameters(vehicle: Vehicle, packet: Outbound) -> None:
        match packet:
            case ParamRequest(name, None):
                vehicle.hear(ParamValue(name, held[name]) if name in held else ParamError(name, 1))
            case ParamRequest():
                vehicle.hear(ParamValue("FORMAT_VERSION", 120.0, 0, 900))
            case ParamSet(name, value):
                held[name] = value
                vehicle.hear(ParamValue(name, value))

    vehicle, sent = live_vehicle(parameters)
    await set_params(vehicle, {"FENCE_ENABLE": 1.0})
    assert held == {"FENCE_ENABLE": 1.0}
    kinds = [type(packet) for packet in sent]
    assert ParamRequest in kinds[kinds.index(ParamSet) :]


@pytest.mark.parametrize("late", [1, 2])
async def test_late_answers_of_before_it_was_set_are_not_what_the_autopilot_keeps(
    late: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telemetry.exchange._SETTLE_S", (0.0, 0.01, 0.01))
    held = {"FENCE_ENABLE": 0.0}
    asked = [0]

    def parameters(vehicle: Vehicle, packet: Outbound) -> None:
        match packet:
            case ParamSet(name, value):
                held[name] = value
                vehicle.hear(ParamValue(name, value))
            case ParamRequest(name, None):
                asked[0] += 1
                vehicle.hear(ParamValue(name, 0.0 if asked[0] <= late else held[name]))
            case ParamRequest():
                vehicle.hear(ParamValue("FORMAT_VERSION", 120.0, 0, 900))

    vehicle, _ = live_vehicle(parameters)
    await set_params(vehicle, {"FENCE_ENABLE": 1.0})
    assert asked == [late + 1]


async def test_a_parameter_that_the_autopilot_keeps_otherwise_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemetry.exchange._SETTLE_S", (0.0, 0.01, 0.01))
    vehicle, _ = live_vehicle(lambda v, p: v.hear(ParamValue("FENCE_ENABLE", 0.0)))
    with pytest.raises(VehicleRejected, match="it keeps 0"):
        await set_params(vehicle, {"FENCE_ENABLE": 1.0})


def test_a_second_transaction_is_refused_and_names_the_first() -> None:
    vehicle = Vehicle(CONFIG, clock=SystemClock())
    with vehicle.exclusive("launching"), pytest.raises(VehicleBusy, match="launching"), vehicle.exclusive("other"):
        pass
    with vehicle.exclusive("again"):
        pass


def test_the_link_goes_from_live_to_stale_to_lost_and_the_position_keeps_its_own_age() -> None:
    clock = ManualClock()
    vehicle = Vehicle(CONFIG, clock=clock)
    states = [vehicle.link]
    vehicle.hear(BEAT)
    for seconds in (0.0, 1.6, 3.5):
        clock.advance(seconds)
        states.append(vehicle.link)
    assert states == [LinkState.NEVER, LinkState.LIVE, LinkState.STALE, LinkState.LOST]
    assert vehicle.snapshot().position_age_s is None
    assert vehicle.snapshot().heard_age_s == 5.1


def test_a_text_in_chunks_becomes_one() -> None:
    vehicle = Vehicle(CONFIG, clock=ManualClock())
    vehicle.hear(StatusText(4, "PreArm: the first fifty characters of a long text ", 9, is_last=False))
    assert not vehicle.texts_since(0.0)
    vehicle.hear(StatusText(4, "and its end", 9, is_last=True))
    assert vehicle.texts_since(0.0) == ("PreArm: the first fifty characters of a long text and its end",)


RTL = (Cmd.DO_SET_MODE, 1.0, 6.0)
SHOWS_RTL = Heartbeat(is_autopilot=True, armed=True, custom_mode=6, system_status=4)


def obeys_rtl(vehicle: Vehicle, packet: Outbound) -> None:
    """Takes RTL at once, and says nothing to anything else."""
    if packet == CommandLong(Cmd.DO_SET_MODE, RTL[1:]):
        vehicle.hear(CommandAck(Cmd.DO_SET_MODE, 0))
        vehicle.hear(SHOWS_RTL)


async def test_a_return_takes_the_place_of_a_pause_that_is_still_being_asked_for() -> None:
    vehicle, sent = live_vehicle(obeys_rtl)
    pause = asyncio.create_task(vehicle.command(Cmd.DO_SET_MODE, 1.0, 17.0))
    await asyncio.sleep(0.01)
    await vehicle.command(*RTL, urgent=True)
    after = len(sent)
    with pytest.raises(VehicleBusy, match="a later DO_SET_MODE took the place"):
        await pause
    assert sent[after:] == []


async def test_the_same_command_twice_at_a_time_is_refused_for_its_acknowledgement_would_be_anybodys() -> None:
    vehicle, _ = live_vehicle(silence)
    first = asyncio.create_task(vehicle.command(Cmd.RUN_PREARM_CHECKS))
    await asyncio.sleep(0.01)
    with pytest.raises(VehicleBusy):
        await vehicle.command(Cmd.RUN_PREARM_CHECKS)
    with pytest.raises(LinkTimeout):
        await first


async def test_a_return_waits_for_nobody_and_is_not_followed_by_what_was_being_done() -> None:
    vehicle, sent = live_vehicle(obeys_rtl)
    held = asyncio.Event()

    async def replace_mission() -> None:
        with vehicle.exclusive("replacing its mission"):
            held.set()
            await asyncio.sleep(0.05)
            vehicle.send(CommandLong(Cmd.DO_SET_MODE, (1.0, 3.0)))

    work = asyncio.create_task(replace_mission())
    await held.wait()
    await vehicle.command(*RTL, urgent=True)
    with pytest.raises(VehicleBusy, match="replacing its mission was broken off"):
        await work
    assert CommandLong(Cmd.DO_SET_MODE, (1.0, 3.0)) not in sent
    with vehicle.exclusive("something else"):
        vehicle.send(CommandLong(Cmd.RUN_PREARM_CHECKS))


async def test_a_return_goes_out_on_every_link() -> None:
    vehicle, one, every = Vehicle(CONFIG, clock=SystemClock()), list[Outbound](), list[Outbound]()

    def everywhere(packet: Outbound) -> None:
        every.append(packet)
        obeys_rtl(vehicle, packet)

    vehicle.attach(one.append, everywhere)
    vehicle.hear(BEAT)
    await vehicle.command(*RTL, urgent=True)
    assert one == []
    assert every[0] == CommandLong(Cmd.DO_SET_MODE, RTL[1:])


async def test_a_return_to_a_vehicle_that_nobody_hears_is_sent_all_the_same_and_told_as_offline() -> None:
    clock, sent = ManualClock(), list[Outbound]()
    vehicle = Vehicle(CONFIG, clock=clock)

    def transmit(packet: Outbound) -> None:
        sent.append(packet)
        clock.advance(0.5)

    vehicle.attach(transmit)
    vehicle.hear(BEAT)
    clock.advance(20.0)
    with pytest.raises(VehicleOffline):
        await vehicle.command(*RTL, urgent=True)
    assert sum(isinstance(packet, CommandLong) and packet.command == Cmd.DO_SET_MODE for packet in sent) >= 3


async def test_what_may_not_be_repeated_and_is_not_answered_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "IN_PROGRESS_S", 0.05)
    vehicle, sent = live_vehicle(silence)
    with pytest.raises(OutcomeUnknown, match="DO_SET_RELAY"):
        await vehicle.command(Cmd.DO_SET_RELAY, 0.0, 1.0)
    assert len(sent) == 1
