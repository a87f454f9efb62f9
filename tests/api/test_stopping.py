"""A stop has a bound that whatever hangs cannot stretch, and what stops in time is not cut off."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from tests.platform import ROOT

# A role that begins nothing: `{hangs}` is what its end runs into, `{ends}` what ends it.
ROLE = """
import asyncio, contextlib, sys, threading, time
from api.stopping import bounded_stop

async def for_ever():
    await asyncio.Event().wait()

async def blocked():
    time.sleep(600)

async def a_thread_that_hangs():
    asyncio.get_running_loop().run_in_executor(None, time.sleep, 600)
    await asyncio.sleep(0)

async def nothing():
    pass

async def role():
    async with contextlib.AsyncExitStack() as stack, bounded_stop({within_s}) as stop:
        stack.push_async_callback({hangs})
        print("ready", flush=True)
        {ends}

with asyncio.Runner() as runner:
    runner.run(role())
"""
WITHIN_S = 0.3
# What a busy machine may add.
SLACK_S = 10.0


def ended(hangs: str, ends: str, *, by_signal: bool, within_s: float = WITHIN_S) -> tuple[int, str]:
    """The status with which such a process ends, and what it says."""
    story = ROLE.format(hangs=hangs, ends=ends, within_s=within_s)
    with subprocess.Popen(
        [sys.executable, "-c", story], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        began_s = time.monotonic()
        if by_signal:
            process.send_signal(signal.SIGTERM)
        try:
            _, said = process.communicate(timeout=within_s + SLACK_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        assert time.monotonic() - began_s < within_s + SLACK_S
        return process.returncode, said


@pytest.mark.parametrize("hangs", ["for_ever", "blocked", "a_thread_that_hangs"])
@pytest.mark.parametrize(("ends", "by_signal"), [("await stop.wait()", True), ("1 / 0", False), ("return", False)])
def test_whatever_hangs_a_stop_is_over_in_time_and_says_where_it_stood(
    hangs: str, ends: str, *, by_signal: bool
) -> None:
    status, said = ended(hangs, ends, by_signal=by_signal)
    assert status == 1
    assert said.startswith("Timeout (")
    assert "most recent call first" in said


@pytest.mark.parametrize(("ends", "by_signal", "status"), [("await stop.wait()", True, 0), ("1 / 0", False, 1)])
def test_what_stops_in_order_is_not_cut_off(ends: str, by_signal: bool, status: int) -> None:
    found, said = ended("nothing", ends, by_signal=by_signal, within_s=60.0)
    assert found == status
    assert "Timeout" not in said


def test_a_start_that_hangs_is_stopped_as_well() -> None:
    status, _ = ended("nothing", "await for_ever()", by_signal=True)
    assert status == 1
