"""Who a vehicle is to us: its enrolment, whatever address it speaks from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from core.ids import VehicleId


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
class SigningMemory:
    """What signing may not forget over a restart. Times count 10 µs since 2015-01-01 UTC.

    `clock`: our own time, `link_ids`: which id stands for which physical path, `newest`: each vehicle's last time.
    """

    clock: int = 0
    link_ids: Mapping[str, int] = field(default_factory=dict)
    newest: Mapping[VehicleId, int] = field(default_factory=dict)
