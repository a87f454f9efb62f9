"""Uploads over a bad link, and uploads that are broken off, against the embedded simulator's own protocol code.

Everything runs in virtual time, without sockets: machine, link from a seed, vehicle.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from bench.figure import Figure
from missions.items import items_hash
from missions.model import MissionItem
from simulator.protocol.codec import dialect
from telemetry.packets import MissionType
from telemetry.replacing import Replacement
from telemetry.transfers import Download
from tests.telemetry.air import Air

_LOSS, _TWICE = 0.3, 0.05
# 100 ms of round trip, of which up to 30 ms each way are jitter: datagrams overtake each other.
_DELAY_S, _JITTER_S = 0.035, 0.03


@dataclass(frozen=True, slots=True)
class Uploaded:
    """One upload: whether it was read back equal, and after how many simulated seconds."""

    done: bool
    took_s: float


def mission(items: int, *, shift_e7: int = 0) -> tuple[MissionItem, ...]:
    """A list of so many items, home and take-off included; `shift_e7` makes another one of the same length."""
    home = MissionItem(0, 0, 16, (0, 0, 0, 0), 311_390_000, 1_211_240_000, 4.0)
    rise = MissionItem(1, 3, 22, (0, 0, 0, 0), 0, 0, 40.0)
    legs = (
        MissionItem(seq, 3, 16, (0, 0, 0, 0), 311_390_000 + 1_000 * seq + shift_e7, 1_211_240_000, 40.0)
        for seq in range(2, items)
    )
    return (home, rise, *legs)


def bad_air(seed: int) -> Air:
    return Air(loss=_LOSS, twice=_TWICE, jitter_s=_JITTER_S, delay_s=_DELAY_S, seed=seed)


def uploaded(seed: int, *, items: int, limit_s: float = 300.0) -> Uploaded:
    """One mission of so many items put on a vehicle and read back."""
    air = bad_air(seed)
    machine = air.run(Replacement(MissionType.MISSION, mission(items), now_s=0.0), limit_s=limit_s)
    return Uploaded(machine.done, air.now_s)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a vehicle was let fly, and whether it really holds the approved mission."""

    let_fly: bool
    holds_approved: bool


def may_fly(seed: int, *, items: int) -> Verdict:
    """What becomes of a vehicle after an upload that was interrupted.

    It holds one mission, another one is being put on it, and that stops anywhere: the link dies, the platform stops,
    or another ground station writes in between. Then what a start asks is asked: everything read back and compared.
    """
    rng, air = random.Random(seed), bad_air(seed)
    old, new = mission(items), mission(rng.randint(3, 2 * items), shift_e7=500)
    air.run(Replacement(MissionType.MISSION, old, now_s=air.now_s), limit_s=300.0)
    broken_off = Replacement(MissionType.MISSION, new, now_s=air.now_s)
    air.run(broken_off, limit_s=300.0, stop_after=rng.randint(1, 6 * len(new)))
    _meanwhile(rng, air)
    approved = rng.choice((old, new))
    read = Download(MissionType.MISSION, now_s=air.now_s)
    while not air.run(read, limit_s=60.0).done:
        read = Download(MissionType.MISSION, now_s=air.now_s)
    wanted = items_hash(approved, kind="mission")
    return Verdict(items_hash(read.items, kind="mission") == wanted, held_hash(air) == wanted)


def held_hash(air: Air) -> str:
    """The hash of what the simulated vehicle really holds, asked of its memory and not over the link."""
    kept = air.vehicle.aircraft.mission.items
    items = [
        MissionItem(seq, item.frame, item.command, item.params, item.x, item.y, item.z)
        for seq, item in enumerate(kept)
        if seq > 0
    ]
    return items_hash(items, kind="mission")


def _meanwhile(rng: random.Random, air: Air) -> None:
    """Nothing, some time, or another ground station that begins an upload of its own and stops as well."""
    match rng.randrange(3):
        case 1:
            for _ in range(rng.randrange(250)):
                air.step()
        case 2:
            other = air.vehicle.open_channel()
            theirs = dialect.MAVLink(None, srcSystem=42, srcComponent=190)
            begin = dialect.MAVLink_mission_count_message(11, 1, rng.randint(1, 10), 0)
            air.vehicle.receive(other, begin.pack(theirs))


def uploads(*, seeds: int = 100, items: int = 200, interruptions: int = 10_000) -> Iterator[Figure]:
    """Goals: the issue's. p95 counts the read-back."""
    runs = [uploaded(seed, items=items) for seed in range(seeds)]
    took_s = sorted(run.took_s for run in runs)
    complete = 100.0 * sum(run.done for run in runs) / seeds
    name = f"vehicles.uploads.{items}-items"
    yield Figure(f"{name}.complete", complete, "%", 99.9, "higher")
    yield Figure(f"{name}.p50", took_s[seeds // 2], "s")
    yield Figure(f"{name}.p95", took_s[int(0.95 * (seeds - 1))], "s", 90.0)
    verdicts = [may_fly(seed, items=6) for seed in range(interruptions)]
    wrong = sum(verdict.let_fly and not verdict.holds_approved for verdict in verdicts)
    yield Figure(f"vehicles.uploads.wrongly-active-of-{interruptions}", float(wrong), "missions", 0.0)
