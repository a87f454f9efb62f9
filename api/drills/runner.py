"""Flying a drill: platform, vehicles and link are started, steps happen in their time, everything seen is judged."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from api.cli import flight
from api.client import Platform, PlatformError
from api.drills.distances import airspace_of, flown_figures
from api.drills.flying import HOST, Range, flying
from api.drills.platform import PlatformProcess, free_udp_port, settings_text
from api.drills.reading import read_drill
from api.drills.record import Record, Seen
from api.drills.scenario import (
    Break,
    Command,
    Kind,
    Launch,
    MissionPart,
    PlatformFault,
    PlatformHit,
    Publish,
    RebindLink,
    Reboot,
    Scenario,
    SetLink,
    SetParameters,
    Step,
    Takeover,
)
from api.drills.verdicts import FINISHED, Check, Evidence, Verdict, judge, sortie_figures
from api.runtime import until_first
from geofence.qingpu import default_terrain
from geofence.zones import Airspace
from missions.model import Dock
from simulator.faults.instructor import NotAnswered

LINGER_S = 1.0
"""Of our time, after the last sortie has ended: what is on its way is still told."""
LOOK_EVERY_S = 0.1
PLANNING_TRIES = 5
AGAIN_AFTER_S = 2.0
_UNREACHED = "unreachable"


@dataclass(frozen=True, slots=True)
class Report:
    """A drill that was flown: what was seen and the verdicts; it passed when all of them hold."""

    scenario: Scenario
    kind: Kind
    seen: tuple[Seen, ...]
    figures: dict[str, dict[str, float]]
    verdicts: tuple[Verdict, ...]
    took_s: float
    firmware: dict[str, str]

    @property
    def ok(self) -> bool:
        return all(verdict.ok for verdict in self.verdicts)


async def fly(scenario: Scenario, kind: Kind, folder: Path, tell: Callable[[Seen], None]) -> Report:
    """Flies a drill with everything of its own in `folder`; nothing of it is left running, however this ends.

    Raises DrillError, PlatformError, SitlNotFound and SitlExited when it cannot be flown.
    """
    began_s = time.monotonic()
    async with _prepared(scenario, kind, folder, tell) as drill:
        over = await drill.run()
        drill.record.close()
        figures = await drill.figures()
        verdicts = (*drill.verdicts(figures), over)
        seen, firmware = tuple(drill.record.seen), drill.firmware
    return Report(scenario, kind, seen, figures, verdicts, time.monotonic() - began_s, firmware)


@asynccontextmanager
async def _prepared(
    scenario: Scenario, kind: Kind, folder: Path, tell: Callable[[Seen], None]
) -> AsyncIterator[_Drill]:
    """Everything is there, and every vehicle says that it could take off."""
    clock = _Clock(scenario.speedup)
    record = Record(scenario.vehicle_ids, clock.now_s, tell)
    gateway = (HOST, free_udp_port())
    async with AsyncExitStack() as stack:
        field = await stack.enter_async_context(flying(scenario, kind, record, gateway=gateway, folder=folder))
        process = PlatformProcess(folder, settings_text(scenario, kind, gateway))
        stack.push_async_callback(process.stop)
        await process.start()
        platform = await stack.enter_async_context(Platform(process.url))
        drill = _Drill(scenario, field, process, platform, record)
        await drill.set_up()
        clock.start()
        record.add("", "over", "ready", "every vehicle is ready")
        yield drill


class _Clock:
    """The vehicles' time since the start; 0 before."""

    def __init__(self, speedup: float) -> None:
        self._speedup = speedup
        self._start_s: float | None = None

    def start(self) -> None:
        self._start_s = time.monotonic()

    def now_s(self) -> float:
        return 0.0 if self._start_s is None else (time.monotonic() - self._start_s) * self._speedup


