"""A recording on the real page: begun from a list, steered, unmistakably not live, and left for an alarm of now."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import SCREENSHOT, VEHICLE, by, line_by, silent_fleet
from tests.platform import Platform

pytestmark = [pytest.mark.browser, pytest.mark.system]

# Metres east and north of the dock: out, along, and back in a minute.
LOOP_M = ((120.0, 100.0), (260.0, 110.0), (250.0, 220.0))
COMMANDS = (
    "hold",
    "resume",
    "return",
    "land",
    "abort",
    "launch",
    "new-patrol",
    "zone-tool",
    "divert-goto",
    "continue",
)


def moment(page: Page) -> datetime:
    """When what is shown was."""
    return datetime.fromisoformat(by(page, "replay-moment").get_attribute("data-at") or "")


def seek(page: Page, share: float) -> None:
    """A press on the slider at a share of its length."""
    box = by(page, "replay-seek").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


def nothing_can_be_commanded(page: Page) -> None:
    for name in COMMANDS:
        expect(by(page, name)).to_have_count(0)
    page.mouse.click(800, 450, button="right")
    expect(by(page, "map-menu")).to_have_count(0)


def test_a_sortie_is_played_and_an_alarm_of_now_leads_back(page: Page, platform: Platform) -> None:
    sortie_id = platform.launched(line_by(platform, LOOP_M), VEHICLE)
    platform.until_state(sortie_id, "closed", within_s=240)
    page.get_by_role("tab", name="架次记录").click()
    by(page, f"replay-{sortie_id}").click()

    expect(by(page, "replay-flag")).to_contain_text("非实时")
    expect(page.locator(".page")).to_have_attribute("data-replay", "true")
    expect(by(page, f"vehicle-card-{VEHICLE}")).to_have_attribute("data-link", "replayed", timeout=20_000)
    nothing_can_be_commanded(page)

    # As fast as it was flown: ten times faster its mission is over in half a second, between two looks at the page.
    expect(by(page, "replay-state")).to_have_attribute("data-state", "on_mission", timeout=90_000)
    by(page, "replay-seek").focus()  # on a button space is the button's own
    page.keyboard.press("Space")
    expect(by(page, "replay-bar")).to_have_attribute("data-playing", "false")
    page.wait_for_timeout(500)  # until the service has said where it stopped
    stood = moment(page)
    page.wait_for_timeout(1_500)
    assert moment(page) == stood
    expect(by(page, f"vehicle-age-{VEHICLE}").first).to_have_attribute("data-level", "live")

    seek(page, 0.97)
    expect(by(page, "replay-state")).to_have_attribute("data-state", re.compile("landing|landed"), timeout=20_000)
    seek(page, 0.0)
    before_flight = re.compile("planned|approved|assigned|preflight|uploading|ready|taking_off")
    expect(by(page, "replay-state")).to_have_attribute("data-state", before_flight, timeout=20_000)
    expect(by(page, f"vehicle-card-{VEHICLE}")).to_contain_text("在地面")
    by(page, "replay-seek").focus()
    before = moment(page)
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)
    assert 0.5 < (moment(page) - before).total_seconds() < 2.0
    by(page, "replay-speed-10").click()
    by(page, "replay-seek").focus()
    page.keyboard.press("Space")
    expect(by(page, "replay-state")).to_have_attribute("data-state", "closed", timeout=20_000)

    with silent_fleet(platform):
        expect(by(page, "live-trouble")).to_be_visible(timeout=30_000)
        expect(by(page, "replay-flag")).to_be_visible()
        page.screenshot(path=SCREENSHOT.with_name("replay.png"))
        by(page, "live-trouble").click()
        expect(by(page, "replay-flag")).to_have_count(0)
        expect(by(page, "alarms")).to_be_visible()
    expect(by(page, f"vehicle-card-{VEHICLE}")).to_have_attribute("data-link", "live", timeout=30_000)
    expect(by(page, "new-patrol")).to_be_enabled()


def test_an_hour_of_the_fleet_is_played_and_escape_leads_back(page: Page) -> None:
    page.get_by_role("tab", name="架次记录").click()
    by(page, "fleet-range").locator("summary").click()
    by(page, "replay-fleet").click()
    expect(by(page, "replay-bar")).to_be_visible()
    expect(by(page, "replay-speed-10")).to_have_attribute("aria-pressed", "true")
    seek(page, 0.9995)
    expect(page.locator("[data-testid^=vehicle-card-]")).to_have_count(3, timeout=20_000)
    nothing_can_be_commanded(page)
    page.keyboard.press("Escape")
    expect(by(page, "replay-bar")).to_have_count(0)
    expect(by(page, "connection")).to_have_attribute("data-state", "open")
