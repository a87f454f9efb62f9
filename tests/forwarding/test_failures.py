"""A target that nobody answers at is told in words, whatever library finds it out."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from adapters.forwarding.failures import away
from tests.forwarding.stage import rule, settles, stage
from tests.platform import free_port


@pytest.mark.parametrize("scheme", ["http", "https", "ws", "wss", "mqtt", "mqtts"])
async def test_a_closed_port_is_told_without_the_systems_number(tmp_path: Path, scheme: str) -> None:
    async with stage(tmp_path) as on:
        await on.save(rule(f"{scheme}://127.0.0.1:{free_port()}"))
        await on.alarms(1)
        assert await settles(on, lambda standing: standing.last_error == "Connection refused")


def test_a_certificate_that_is_not_accepted_says_why_and_anything_else_says_what_it_is() -> None:
    untrusted = ssl.SSLCertVerificationError(1, "certificate verify failed")
    untrusted.verify_message = "self-signed certificate"
    wrapped = RuntimeError("All connection attempts failed")
    wrapped.__cause__ = untrusted
    assert away(wrapped).why == "its certificate is not accepted: self-signed certificate"
    assert away(ssl.SSLError(1, "WRONG_VERSION_NUMBER")).why == "SSLError: WRONG_VERSION_NUMBER"
    assert away(TimeoutError()).why == "TimeoutError"
