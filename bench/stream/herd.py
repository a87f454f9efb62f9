"""A thousand viewers whose platform is killed and started again: how long until every one of them sees again.

`python -m bench.stream.herd URL COUNT SECONDS` holds COUNT subscriptions of the public client and prints, once all of
them see, `seeing`; at the end one JSON object with when each saw again after it was lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import uvloop

from bench.figure import Figure
from bench.stream.rigs import HOST, Load, configured, free_ports, running, serving
from telemetry.client import LiveStream
from telemetry.stream.contract import Subscribe

_COUNT = 1_000
_WATCHED_S = 40.0
_ALL_SEE_WITHIN_S = 120.0


def herd(count: int = _COUNT) -> Iterator[Figure]:
    """Kills the platform under `count` viewers, starts it again at once, and waits for them."""
    load = Load(20, count)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        udp, http = free_ports(load.links, socket.SOCK_DGRAM), free_ports(1, socket.SOCK_STREAM)[0]
        options = configured(folder, load, udp, http)
        speaking = ("--vehicles", str(load.vehicles), "--seconds", str(_ALL_SEE_WITHIN_S + 2 * _WATCHED_S))
        stack.enter_context(running("bench.swarm", *map(str, udp), *speaking))
        asked = (f"ws://{HOST}:{http}/api/v1/stream", str(count), str(_WATCHED_S))
        with serving(options, http) as first:
            viewers = stack.enter_context(running("bench.stream.herd", *asked, stdout=subprocess.PIPE))
            assert viewers.stdout is not None
            assert viewers.stdout.readline().strip() == b"seeing"
            first.send_signal(signal.SIGKILL)
            killed_s = time.time()
            first.wait()
        stack.enter_context(serving(options, http))
        answers_s = time.time() - killed_s
        seen_s = sorted(each - killed_s for each in json.loads(viewers.stdout.readline()))
    yield Figure("stream.herd.answers-again", answers_s, "s after the kill")
    yield Figure("stream.herd.resumed", float(len(seen_s)), "viewers", float(count), "higher")
    yield Figure("stream.herd.p50", seen_s[len(seen_s) // 2], "s after the kill")
    yield Figure("stream.herd.last", seen_s[-1], "s after the kill")
    yield Figure("stream.herd.last-after-answer", seen_s[-1] - answers_s, "s", 10.0)


async def _watch(url: str, count: int, seconds: float) -> list[float]:
    """When each viewer saw again (time.time()), of those that did."""
    seeing, again = set[int](), dict[int, float]()
    everybody, everybody_again = asyncio.Event(), asyncio.Event()

    async def one(number: int) -> None:
        stream, was_lost = LiveStream(url, Subscribe(rate_hz=0.5)), False
        async for frame in stream.frames():
            if frame["type"] == "lost":
                was_lost = everybody.is_set()
            elif frame["type"] in ("snapshot", "resumed"):
                seeing.add(number)
                if was_lost:
                    again.setdefault(number, time.time())
                if len(seeing) == count:
                    everybody.set()
                if len(again) == count:
                    everybody_again.set()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(number)) for number in range(count)]
        async with asyncio.timeout(_ALL_SEE_WITHIN_S):
            await everybody.wait()
        print("seeing", flush=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await everybody_again.wait()
        for task in tasks:
            task.cancel()
    return list(again.values())


if __name__ == "__main__":
    uvloop.install()
    asked_url, asked_count, asked_s = sys.argv[1:]
    print(json.dumps(asyncio.run(_watch(asked_url, int(asked_count), float(asked_s)))))
    sys.stdout.flush()
    os._exit(0)  # a thousand connections need not be closed one by one
