"""Faults in words: `30%`, `50ms`, `57.6kbit/s` and whole sets of them, as command lines and files have them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from simulator.faults.impairment import Faults

_NUMBER = r"(\d+(?:\.\d+)?|\.\d+)"
_DURATION = re.compile(rf"^{_NUMBER}\s*(ms|s|min|h)?$")
_SHARE = re.compile(rf"^{_NUMBER}\s*(%)?$")
_RATE = re.compile(rf"^{_NUMBER}\s*(k|M)?(bit|bps|B)(?:/s)?$")
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, None: 1.0}
_PREFIX = {"k": 1e3, "M": 1e6, None: 1.0}


def duration_s(value: object) -> float:
    """`1.5` and `1.5s` are seconds; `50ms`, `2min`, `1h`. Raises ValueError."""
    found = _DURATION.match(str(value).strip()) if _is_plain(value) else None
    if found is None:
        raise ValueError(f"{value!r} is not a time such as 50ms, 1.5s or 2min")
    return float(found[1]) * _SECONDS[found[2]]


def share(value: object) -> float:
    """`30%` and `0.3` are the same. Raises ValueError."""
    found = _SHARE.match(str(value).strip()) if _is_plain(value) else None
    part = float(found[1]) / (100.0 if found[2] else 1.0) if found else math.nan
    if not 0.0 <= part <= 1.0:
        raise ValueError(f"{value!r} is not a share such as 30% or 0.3")
    return part


def rate_bytes_s(value: object) -> float:
    """`57.6kbit/s`, `57600bps` (bits) and `8kB/s` (bytes). Raises ValueError."""
    found = _RATE.match(str(value).strip()) if _is_plain(value) else None
    if found is None:
        raise ValueError(f"{value!r} is not a rate such as 57.6kbit/s or 8kB/s")
    return float(found[1]) * _PREFIX[found[2]] / (1.0 if found[3] == "B" else 8.0)


def switch(value: object) -> bool:
    """Raises ValueError."""
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def burst(value: object) -> float:
    """Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= 1e6:
        raise ValueError(f"{value!r} is not a number of datagrams, at least 1")
    return float(value)


def message_ids(value: object) -> frozenset[int]:
    """MAVLink message ids: a list of numbers, or one. Raises ValueError."""
    several = value if isinstance(value, list) else [value]
    for each in several:
        if isinstance(each, bool) or not isinstance(each, int) or not 0 <= each < 1 << 24:
            raise ValueError(f"{each!r} is not a MAVLink message id, 0 to 16777215")
    return frozenset(several)


MEMBERS: Mapping[str, tuple[str, Callable[[object], object]]] = {
    "loss": ("loss", share),
    "loss_burst": ("loss_burst", burst),
    "delay": ("delay_s", duration_s),
    "jitter": ("jitter_s", duration_s),
    "reorder": ("reorder", share),
    "reorder_by": ("reorder_by_s", duration_s),
    "duplicate": ("duplicate", share),
    "truncate": ("truncate", share),
    "corrupt": ("corrupt", share),
    "rate": ("rate_bytes_s", rate_bytes_s),
    "queue": ("queue_s", duration_s),
    "cut": ("cut", switch),
    "drop_messages": ("drop_messages", message_ids),
}
"""Word in a file or on a command line: the member of `Faults` and how its value is read."""


def with_words(faults: Faults, words: Mapping[str, object]) -> Faults:
    """``faults`` with some members exchanged. Raises ValueError that begins with the member."""
    values: dict[str, object] = {}
    for word, value in words.items():
        if word not in MEMBERS:
            raise ValueError(f"{word}: is no fault of a link; known are {', '.join(MEMBERS)}")
        name, read = MEMBERS[word]
        try:
            values[name] = read(value)
        except ValueError as error:
            raise ValueError(f"{word}: {error}") from None
    return replace(faults, **values)  # type: ignore[arg-type]


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)
