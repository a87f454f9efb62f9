"""Files as accidents and enemies make them: bytes flipped, cut and repeated, words swapped, structure broken."""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
from collections.abc import Callable
from typing import Any

_NASTY = (
    "nan", "inf", "-1", "0", "1e308", "1e999", "99999999999999999999", "-180.0000001", "90.1", "1e-320", "null",
    '""', "[]", "{}", "é", "\u202e", "\x00", "5001", "5003", "<", ">", "&", ",", '"', "\\", "١٢", "0x10", "1_0",
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 10**400, 1e308, "", "x", [], {}, [[]], [[[121, 31]]], {"type": "Point"}, "1", 31.1, 121.1,
)  # fmt: skip
_WORD = re.compile(rb"[\w.+-]+|\s+|.", re.DOTALL)
Mutation = Callable[[bytes, random.Random], bytes]


def mutated(data: bytes, rng: random.Random) -> bytes:
    """The file with one to four accidents."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        data = rng.choice(_KINDS)(data, rng)
    return data


def _flip(data: bytes, rng: random.Random) -> bytes:
    found = bytearray(data or b"0")
    for _ in range(rng.choice((1, 2, 8, 64))):
        found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
    return bytes(found)


def _truncate(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _cut(data: bytes, rng: random.Random) -> bytes:
    start, end = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
    return data[:start] + data[end:]


def _repeat(data: bytes, rng: random.Random) -> bytes:
    start, end = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
    return data[:end] + data[start:end] * rng.choice((1, 2, 30)) + data[end:]


def _words(data: bytes, rng: random.Random) -> bytes:
    """Swaps, drops, doubles or replaces words."""
    words = _WORD.findall(data) or [b"0"]
    for _ in range(rng.choice((1, 3, 10))):
        here, there = rng.randrange(len(words)), rng.randrange(len(words))
        match rng.randrange(4):
            case 0:
                words[here], words[there] = words[there], words[here]
            case 1:
                words[here] = b""
            case 2:
                words[here] *= rng.choice((2, 100))
            case _:
                words[here] = rng.choice(_NASTY).encode()
    return b"".join(words)


def _lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines)


def _structure(data: bytes, rng: random.Random) -> bytes:
    """Breaks one member of a JSON document; another kind of file has its words changed."""
    try:
        document = json.loads(data)
    except ValueError:
        return _words(data, rng)
    holders = [node for node in _nodes(document) if node]
    if not holders:
        return data
    holder = rng.choice(holders)
    keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    key = rng.choice(keys)
    match rng.randrange(4):
        case 0:
            del holder[key]
        case 1:
            holder[key] = rng.choice(_VALUES)
        case 2:
            other = rng.choice(holders)
            holder[key] = json.loads(
                json.dumps(rng.choice(list(other.values() if isinstance(other, dict) else other)))
            )
        case _:
            holder[key] = [holder[key]]
    return json.dumps(document).encode()


def _nodes(document: Any) -> list[Any]:
    found, waiting = [], [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict | list):
            found.append(node)
            waiting.extend(node.values() if isinstance(node, dict) else node)
    return found


def _inside(data: bytes, rng: random.Random) -> bytes:
    """Mutates the member of an archive and packs it again."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # noqa: BLE001  (an archive that was broken before has no members)
        return _words(data, rng)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name, _words(member, rng))
    return buffer.getvalue()


_KINDS: tuple[Mutation, ...] = (
    _flip, _truncate, _cut, _repeat, _words, _words, _lines, _structure, _structure, _inside,
)  # fmt: skip