class _Drill:
    """One run."""

    def __init__(
        self, scenario: Scenario, field: Range, process: PlatformProcess, platform: Platform, record: Record
    ) -> None:
        self.record = record
        self.firmware: dict[str, str] = {}
        self._scenario = scenario
        self._field = field
        self._process = process
        self._platform = platform
        self._answers: dict[str, str] = {}
        self._launched_at_s: dict[str, float] = {}
        self._sortie_ids: set[str] = set()
        self._airspace: Airspace | None = None
        self._began_at = datetime.now(UTC)

    async def set_up(self) -> None:
        """Weather and parameters first, then until every vehicle is ready. Raises PlatformError."""
        for part in self._scenario.vehicles:
            instructor = self._field.flyers[part.id].instructor
            try:
                await instructor.apply(part.weather)
                for name, value in part.parameters.items():
                    await instructor.set_parameter(name, value)
            except NotAnswered as error:
                raise PlatformError(f"{part.id}: {error}") from error
        self._airspace = airspace_of(await self._platform.get("/airspace"))
        waits = [flight.wait_ready(self._platform, part.id) for part in self._scenario.vehicles]
        for vehicle in await asyncio.gather(*waits):
            self.firmware[vehicle["vehicle_id"]] = str(vehicle.get("firmware"))

    # --- the run ---

    async def run(self) -> Verdict:
        """Until everything has happened and every sortie has ended, or the limit; a verdict on which it was."""
        steps = [asyncio.create_task(self._step(step), name=step.name) for step in self._scenario.steps]
        watcher = asyncio.create_task(self._watch(), name="watch the platform")
        launches = [
            asyncio.create_task(self._launch(mission), name=mission.name)
            for mission in self._scenario.missions
            if mission.launch
        ]
        try:
            async with asyncio.timeout(self._scenario.limit_s / self._scenario.speedup):
                await until_first(self._over(launches, steps), self._broken())
            check = Check("everything is over within the limit", ok=True, seen="over")
        except TimeoutError:
            open_steps = [task.get_name() for task in steps if not task.done()]
            why = f"still open: {', '.join([*open_steps, *self._open_sorties()]) or 'nothing'}"
            check = Check(f"everything is over within {self._scenario.limit_s:g} s", ok=False, seen=why)
        finally:
            for task in (*steps, *launches, watcher):
                task.cancel()
            await asyncio.gather(*steps, *launches, watcher, return_exceptions=True)
        with contextlib.suppress(PlatformError):
            await self._look()
        return Verdict("the drill comes to its end", "", (check,))

    async def _over(self, launches: Sequence[asyncio.Task[str]], steps: Sequence[asyncio.Task[None]]) -> None:
        """Returns when everything has happened and every sortie has ended, or when one could not be launched."""
        if {"accepted"} >= set(await asyncio.gather(*launches)):
            await asyncio.gather(*steps)
        while self._open_sorties():
            await asyncio.sleep(LOOK_EVERY_S)
            await self._look()
        await asyncio.sleep(LINGER_S)

    async def _broken(self) -> None:
        """Raises PlatformError when the platform ends by itself."""
        await self._process.wait_broken()
        raise PlatformError(f"The platform ended in the drill; it said: {self._process.last_words()}")

    def _open_sorties(self) -> list[str]:
        tracks = self.record.tracks.values()
        known = {sortie_id: sortie for track in tracks for sortie_id, sortie in track.sorties.items()}
        return [
            f"sortie {each} ({known[each]['state'] if each in known else 'unseen'})"
            for each in sorted(self._sortie_ids)
            if each not in known or known[each]["state"] not in FINISHED
        ]

    async def _look(self) -> None:
        """Asks for what the stream may have missed, unless the platform is away."""
        with contextlib.suppress(PlatformError):
            for sortie_id in tuple(self._sortie_ids):
                sortie = await self._platform.get(f"/sorties/{sortie_id}")
                self.record.sortie(sortie["vehicle_id"], sortie)

    async def _watch(self) -> None:
        """What the platform tells everybody."""
        async for frame in self._platform.frames(rate_hz=5.0):
            for sortie in [*frame.get("sorties", []), *([frame["sortie"]] if frame["type"] == "sortie" else [])]:
                if sortie["vehicle_id"] in self.record.tracks:
                    self.record.sortie(sortie["vehicle_id"], sortie)
            for vehicle in frame.get("vehicles", []):
                track = self.record.tracks.get(vehicle["vehicle_id"])
                if track is not None:
                    track.silence_s = max(track.silence_s, vehicle.get("heard_age_s") or 0.0)
            if frame["type"] == "event":
                event = frame["event"]
                self.record.add(event.get("vehicle_id") or "", "event", event["code"], event["text"])
            elif frame["type"] == "airspace-review":
                self.record.add("", "event", "airspace-review", frame["review"]["text"])

    async def _launch(self, mission: MissionPart) -> str:
        """Plans, stores and launches; what it was answered with."""
        try:
            made = await self._patiently(mission)
            sortie = await flight.launch(self._platform, made, mission.vehicle)
        except flight.PlanRefused as refused:
            why = "; ".join(str(each["detail"]) for each in refused.conflicts)
            self.record.add(mission.vehicle, "answer", "conflicts", why)
            return "conflicts"
        except PlatformError as error:
            answer = _slug(error)
            self.record.add(mission.vehicle, "answer", answer, str(error))
            return answer
        self._sortie_ids.add(sortie["sortie_id"])
        self._launched_at_s.setdefault(mission.vehicle, self._now_s())
        self.record.sortie(mission.vehicle, sortie)
        return "accepted"

    async def _patiently(self, mission: MissionPart) -> dict[str, Any]:
        """Plans and stores, again while the platform has too much to do, as it tells one to."""
        for _ in range(PLANNING_TRIES - 1):
            try:
                return await flight.make_mission(self._platform, mission.request, Path(mission.name))
            except PlatformError as error:
                if _slug(error) != "overloaded":
                    raise
                self.record.add(mission.vehicle, "trouble", "overloaded", str(error))
                await asyncio.sleep(AGAIN_AFTER_S)
        return await flight.make_mission(self._platform, mission.request, Path(mission.name))

    # --- steps ---

    async def _step(self, step: Step) -> None:
        if step.when.what == "at":
            await self._vehicle_time(max(0.0, float(step.when.value) - self._now_s()))
        else:
            await self.record.until(step.when)
        await self._vehicle_time(step.when.wait_s)
        try:
            answer = await self._do(step)
        except (NotAnswered, PlatformError) as error:
            answer = _UNREACHED
            self.record.add(step.vehicle, "trouble", step.name, str(error))
        if answer:
            self._answers[step.name] = answer
        self.record.add(step.vehicle, "step", step.name, f"{step.told}{f' → {answer}' if answer else ''}")
        if step.for_s is not None:
            await self._vehicle_time(step.for_s)
            await self._undo(step)
            self.record.add(step.vehicle, "step", f"{step.name} is over")

    async def _do(self, step: Step) -> str:
        """Does it; the answer of those that have one."""
        match step.action:
            case SetLink(faults):
                self._field.set_link(step.vehicle, faults)
            case RebindLink():
                self._field.rebind_link(step.vehicle)
            case PlatformHit(how):
                self._process.kill() if how is PlatformFault.KILLED else self._process.freeze()
            case Publish(change):
                return await self._publish(dict(change))
            case Command(body):
                return await self._command(step.vehicle, dict(body))
            case Launch(name):
                mission = next(each for each in self._scenario.missions if each.name == name)
                return await self._launch(mission)
            case Break() | SetParameters() | Takeover() | Reboot():
                return await self._hit(step)
        return ""

    async def _hit(self, step: Step) -> str:
        """What happens to the vehicle itself."""
        instructor = self._field.flyers[step.vehicle].instructor
        match step.action:
            case Break(effect):
                await instructor.apply(effect)
            case SetParameters(values):
                for name, value in values.items():
                    await instructor.set_parameter(name, value)
            case Takeover(mode):
                await instructor.pilot(mode)
            case Reboot():
                return await instructor.reboot()
        return ""

    async def _undo(self, step: Step) -> None:
        match step.action:
            case SetLink():
                part = self._field.flyers[step.vehicle].part
                self._field.set_link(step.vehicle, part.link)
            case Break(_, normal) if normal is not None:
                await self._field.flyers[step.vehicle].instructor.apply(normal)
            case PlatformHit(PlatformFault.KILLED):
                await self._process.start()
            case PlatformHit(PlatformFault.FROZEN):
                self._process.thaw()

    async def _publish(self, change: dict[str, Any]) -> str:
        airspace = await self._platform.get("/airspace")
        try:
            await self._platform.post("/airspace/changes", change, {"If-Match": f'"{airspace["version"]}"'})
        except PlatformError as error:
            self.record.add("", "answer", _slug(error), str(error))
            return _slug(error)
        return "published"

    async def _command(self, vehicle: str, body: dict[str, Any]) -> str:
        """The state of the journalled command, or the problem that refused it."""
        try:
            record = await self._platform.post(f"/vehicles/{vehicle}/commands", body)
        except PlatformError as error:
            self.record.add(vehicle, "answer", _slug(error), str(error))
            return _slug(error)
        return str(record["state"])

    async def _vehicle_time(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._scenario.speedup)

    def _now_s(self) -> float:
        return self.record.now_s()

    # --- afterwards ---

    async def figures(self) -> dict[str, dict[str, float]]:
        """The figures of every vehicle."""
        assert self._airspace is not None
        window = (self._began_at, datetime.now(UTC))
        found = {}
        for vehicle, track in self.record.tracks.items():
            sortie = _last(track.sorties)
            told = {} if sortie is None else sortie_figures(sortie, self._scenario.speedup)
            dock = self._field.flyers[vehicle].dock
            flown = await asyncio.to_thread(
                flown_figures, track.places, self._airspace, dock, default_terrain(), window
            )
            breaches = [line for line in self.record.seen if (line.vehicle, line.what) == (vehicle, "breach")]
            told["breach_reports"] = float(sum(line.value == "breached" for line in breaches))
            told["silence_s"] = track.silence_s
            found[vehicle] = {name: round(value, 2) for name, value in (told | flown).items()}
        return found

    def verdicts(self, figures: dict[str, dict[str, float]]) -> tuple[Verdict, ...]:
        """Every expectation, judged."""
        return tuple(judge(each, self._evidence(each.vehicle, figures)) for each in self._scenario.expectations)

    def _evidence(self, vehicle: str, figures: dict[str, dict[str, float]]) -> Evidence:
        return Evidence(
            lines=tuple(line for line in self.record.seen if line.vehicle in (vehicle, "")),
            sortie=_last(self.record.tracks[vehicle].sorties),
            figures=figures[vehicle],
            answers=self._answers,
            launched_at_s=self._launched_at_s.get(vehicle),
        )


def _last(sorties: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    return max(sorties.values(), key=lambda each: str(each["created_at"]), default=None)


def _slug(error: PlatformError) -> str:
    """`vehicle-busy` of urn:bailu:problem:vehicle-busy."""
    return str(error.problem.get("type", _UNREACHED)).rpartition(":")[2]


def with_options(
    scenario: Scenario, *, speedup: float | None, seed: int | None, docks: Sequence[Dock] = ()
) -> Scenario:
    """The drill with another pace or another luck than it is written with, or at other `docks`."""
    pace, luck = speedup or scenario.speedup, scenario.seed if seed is None else seed
    return replace(scenario, speedup=pace, seed=luck, docks=tuple(docks) or scenario.docks)


def fly_file(file: Path, kind: Kind, folder: Path) -> Report:
    """`fly` for programs without an event loop; the drill keeps its own pace and luck.

    Raises DrillFileError, and what `fly` raises.
    """
    return asyncio.run(fly(read_drill(file), kind, folder, lambda _: None))
