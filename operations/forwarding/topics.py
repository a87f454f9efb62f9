"""MQTT topics made from templates: the placeholders, and what may not stand in a topic that is published to."""

from __future__ import annotations

import re
from collections.abc import Mapping

from core.errors import FieldError

PLACEHOLDERS = ("unit", "vehicle_id", "what")
MAX_TOPIC_BYTES = 1_024
# Where there is no vehicle or no unit: a level of a topic may be empty, but nobody expects it.
NOBODY = "-"
_BRACED = re.compile(r"\{([^{}]*)\}")
# MQTT 3.1.1 section 4.7.1 and 1.5.3: wildcards are for subscriptions; U+0000 never.
_FORBIDDEN = re.compile(r"[+#\x00-\x1f\x7f]")
_LEVEL_END = re.compile(r"[/+#\x00-\x1f\x7f]")


def topic_errors(pointer: str, template: str) -> list[FieldError]:
    """What is wrong with a template; [] when nothing is."""
    wrong = []
    unknown = [name for name in _BRACED.findall(template) if name not in PLACEHOLDERS]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        wrong.append(FieldError(pointer, f"{{{unknown[0]}}} is not known here; known are {known}"))
    bare = _BRACED.sub("", template)
    if not template or _FORBIDDEN.search(bare) or "{" in bare or "}" in bare:
        wrong.append(FieldError(pointer, "must be a topic name without wildcards and control characters"))
    if template.startswith("$"):
        wrong.append(FieldError(pointer, "topics that begin with $ belong to the broker"))
    if len(template.encode()) > MAX_TOPIC_BYTES:
        wrong.append(FieldError(pointer, f"is longer than {MAX_TOPIC_BYTES} bytes"))
    return wrong


def topic(template: str, facts: Mapping[str, str | None]) -> str:
    """The template with its placeholders filled; a value is one level, whatever it contains."""
    return _BRACED.sub(lambda found: _level(facts.get(found[1])), template)


def _level(value: str | None) -> str:
    return _LEVEL_END.sub("_", value) if value else NOBODY
