"""A figure: what was measured, in which unit, against which goal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """`goal` None: no goal is set, the figure informs. `better` says which side of the goal is met."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    better: Literal["lower", "higher"] = "lower"

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.value <= self.goal if self.better == "lower" else self.value >= self.goal

    def line(self) -> str:
        """The figure as one JSON object."""
        facts = asdict(self)
        del facts["better"]
        return json.dumps(facts | {"value": round(self.value, 4), "met": self.met})


Bench = Callable[[], Iterator[Figure]]
