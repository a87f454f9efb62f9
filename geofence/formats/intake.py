"""One reading of one file: what the caller said of it, what was found, and what it may still cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from core.errors import FieldError, InvalidRequest
from core.members import Problems
from geofence.formats.crs import Crs
from geofence.formats.report import MOST_NOTES, Change, Format, Note, Report
from geofence.geometry import MOST_ZONE_VERTICES
from geofence.zones import Role

T = TypeVar("T")

# What one file may hold and cost; tried with hostile files in bench/planner/formats.py (2 s, 256 MiB).
MOST_BYTES = 16 << 20
MOST_ZONES = 5_000
MOST_VERTICES = 200_000  # of all rings together; a national zone set has 116 563 (planning guide, section 3.2)
MOST_RING_VERTICES = MOST_ZONE_VERTICES  # what is read here can be published: no zone has more
MOST_RINGS = 1_000  # of one polygon
MOST_CROSSINGS = 1_000  # repaired in one file; past that nobody drew it
MOST_EDGE_PAIRS = 4_000_000  # pairs of edges whose boxes meet, looked at in one file


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller says of a file. `crs` None: what the format's standard fixes, where one does.

    `role`: of zones whose format names none. `source`: written into zones that name none, such as the file's name.
    """

    crs: Crs | None = None
    role: Role | None = None
    source: str = ""


class Intake:
    """Collects problems and notes of one reading, and counts down what the file may still cost."""

    def __init__(self, options: Options, *, fixed: Crs | None = Crs.WGS84, counter_clockwise: bool = False) -> None:
        """`fixed`: the coordinate system that the format's standard fixes; None when it fixes none.

        `counter_clockwise`: the standard has outer rings run that way round.

        Raises InvalidRequest when neither the format nor the caller says what the coordinates count from.
        """
        crs = options.crs or fixed
        if crs is None:
            words = ", ".join(Crs)
            raise refusal("", f"the file does not say its coordinate system; say which it is (crs): one of {words}")
        self.crs: Crs = crs
        self.options = options
        self.counter_clockwise = counter_clockwise
        self.problems = Problems()
        self._notes: list[Note] = []
        self._noted = 0
        self._once: dict[str, tuple[Note, int]] = {}
        self._vertices = MOST_VERTICES
        self.edge_pairs = MOST_EDGE_PAIRS
        self.crossings: float = MOST_CROSSINGS

    def note(self, path: str, change: Change, detail: str, area_m2: float | None = None) -> None:
        """Remembers a change; past `MOST_NOTES` only their number."""
        self._noted += 1
        if len(self._notes) < MOST_NOTES:
            self._notes.append(Note(path, change, detail, area_m2))

    def note_once(self, path: str, change: Change, detail: str) -> None:
        """Remembers a change that a file may have at every member: told of the first, with their number."""
        first, count = self._once.get(detail, (Note(path, change, detail), 0))
        self._once[detail] = first, count + 1

    def take_over(self, report: Report) -> None:
        """Adds what another reading of the same file told."""
        self._notes += report.notes
        self._noted += len(report.notes) + report.unsaid

    def spend_vertices(self, count: int, path: str) -> None:
        """Raises InvalidRequest when the file holds more vertices than it may."""
        self._vertices -= count
        if self._vertices < 0:
            raise refusal(path, f"the file has more than {MOST_VERTICES} vertices in all")

    def checked(self, read: Callable[[], T], path: str) -> T | None:
        """What `read` gives; None when it refused, which is noted under `path` by the last member of its pointers."""
        try:
            return read()
        except InvalidRequest as refused:
            for error in refused.errors:
                self.problems.add(f"{path}/{error.pointer.rpartition('/properties/')[2]}", error.detail)
            return None

    def report(self, form: Format) -> Report:
        """What happened. Raises InvalidRequest with every problem noted so far."""
        self.problems.raise_any()
        once = (
            replace(first, detail=f"{first.detail} (here and {count - 1} times more)") if count > 1 else first
            for first, count in self._once.values()
        )
        return Report(form, self.crs, (*once, *self._notes), self._noted - len(self._notes))


def refusal(path: str, detail: str) -> InvalidRequest:
    """One thing wrong, to be raised at once: for what makes reading on pointless or dear."""
    return InvalidRequest((FieldError(path, detail),))
