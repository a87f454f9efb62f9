"""Reading a drill from its file: strict, everything wrong is told at once with its line and member."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from api.drills.members import Members, listed
from api.drills.scenario import (
    FIGURES,
    Action,
    Answer,
    Bounds,
    Break,
    Command,
    Expectation,
    Kind,
    Launch,
    MissionPart,
    Never,
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
    Trigger,
    VehiclePart,
)
from api.drills.yaml_lines import BadYaml, Document, read_yaml
from core.errors import InvalidRequest
from core.members import below, read_choice, read_number
from missions.model import CommandKind, Outcome, SortieState
from simulator.faults.impairment import PERFECT
from simulator.faults.instructor import NUMBERS
from simulator.faults.line import LinkFaults
from simulator.faults.vehicle import FAULTS, Effect, fault, normal
from simulator.faults.words import MEMBERS, with_words

FORMAT = 1
MOST_VEHICLES, MOST_MISSIONS, MOST_STEPS, MOST_EXPECTATIONS = 50, 50, 200, 100
LONGEST_NAME, LONGEST_TEXT = 80, 2_000
MOST_MISSION_BYTES = 4 << 20
FIRST_SYSTEM_ID = 11
DEFAULT_SPEEDUP, DEFAULT_LIMIT_S = 5.0, 900.0

_ROOT = (
    "drill",
    "name",
    "about",
    "seed",
    "speedup",
    "limit",
    "wind",
    "link",
    "vehicles",
    "missions",
    "steps",
    "expect",
)
_VEHICLE = ("id", "name", "dock", "system_id", "kind", "battery_wh", "payload_kg", "wind", "link", "parameters")
_MISSION = ("name", "vehicle", "file", "request", "change", "launch")
_STEP = ("name", "vehicle", "when", "for")
_ACTIONS = ("link", "rebind", *FAULTS, "set", "pilot", "reboot", "platform", "airspace", "command", "launch")
_TRIGGERS = ("at", "state", "waypoint", "mode", "event", "text", "step")
_NEVER = ("states", "modes", "texts", "events")
_EXPECT = (
    "name", "vehicle", "outcome", "states", "modes", "texts", "events", "never", "gcs_failsafe", "upload_verified",
    "within", "figures", "answers",
)  # fmt: skip


class DrillFileError(ValueError):
    """A drill that cannot be flown as it is written; the text has a line for each thing that is wrong."""


def read_drill(file: Path) -> Scenario:
    """The drill in a file. Raises DrillFileError."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise DrillFileError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DrillFileError(f"{file}: is not text in UTF-8") from None
    return parse_drill(text, name=str(file), folder=file.parent)


def parse_drill(text: str, *, name: str, folder: Path) -> Scenario:
    """The drill in a text; files of missions are looked up from `folder`. Raises DrillFileError."""
    try:
        document = read_yaml(text)
        return _Reader(folder).scenario(document.value)
    except BadYaml as error:
        raise DrillFileError(f"{name}:{error.line}: {error}") from None
    except InvalidRequest as error:
        raise DrillFileError(_sentences(name, document, error)) from None


def _sentences(name: str, document: Document, wrong: InvalidRequest) -> str:
    told = [(document.line_of(each.pointer), each) for each in wrong.errors]
    return "\n".join(f"{name}:{line}: {each.pointer or '/'} {each.detail}" for line, each in sorted(told, key=_first))


def _first(told: tuple[int, object]) -> int:
    return told[0]


