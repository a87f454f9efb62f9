"""Members of a drill's objects, read one by one; what is wrong is noted with its pointer and told at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from core.members import Problems, below, read_array, read_number, read_object, read_text
from simulator.faults.words import duration_s

T = TypeVar("T")

MOST_WORDS = 50


class Members:
    """Reads members of objects; `_wrong` collects what is not as it should be, and a default stands in for it."""

    def __init__(self) -> None:
        self._wrong = Problems()

    def _object(
        self, value: object, at: str, known: Sequence[str], required: Sequence[str] = ()
    ) -> Mapping[str, object]:
        return read_object(value, at, self._wrong, known=known, required=required)

    def _each(
        self, root: Mapping[str, object], member: str, most: int, read: Callable[..., T], *more: object
    ) -> list[T]:
        values = read_array(root.get(member, []), f"/{member}", self._wrong, longest=most)
        return [read(value, below(f"/{member}", number), number, *more) for number, value in enumerate(values)]

    def _unique(self, member: str, names: list[tuple[str, str]]) -> list[str]:
        seen: list[str] = []
        for number, (name, what) in enumerate(names):
            if name in seen:
                self._wrong.add(f"/{member}/{number}", f"{what} {name!r} occurs twice")
            seen.append(name)
        return seen

    def _one_of(self, value: object, at: str, known: Sequence[str]) -> str:
        words = [str(word) for word in known]
        if isinstance(value, str) and value in words:
            return value
        self._wrong.add(at, f"is {value!r:.80}; it must be one of {listed(words)}")
        return ""

    def _words(self, told: Mapping[str, object], at: str, member: str, known: Sequence[str] = ()) -> tuple[str, ...]:
        where = below(at, member)
        values = read_array(told.get(member, []), where, self._wrong, longest=MOST_WORDS)
        if known:
            return tuple(self._one_of(each, below(where, n), known) for n, each in enumerate(values))
        read = [read_text(each, below(where, n), self._wrong, longest=200) for n, each in enumerate(values)]
        return tuple(each for each in read if each is not None)

    def _text(
        self, told: Mapping[str, object], at: str, member: str, longest: int, *, default: str | None = None
    ) -> str:
        if member not in told:
            return default or ""
        return read_text(told[member], below(at, member), self._wrong, longest=longest, empty=default == "") or ""

    def _number(
        self, told: Mapping[str, object], at: str, member: str, low: float, high: float, *, default: float
    ) -> float:
        if member not in told:
            return default
        found = read_number(told[member], below(at, member), self._wrong, low=low, high=high)
        return default if found is None else found

    def _time(self, told: Mapping[str, object], at: str, member: str, *, default: float) -> float:
        if member not in told:
            return default
        return self._try(below(at, member), lambda: duration_s(told[member]), default)

    def _truth(self, told: Mapping[str, object], at: str, member: str, *, default: bool) -> bool:
        value = told.get(member, default)
        if not isinstance(value, bool):
            self._wrong.add(below(at, member), f"is true or false, not {value!r:.80}")
        return value is True

    def _try(self, at: str, read: Callable[[], T], default: T) -> T:
        try:
            return read()
        except ValueError as error:
            self._wrong.add(at, str(error))
            return default


def listed(words: Sequence[str]) -> str:
    """The words of a list, for a sentence."""
    return ", ".join(words) or "none"
