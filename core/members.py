"""Strict reading of decoded JSON: every wrong member is noted with its pointer, and all are told at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from core.errors import FieldError, InvalidRequest

E = TypeVar("E", bound=StrEnum)

MOST_ERRORS = 50  # more than a person reads; keeps the answer to a hostile request small


class Problems:
    """Collects what is wrong; past `MOST_ERRORS` the rest is not kept, the request is refused anyway."""

    def __init__(self) -> None:
        self._found: list[FieldError] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, pointer: str, detail: str) -> None:
        self._count += 1
        if len(self._found) < MOST_ERRORS:
            self._found.append(FieldError(pointer, detail))

    def raise_any(self) -> None:
        """Raises InvalidRequest with everything found, if anything was."""
        if self._found:
            raise InvalidRequest(tuple(self._found))


def below(pointer: str, member: str | int) -> str:
    """The pointer one step further down, escaped as RFC 6901 section 3 asks."""
    return f"{pointer}/{str(member).replace('~', '~0').replace('/', '~1')}"


def json_kind(value: object) -> str:
    """What JSON calls a decoded value."""
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "a boolean"), ((int, float), "a number"), (str, "a string"),
        ((list, tuple), "an array"), (Mapping, "an object"),
    )  # fmt: skip
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")


def read_object(
    value: object, pointer: str, problems: Problems, *, known: Iterable[str], required: Iterable[str] = ()
) -> Mapping[str, object]:
    """The members of an object; {} when it is none. Unknown and missing members are noted."""
    if not isinstance(value, Mapping):
        problems.add(pointer, f"must be an object, not {json_kind(value)}")
        return {}
    known = tuple(known)
    for member in value:
        if member not in known:
            problems.add(below(pointer, member), f"is not known here; known are {', '.join(known)}")
    for member in required:
        if member not in value:
            problems.add(below(pointer, member), "is missing")
    return value


def read_array(value: object, pointer: str, problems: Problems, *, longest: int) -> list[object]:
    """The elements of an array; [] when it is none or longer than `longest`."""
    if not isinstance(value, list | tuple):
        problems.add(pointer, f"must be an array, not {json_kind(value)}")
        return []
    if len(value) > longest:
        problems.add(pointer, f"has {len(value)} elements; at most {longest} are allowed")
        return []
    return list(value)


def read_number(
    value: object, pointer: str, problems: Problems, *, low: float = -math.inf, high: float = math.inf
) -> float | None:
    """A finite number with low ≤ number ≤ high; booleans are not numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        problems.add(pointer, f"must be a number, not {json_kind(value)}")
        return None
    if not _is_finite(value):
        problems.add(pointer, "must be a finite number")
        return None
    if not low <= value <= high:
        problems.add(pointer, f"is {value:g}; it must be {_range(low, high)}")
        return None
    return float(value)


def _is_finite(value: float) -> bool:
    """JSON integers have no bound: one beyond 1e308 is as good as infinite."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _range(low: float, high: float) -> str:
    if math.isinf(high):
        return f"at least {low:g}"
    return f"at most {high:g}" if math.isinf(low) else f"from {low:g} to {high:g}"


def read_text(value: object, pointer: str, problems: Problems, *, longest: int, empty: bool = False) -> str | None:
    """A string of at most `longest` characters, not blank unless `empty`."""
    if not isinstance(value, str):
        problems.add(pointer, f"must be a string, not {json_kind(value)}")
    elif len(value) > longest:
        problems.add(pointer, f"has {len(value)} characters; at most {longest} are allowed")
    elif not empty and not value.strip():
        problems.add(pointer, "must not be blank")
    else:
        return value
    return None


def read_choice(value: object, pointer: str, problems: Problems, kind: type[E]) -> E | None:
    """One of the words of `kind`; another word is answered with the list."""
    words = tuple(str(word) for word in kind)
    if isinstance(value, str) and value in words:
        return kind(value)
    problems.add(pointer, f"is {value!r:.80}; it must be one of {', '.join(words)}")
    return None
