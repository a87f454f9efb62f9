"""A command to a vehicle until its effect is seen, as a state machine without I/O.

ArduPilot ignores COMMAND_LONG's confirmation counter (reliability guide, finding 5): a repetition whose
acknowledgement was lost runs twice. What may be repeated is therefore decided here, by the command's class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from missions.model import CommandClass
from telemetry.machine import NEVER_S
from telemetry.packets import (
    HEARTBEAT_ID,
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

Shows = Callable[[Inbound], bool]

_R, _C, _N = CommandClass.REPEATABLE, CommandClass.CONFIRM, CommandClass.NEVER
# What is not listed is never repeated.
CLASS_OF: Mapping[int, CommandClass] = MappingProxyType(
    {
        Cmd.DO_SET_MODE: _C,
        Cmd.COMPONENT_ARM_DISARM: _C,
        Cmd.MISSION_START: _C,
        Cmd.DO_CHANGE_SPEED: _R,
        Cmd.DO_SET_MISSION_CURRENT: _R,
        Cmd.RUN_PREARM_CHECKS: _R,
        Cmd.SET_MESSAGE_INTERVAL: _R,
        Cmd.REQUEST_MESSAGE: _R,
        Cmd.NAV_TAKEOFF: _N,  # once more after the landing is another flight
        Cmd.DO_SET_RELAY: _N,
        Cmd.DO_SET_SERVO: _N,
        Cmd.DO_DIGICAM_CONTROL: _N,
        Cmd.DO_GRIPPER: _N,
        Cmd.IMAGE_START_CAPTURE: _N,
        Cmd.PREFLIGHT_REBOOT_SHUTDOWN: _N,
    }
)

TRIES = 5
TRY_S = 0.5
URGENT_TRY_S = 0.25
IN_PROGRESS_S = 3.0
REJECTED_PAUSE_S = 0.3
# How long the effect of an accepted command may take to show.
EFFECT_S = 5.0
# A refusal may be the late answer to the command before this one: what brings a vehicle home takes so many to stop.
_URGENT_REFUSALS = 3


def class_of(command: CommandLong | CommandInt) -> CommandClass:
    """What repeating it does; the safe answer for what nobody looked at."""
    return CLASS_OF.get(command.command, CommandClass.NEVER)


def effect_of(command: CommandLong | CommandInt) -> Shows | None:
    """How a vehicle shows that it did it; None where only its acknowledgement can tell."""
    if not isinstance(command, CommandLong):
        return None
    match command.command, command.params:
        case Cmd.DO_SET_MODE, (_, mode):
            return lambda packet: isinstance(packet, Heartbeat) and packet.custom_mode == int(mode)
        case Cmd.COMPONENT_ARM_DISARM, (arm, *_):
            return lambda packet: isinstance(packet, Heartbeat) and packet.armed == bool(arm)
        case Cmd.MISSION_START, _:
            return lambda packet: isinstance(packet, Heartbeat) and packet.custom_mode == Mode.AUTO and packet.armed
    return None


class Act:
    """Sends one command and follows it until it is acknowledged, or until `shows` finds its effect in a packet.

    REPEATABLE is sent up to `TRIES` times; CONFIRM too, and never again once it was accepted; NEVER exactly once,
    whatever comes back. `urgent` has no count of tries: it is repeated until its effect is seen or `until_s`.
    `done`: acknowledged as accepted; with `shows`, seen too, or seen twice: one packet may be of before the command.
    ACCEPTED alone means "will try", not "has done". `overruled`: while a mode was asked for, the vehicle went into
    a third one. A pilot or a failsafe chose it, and is not fought, but by what is `urgent`.
    """

    def __init__(
        self,
        command: CommandLong | CommandInt,
        repeat: CommandClass,
        *,
        now_s: float,
        until_s: float,
        shows: Shows | None = None,
        urgent: bool = False,
        effect_s: float = EFFECT_S,
    ) -> None:
        assert not urgent or repeat is not CommandClass.NEVER
        self.command = command
        self.done = False
        self.accepted = False
        self.overruled: int | None = None
        self.refused: int | None = None
        self.attempts = 0
        self._repeat = repeat
        self._shows = shows
        self._urgent = urgent
        self._until_s = until_s
        self._pause_s = REJECTED_PAUSE_S
        self._refusals = 0
        self._seen = 0
        self._mode_before: int | None = None
        self._effect_s = effect_s
        self._due_s = now_s
        self._answer_by_s = now_s

    def due_s(self) -> float:
        return NEVER_S if self.done or self.refused is not None else self._due_s

    def is_idle(self, now_s: float) -> bool:
        """Whether nothing more will be sent and the time for an answer is over; or it is too late to send at all."""
        given_up = not self._may_send and now_s >= self._answer_by_s
        return now_s >= self._until_s or given_up or self.overruled is not None

    @property
    def _may_send(self) -> bool:
        """Whether the command may be sent (again); while its effect is waited for, only where that does no harm."""
        if self._urgent:
            return True
        most = 1 if self._repeat is CommandClass.NEVER else TRIES
        return not self.accepted and self.attempts < most

    def on_time(self, now_s: float) -> list[Outbound]:
        if self.done or self.refused is not None or now_s < self._due_s or now_s >= self._until_s:
            return []
        self._due_s = now_s + (URGENT_TRY_S if self._urgent else TRY_S)
        # A heartbeat comes with the change and once a second, and gets lost as well: then the effect is asked for.
        asks = self._shows is not None and (self._urgent or self.attempts > 0)
        out: list[Outbound] = [self._next(now_s)] if self._may_send else []
        return [*out, CommandLong(Cmd.REQUEST_MESSAGE, (HEARTBEAT_ID,))] if asks else out

    def on_packet(self, packet: Inbound, now_s: float) -> list[Outbound]:
        if self.done or self.refused is not None or self.attempts == 0:
            return []
        if isinstance(packet, CommandAck) and packet.command == self.command.command:
            self._on_result(packet.result, now_s)
        elif self._shows is not None and self._shows(packet):
            self._seen += 1
        elif isinstance(packet, Heartbeat) and self.command.command == Cmd.DO_SET_MODE:
            self._on_other_mode(packet.custom_mode)
        if self._shows is not None:
            self.done = self._seen > 1 or (self._seen == 1 and self.accepted)
        return []

    def _on_other_mode(self, mode: int) -> None:
        self._mode_before = mode if self._mode_before is None else self._mode_before
        if mode != self._mode_before and not self._urgent:
            self.overruled = mode

    def _next(self, now_s: float) -> CommandLong | CommandInt:
        """The command once more; MAVLink wants repetitions counted, whoever listens."""
        counted = min(self.attempts, 255)
        self.attempts += 1
        self._answer_by_s = now_s + (IN_PROGRESS_S if self._repeat is CommandClass.NEVER else TRY_S)
        return replace(self.command, confirmation=counted) if isinstance(self.command, CommandLong) else self.command

    def _on_result(self, result: int, now_s: float) -> None:
        match result:
            case CmdResult.ACCEPTED:
                self.accepted = True
                self.done = self._shows is None
                self._answer_by_s = now_s + self._effect_s
            case CmdResult.IN_PROGRESS:
                self._answer_by_s = now_s + IN_PROGRESS_S
                self._due_s = max(self._due_s, now_s + (URGENT_TRY_S if self._urgent else IN_PROGRESS_S))
            case CmdResult.TEMPORARILY_REJECTED if self._may_send:
                self._answer_by_s = self._due_s = now_s + self._pause_s
                self._pause_s *= 2.0
            case _:
                self._refusals += 1
                if not self._urgent or self._refusals >= _URGENT_REFUSALS:
                    self.refused = result
