"""Forwarding on the real page: a rule is made by its form, seen at work and away, changed and deleted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import SCREENSHOT, by
from tests.platform import Platform

pytestmark = [pytest.mark.browser, pytest.mark.system]

TOKEN = "never-shown-again"
NOTICED_MS = 40_000


class Centre(ThreadingHTTPServer):
    """Another system that takes what is sent, and remembers it."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Take)
        self.events: list[Any] = []
        self.tokens: set[str | None] = set()


class _Take(BaseHTTPRequestHandler):
    server: Centre

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.events += json.loads(body)
        self.server.tokens.add(self.headers["Authorization"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def running_centre(port: int = 0) -> Iterator[Centre]:
    """Takes requests while the context is open."""
    with Centre(port) as centre:
        thread = threading.Thread(target=centre.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield centre
        finally:
            centre.shutdown()
            thread.join()


def test_a_rule_is_made_seen_away_changed_and_deleted(page: Page, platform: Platform) -> None:
    by(page, "forwarding").click()
    by(page, "new-rule").click()
    expect(by(page, "save-rule")).to_be_disabled()
    by(page, "rule-name").fill("区城运中心")
    by(page, "rule-url").fill("ftp://127.0.0.1/in")
    by(page, "rule-what").get_by_label("遥测").check()
    by(page, "rule-rate").fill("2")
    by(page, "rule-token").fill(TOKEN)
    by(page, "save-rule").click()
    expect(by(page, "rule-form")).to_contain_text("须以 https:// 或 http:// 开头")
    assert platform.get("/forwarding/rules")["items"] == []

    with running_centre() as centre:
        by(page, "rule-url").fill(f"http://127.0.0.1:{centre.server_port}/in")
        by(page, "save-rule").click()
        row = page.locator("tr[data-state]")
        expect(row).to_have_attribute("data-state", "connected", timeout=NOTICED_MS)
        expect(by(page, "rule-form")).to_have_count(0)
        platform.until(lambda: len(centre.events) > 2, within_s=30, what="telemetry")
        assert {each["type"] for each in centre.events} == {"bailu.telemetry.v1"}
        assert centre.tokens == {f"Bearer {TOKEN}"}
        page.screenshot(path=SCREENSHOT.with_name("forwarding.png"))
    expect(row).to_have_attribute("data-state", "away", timeout=NOTICED_MS)

    by(page, "rule-edit").click()
    expect(by(page, "rule-name")).to_have_value("区城运中心")
    expect(by(page, "rule-token")).to_have_value("")
    assert TOKEN not in page.content()
    by(page, "rule-name").fill("城运平台")
    by(page, "save-rule").click()
    expect(row).to_contain_text("城运平台")
    (rule,) = platform.get("/forwarding/rules")["items"]
    assert (rule["name"], rule["rate_hz"], rule["target"]["secrets"]) == ("城运平台", 2, ["token"])

    by(page, "rule-pause").click()
    expect(row).to_have_attribute("data-state", "paused")
    by(page, "rule-remove").click()
    by(page, "confirm-remove").click()
    expect(row).to_have_count(0)
    assert platform.get("/forwarding/rules")["items"] == []
