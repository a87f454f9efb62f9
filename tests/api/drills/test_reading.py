"""Drills are read strictly: what is wrong is named with its line and its member, all at once."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.drills.reading import _ACTIONS, _EXPECT, _ROOT, _TRIGGERS, _VEHICLE, DrillFileError, parse_drill, read_drill
from api.drills.scenario import FIGURES, Bounds, Break, Command, PlatformHit, SetLink, Takeover, Trigger
from api.drills.yaml_lines import MOST_NODES, BadYaml, read_yaml
from simulator.faults.impairment import Faults
from simulator.faults.vehicle import Effect
from simulator.faults.words import MEMBERS

ROOT = Path(__file__).parents[3]
DRILLS = sorted((ROOT / "examples" / "drills").glob("*.yaml"))
HEAD = "drill: 1\nname: x\nvehicles:\n- {id: a, dock: d}\n"
SMALL = HEAD + "expect:\n- {gcs_failsafe: false}\n"


DOCUMENT = ROOT / "docs" / "drills.md"


def read(text: str) -> object:
    return parse_drill(text, name="f.yaml", folder=Path("/nowhere"))


@pytest.mark.parametrize("file", DRILLS, ids=lambda file: file.stem)
def test_every_example_can_be_read(file: Path) -> None:
    drill = read_drill(file)
    assert drill.expectations
    assert drill.about


def cells(first_column: str) -> set[str]:
    """The first column of the table with this heading."""
    _, _, rest = DOCUMENT.read_text().partition(f"| {first_column} |")
    rows = [line for line in rest.split("\n\n", maxsplit=1)[0].splitlines() if line.startswith("| `")]
    return {row.split("`")[1] for row in rows}


def test_the_document_lists_every_word_and_no_other() -> None:
    assert cells("`when`") == set(_TRIGGERS)
    assert cells("thing to do") == set(_ACTIONS)
    assert cells("figure") == set(FIGURES)
    for word in (*MEMBERS, *_EXPECT, *_VEHICLE, *_ROOT):
        assert f"`{word}`" in DOCUMENT.read_text() or f"{word}:" in DOCUMENT.read_text(), word


def test_the_example_of_the_document_can_be_read() -> None:
    shown = DOCUMENT.read_text().split("```yaml\n")[1].split("```")[0]
    parse_drill(shown, name="drills.md", folder=ROOT / "examples" / "drills")


def test_there_is_an_example_of_each_kind_of_trouble() -> None:
    told = "".join(file.read_text() for file in DRILLS)
    for word in (
        "cut: true",
        "loss:",
        "battery:",
        "pilot:",
        "platform: killed",
        "airspace:",
        "reboot:",
        "gps:",
        "rc:",
    ):
        assert word in told, word


def test_a_drill_is_what_it_says() -> None:
    drill = parse_drill(
        HEAD
        + "link: {loss: 10%, uplink: {delay: 1s}}\n"
        + "missions:\n- {name: m, request: {properties: {a: 1}}, change: {a: 2, b: 3}}\n"
        + "steps:\n"
        + "- {name: s, when: {state: on_mission, wait: 2s}, link: {cut: true}, for: 3s}\n"
        + "- {when: {step: s is over}, gps: lost}\n"
        + "- {when: {waypoint: 2}, pilot: LOITER}\n"
        + "- {when: {at: 1min}, platform: frozen, for: 5s}\n"
        + "- {command: {kind: pause}}\n"
        + "expect:\n- {within: 2min, figures: {breaches: {at_most: 0}}, answers: {s: done}}\n",
        name="f",
        folder=Path(),
    )
    (vehicle,) = drill.vehicles
    assert (vehicle.link.forth, vehicle.link.back) == (Faults(loss=0.1), Faults(loss=0.1, delay_s=1.0))
    assert drill.missions[0].request == {"properties": {"a": 2, "b": 3}}
    whens = [step.when for step in drill.steps]
    assert whens == [
        Trigger("state", "on_mission", "a", 2.0),
        Trigger("step", "s is over", "a"),
        Trigger("waypoint", "2", "a"),
        Trigger("at", "60", "a"),
        Trigger("at", "0", "a"),
    ]
    kinds = [type(step.action) for step in drill.steps]
    assert kinds == [SetLink, Break, Takeover, PlatformHit, Command]
    assert (drill.steps[0].for_s, drill.steps[1].for_s) == (3.0, None)
    (expected,) = drill.expectations
    assert (expected.within_s, expected.figures) == (120.0, {"breaches": Bounds(at_most=0.0)})
    assert isinstance(drill.vehicles[0].weather, Effect)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "f.yaml:1: the file is empty"),
        ("a: [", "f.yaml:1: "),
        (
            "drill: 2\nname: x\nvehicles: []\nexpect: []",
            "f.yaml:1: /drill is 2; this program reads drills of format 1",
        ),
        (HEAD, "f.yaml:1: /expect is missing"),
        (HEAD + "expect: []", "f.yaml:5: /expect expects nothing"),
        (SMALL + "colour: red", "f.yaml:7: /colour is not known here"),
        (SMALL + "steps:\n- {when: {state: flying}, gps: lost}", "f.yaml:8: /steps/0/when/state is 'flying'"),
        (SMALL + "steps:\n- {gps: lost, rc: lost}", "f.yaml:8: /steps/0 needs one thing to do"),
        (SMALL + "steps:\n- {gps: gone}", "f.yaml:8: /steps/0/gps gps is lost, normal or"),
        (SMALL + "steps:\n- {link: {loss: 2}}", "f.yaml:8: /steps/0/link loss: 2 is not a share"),
        (SMALL + "steps:\n- {reboot: true, for: 3s}", "f.yaml:8: /steps/0/for reboot is not something that ends"),
        (SMALL + "steps:\n- {platform: killed}", "f.yaml:8: /steps/0 platform needs for"),
        (SMALL + "steps:\n- {command: fly}", "f.yaml:8: /steps/0/command is 'fly'; it must be one of pause"),
        (
            SMALL + "missions:\n- {file: none.geojson}",
            "f.yaml:8: /missions/0/file /nowhere/none.geojson: No such file",
        ),
        (HEAD + "expect:\n- {figures: {speed: {at_most: 1}}}", "f.yaml:6: /expect/0/figures/speed is not known"),
        (HEAD + "expect:\n- {answers: {nobody: done}}", "f.yaml:6: /expect/0/answers/nobody is no step"),
        (
            HEAD + "expect:\n- {vehicle: b, outcome: completed}",
            "f.yaml:6: /expect/0/vehicle is 'b'; it must be one of a",
        ),
        ("drill: 1\nname: x\nname: y\n", "f.yaml:3: 'name' occurs twice"),
        ("a: &x 1\nb: *x\n", "f.yaml:2: anchors and aliases are not read"),
        ("a: !!python/object:os.system {}\n", "f.yaml:1: "),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_member(text: str, says: str) -> None:
    with pytest.raises(DrillFileError) as refused:
        read(text)
    assert str(refused.value).startswith(says)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(DrillFileError) as refused:
        read(SMALL + "speedup: 0\nsteps:\n- {gps: gone}\n- {rc: gone}\n")
    assert [line.split(" ")[0] for line in str(refused.value).splitlines()] == [
        "f.yaml:7:",
        "f.yaml:9:",
        "f.yaml:10:",
    ]


@pytest.mark.parametrize(
    "text", ["[" * 40 + "]" * 40, "[" + "1," * (MOST_NODES + 1) + "1]", "x" * 300_000], ids=["deep", "many", "long"]
)
def test_a_file_without_bounds_is_refused_before_it_is_built(text: str) -> None:
    with pytest.raises(BadYaml, match=r"deeper|more than"):
        read_yaml(text)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    with contextlib.suppress(DrillFileError):
        read(text)
