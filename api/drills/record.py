"""What was seen in a drill, in the order of seeing it, and who waits to see what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from api.drills.scenario import Trigger

MOST_SEEN = 20_000
MOST_PLACES = 50_000
"""Per vehicle; a drill that sees more keeps the first ones and says so."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One line of the timeline. `at_s`: of the vehicles' time since the start.

    `what`: state · waypoint · mode · armed · text · breach (the vehicle itself told it) · event (the platform told
    it) · step · answer · over · trouble.
    """

    at_s: float
    vehicle: str
    what: str
    value: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a vehicle was while it was armed, by its own word."""

    at_s: float
    lat_deg: float
    lon_deg: float
    alt_amsl_m: float
    alt_rel_m: float


@dataclass
class Track:
    """What is kept of one vehicle."""

    places: list[Place] = field(default_factory=list)
    sorties: dict[str, dict[str, Any]] = field(default_factory=dict)
    silence_s: float = 0.0
    armed: bool = False


class Record:
    """Everything seen. `clock_s`: the vehicles' time since the start."""

    def __init__(self, vehicles: tuple[str, ...], clock_s: Callable[[], float], tell: Callable[[Seen], None]) -> None:
        self.seen: list[Seen] = []
        self.tracks = {vehicle: Track() for vehicle in vehicles}
        self.dropped = 0
        self.is_open = True
        self._clock_s = clock_s
        self._tell = tell
        self._waiting: list[tuple[Trigger, asyncio.Future[None]]] = []

    def close(self) -> None:
        """What comes now belongs to the end of the drill and not to it."""
        self.is_open = False

    def now_s(self) -> float:
        """The vehicles' time since the start."""
        return self._clock_s()

    def add(self, vehicle: str, what: str, value: str, detail: str = "") -> None:
        """Writes a line down, and wakes whoever waited for it."""
        if not self.is_open:
            return
        line = Seen(self._clock_s(), vehicle, what, value, detail)
        if len(self.seen) >= MOST_SEEN:
            self.dropped += 1
            return
        self.seen.append(line)
        self._tell(line)
        for trigger, waiting in self._waiting:
            if not waiting.done() and meets(line, trigger):
                waiting.set_result(None)
        self._waiting = [each for each in self._waiting if not each[1].done()]

    def at(self, vehicle: str, place: tuple[float, float, float, float]) -> None:
        """A position; kept while it is armed."""
        track = self.tracks[vehicle]
        if not track.armed or not self.is_open:
            return
        if len(track.places) >= MOST_PLACES:
            self.dropped += 1
            return
        track.places.append(Place(self._clock_s(), *place))

    def sortie(self, vehicle: str, sortie: dict[str, Any]) -> None:
        """A sortie as the platform tells it now: its new transitions and waypoints are lines."""
        track = self.tracks[vehicle]
        known = track.sorties.get(sortie["sortie_id"], {"transitions": [], "waypoints_reached": 0})
        if len(sortie["transitions"]) < len(known["transitions"]):
            return
        track.sorties[sortie["sortie_id"]] = sortie
        for step in sortie["transitions"][len(known["transitions"]) :]:
            self.add(vehicle, "state", step["to_state"], step["why"])
        for number in range(known["waypoints_reached"] + 1, sortie["waypoints_reached"] + 1):
            self.add(vehicle, "waypoint", str(number))

    async def until(self, trigger: Trigger) -> None:
        """Until it was seen, also when that was before."""
        if any(meets(line, trigger) for line in self.seen):
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((trigger, waiting))
        await waiting


def meets(line: Seen, trigger: Trigger) -> bool:
    """Whether a line is what a trigger waits for."""
    if trigger.what == "step":
        return line.what == "step" and line.value == trigger.value
    if line.vehicle not in (trigger.vehicle, "") or line.what != trigger.what:
        return False
    if trigger.what == "text":
        return trigger.value in line.value
    if trigger.what == "event":
        return trigger.value in f"{line.value} {line.detail}"
    return line.value == trigger.value
