"""YAML into plain values, bounded, with the line of every member: so that an error names where it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from core.members import below

MOST_BYTES = 256 * 1024
MOST_NODES = 20_000
DEEPEST = 32


class BadYaml(ValueError):
    """The text is no YAML that we read; `line` counts from 1."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(detail)
        self.line = line


@dataclass(frozen=True, slots=True)
class Document:
    """The value of a YAML document, and the line of each JSON pointer into it."""

    value: object
    lines: dict[str, int]

    def line_of(self, pointer: str) -> int:
        """The line of a member; of what it would be in, when it is missing."""
        while pointer and pointer not in self.lines:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer, 1)


def read_yaml(text: str) -> Document:
    """One document of mappings, lists and scalars, no anchors, no tags. Raises BadYaml."""
    if len(text.encode()) > MOST_BYTES:
        raise BadYaml(1, f"more than {MOST_BYTES // 1024} KiB are not read")
    try:
        _check_bounds(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BadYaml(mark.line + 1 if mark else 1, str(error.problem or error.context)) from None
    except yaml.YAMLError as error:
        raise BadYaml(1, str(error).splitlines()[0]) from None
    if node is None:
        raise BadYaml(1, "the file is empty")
    lines: dict[str, int] = {}
    return Document(_value(node, "", lines, yaml.SafeLoader("")), lines)


def _check_bounds(text: str) -> None:
    """Before anything is built: no aliases (a few of them can mean billions of nodes), not too deep, not too much."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise BadYaml(line, "anchors and aliases are not read")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise BadYaml(line, f"deeper than {DEEPEST} levels")
        if count > MOST_NODES:
            raise BadYaml(line, f"more than {MOST_NODES} parts")


def _value(node: yaml.Node, pointer: str, lines: dict[str, int], loader: yaml.SafeLoader) -> object:
    lines[pointer] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, pointer, lines, loader)
    if isinstance(node, yaml.SequenceNode):
        return [_value(each, below(pointer, n), lines, loader) for n, each in enumerate(node.value)]
    if not node.tag.startswith("tag:yaml.org,2002:"):
        raise BadYaml(lines[pointer], f"the tag {node.tag} is not read")
    try:
        found: Any = loader.construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        raise BadYaml(lines[pointer], str(error).splitlines()[0]) from None
    return found


def _mapping(
    node: yaml.MappingNode, pointer: str, lines: dict[str, int], loader: yaml.SafeLoader
) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise BadYaml(key.start_mark.line + 1, "the name of a member must be a word")
        name = str(key.value)
        if name in found:
            raise BadYaml(key.start_mark.line + 1, f"{name!r} occurs twice")
        where = below(pointer, name)
        found[name] = _value(value, where, lines, loader)
        lines[where] = key.start_mark.line + 1
    return found
