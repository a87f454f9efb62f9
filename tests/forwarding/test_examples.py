"""The receivers and rules of examples/forwarding work as they stand."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from operations.forwarding.rules import RuleId, Secrets
from tests.api.conftest import World, world
from tests.forwarding.stage import rule, settles, stage

pytestmark = pytest.mark.thorough

__all__ = ["world"]

EXAMPLES = Path(__file__).parents[2] / "examples" / "forwarding"
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@contextmanager
def running(script: str, *more: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, str(EXAMPLES / script), str(port), *more]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        _until_it_listens(port)
        yield port, process
    finally:
        process.kill()
        process.communicate()


def _until_it_listens(port: int) -> None:
    end_s = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            assert time.monotonic() < end_s, "the receiver does not listen"
            time.sleep(0.02)
        else:
            return


async def test_the_receiver_of_batches_takes_what_is_signed_and_nothing_else(tmp_path: Path) -> None:
    with running("receive_http.py", KEY) as (port, process):
        async with stage(tmp_path) as on:
            signed = rule(f"http://127.0.0.1:{port}/in")
            await on.save(signed, Secrets(signing_key=KEY))
            await on.save(replace(signed, id=RuleId("unsigned")))
            await on.alarms(1)
            assert await settles(on, lambda standing: standing.sent_events == 1)
            assert await settles(on, lambda standing: "401" in (standing.last_error or ""), "unsigned")
        assert process.stdout is not None
        assert process.stdout.readline().startswith("bailu.alarm.v1 vehicles/bl-01 {")


async def test_the_receiver_of_frames_acknowledges(tmp_path: Path) -> None:
    with running("receive_websocket.py") as (port, _):
        async with stage(tmp_path) as on:
            await on.save(rule(f"ws://127.0.0.1:{port}/"))
            await on.alarms(1, 2, 3)
            assert await settles(on, lambda standing: standing.sent_events == 3)


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.json")), ids=lambda file: file.stem)
async def test_a_rule_of_the_examples_is_taken(file: Path, world: World) -> None:
    body = await asyncio.to_thread(file.read_bytes)
    made = await world.http.post("/forwarding/rules", json=json.loads(body))
    assert made.status_code == 201, made.text
