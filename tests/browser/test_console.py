"""A dispatcher's story, told with a mouse on the real page of the real service."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import PLANNED_MS, SCREENSHOT, VEHICLE, by, line_by, silent_fleet
from tests.platform import Platform

pytestmark = [pytest.mark.browser, pytest.mark.system]

# A field beside the dock, drawn in the view that centres on it; pixels of a 1600 × 1000 page.
Places = tuple[tuple[int, int], ...]
FIELD: Places = ((850, 300), (1050, 320), (1030, 480), (830, 460))
RIVER: Places = ((860, 440), (900, 360), (980, 400), (1020, 330))
# An area over the middle of the river, and a line (metres east and north of the dock) that it covers as well.
FIRE: Places = ((830, 330), (1000, 330), (1000, 450), (830, 450))
COVERED_M = ((110.0, 90.0), (190.0, 150.0))
# A patrol that is long enough for all that, and a place beside it to look at.
PATROL_M = ((150.0, 120.0), (900.0, 150.0), (920.0, 700.0), (150.0, 700.0))
LOOK_HERE = (700, 330)


def new_patrol(page: Page) -> None:
    """Zooms to the dock and opens a new patrol."""
    by(page, f"vehicle-card-{VEHICLE}").click()
    page.get_by_label("在地图上定位").click()
    page.wait_for_timeout(1_500)
    page.get_by_label("关闭").click()
    by(page, "new-patrol").click()


def click_all(page: Page, places: Places) -> None:
    """Clicks places on the map; Enter ends the drawing."""
    for x, y in places:
        page.mouse.move(x, y, steps=3)
        page.mouse.click(x, y)
        page.wait_for_timeout(300)
    page.keyboard.press("Enter")


def draw(page: Page, corners: Places) -> None:
    """An area beside the dock, drawn from nothing."""
    new_patrol(page)
    click_all(page, corners)


def choose_task(page: Page, name: str) -> None:
    """Finds a task by a part of its name and takes it."""
    by(page, "task").click()
    page.keyboard.type(name)
    page.locator(".ant-select-item-option").filter(has_text=name).first.click()


def proven(page: Page) -> None:
    """The plan is there and its proof holds."""
    expect(by(page, "proof")).to_have_attribute("data-valid", "true", timeout=PLANNED_MS)
    expect(by(page, "conflict-item")).to_have_count(0)
    expect(by(page, "launch")).to_be_enabled()


def state_is(page: Page, *states: str, within_s: float = 60) -> None:
    expect(by(page, "sortie-state")).to_have_attribute(
        "data-state", re.compile(f"^({'|'.join(states)})$"), timeout=within_s * 1000
    )


def test_draw_an_area_launch_watch_hold_resume_and_land(page: Page, platform: Platform) -> None:
    draw(page, FIELD)
    expect(by(page, "plan-length")).to_contain_text(re.compile(r"\d"), timeout=PLANNED_MS)
    expect(by(page, "plan-battery")).to_contain_text("%")
    proven(page)

    by(page, "launch").click()
    by(page, "confirm-launch").click()
    state_is(page, "on_mission")
    expect(by(page, "event-log")).to_contain_text("Mission: 1 Takeoff")
    expect(by(page, "waypoint-counter")).to_contain_text(re.compile(r"([8-9]|\d\d)\s*/"), timeout=60_000)
    SCREENSHOT.parent.mkdir(exist_ok=True)
    page.wait_for_timeout(2_000)
    page.screenshot(path=SCREENSHOT)

    by(page, "hold").click()
    state_is(page, "paused")
    expect(by(page, "event-log")).to_contain_text(re.compile("(暂停|悬停)：已执行"))
    by(page, "resume").click()
    state_is(page, "on_mission")
    expect(by(page, "event-log")).to_contain_text("继续：已执行")
    state_is(page, "returning", "landing", within_s=180)
    state_is(page, "closed", within_s=120)

    (sortie,) = platform.get("/sorties")["items"]
    assert (sortie["outcome"], sortie["breaches"], sortie["upload_verified"]) == ("completed", 0, True)
    assert sortie["waypoints_reached"] == sortie["waypoints_total"]


def test_a_conflict_is_named_and_nothing_can_be_launched(page: Page, platform: Platform) -> None:
    draw(page, FIELD)
    expect(by(page, "launch")).to_be_enabled(timeout=PLANNED_MS)
    by(page, "altitude").fill("140")
    conflict = by(page, "conflict-item").first
    expect(conflict).to_have_attribute("data-code", "altitude-above-limit", timeout=PLANNED_MS)
    expect(conflict).to_contain_text("120")
    expect(by(page, "launch")).to_be_disabled()
    assert platform.get("/missions")["items"] == []


def test_a_task_along_a_river_is_proven_and_its_sortie_keeps_the_proof(page: Page, platform: Platform) -> None:
    new_patrol(page)
    choose_task(page, "堤防巡查")
    expect(by(page, "pattern")).to_have_attribute("data-pattern", "corridor")
    click_all(page, RIVER)
    proven(page)
    expect(by(page, "plan-returns")).to_have_attribute("data-returns", re.compile("direct|retrace"))
    length = by(page, "plan-length").inner_text()

    by(page, "param-width_m").fill("110")  # three lanes where one was enough
    expect(by(page, "plan-length")).not_to_have_text(length, timeout=PLANNED_MS)
    proven(page)
    by(page, "proof-open").click()
    lines = by(page, "proof-check")
    expect(lines).to_have_count(int(by(page, "proof").get_attribute("data-checks") or 0))
    assert set(lines.evaluate_all("all => all.map((each) => each.dataset.ok)")) == {"true"}
    lines.first.hover()

    by(page, "launch").click()
    by(page, "confirm-launch").click()
    state_is(page, "on_mission")
    expect(by(page, "sortie-proof")).to_have_attribute("data-same", "true")
    (mission,) = platform.get("/missions")["items"]
    latest = platform.get(f"/missions/{mission['mission_id']}")["latest"]
    asked = {name: latest["feature"]["properties"][name] for name in ("template", "pattern", "width_m")}
    assert asked == {"template": "dike-patrol", "pattern": "corridor", "width_m": 110}
    assert latest["plan"]["proof"]["valid"] is True


def test_a_zone_drawn_now_stops_what_is_being_planned_and_what_was_planned(page: Page, platform: Platform) -> None:
    stored = platform.post("/missions", line_by(platform, COVERED_M))
    new_patrol(page)
    choose_task(page, "堤防巡查")
    click_all(page, RIVER)
    proven(page)

    by(page, "zone-tool").click()
    click_all(page, FIRE)
    by(page, "zone-name").fill("火场上空")
    by(page, "publish-zone").click()
    expect(by(page, "conflict-item").first).to_have_attribute(
        "data-code", re.compile("-crosses-exclusion$"), timeout=PLANNED_MS
    )
    expect(by(page, "conflict-item").first).to_contain_text("火场上空")
    expect(by(page, "launch")).to_be_disabled()
    failing = by(page, "failing")
    expect(failing).to_have_count(1, timeout=PLANNED_MS)
    expect(failing).to_have_attribute("data-airborne", "false")
    expect(failing).to_contain_text(stored["name"])
    page.screenshot(path=SCREENSHOT.with_name("zone.png"))

    by(page, "zone-tool").click()
    by(page, "lift-zone").click()
    page.locator(".ant-popconfirm").get_by_role("button", name="解除").click()
    expect(by(page, "lift-zone")).to_have_count(0, timeout=PLANNED_MS)
    page.get_by_label("关闭").click()
    proven(page)
    expect(by(page, "airspace-alert")).to_have_count(0, timeout=PLANNED_MS)


def test_an_alarm_is_noted_and_a_flight_is_sent_to_look(page: Page, platform: Platform) -> None:
    sortie_id = platform.launched(line_by(platform, PATROL_M), VEHICLE)
    by(page, f"vehicle-card-{VEHICLE}").click()
    page.get_by_label("在地图上定位").click()
    state_is(page, "on_mission")

    with silent_fleet(platform):
        alarm = by(page, "alarm").and_(page.locator("[data-kind=link-lost][data-severity=critical]"))
        expect(alarm).to_contain_text("白鹭三号", timeout=30_000)
        expect(by(page, "alarm-count")).to_have_attribute("data-pressing", "true")
        expect(by(page, f"marker-{VEHICLE}")).to_have_attribute("data-pressing", "true")
        expect(by(page, "ghosts").locator("li")).to_have_count(2)
        page.screenshot(path=SCREENSHOT.with_name("alarm.png"))
        by(page, "alarm-count").click()
        page.keyboard.press("Enter")
        expect(alarm).to_have_attribute("data-noted", "true", timeout=PLANNED_MS)
        expect(by(page, "alarm-count")).to_have_attribute("data-pressing", "false")
    expect(by(page, "alarms")).to_have_count(0, timeout=60_000)
    expect(by(page, "event-log")).to_contain_text("链路恢复 · 白鹭三号")
    expect(by(page, "ghosts")).to_have_count(0)
    noted = [each for each in platform.get("/alarms")["items"] if each["acknowledged_at"]]
    assert [(each["kind"], each["vehicle_id"]) for each in noted] == [("link-lost", VEHICLE)]

    page.mouse.click(*LOOK_HERE, button="right")
    by(page, f"menu-goto-{VEHICLE}").click()
    expect(by(page, "trial").get_by_test_id("proof")).to_have_attribute("data-valid", "true", timeout=PLANNED_MS)
    expect(by(page, "divert-left")).to_contain_text("%")
    for always in ("hold", "return", "land"):
        expect(by(page, always)).to_be_enabled()
    page.screenshot(path=SCREENSHOT.with_name("goto.png"))
    by(page, "divert-fly").click()
    state_is(page, "diverted")
    expect(by(page, "manoeuvre")).to_have_count(0, timeout=60_000)
    expect(by(page, "sortie-proof")).to_have_attribute("data-same", "true", timeout=PLANNED_MS)
    (diversion,) = platform.get(f"/sorties/{sortie_id}/diversions")["items"]
    assert (diversion["kind"], diversion["state"]) == ("goto", "flying")

    by(page, "return").click()
    state_is(page, "returning", "landing", "closed")


def test_english_is_a_switch_away_and_remembered(page: Page) -> None:
    expect(by(page, "new-patrol")).to_contain_text("新建巡查")
    by(page, "language").click()
    expect(by(page, "new-patrol")).to_contain_text("New patrol")
    page.reload()
    expect(by(page, "new-patrol")).to_contain_text("New patrol")


# What lies over the map, whichever side is open.
PIECES = (".topbar", ".fleet", ".log", ".side", ".maplibregl-ctrl-scale", ".legend", ".zone-tool", ".zoom")


def overlaps(page: Page) -> list[str]:
    """Pairs of pieces that share a pixel."""
    found = {name: page.locator(name).first.bounding_box() for name in PIECES}
    boxes = {name: box for name, box in found.items() if box is not None}
    assert boxes.keys() == found.keys()
    return [
        f"{one} {other}"
        for one, other in combinations(PIECES, 2)
        if abs(boxes[one]["x"] + boxes[one]["width"] / 2 - boxes[other]["x"] - boxes[other]["width"] / 2)
        < (boxes[one]["width"] + boxes[other]["width"]) / 2
        and abs(boxes[one]["y"] + boxes[one]["height"] / 2 - boxes[other]["y"] - boxes[other]["height"] / 2)
        < (boxes[one]["height"] + boxes[other]["height"]) / 2
    ]


def test_nothing_lies_over_anything_else_on_a_narrow_page_and_on_a_wide_one(page: Page) -> None:
    by(page, f"vehicle-card-{VEHICLE}").click()
    for width, height in ((1280, 720), (1366, 768), (2560, 1440)):
        page.set_viewport_size({"width": width, "height": height})
        for language in ("zh", "en"):
            page.wait_for_timeout(400)
            assert overlaps(page) == [], (width, height, language)
            by(page, "language").click()


def test_a_platform_that_is_gone_is_not_shown_as_live(page: Page, platform: Platform) -> None:
    expect(by(page, f"vehicle-age-{VEHICLE}")).to_have_attribute("data-level", "live")
    platform.kill()
    expect(by(page, "connection-banner")).to_be_visible(timeout=10_000)
    expect(by(page, f"vehicle-age-{VEHICLE}")).not_to_have_attribute("data-level", "live", timeout=10_000)
    platform.start()
    expect(by(page, f"vehicle-age-{VEHICLE}")).to_have_attribute("data-level", "live", timeout=20_000)
