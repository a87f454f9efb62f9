"""A dispatcher's story, told with a mouse on the real page of the real service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.platform import ROOT, Platform, running_platform

pytestmark = [pytest.mark.browser, pytest.mark.system]

VEHICLE = "bl-03"
SCREENSHOT = ROOT / "build" / "console.png"
# A field beside the dock, drawn in the view that centres on it; pixels of a 1600 × 1000 page.
FIELD = ((850, 305), (1020, 325), (1030, 465), (840, 445))


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
    opened.on("request", lambda request: None if _is_ours(request.url, platform) else wrong.append(request.url))
    opened.goto(platform.url)
    expect(by(opened, "map")).to_have_attribute("data-ready", "true", timeout=30_000)
    opened.wait_for_timeout(1_500)
    yield opened
    context.close()
    assert wrong == []


def _is_ours(url: str, platform: Platform) -> bool:
    return url.startswith((platform.url, platform.url.replace("http", "ws", 1), "blob:", "data:"))


def by(page: Page, name: str) -> Locator:
    return page.get_by_test_id(name)


def draw(page: Page, corners: tuple[tuple[int, int], ...]) -> None:
    """Zooms to the dock, opens a new patrol and clicks its corners; Enter closes the area."""
    by(page, f"vehicle-card-{VEHICLE}").click()
    page.get_by_label("在地图上定位").click()
    page.wait_for_timeout(1_500)
    page.get_by_label("关闭").click()
    by(page, "new-patrol").click()
    for x, y in corners:
        page.mouse.move(x, y, steps=3)
        page.mouse.click(x, y)
        page.wait_for_timeout(300)
    page.keyboard.press("Enter")


def state_is(page: Page, *states: str, within_s: float = 60) -> None:
    expect(by(page, "sortie-state")).to_have_attribute(
        "data-state", re.compile(f"^({'|'.join(states)})$"), timeout=within_s * 1000
    )


def test_draw_an_area_launch_watch_pause_resume_and_land(page: Page, platform: Platform) -> None:
    draw(page, FIELD)
    expect(by(page, "plan-length")).to_contain_text(re.compile(r"\d"), timeout=10_000)
    expect(by(page, "plan-battery")).to_contain_text("%")
    expect(by(page, "conflict-item")).to_have_count(0)

    expect(by(page, "launch")).to_be_enabled(timeout=10_000)
    by(page, "launch").click()
    by(page, "confirm-launch").click()
    state_is(page, "on_mission")
    expect(by(page, "waypoint-counter")).to_contain_text(re.compile(r"([8-9]|\d\d)\s*/"), timeout=60_000)
    SCREENSHOT.parent.mkdir(exist_ok=True)
    page.wait_for_timeout(2_000)
    page.screenshot(path=SCREENSHOT)

    by(page, "pause").click()
    state_is(page, "paused")
    by(page, "resume").click()
    state_is(page, "on_mission")
    state_is(page, "returning", "landing", within_s=180)
    state_is(page, "closed", within_s=120)

    (sortie,) = platform.get("/sorties")["items"]
    assert (sortie["outcome"], sortie["breaches"], sortie["upload_verified"]) == ("completed", 0, True)
    assert sortie["waypoints_reached"] == sortie["waypoints_total"]
    expect(by(page, "event-log")).to_contain_text("Mission: 1 Takeoff")


def test_a_conflict_is_named_and_nothing_can_be_launched(page: Page, platform: Platform) -> None:
    draw(page, FIELD)
    expect(by(page, "launch")).to_be_enabled(timeout=10_000)
    by(page, "altitude").fill("140")
    conflict = by(page, "conflict-item").first
    expect(conflict).to_have_attribute("data-code", "altitude-above-limit", timeout=10_000)
    expect(conflict).to_contain_text("120")
    expect(by(page, "launch")).to_be_disabled()
    assert platform.get("/missions")["items"] == []


def test_english_is_a_switch_away_and_remembered(page: Page) -> None:
    expect(by(page, "new-patrol")).to_contain_text("新建巡查")
    by(page, "language").click()
    expect(by(page, "new-patrol")).to_contain_text("New patrol")
    page.reload()
    expect(by(page, "new-patrol")).to_contain_text("New patrol")


def test_a_platform_that_is_gone_is_not_shown_as_live(page: Page, platform: Platform) -> None:
    expect(by(page, f"vehicle-age-{VEHICLE}")).to_have_attribute("data-level", "live")
    platform.kill()
    expect(by(page, "connection-banner")).to_be_visible(timeout=10_000)
    expect(by(page, f"vehicle-age-{VEHICLE}")).not_to_have_attribute("data-level", "live", timeout=10_000)
    platform.start()
    expect(by(page, f"vehicle-age-{VEHICLE}")).to_have_attribute("data-level", "live", timeout=20_000)
