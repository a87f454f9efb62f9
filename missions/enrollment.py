"""Who a vehicle is to us: its enrolment, whatever address it speaks from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.errors import FieldError, InvalidRequest
from core.ids import DockId, VehicleId

UNIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class SigningPolicy(StrEnum):
    """What the platform asks of a vehicle's frames; its own frames are signed as soon as there is a key."""

    OFF = "off"  # nothing is signed, signatures are not looked at
    PREFER = "prefer"  # signed frames are verified; unsigned ones are taken and counted
    REQUIRE = "require"  # unsigned frames and MAVLink 1 are refused


class Category(StrEnum):
    """Class of an unmanned aircraft (无人驾驶航空器飞行管理暂行条例, article 62)."""

    MICRO = "micro"  # 微型: < 0.25 kg empty, ≤ 50 m above ground, ≤ 40 km/h
    LIGHT = "light"  # 轻型: ≤ 4 kg empty, ≤ 7 kg at take-off, ≤ 100 km/h
    SMALL = "small"  # 小型: ≤ 15 kg empty, ≤ 25 kg at take-off
    MEDIUM = "medium"  # 中型: ≤ 150 kg at take-off
    LARGE = "large"  # 大型: heavier


@dataclass(frozen=True, slots=True)
class Enrollment:
    """A vehicle that the platform knows, without its key.

    `links`: N >= 1 names, the preferred one first. `uid`: the autopilot's own id in hexadecimal. `registration`: its
    number in the real-name register. `has_key`: a signing key is stored. `unit`: whose it is; who may know of other
    units only is told nothing of it. A retired one is kept for the record.
    """

    id: VehicleId
    name: str
    links: tuple[str, ...]
    system_id: int
    dock_id: DockId
    airframe: str
    enrolled_at: datetime
    uid: str | None = None
    signing: SigningPolicy = SigningPolicy.OFF
    has_key: bool = False
    category: Category | None = None
    registration: str | None = None
    firmware: str | None = None
    unit: str = "default"
    retired_at: datetime | None = None
    row_revision: int = 1

    def is_heard_like(self, before: Enrollment) -> bool:
        """Whether the vehicle that was enrolled so is still heard: on every link of before, as the same autopilot."""
        leaves = self.retired_at is not None and before.retired_at is None
        same = (self.system_id, self.uid) == (before.system_id, before.uid)
        return same and not leaves and set(before.links) <= set(self.links)


@dataclass(frozen=True, slots=True)
class WrappedKeys:
    """A vehicle's signing keys as they are stored: encrypted. `next`: one that the vehicle has not confirmed yet."""

    current: bytes | None = None
    next: bytes | None = None


def fits(wanted: Enrollment, others: Iterable[Enrollment]) -> None:
    """That the enrolment makes sense beside the others in use. Raises InvalidRequest that names each wrong field."""
    wrong = [*_own_errors(wanted), *_clashes(wanted, [each for each in others if each.id != wanted.id])]
    if wrong:
        raise InvalidRequest(tuple(wrong))


def _own_errors(wanted: Enrollment) -> Iterable[FieldError]:
    if not wanted.links or len(set(wanted.links)) != len(wanted.links):
        yield FieldError("/links", "name at least one link, each once")
    if not 1 <= wanted.system_id <= 254:
        yield FieldError("/system_id", "must be 1 to 254; 255 is ours")
    if not UNIT.fullmatch(wanted.unit):
        yield FieldError("/unit", "must be 1 to 64 letters, digits, - or _, the first a letter or digit")
    if wanted.signing is SigningPolicy.REQUIRE and not wanted.has_key:
        yield FieldError("/signing", "there is no key yet: provision one with `bailu vehicle enroll`")


def _clashes(wanted: Enrollment, others: Iterable[Enrollment]) -> Iterable[FieldError]:
    for other in others:
        if wanted.uid is not None and wanted.uid == other.uid:
            yield FieldError("/uid", f"this autopilot is enrolled as {other.id!r}")
        same_door = wanted.system_id == other.system_id and set(wanted.links) & set(other.links)
        if same_door and None in (wanted.uid, other.uid):
            yield FieldError(
                "/system_id",
                f"{other.id!r} has the same one on the same link: to be told apart, both need their autopilot's uid",
            )


@dataclass(frozen=True, slots=True)
class SigningMemory:
    """What signing may not forget over a restart. Times count 10 µs since 2015-01-01 UTC.

    `clock`: our own time, `link_ids`: which id stands for which physical path, `newest`: each vehicle's last time.
    """

    clock: int = 0
    link_ids: Mapping[str, int] = field(default_factory=dict)
    newest: Mapping[VehicleId, int] = field(default_factory=dict)
