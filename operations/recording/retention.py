"""How long records are kept: by age, and within a size; never against a hold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from core.ids import SortieId

_DAY_US = 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class KeepPolicy:
    """`raw_days`: every row, and the frames of sorties. `level_days`: rows of 1, 10 and 60 s. `most_bytes`: of all
    that is recorded."""

    raw_days: float
    level_days: float
    most_bytes: int

    def raw_before_us(self, now_us: int) -> int:
        return now_us - round(self.raw_days * _DAY_US)

    def levels_before_us(self, now_us: int) -> int:
        return now_us - round(self.level_days * _DAY_US)


@dataclass(frozen=True, slots=True)
class LogFile:
    """The telemetry log of a sortie on the disk; `ended_us`: when it was written last."""

    sortie_id: SortieId
    ended_us: int
    bytes: int


def too_old(logs: Sequence[LogFile], before_us: int, held: Collection[SortieId]) -> tuple[LogFile, ...]:
    """The logs that age has caught up with."""
    return tuple(each for each in logs if each.ended_us < before_us and each.sortie_id not in held)


def too_many(
    logs: Sequence[LogFile], spare_bytes: int, held: Collection[SortieId], open_now: Collection[SortieId]
) -> tuple[LogFile, ...]:
    """The oldest logs that must go so that all others take `spare_bytes` at the most; none that is being written."""
    gone: list[LogFile] = []
    used = sum(each.bytes for each in logs)
    for each in sorted(logs, key=lambda log: log.ended_us):
        if used <= spare_bytes:
            break
        if each.sortie_id not in held and each.sortie_id not in open_now:
            gone.append(each)
            used -= each.bytes
    return tuple(gone)
