"""The classes of zones that the regulation and the city know, as data: names, article, usual role, margin, notice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from core.members import Problems, json_kind
from geofence.zones import Role

OTHER = "other"


@dataclass(frozen=True, slots=True)
class LegalSource:
    """A regulation that kinds refer to; `effective_on` is the day from which it applies."""

    id: str
    name: str
    name_en: str
    effective_on: date
    note: str


@dataclass(frozen=True, slots=True)
class ZoneKind:
    """A class of zones. `article`: "761/19(5)" is item 5 of article 19 of source 761; "" when it is the city's own.

    `role` and `margin_m` are what a zone of this kind usually has. `notice_min`: how long before its effect a
    temporary zone of this kind is to be announced (domain guide 7.1, Art. 20); None: no such rule.
    """

    id: str
    name: str
    name_en: str
    article: str
    role: Role
    margin_m: float
    notice_min: int | None

    @property
    def notice(self) -> timedelta | None:
        return None if self.notice_min is None else timedelta(minutes=self.notice_min)


@cache
def zone_kinds() -> Mapping[str, ZoneKind]:
    """Every kind by its id, in the order of the regulation."""
    kinds = (ZoneKind(**entry | {"role": Role(entry["role"])}) for entry in _file()["kinds"])
    return MappingProxyType({kind.id: kind for kind in kinds})


@cache
def legal_sources() -> tuple[LegalSource, ...]:
    """The regulations that the kinds come from."""
    return tuple(
        LegalSource(**entry | {"effective_on": date.fromisoformat(entry["effective_on"])})
        for entry in _file()["sources"]
    )


def read_kind(value: object, pointer: str, problems: Problems) -> ZoneKind | None:
    """The kind with this id; another word is answered with the list: a class that nobody knows has no rule."""
    known = zone_kinds()
    if isinstance(value, str) and value in known:
        return known[value]
    told = f"{value!r:.60}" if isinstance(value, str) else json_kind(value)
    problems.add(pointer, f"is {told}; it must be one of {', '.join(known)}")
    return None


@cache
def _file() -> dict[str, Any]:
    text = resources.files("geofence").joinpath("data/kinds.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