class _Reader(Members):
    """Collects what is wrong while it reads."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._vehicle_ids: list[str] = []
        self._mission_names: list[str] = []
        self._step_names: list[str] = []

    def scenario(self, value: object) -> Scenario:
        """Raises InvalidRequest."""
        root = self._object(value, "", _ROOT, ("drill", "name", "vehicles", "expect"))
        if "drill" in root and root["drill"] != FORMAT:
            self._wrong.add("/drill", f"is {root['drill']!r}; this program reads drills of format {FORMAT}")
        vehicles = self._each(root, "vehicles", MOST_VEHICLES, self._vehicle, root)
        self._vehicle_ids = self._unique("vehicles", [(each.id, "id") for each in vehicles])
        self._unique("vehicles", [(str(each.system_id), "system_id") for each in vehicles])
        missions = self._each(root, "missions", MOST_MISSIONS, self._mission)
        self._mission_names = self._unique("missions", [(each.name, "name") for each in missions])
        self._step_names = self._told_step_names(root)
        steps = self._each(root, "steps", MOST_STEPS, self._step)
        expectations = self._each(root, "expect", MOST_EXPECTATIONS, self._expectation)
        if not expectations and "expect" in root:
            self._wrong.add("/expect", "expects nothing: a drill that cannot fail is none")
        found = Scenario(
            name=self._text(root, "", "name", LONGEST_NAME),
            about=self._text(root, "", "about", LONGEST_TEXT, default=""),
            seed=int(self._number(root, "", "seed", 0, 2**31, default=1)),
            speedup=self._number(root, "", "speedup", 0.1, 100, default=DEFAULT_SPEEDUP),
            limit_s=self._time(root, "", "limit", default=DEFAULT_LIMIT_S),
            vehicles=tuple(vehicles),
            missions=tuple(missions),
            steps=tuple(steps),
            expectations=tuple(expectations),
        )
        self._wrong.raise_any()
        return found

    # --- parts ---

    def _vehicle(self, value: object, at: str, number: int, root: Mapping[str, object]) -> VehiclePart:
        told = self._object(value, at, _VEHICLE, ("id", "dock"))
        vehicle_id = self._text(told, at, "id", 64)
        kind = read_choice(told["kind"], below(at, "kind"), self._wrong, Kind) if "kind" in told else None
        where, weather = (at, told) if "wind" in told else ("", root)
        return VehiclePart(
            id=vehicle_id,
            name=self._text(told, at, "name", LONGEST_NAME, default=vehicle_id),
            dock=self._text(told, at, "dock", 64),
            system_id=int(self._number(told, at, "system_id", 1, 249, default=FIRST_SYSTEM_ID + number)),
            kind=kind,
            battery_wh=self._number(told, at, "battery_wh", 1, 10_000, default=0.0) or None,
            payload_kg=self._number(told, at, "payload_kg", 0, 100, default=0.0),
            weather=self._try(below(where, "wind"), lambda: fault("wind", weather.get("wind", {})), Effect()),
            link=self._link(told["link"], below(at, "link")) if "link" in told else self._link_of(root),
            parameters=self._parameters(told.get("parameters", {}), below(at, "parameters")),
        )

    def _link_of(self, root: Mapping[str, object]) -> LinkFaults:
        return self._link(root["link"], "/link") if "link" in root else LinkFaults()

    def _link(self, value: object, at: str) -> LinkFaults:
        """Both ways the same but for what `downlink` (from the vehicle) and `uplink` (to it) say."""
        if value == "perfect":
            return LinkFaults()
        told = self._object(value, at, (*MEMBERS, "downlink", "uplink"))
        both = {word: each for word, each in told.items() if word in MEMBERS}
        ways = []
        for way in ("downlink", "uplink"):
            own = self._object(told[way], below(at, way), tuple(MEMBERS)) if way in told else {}
            words = {**both, **{word: each for word, each in own.items() if word in MEMBERS}}
            ways.append(self._try(at, lambda words=words: with_words(PERFECT, words), PERFECT))  # type: ignore[misc]
        return LinkFaults(forth=ways[0], back=ways[1])

    def _parameters(self, value: object, at: str) -> Mapping[str, float]:
        if not isinstance(value, Mapping):
            self._wrong.add(at, "must be an object of parameter names and numbers")
            return {}
        read = {name: read_number(each, below(at, name), self._wrong) for name, each in value.items()}
        return {name: each for name, each in read.items() if each is not None}

    def _mission(self, value: object, at: str, number: int) -> MissionPart:
        told = self._object(value, at, _MISSION)
        if ("file" in told) == ("request" in told):
            self._wrong.add(at, "needs either file or request")
        request = told.get("request") if "request" in told else self._file(told, at)
        change = told.get("change", {})
        if change and isinstance(request, dict) and isinstance(change, Mapping):
            request = request | {"properties": {**request.get("properties", {}), **change}}
        elif change:
            self._wrong.add(below(at, "change"), "must be an object of properties of the mission")
        return MissionPart(
            name=self._text(told, at, "name", LONGEST_NAME, default=f"mission {number + 1}"),
            vehicle=self._vehicle_of(told, at),
            request=request,
            launch=self._truth(told, at, "launch", default=True),
        )

    def _file(self, told: Mapping[str, object], at: str) -> object:
        if "file" not in told:
            return None
        file = self._folder / self._text(told, at, "file", 500)
        try:
            with file.open("rb") as source:
                return json.loads(source.read(MOST_MISSION_BYTES + 1)[:MOST_MISSION_BYTES])
        except OSError as error:
            self._wrong.add(below(at, "file"), f"{file}: {error.strerror}")
        except ValueError as error:
            self._wrong.add(below(at, "file"), f"{file} is not JSON: {error}")
        return None

    # --- steps ---

    def _told_step_names(self, root: Mapping[str, object]) -> list[str]:
        steps = root.get("steps", [])
        told = [step for step in steps if isinstance(step, Mapping)] if isinstance(steps, list) else []
        return self._unique("steps", [(str(step["name"]), "name") for step in told if "name" in step])

    def _step(self, value: object, at: str, number: int) -> Step:
        told = self._object(value, at, (*_STEP, *_ACTIONS))
        chosen = [word for word in _ACTIONS if word in told]
        if len(chosen) != 1:
            self._wrong.add(at, f"needs one thing to do ({', '.join(_ACTIONS)}), and has {len(chosen)}")
        vehicle = self._vehicle_of(told, at)
        action = self._action(chosen[0], told, at) if len(chosen) == 1 else Reboot()
        for_s = self._time(told, at, "for", default=-1.0)
        if for_s >= 0 and not _can_end(action):
            self._wrong.add(below(at, "for"), f"{chosen[0]} is not something that ends by itself")
        if isinstance(action, PlatformHit) and for_s < 0:
            self._wrong.add(at, "platform needs for: how long it is away")
        return Step(
            name=self._text(told, at, "name", LONGEST_NAME, default=f"step {number + 1}"),
            vehicle=vehicle,
            when=self._trigger(told.get("when", {}), below(at, "when"), vehicle),
            action=action,
            told=" ".join(f"{word}: {_plainly(told[word])}" for word in chosen),
            for_s=None if for_s < 0 else for_s,
        )

    def _action(self, word: str, told: Mapping[str, object], at: str) -> Action:
        value, where = told[word], below(at, word)
        if word in FAULTS:
            return Break(self._try(where, lambda: fault(word, value), Effect()), normal(word))
        match word:
            case "link":
                return SetLink(self._link(value, where))
            case "set":
                return SetParameters(self._parameters(value, where))
            case "pilot":
                return Takeover(self._one_of(value, where, tuple(NUMBERS)))
            case "platform":
                return PlatformHit(read_choice(value, where, self._wrong, PlatformFault) or PlatformFault.KILLED)
            case "airspace":
                return Publish(self._object(value, where, ("note", "add", "remove"), ("note",)))
            case "command":
                return Command(self._command(value, where))
            case "launch":
                return Launch(self._one_of(value, where, tuple(self._mission_names)))
        if value is not True:
            self._wrong.add(where, f"{word} is true or not there")
        return RebindLink() if word == "rebind" else Reboot()

    def _command(self, value: object, at: str) -> Mapping[str, Any]:
        """A kind, or an object with a kind and what else the API takes."""
        body = value if isinstance(value, Mapping) else {"kind": value}
        self._one_of(body.get("kind"), at, tuple(CommandKind))
        return body

    def _trigger(self, value: object, at: str, vehicle: str) -> Trigger:
        told = self._object(value, at, (*_TRIGGERS, "wait", "vehicle"))
        chosen = [word for word in _TRIGGERS if word in told]
        wait_s = self._time(told, at, "wait", default=0.0)
        if len(chosen) > 1:
            self._wrong.add(at, f"has {' and '.join(chosen)}: one is needed")
        if "vehicle" in told:
            vehicle = self._vehicle_of(told, at)
        if not chosen:
            return Trigger(vehicle=vehicle, wait_s=wait_s)
        word = chosen[0]
        return Trigger(word, self._trigger_value(word, told, at), vehicle, wait_s)

    def _trigger_value(self, word: str, told: Mapping[str, object], at: str) -> str:
        where = below(at, word)
        match word:
            case "at":
                return f"{self._time(told, at, word, default=0.0):g}"
            case "waypoint":
                return f"{self._number(told, at, word, 1, 10_000, default=1):g}"
            case "state":
                return self._one_of(told[word], where, tuple(SortieState))
            case "mode":
                return self._one_of(told[word], where, tuple(NUMBERS))
            case "step":
                ends = [f"{name} is over" for name in self._step_names]
                return self._one_of(told[word], where, (*self._step_names, *ends))
        return self._text(told, at, word, LONGEST_NAME)

    # --- expectations ---

    def _expectation(self, value: object, at: str, number: int) -> Expectation:
        told = self._object(value, at, _EXPECT)
        if not set(told) - {"name", "vehicle"}:
            self._wrong.add(at, "expects nothing")
        never = self._object(told.get("never", {}), below(at, "never"), _NEVER)
        within_s = self._time(told, at, "within", default=-1.0)
        return Expectation(
            name=self._text(told, at, "name", LONGEST_NAME, default=f"expectation {number + 1}"),
            vehicle=self._vehicle_of(told, at),
            outcome=self._one_of(told["outcome"], below(at, "outcome"), tuple(Outcome))
            if "outcome" in told
            else None,
            states=self._words(told, at, "states", tuple(SortieState)),
            modes=self._words(told, at, "modes", tuple(NUMBERS)),
            texts=self._words(told, at, "texts"),
            events=self._words(told, at, "events"),
            never=Never(
                self._words(never, below(at, "never"), "states", tuple(SortieState)),
                self._words(never, below(at, "never"), "modes", tuple(NUMBERS)),
                self._words(never, below(at, "never"), "texts"),
                self._words(never, below(at, "never"), "events"),
            ),
            gcs_failsafe=self._truth(told, at, "gcs_failsafe", default=False) if "gcs_failsafe" in told else None,
            upload_verified=self._truth(told, at, "upload_verified", default=True)
            if "upload_verified" in told
            else None,
            within_s=None if within_s < 0 else within_s,
            figures=self._figures(told, at),
            answers=self._answers(told, at),
        )

    def _figures(self, told: Mapping[str, object], at: str) -> Mapping[str, Bounds]:
        where = below(at, "figures")
        figures = self._object(told.get("figures", {}), where, tuple(FIGURES))
        found = {}
        for name, value in figures.items():
            here = below(where, name)
            bounds = self._object(value, here, ("at_least", "at_most"))
            if not bounds:
                self._wrong.add(here, "needs at_least, at_most or both")
            low, high = (
                read_number(bounds[word], below(here, word), self._wrong) if word in bounds else None
                for word in ("at_least", "at_most")
            )
            found[name] = Bounds(low, high)
        return found

    def _answers(self, told: Mapping[str, object], at: str) -> tuple[Answer, ...]:
        value, where = told.get("answers", {}), below(at, "answers")
        if not isinstance(value, Mapping):
            self._wrong.add(where, "must be an object of names of steps and their answers")
            return ()
        for name in value:
            if name not in self._step_names:
                self._wrong.add(
                    below(where, name), f"is no step that has a name; known are {listed(self._step_names)}"
                )
        return tuple(Answer(name, str(each)) for name, each in value.items())

    # --- references ---

    def _vehicle_of(self, told: Mapping[str, object], at: str) -> str:
        """The vehicle that is told, or the first one of the drill."""
        if "vehicle" not in told:
            return self._vehicle_ids[0] if self._vehicle_ids else ""
        return self._one_of(told["vehicle"], below(at, "vehicle"), tuple(self._vehicle_ids))


def _can_end(action: Action) -> bool:
    if isinstance(action, Break):
        return action.normal is not None
    return isinstance(action, SetLink | PlatformHit)


def _plainly(value: object) -> str:
    if isinstance(value, str | int | float):
        return str(value)
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 100 else f"{text[:97]}…"
