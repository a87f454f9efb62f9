from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from api.cli.main import app
from api.sketch.page import html, svg
from geofence.qingpu import default_airspace
from tests.samples import a_plan

EXAMPLES = Path(__file__).parents[2] / "examples"
SVG = "{http://www.w3.org/2000/svg}"


def titles(text: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(text).iter(f"{SVG}title")]


def test_a_sketch_shows_every_waypoint_the_fence_and_the_zones_by_name() -> None:
    made = a_plan()
    told = titles(svg(made, default_airspace()))
    assert [f"{n}: 60 m above home" for n in range(1, len(made.waypoints) + 1)] == [
        one for one in told if "above home" in one
    ]
    assert any("on-board fence" in one for one in told)
    assert any("青浦区（示意） · inclusion" in one for one in told)


def test_a_plan_with_conflicts_is_drawn_with_what_is_wrong(tmp_path: Path) -> None:
    drawn = tmp_path / "plan.svg"
    file = EXAMPLES / "bad" / "through-the-school.geojson"
    told = CliRunner().invoke(app, ["plan", str(file), "--svg", str(drawn), "--json"])
    assert told.exit_code == 2, told.output
    conflicts = json.loads(told.stdout)["conflicts"]
    assert "leg-crosses-exclusion" in [one["code"] for one in conflicts]
    assert {one["detail"] for one in conflicts if one["geometry"]} <= set(titles(drawn.read_text(encoding="utf-8")))


def test_a_hostile_name_stays_text() -> None:
    page = html(a_plan(), default_airspace(), "<script>alert(1)</script>")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_command_draws_and_tells(tmp_path: Path) -> None:
    drawn, page = tmp_path / "plan.svg", tmp_path / "plan.html"
    asked = ["plan", str(EXAMPLES / "river-corridor.geojson"), "--svg", str(drawn), "--html", str(page)]
    told = CliRunner().invoke(app, asked)
    assert told.exit_code == 0, told.output
    assert "clear to fly" in told.output
    assert ET.parse(drawn).getroot().tag == f"{SVG}svg"
    assert "可以飞行" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["nowhere.geojson"], "nowhere.geojson: No such file"),
        ([str(EXAMPLES / "river-corridor.geojson"), "--airframe", "zeppelin"], "There is no airframe 'zeppelin'"),
        ([str(EXAMPLES / "river-corridor.geojson"), "--airspace", "nowhere"], "nowhere cannot be read"),
        ([str(EXAMPLES / "river-corridor.geojson"), "--svg", "/nowhere/plan.svg"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(asked: list[str], said: str) -> None:
    told = CliRunner().invoke(app, ["plan", *asked])
    assert told.exit_code == 1
    assert said in told.output
    assert "Traceback" not in told.output
