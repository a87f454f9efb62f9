"""`bailu fleet`: every example can be flown, all tours are in one picture, what is undone is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from api.cli.main import app
from tests.missions.fleets.test_preview import a_body

pytestmark = pytest.mark.thorough

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("fleet-*.json"))
TITLE = "{http://www.w3.org/2000/svg}title"


def run(file: Path, body: dict[str, Any], *options: str) -> Result:
    file.write_text(json.dumps(body), encoding="utf-8")
    return CliRunner().invoke(app, ["fleet", str(file), *options])


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_becomes_tours(example: Path, tmp_path: Path) -> None:
    body = json.loads(example.read_text(encoding="utf-8"))
    told = run(tmp_path / "task.json", body | {"seconds": 0.5}, "--json")
    assert told.exit_code == 0, told.output
    made = json.loads(told.stdout)
    assert made["tours"]
    assert (made["unvisited"], made["uncovered"]) == ([], [])


def test_all_tours_are_drawn_in_one_picture(tmp_path: Path) -> None:
    body = a_body(4, seconds=0.5, longest_s=260, rounds=3, vehicle_ids=["bl-01"])
    told = run(tmp_path / "task.json", body, "--html", str(tmp_path / "fleet.html"), "--json")
    assert told.exit_code == 0, told.output
    names = [tour["feature"]["properties"]["name"] for tour in json.loads(told.stdout)["tours"]]
    assert len(names) > 1
    page = (tmp_path / "fleet.html").read_text(encoding="utf-8")
    picture = ET.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])
    titles = [each.text or "" for each in picture.iter(TITLE)]
    assert all(any(title.startswith(name) for title in titles) for name in names)
    assert [title for title in titles if title.startswith("point ")] == [f"point {number}" for number in range(4)]


def test_what_is_left_undone_is_named_and_drawn(tmp_path: Path) -> None:
    body = a_body(3, seconds=0.5, vehicle_ids=["bl-01"])
    body["points"]["coordinates"][1] = [126.0, 31.1]
    told = run(tmp_path / "task.json", body, "--html", str(tmp_path / "fleet.html"))
    assert told.exit_code == 2
    assert "point 1: it does not lie where flying is allowed" in " ".join(told.output.split())
    assert "point 1: it does not lie" in (tmp_path / "fleet.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "said"), [("{", "is not JSON"), ('{"name": "x"}', "/points: is missing"), (None, "cannot be read")]
)
def test_a_file_that_cannot_be_read_says_why(text: str | None, said: str, tmp_path: Path) -> None:
    file = tmp_path / "task.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    told = CliRunner().invoke(app, ["fleet", str(file)])
    assert told.exit_code == 1
    assert said in told.output
