"""What can be asked of each pattern: its geometry and its parameters, as data for readers, forms and the API."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import resources
from types import MappingProxyType
from typing import Any

from core.members import Problems, below, json_kind, read_number
from missions.model import Parameter, Pattern
from missions.patterns.camera import CAMERAS


class ParameterKind(StrEnum):
    """What a parameter's value is in JSON."""

    NUMBER = "number"
    INTEGER = "integer"  # a number without a fraction
    FLAG = "flag"  # true or false
    WORD = "word"  # one of `words`


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """One parameter of a pattern. `low` and `high` count for numbers.

    `default` None: it may be absent unless `required`. `instead_of`: the parameter whose place it takes; only one of
    the two may be told. `needs`: the parameter without which it says nothing. Meanings in English and Chinese.
    """

    name: str
    meaning: str
    meaning_zh: str
    kind: ParameterKind = ParameterKind.NUMBER
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    words: tuple[str, ...] = ()
    default: Parameter | None = None
    required: bool = False
    instead_of: str = ""
    needs: str = ""


@dataclass(frozen=True, slots=True)
class PatternSpec:
    """A pattern: the types of GeoJSON geometry that it is drawn with, and its parameters in a form's order."""

    pattern: Pattern
    name: str
    name_en: str
    meaning: str
    meaning_zh: str
    geometry: tuple[str, ...]
    parameters: tuple[ParameterSpec, ...] = field(default=())


def _parameter(entry: Mapping[str, Any]) -> ParameterSpec:
    """A parameter from its entry; the words of kind "camera" are the cameras that we know."""
    told_kind = entry.get("kind", "number")
    kind = ParameterKind.WORD if told_kind == "camera" else ParameterKind(told_kind)
    words = tuple(CAMERAS) if told_kind == "camera" else tuple(entry.get("words", ()))
    default = entry.get("default")
    if kind in (ParameterKind.NUMBER, ParameterKind.INTEGER) and default is not None:
        default = float(default)
    return ParameterSpec(**{**entry, "kind": kind, "default": default, "words": words})


def _catalog() -> Mapping[Pattern, PatternSpec]:
    text = resources.files("missions").joinpath("data/patterns.json").read_text(encoding="utf-8")
    data = json.loads(text)
    shared = {entry["name"]: _parameter(entry) for entry in data["shared"]}
    found = {}
    for entry in data["patterns"]:
        parameters = tuple(
            shared[each] if isinstance(each, str) else _parameter(each) for each in entry["parameters"]
        )
        pattern, geometry = Pattern(entry["pattern"]), tuple(entry["geometry"])
        found[pattern] = PatternSpec(**{**entry, "pattern": pattern, "geometry": geometry, "parameters": parameters})
    return MappingProxyType(found)


# Every pattern with its parameters.
CATALOG = _catalog()
# The names of all parameters of all patterns.
PARAMETER_NAMES = tuple(dict.fromkeys(each.name for spec in CATALOG.values() for each in spec.parameters))


def read_parameters(
    spec: PatternSpec, told: Mapping[str, object], pointer: str, problems: Problems
) -> dict[str, Parameter]:
    """The pattern's own members of `told`, complete with defaults; null stands for absent."""
    named = {each.name for each in spec.parameters if told.get(each.name) is not None}
    _check_company(spec, named, pointer, problems)
    found: dict[str, Parameter] = {}
    for each in spec.parameters:
        value = told.get(each.name)
        read = each.default if value is None else _read(each, value, below(pointer, each.name), problems)
        if read is not None and (value is not None or _speaks(spec, each, named)):
            found[each.name] = read
    return found


def rivals(spec: PatternSpec, name: str) -> Iterator[str]:
    """The parameters that cannot be told together with `name`."""
    for each in spec.parameters:
        if each.instead_of and name in (each.name, each.instead_of):
            yield each.instead_of if name == each.name else each.name


def _check_company(spec: PatternSpec, named: set[str], pointer: str, problems: Problems) -> None:
    """Notes what is missing, what excludes another and what says nothing alone."""
    for each in spec.parameters:
        at = below(pointer, each.name)
        if each.required and each.name not in named:
            problems.add(at, f"is missing; {spec.pattern} needs it")
        if each.name in named and each.instead_of in named:
            problems.add(at, f"stands in place of {each.instead_of}; tell one of the two")
        if each.name in named and each.needs and each.needs not in named:
            problems.add(at, f"says nothing without {each.needs}")


def _speaks(spec: PatternSpec, one: ParameterSpec, named: set[str]) -> bool:
    """Whether the default of a parameter that was not told counts."""
    replaced = any(each.instead_of == one.name and each.name in named for each in spec.parameters)
    return not replaced and (not one.needs or one.needs in named)


def _read(spec: ParameterSpec, value: object, pointer: str, problems: Problems) -> Parameter | None:
    match spec.kind:
        case ParameterKind.NUMBER:
            return read_number(value, pointer, problems, low=spec.low, high=spec.high)
        case ParameterKind.INTEGER:
            return _read_integer(spec, value, pointer, problems)
        case ParameterKind.FLAG:
            if not isinstance(value, bool):
                problems.add(pointer, f"must be true or false, not {json_kind(value)}")
                return None
            return value
        case ParameterKind.WORD:
            if value not in spec.words:
                problems.add(pointer, f"is {value!r:.80}; it must be one of {', '.join(spec.words)}")
                return None
            return str(value)


def _read_integer(spec: ParameterSpec, value: object, pointer: str, problems: Problems) -> float | None:
    number = read_number(value, pointer, problems, low=spec.low, high=spec.high)
    if number is not None and not number.is_integer():
        problems.add(pointer, f"is {number:g}; it must be a whole number")
        return None
    return number
