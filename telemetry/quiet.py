"""Data that a vehicle told and tells no more while it is heard: what was told last still looks like now."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from telemetry.messages import Quiet
from telemetry.packets import Attitude, EkfStatus, ExtendedSysState, GpsRaw, Inbound, SysStatus

# Three of what comes every other second.
QUIET_AFTER_S = 6.0
LOOK_EVERY_S = 1.0
# What people call the data of each kind. Position has an age of its own; without heartbeats the link is down.
DATA: Mapping[type[Inbound], str] = {
    Attitude: "attitude",
    SysStatus: "battery",
    GpsRaw: "gps",
    EkfStatus: "estimator",
    ExtendedSysState: "landed",
}


def listed(quiet: Iterable[Quiet]) -> str:
    """What is missing, in words."""
    return ", ".join(each.what for each in quiet)


class QuietWatch:
    """Looks at one vehicle, once a second at the most."""

    def __init__(self) -> None:
        self._due_s = -math.inf
        self._live_s = math.nan  # since when it is heard without a break

    def look(self, kinds_s: Mapping[type[Inbound], float], *, is_live: bool, now_s: float) -> dict[str, float] | None:
        """Since when what is missing, on the monotonic clock; None: as before, for it is too early to look again.

        `kinds_s`: when each kind came last. One that is heard again has as long to tell everything once more.
        """
        if not is_live:
            self._live_s = math.nan
            return {}
        if now_s < self._due_s:
            return None
        self._due_s = now_s + LOOK_EVERY_S
        if math.isnan(self._live_s):
            self._live_s = now_s
        if now_s - self._live_s <= QUIET_AFTER_S:
            return None
        old_s = now_s - QUIET_AFTER_S
        return {what: kinds_s[kind] for kind, what in DATA.items() if kinds_s.get(kind, now_s) < old_s}
