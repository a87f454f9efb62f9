"""Whether an autopilot started anew, told by its own time since boot; two that share an address are told apart."""

from __future__ import annotations

from enum import StrEnum

# Frames of several links overtake each other, by less than this.
_REORDERED_MS = 2_000
# So many positions in a row in the new time make a reboot; so many changes to and fro make two autopilots.
_SURE = 3


class BootNews(StrEnum):
    """What the time since boot told."""

    REBOOTED = "rebooted"
    TWO = "two"


class BootWatch:
    """Follows the time since boot of one vehicle; only its order counts, whatever the pace of a simulation."""

    def __init__(self) -> None:
        self._newest_ms: int | None = None
        self._other_ms: int | None = None  # the newest of a time that began later
        self._in_other = 0
        self._changes = 0

    @property
    def plain_ms(self) -> int:
        """The newest time, from which on a later one tells nothing; -1: every one has to be taken."""
        return -1 if self._in_other or self._newest_ms is None else self._newest_ms

    def catch_up(self, boot_ms: int) -> None:
        """Later times were taken elsewhere, which told nothing."""
        if not self._in_other and self._newest_ms is not None:
            self._newest_ms = max(self._newest_ms, boot_ms)

    def take(self, boot_ms: int) -> BootNews | None:
        """One more time since boot; what it tells, once."""
        if not self._in_other and boot_ms >= (self._newest_ms or 0):  # as nearly always
            self._newest_ms = boot_ms
            return None
        if self._newest_ms is None or boot_ms >= self._newest_ms - _REORDERED_MS:
            return self._in_time(boot_ms)
        if self._other_ms is None or boot_ms < self._other_ms - _REORDERED_MS:
            self._in_other = 0
        if self._in_other == 0:
            self._changes += 1
        self._other_ms = boot_ms
        self._in_other += 1
        if self._in_other < _SURE:
            return self._two()
        self._newest_ms, self._other_ms, self._in_other, self._changes = boot_ms, None, 0, 0
        return BootNews.REBOOTED

    def _in_time(self, boot_ms: int) -> BootNews | None:
        self._newest_ms = max(boot_ms, self._newest_ms or 0)
        if self._in_other:
            self._in_other = 0
            self._changes += 1
            return self._two()
        return None

    def _two(self) -> BootNews | None:
        if self._changes < 2 * _SURE:
            return None
        self._changes = 0
        return BootNews.TWO
