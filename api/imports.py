"""Reading files away from the event loop: in a thread, few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from core.errors import Overloaded
from geofence.formats.intake import Options
from geofence.formats.report import Format, Report
from geofence.geojson import zone_collection
from missions.formats.files import read_file

# A file costs up to a second and 100 MiB (bench planner, formats): so many are read at once, so many more wait.
AT_ONCE = 2
MOST_WAITING = 8


class Importer:
    """Reads uploaded files; the next one over `most_waiting` is told to come back."""

    def __init__(self, *, at_once: int = AT_ONCE, most_waiting: int = MOST_WAITING) -> None:
        self.most_waiting = most_waiting
        self.waiting = 0
        self._places = asyncio.Semaphore(at_once)

    async def read(
        self, body: Callable[[], Awaitable[bytes]], options: Options, *, name: str, form: Format | None
    ) -> bytes:
        """The answer as JSON: zones, mission, rally points and report. Raises InvalidRequest and Overloaded."""
        if self.waiting >= self.most_waiting:
            raise Overloaded("Too many files are being read")
        self.waiting += 1
        try:
            async with self._places:
                return await asyncio.to_thread(_answer, await body(), options, name, form)
        finally:
            self.waiting -= 1


def _answer(data: bytes, options: Options, name: str, form: Format | None) -> bytes:
    found = read_file(data, options, name=name, form=form)
    told = {
        "zones": zone_collection(found.zones),
        "mission": found.mission,
        "rally": [
            {"lat_deg": at.place.lat_deg, "lon_deg": at.place.lon_deg, "alt_rel_m": at.alt_rel_m}
            for at in found.rally
        ],
        "report": found.report,
    }
    return msgspec.json.encode(told)


def report_json(report: Report) -> bytes:
    """The report of a reading or writing alone."""
    return msgspec.json.encode(report)
