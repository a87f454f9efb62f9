"""Parameters of a vehicle read, set and listed, as state machines without I/O.

ArduPilot answers nothing for a name that it does not have, so silence has to be told from loss: how often the other
questions were answered says how much silence is needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from telemetry.machine import NEVER_S
from telemetry.packets import (
    Inbound,
    Outbound,
    ParamError,
    ParamRequest,
    ParamRequestList,
    ParamSet,
    ParamValue,
)

ASK_AGAIN_S = 0.4
IDLE_LIMIT_S = 8.0
# ArduPilot queues 20 questions and drops the others.
_AT_ONCE = 12
_FIRST = range(3)
# A name is held to be unknown when so much silence by loss alone has this probability, after two questions at least.
_DOUBT = 1e-4
_LEAST_TRIES = 3
_MOST_TRIES = 60
# A setting that the vehicle answered so often with another value is not taken.
_ECHOES = 3
# A list whose stream has stopped for so long has gaps.
_STREAM_PAUSE_S = 1.0


class ReadParams:
    """Reads parameters by name. `values` of those that there are; `absent` are the others, once it is `done`.

    Every round also asks for the first parameters of the list, which every vehicle has: they tell loss from absence.
    """

    refused: int | None = None

    def __init__(self, names: Iterable[str], *, now_s: float) -> None:
        self.values: dict[str, float] = {}
        self.absent: set[str] = set()
        self.attempts = 0
        self._tries = dict.fromkeys(names, 0)
        self._again_s: dict[str, float] = {}  # before then an answer may still be on its way
        self._asked = 0  # questions after the first parameters, asked and answered
        self._answered = 0
        self._due_s = now_s
        self._progress_s = now_s

    @property
    def done(self) -> bool:
        return len(self.values) + len(self.absent) >= len(self._tries)

    def due_s(self) -> float:
        return NEVER_S if self.done else self._due_s

    def is_idle(self, now_s: float) -> bool:
        return now_s - self._progress_s > IDLE_LIMIT_S

    def on_time(self, now_s: float) -> list[Outbound]:
        if self.done or now_s < self._due_s:
            return []
        self._give_up_absent(now_s)
        open_ = [name for name in self._tries if name not in self.values and name not in self.absent][:_AT_ONCE]
        wanted = [name for name in open_ if self._again_s.get(name, now_s) <= now_s]
        if not wanted:
            self._due_s = min((self._again_s[name] for name in open_), default=now_s)
            return []
        for name in wanted:
            self._tries[name] += 1
            self._again_s[name] = now_s + ASK_AGAIN_S
        self.attempts = max(self.attempts, *self._tries.values())
        self._asked += len(_FIRST)
        self._due_s = now_s + ASK_AGAIN_S
        return [*(ParamRequest(name) for name in wanted), *(ParamRequest("", index) for index in _FIRST)]

    def on_packet(self, packet: Inbound, now_s: float) -> list[Outbound]:
        match packet:
            case ParamValue(name, value, index):
                self._answered += index in _FIRST
                self._progress_s = now_s
                if name in self._tries and name not in self.values:
                    self.values[name] = value
                    self.absent.discard(name)
            case ParamError(name) if name in self._tries and name not in self.values:
                self._progress_s = now_s
                self.absent.add(name)
            case _:
                return []
        if not self.done and any(self._tries[name] == 0 for name in self._tries):
            self._due_s = min(self._due_s, now_s)  # there is room for those that wait
        return []

    def _give_up_absent(self, now_s: float) -> None:
        enough = self._enough_tries()
        overdue = {name for name, again_s in self._again_s.items() if again_s <= now_s}
        self.absent |= {name for name in overdue if self._tries[name] >= enough and name not in self.values}

    def _enough_tries(self) -> int:
        """How many unanswered questions are too many for loss alone, seen how often the others were answered."""
        if self._answered == 0:
            return _MOST_TRIES + 1
        asked = max(self._asked, self._answered) + 1.0  # a doubled answer counts twice
        share = (self._answered + 0.5) / asked
        at_least = share - math.sqrt(share * (1.0 - share) / asked)
        if at_least <= 0.0:
            return _MOST_TRIES
        return min(_MOST_TRIES, max(_LEAST_TRIES, math.ceil(math.log(_DOUBT) / math.log(1.0 - at_least))))


class SetParams:
    """Sets parameters; each counts when the vehicle says that it holds the value (as float32), or `kept` another.

    `done` when every one was answered. Setting twice does no harm.
    """

    refused: int | None = None

    def __init__(self, values: Mapping[str, float], *, now_s: float) -> None:
        self.kept: dict[str, float] = {}
        self.attempts = 0
        self._wanted = dict(values)
        self._held: set[str] = set()
        self._echoes: dict[str, int] = {}
        self._due_s = now_s
        self._progress_s = now_s

    @property
    def done(self) -> bool:
        return len(self._held) + len(self.kept) >= len(self._wanted)

    def due_s(self) -> float:
        return NEVER_S if self.done else self._due_s

    def is_idle(self, now_s: float) -> bool:
        return now_s - self._progress_s > IDLE_LIMIT_S

    def on_time(self, now_s: float) -> list[Outbound]:
        if self.done or now_s < self._due_s:
            return []
        self.attempts += 1
        self._due_s = now_s + ASK_AGAIN_S
        left = [name for name in self._wanted if name not in self._held and name not in self.kept][:_AT_ONCE]
        # A vehicle that holds the value already may say nothing to a setting: then the question brings it.
        asked: list[Outbound] = [ParamRequest(name) for name in left] if self.attempts > 1 else []
        return [*(ParamSet(name, self._wanted[name]) for name in left), *asked]

    def on_packet(self, packet: Inbound, now_s: float) -> list[Outbound]:
        match packet:
            case ParamValue(name, value) if name in self._wanted and name not in self._held:
                self._progress_s = now_s
                if same_value(value, self._wanted[name]):
                    self._held.add(name)
                    self.kept.pop(name, None)
                else:
                    # One may answer a question of before.
                    self._echoes[name] = self._echoes.get(name, 0) + 1
                    if self._echoes[name] >= _ECHOES:
                        self.kept[name] = value
            case _:
                return []
        return []


class ListParams:
    """Reads the whole list: the vehicle streams it, then the gaps are asked for. `values` by name when `done`.

    `bound`: a longer list is refused.
    """

    def __init__(self, *, now_s: float, bound: int = 4000) -> None:
        self.refused: int | None = None
        self.attempts = 0
        self.count: int | None = None
        self._bound = bound
        self._got: dict[int, tuple[str, float]] = {}
        self._due_s = now_s
        self._progress_s = now_s

    @property
    def done(self) -> bool:
        return self.count is not None and len(self._got) >= self.count

    @property
    def values(self) -> dict[str, float]:
        return dict(self._got[index] for index in sorted(self._got))

    def due_s(self) -> float:
        return NEVER_S if self.done or self.refused is not None else self._due_s

    def is_idle(self, now_s: float) -> bool:
        return now_s - self._progress_s > IDLE_LIMIT_S

    def on_time(self, now_s: float) -> list[Outbound]:
        if self.done or self.refused is not None or now_s < self._due_s:
            return []
        self.attempts += 1
        if self.count is None:
            self._due_s = now_s + _STREAM_PAUSE_S
            return [ParamRequestList()]
        self._due_s = now_s + ASK_AGAIN_S
        gaps = (index for index in range(self.count) if index not in self._got)
        return [ParamRequest("", index) for _, index in zip(range(_AT_ONCE), gaps, strict=False)]

    def on_packet(self, packet: Inbound, now_s: float) -> list[Outbound]:
        if not isinstance(packet, ParamValue) or packet.index is None or self.refused is not None:
            return []
        if packet.count > self._bound:
            self.refused = packet.count
            return []
        if packet.count != self.count:
            # The first one; or a parameter that switches others on changed their numbers while they were read.
            self.count = packet.count
            self._got.clear()
        if packet.index < packet.count and packet.index not in self._got:
            self._got[packet.index] = (packet.name, packet.value)
            self._progress_s = now_s
            streams = self.attempts <= 1
            self._due_s = now_s + _STREAM_PAUSE_S if streams else min(self._due_s, now_s + ASK_AGAIN_S)
        return []


def same_value(kept: float, wanted: float) -> bool:
    """Equal as float32, which is what crosses the wire."""
    return abs(kept - wanted) <= 1e-6 * max(1.0, abs(wanted))
