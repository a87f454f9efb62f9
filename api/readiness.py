"""Whether the platform can do its work now: each check asks the thing itself, within a deadline."""

from __future__ import annotations

import asyncio
import math
import shutil
from collections.abc import Awaitable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from core.bus import Bus
from core.clock import Clock
from core.errors import BailuError, PreflightCheck
from telemetry.messages import Pulse, pulse_subject

WITHIN_S = 2.0
# Gateways tick ten times a second.
SILENT_AFTER_S = 3.0
# Nobody ran this before; a machine that says so has lost its clock's battery.
OLDEST = datetime(2025, 1, 1, tzinfo=UTC)
STEP_S = 1.0
STEP_TOLD_FOR_S = 60.0


class Writable(Protocol):
    """What is asked of a store."""

    async def prove_writable(self) -> None: ...


class ClockWatch:
    """Compares the wall clock with the one that never steps, each time that somebody asks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at, self._mono_s = clock.now(), clock.mono_s()
        self._stepped_s, self._stepped_mono_s = 0.0, -math.inf

    def check(self) -> PreflightCheck:
        """Records are ordered by the wall clock: one that stands wrong or has just stepped is told for a minute."""
        at, mono_s = self._clock.now(), self._clock.mono_s()
        step_s = (at - self._at).total_seconds() - (mono_s - self._mono_s)
        self._at, self._mono_s = at, mono_s
        if abs(step_s) > STEP_S:
            self._stepped_s, self._stepped_mono_s = step_s, mono_s
        if at < OLDEST:
            return PreflightCheck("clock", False, f"the machine's clock says {at:%Y-%m-%d}")
        if mono_s - self._stepped_mono_s < STEP_TOLD_FOR_S:
            return PreflightCheck("clock", False, f"the machine's clock stepped by {self._stepped_s:+.1f} s")
        return PreflightCheck("clock", True, "the machine's clock runs evenly")


async def within(name: str, asking: Awaitable[str]) -> PreflightCheck:
    """The check of something that must answer in time; its answer is what is told."""
    try:
        async with asyncio.timeout(WITHIN_S):
            return PreflightCheck(name, True, await asking)
    except TimeoutError:
        return PreflightCheck(name, False, f"no answer within {WITHIN_S:g} s")
    except (BailuError, OSError) as error:
        return PreflightCheck(name, False, getattr(error, "detail", None) or str(error))


async def store_writes(store: Writable) -> str:
    await store.prove_writable()
    return "the store writes"


async def bus_answers(bus: Bus, gateways: Iterable[str]) -> str:
    """There and back over the bus, past the fleet of every gateway. Raises what they raise."""
    for gateway in gateways:
        await bus.request(pulse_subject(gateway), Pulse(0), Pulse)
    return "the bus is joined"


def tick_check(silent_s: float) -> PreflightCheck:
    if math.isinf(silent_s):
        return PreflightCheck("gateway", False, "no gateway was heard yet")
    if silent_s > SILENT_AFTER_S:
        return PreflightCheck("gateway", False, f"no gateway was heard for {silent_s:.0f} s")
    return PreflightCheck("gateway", True, "a gateway is heard")


def heart_check(beating: dict[str, bool]) -> PreflightCheck:
    """`beating`: whether heartbeats go out, by gateway."""
    still = [gateway for gateway, beats in beating.items() if not beats]
    if still:
        return PreflightCheck("heart", False, f"no heartbeats go out from {', '.join(still)}: vehicles act alone")
    return PreflightCheck("heart", True, "heartbeats go out")


def not_recording(recording: dict[str, bool]) -> list[str]:
    """In words, the gateways of which not everything is recorded. `recording`: by gateway."""
    return [
        f"recording: not everything of {gateway} is recorded" for gateway, whole in recording.items() if not whole
    ]


def disk_check(folder: Path, floor_mib: int) -> PreflightCheck:
    """Whether the data folder's disk has more left than the floor. Raises OSError when there is none."""
    free_mib = shutil.disk_usage(folder).free >> 20
    return PreflightCheck("disk", free_mib >= floor_mib, f"{free_mib} MiB are free; the floor is {floor_mib} MiB")


async def disk_has_room(folder: Path, floor_mib: int) -> PreflightCheck:
    """`disk_check` in a thread: a network disk that hangs must not hold up the loop."""
    asked = asyncio.to_thread(disk_check, folder, floor_mib)
    try:
        async with asyncio.timeout(WITHIN_S):
            return await asked
    except TimeoutError:
        return PreflightCheck("disk", False, f"{folder} did not answer within {WITHIN_S:g} s")
    except OSError as error:
        return PreflightCheck("disk", False, f"{folder}: {error.strerror or error}")


def failing(checks: Sequence[PreflightCheck]) -> tuple[PreflightCheck, ...]:
    return tuple(check for check in checks if not check.ok)
