"""Commands as machines: what is sent how often, and what counts as done, refused or not known."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from missions.model import CommandClass
from telemetry.acting import Act, class_of, effect_of
from telemetry.packets import (
    Cmd,
    CmdResult,
    CommandAck,
    CommandInt,
    CommandLong,
    Heartbeat,
    Inbound,
    Mode,
    Outbound,
)

RELAY = CommandLong(Cmd.DO_SET_RELAY, (0.0, 1.0))
CHECKS = CommandLong(Cmd.RUN_PREARM_CHECKS)
RTL = CommandLong(Cmd.DO_SET_MODE, (1.0, float(Mode.RTL)))


def act(command: CommandLong | CommandInt, *, until_s: float = 30.0, urgent: bool = False) -> Act:
    return Act(command, class_of(command), now_s=0.0, until_s=until_s, shows=effect_of(command), urgent=urgent)


def ack(command: CommandLong, result: int = CmdResult.ACCEPTED) -> CommandAck:
    return CommandAck(command.command, result)


def beat(mode: Mode, *, armed: bool = True) -> Heartbeat:
    return Heartbeat(is_autopilot=True, armed=armed, custom_mode=mode, system_status=4)


def in_silence(machine: Act, *, seconds: float) -> list[Outbound]:
    """What it sends while nothing comes back."""
    sent: list[Outbound] = []
    for tick in range(int(seconds * 50)):
        now_s = tick / 50
        if machine.is_idle(now_s):
            break
        sent += machine.on_time(now_s)
    return [packet for packet in sent if packet != CommandLong(Cmd.REQUEST_MESSAGE, (0,))]


def test_a_repeatable_command_is_sent_five_times_with_a_rising_confirmation() -> None:
    sent = in_silence(act(CHECKS), seconds=20)
    assert [packet.confirmation for packet in sent if isinstance(packet, CommandLong)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("seed", range(200))
def test_what_may_not_be_repeated_is_sent_once_whatever_comes_back(seed: int) -> None:
    rng, machine, sent = random.Random(seed), act(RELAY), list[Outbound]()
    answers: list[Inbound] = [ack(RELAY, result) for result in CmdResult]
    answers += [ack(CHECKS), beat(Mode.AUTO), CommandAck(RELAY.command, 77)]
    for tick in range(400):
        sent += machine.on_time(tick / 20)
        if rng.random() < 0.3:
            sent += machine.on_packet(rng.choice(answers), tick / 20)
    assert sent == [RELAY]


def test_a_command_that_nobody_looked_at_is_never_repeated() -> None:
    assert class_of(CommandLong(31_000)) is CommandClass.NEVER


def test_an_expired_command_is_not_sent() -> None:
    machine = act(CHECKS, until_s=10.0)
    assert machine.on_time(10.0) == []
    assert machine.is_idle(10.0)


def test_an_accepted_command_is_not_sent_again_while_its_effect_is_waited_for() -> None:
    machine = act(RTL)
    assert machine.on_time(0.0) == [RTL]
    machine.on_packet(ack(RTL), 0.1)
    assert not machine.done
    assert in_silence(machine, seconds=4) == []
    machine.on_packet(beat(Mode.RTL), 4.0)
    assert machine.done


def test_one_packet_that_shows_the_effect_may_be_of_before_the_command() -> None:
    machine = act(RTL)
    machine.on_time(0.0)
    machine.on_packet(beat(Mode.RTL), 0.01)
    assert not machine.done
    machine.on_packet(beat(Mode.RTL), 0.6)
    assert machine.done


def test_an_acknowledgement_of_another_command_is_none() -> None:
    machine = act(CHECKS)
    machine.on_time(0.0)
    machine.on_packet(ack(RTL), 0.1)
    assert not machine.done


def test_in_progress_waits_three_seconds_for_the_final_result() -> None:
    machine = act(CHECKS)
    machine.on_time(0.0)
    machine.on_packet(ack(CHECKS, CmdResult.IN_PROGRESS), 0.1)
    assert machine.on_time(3.0) == []
    machine.on_packet(ack(CHECKS), 3.05)
    assert machine.done


def test_temporarily_rejected_is_asked_again_after_ever_longer_pauses() -> None:
    machine, at = act(CHECKS), list[float]()
    for tick in range(500):
        if machine.on_time(tick / 100):
            at.append(tick / 100)
            machine.on_packet(ack(CHECKS, CmdResult.TEMPORARILY_REJECTED), tick / 100)
    pauses = [round(later - earlier, 2) for earlier, later in pairwise(at)]
    assert pauses == [0.3, 0.6, 1.2, 2.4]
    assert machine.refused == CmdResult.TEMPORARILY_REJECTED


def test_a_third_mode_is_somebody_elses_and_not_fought() -> None:
    machine = act(CommandLong(Cmd.DO_SET_MODE, (1.0, float(Mode.AUTO))))
    machine.on_time(0.0)
    machine.on_packet(beat(Mode.BRAKE), 0.1)
    machine.on_packet(beat(Mode.LOITER), 0.3)
    assert machine.overruled == Mode.LOITER
    assert machine.is_idle(0.3)


def test_what_brings_it_home_goes_on_until_it_is_seen() -> None:
    machine = act(RTL, urgent=True)
    machine.on_packet(beat(Mode.AUTO), 0.0)
    assert len(in_silence(machine, seconds=20)) > 70
    machine.on_packet(ack(RTL), 20.0)
    machine.on_packet(beat(Mode.LOITER), 20.1)
    assert machine.on_time(20.25)
    machine.on_packet(beat(Mode.RTL), 20.3)
    assert machine.done


def test_one_late_refusal_of_the_command_before_does_not_stop_a_return() -> None:
    machine = act(RTL, urgent=True)
    for tick, refusals in ((0, 1), (1, 2), (2, 3)):
        machine.on_time(tick * 0.25)
        machine.on_packet(ack(RTL, CmdResult.FAILED), tick * 0.25 + 0.1)
        assert (machine.refused is None) == (refusals < 3)


@pytest.mark.parametrize(
    ("command", "packet", "shown"),
    [
        (RTL, beat(Mode.RTL), True),
        (RTL, beat(Mode.AUTO), False),
        (CommandLong(Cmd.COMPONENT_ARM_DISARM, (1.0,)), beat(Mode.GUIDED), True),
        (CommandLong(Cmd.COMPONENT_ARM_DISARM, (0.0,)), beat(Mode.GUIDED), False),
        (CommandLong(Cmd.MISSION_START), beat(Mode.AUTO), True),
        (CommandLong(Cmd.MISSION_START), beat(Mode.AUTO, armed=False), False),
    ],
)
def test_the_effect_of_a_command_is_what_the_heartbeat_shows(
    command: CommandLong, packet: Inbound, *, shown: bool
) -> None:
    effect = effect_of(command)
    assert effect is not None
    assert effect(packet) is shown
