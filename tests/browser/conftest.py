"""The system's Chromium, headless, and the console of a platform in it, which asks nobody but the service."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.steps import VEHICLE, by
from tests.platform import Platform, running_platform

_NAMES = ("chromium", "chromium-browser", "google-chrome")
# Software WebGL for the map, and no background traffic of the browser's own.
_FLAGS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


# Not for the session: Playwright keeps an event loop running in this thread, and asynchronous tests need their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"NOT TESTED IN A BROWSER: none of {', '.join(_NAMES)} is installed")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=list(_FLAGS))
        yield launched
        launched.close()


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with running_platform(tmp_path / "data", speedup=5.0) as running:
        running.until_ready(VEHICLE)
        yield running


@pytest.fixture
def page(browser: Browser, platform: Platform) -> Iterator[Page]:
    """The console, its map drawn; fails when anything on it went wrong or it asked anybody but the service."""
    context = browser.new_context(viewport={"width": 1600, "height": 1000}, locale="zh-CN")
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(f"page error: {error}"))
    opened.on("console", lambda told: None if _is_fine(told) else wrong.append(f"console: {told.text}"))
    opened.on("request", lambda request: None if _is_ours(request.url, platform) else wrong.append(request.url))
    opened.goto(platform.url)
    expect(by(opened, "map")).to_have_attribute("data-ready", "true", timeout=30_000)
    opened.wait_for_timeout(1_500)
    yield opened
    context.close()
    assert wrong == []


def _is_fine(told: ConsoleMessage) -> bool:
    """Refusals and a service that is gone are the browser's own lines, and parts of some stories."""
    return told.type != "error" or told.text.startswith(("Failed to load resource", "WebSocket connection to"))


def _is_ours(url: str, platform: Platform) -> bool:
    return url.startswith((platform.url, platform.url.replace("http", "ws", 1), "blob:", "data:"))
