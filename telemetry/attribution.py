"""Who changed what a vehicle does: the operator whose command is under way, or somebody who is not fought."""

from __future__ import annotations

from core.clock import Clock
from core.ids import OperatorId
from missions.model import Cause, CommandKind, HeldBy, SortieState
from telemetry.causes import SWITCH_WITHIN_S, TEXTS_WITHIN_S, UNHEARD_S, cause_of, switch_moved
from telemetry.commands import RESULT_OF, options_of
from telemetry.logbook import Logbook
from telemetry.packets import Mode
from telemetry.vehicle import Vehicle

_ON_WAY = frozenset({SortieState.ON_MISSION, SortieState.DIVERTED})
# Its next heartbeats come within this time after a silence.
_BACK_WITHIN_S = 3.0
_LEAST_WITHIN_S = 1.5


class Attribution:
    """`asked`: whose command is under way, until the transition that it leads to was seen."""

    def __init__(self, vehicle: Vehicle, logbook: Logbook, clock: Clock) -> None:
        self.asked: tuple[OperatorId, CommandKind] | None = None
        self._vehicle = vehicle
        self._logbook = logbook
        self._clock = clock
        self._widths_us: tuple[int, ...] = ()
        self._switched_s = -SWITCH_WITHIN_S
        self._changed_s = 0.0
        self._heard_s = clock.mono_s()
        self._silence = (0.0, 0.0)  # how long the last one was, and when it ended

    def on_heard(self) -> None:
        """The vehicle was heard just now."""
        now_s = self._clock.mono_s()
        if now_s - self._heard_s >= UNHEARD_S:
            self._silence = (now_s - self._heard_s, now_s)
        self._heard_s = now_s

    def is_asked(self, *kinds: CommandKind) -> bool:
        """Whether one of these is under way."""
        return self.asked is not None and self.asked[1] in kinds

    def on_radio(self, widths_us: tuple[int, ...]) -> None:
        """The pilot's radio as it is now."""
        if switch_moved(self._widths_us, widths_us):
            self._switched_s = self._clock.mono_s()
        self._widths_us = widths_us

    def caused(self, to: SortieState, why: str) -> tuple[str, str, Cause | None]:
        """By whom, why, and the cause that is kept for a transition to `to`, which is told when it is not ours."""
        self._changed_s = self._clock.mono_s()
        if self.asked is not None and shows(self.asked[1], to):
            operator, kind = self.asked
            self.asked = None
            cause = Cause(HeldBy.PLATFORM, f"{operator} asked to {kind}") if to is SortieState.PAUSED else None
            return operator, f"the operator asked to {kind}", cause
        if to in _ON_WAY or to is SortieState.LANDED or self._is_as_planned(to):
            return "vehicle", why, None
        cause = self._somebody()
        self._tell(to, cause)
        return str(cause.by), f"{why}: {cause.text}", cause

    async def explain_late(self) -> None:
        """An autopilot may say why only after it has changed its mode."""
        held = self._logbook.sortie.held
        if held is None or held.by not in (HeldBy.PILOT, HeldBy.STATION):
            return
        if self._clock.mono_s() - self._changed_s > self._within_s():
            return
        cause = self._somebody()
        if cause.by is HeldBy.FAILSAFE:
            await self._logbook.change(held=cause)
            self._tell(self._logbook.state, cause)

    def _is_as_planned(self, to: SortieState) -> bool:
        """Whether the mission itself leads there: home at its end, and down from a return."""
        if self._vehicle.state.mode == Mode.AUTO.name:
            return True
        return to is SortieState.LANDING and self._logbook.state is SortieState.RETURNING

    def _somebody(self) -> Cause:
        now_s, pace = self._clock.mono_s(), self._vehicle.pace
        texts = self._vehicle.texts_since(now_s - self._within_s())
        moved = now_s - self._switched_s < max(1.0, SWITCH_WITHIN_S / pace)
        silent_s, until_s = self._silence
        unheard_s = silent_s if now_s - until_s < _BACK_WITHIN_S else 0.0
        return cause_of(self._vehicle.state.mode or "unknown", texts, switch_moved=moved, unheard_s=unheard_s)

    def _within_s(self) -> float:
        """So near to a change of mode a text tells why. A simulation may be slower than it was asked to be."""
        return max(_LEAST_WITHIN_S, TEXTS_WITHIN_S / self._vehicle.pace)

    def _tell(self, to: SortieState, cause: Cause) -> None:
        code = f"failsafe-{cause.code}" if cause.by is HeldBy.FAILSAFE else f"{cause.by}-mode"
        said = f"{cause.text[0].upper()}{cause.text[1:]}; the platform does not fight it"
        text = f"{said}. Possible now: {options_of(to)}."
        self._logbook.event("critical" if cause.by is HeldBy.FAILSAFE else "warning", code, text)


def shows(kind: CommandKind, state: SortieState) -> bool:
    """Whether a sortie in `state` is what `kind` asked for."""
    if kind in (CommandKind.RESUME, CommandKind.CHANGE_SPEED):
        return state in _ON_WAY
    return RESULT_OF.get(kind) is state
