"""The catalog of patterns and the templates as the API shows them, and as it describes a request by them."""

from __future__ import annotations

import math
from typing import Any

from pydantic import BaseModel

from missions.model import Parameter, Pattern
from missions.patterns.catalog import CATALOG, PARAMETER_NAMES, ParameterKind, ParameterSpec, PatternSpec
from missions.templates import Template

_JSON_TYPES = {
    ParameterKind.NUMBER: "number",
    ParameterKind.INTEGER: "integer",
    ParameterKind.FLAG: "boolean",
    ParameterKind.WORD: "string",
}


class ParameterOut(BaseModel):
    """A parameter of a pattern. `low` and `high` null: no bound. `default` null and not `required`: may be absent."""

    name: str
    meaning: str
    meaning_zh: str
    kind: ParameterKind
    unit: str
    low: float | None
    high: float | None
    words: list[str]
    default: Parameter | None
    required: bool
    instead_of: str | None
    needs: str | None

    @classmethod
    def of(cls, spec: ParameterSpec) -> ParameterOut:
        return cls(
            name=spec.name,
            meaning=spec.meaning,
            meaning_zh=spec.meaning_zh,
            kind=spec.kind,
            unit=spec.unit,
            low=spec.low if math.isfinite(spec.low) else None,
            high=spec.high if math.isfinite(spec.high) else None,
            words=list(spec.words),
            default=spec.default,
            required=spec.required,
            instead_of=spec.instead_of or None,
            needs=spec.needs or None,
        )


class PatternOut(BaseModel):
    """A pattern: the GeoJSON types that it is drawn with, and its parameters in a form's order."""

    pattern: Pattern
    name: str
    name_en: str
    meaning: str
    meaning_zh: str
    geometry: list[str]
    parameters: list[ParameterOut]

    @classmethod
    def of(cls, spec: PatternSpec) -> PatternOut:
        return cls(
            pattern=spec.pattern,
            name=spec.name,
            name_en=spec.name_en,
            meaning=spec.meaning,
            meaning_zh=spec.meaning_zh,
            geometry=list(spec.geometry),
            parameters=[ParameterOut.of(each) for each in spec.parameters],
        )


class PatternList(BaseModel):
    items: list[PatternOut]


class TemplateOut(BaseModel):
    """A task of the city. `defaults`: what a request with it need not tell, by class of vehicle."""

    id: str
    name: str
    name_en: str
    pattern: Pattern
    defaults: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, template: Template) -> TemplateOut:
        return cls(
            id=template.id,
            name=template.name,
            name_en=template.name_en,
            pattern=template.pattern,
            defaults={airframe: template.defaults(airframe) for airframe in template.by_airframe},
        )


class TemplateList(BaseModel):
    items: list[TemplateOut]


def describe_properties(schema: dict[str, Any]) -> None:
    """Adds the parameters of all patterns to the description of a mission's properties."""
    for name in PARAMETER_NAMES:
        schema["properties"][name] = _described(name)


def _described(name: str) -> dict[str, Any]:
    """A parameter over all patterns that have it: the widest bounds, and what it means to each."""
    specs = [(pattern, each) for pattern, spec in CATALOG.items() for each in spec.parameters if each.name == name]
    types = {_JSON_TYPES[each.kind] for _, each in specs}
    told: dict[str, Any] = {"type": types.pop() if len(types) == 1 else "number"}
    low, high = min(each.low for _, each in specs), max(each.high for _, each in specs)
    if math.isfinite(low):
        told["minimum"] = low
    if math.isfinite(high):
        told["maximum"] = high
    if words := list(dict.fromkeys(word for _, each in specs for word in each.words)):
        told["enum"] = words
    meanings: dict[str, list[str]] = {}
    for pattern, each in specs:
        meanings.setdefault(each.meaning, []).append(str(pattern))
    description = ". ".join(f"{', '.join(patterns)}: {meaning}" for meaning, patterns in meanings.items())
    return {"anyOf": [told, {"type": "null"}], "description": description}
