"""The city's tasks as data: a pattern and what it takes, by class of vehicle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any

from missions.energy import AIRFRAMES
from missions.fleet import DEFAULT_AIRFRAME
from missions.model import Pattern

# Members of a mission's properties, as JSON has them.
Members = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Template:
    """A task as a city names it. `members` hold for every vehicle; `by_airframe` adds what depends on the class."""

    id: str
    name: str
    name_en: str
    pattern: Pattern
    members: Members
    by_airframe: Mapping[str, Members]

    def defaults(self, airframe: str) -> dict[str, Any]:
        """What a request need not tell, no faster than the airframe flies.

        An airframe that the template does not know takes what the default one takes.
        """
        members = {**self.members, **self.by_airframe.get(airframe, self.by_airframe[DEFAULT_AIRFRAME])}
        if airframe in AIRFRAMES:
            members["speed_mps"] = min(members["speed_mps"], AIRFRAMES[airframe].max_speed_mps)
        return members


def _templates() -> Mapping[str, Template]:
    text = resources.files("missions").joinpath("data/templates.json").read_text(encoding="utf-8")
    entries = [Template(**{**entry, "pattern": Pattern(entry["pattern"])}) for entry in json.loads(text)]
    return MappingProxyType({entry.id: entry for entry in entries})


# Every template by its id.
TEMPLATES = _templates()
