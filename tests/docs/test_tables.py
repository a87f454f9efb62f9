"""What documents list is all that there is, no more and no less; what they point to exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from geofence.formats.report import Format
from missions.formats.files import MISSION_FORMATS, ZONE_FORMATS
from missions.model import SortieState
from missions.patterns.catalog import CATALOG
from missions.prove.conflicts import _FENCE, _KNOWN
from missions.prove.facts import Autopilot, margin_budget_m
from missions.sortie import TRANSITIONS
from missions.templates import TEMPLATES
from tests.docs.reading import DOCUMENTS, ROOT, blocks, first_cells, links, name_of, text_of

PLANNING = ROOT / "docs" / "planning.md"
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PACKAGES = ("core", "geofence", "missions", "api")
# These choose the code from a table or from two words; the tables are read below.
CHOOSING = {"geofence/evaluate.py", "missions/prove/conflicts.py"}


def conflict_codes() -> set[str]:
    """Every code that a conflict may have, read from the program's text."""
    found = {code for code, _ in _KNOWN.values()}
    found |= {f"{what}-{how}" for what in ("leg", "return") for how in ("leaves-inclusion", "crosses-exclusion")}
    choosing = set()
    for file in (file for package in PACKAGES for file in (ROOT / package).rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if "onflict(" not in text:
            continue
        tree = ast.parse(text)
        constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for value in _codes(tree):
            told = constants.get(value.id, value) if isinstance(value, ast.Name) else value
            if isinstance(told, ast.Constant) and isinstance(told.value, str):
                found.add(told.value)
            else:
                choosing.add(str(file.relative_to(ROOT)))
    assert choosing == CHOOSING
    return found


def _codes(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Conflict", "_altitude_conflict"):
            yield from node.args[:1]
            yield from (keyword.value for keyword in node.keywords if keyword.arg == "code")


def test_every_conflict_is_explained_with_what_helps() -> None:
    assert sorted(first_cells(PLANNING, "### Conflicts")) == sorted(conflict_codes())
    assert _FENCE  # those are told as fence-not-feasible, which the table has


def test_every_pattern_is_described_and_drawn() -> None:
    assert first_cells(PLANNING, "## Patterns") == [str(pattern) for pattern in CATALOG]
    for pattern in CATALOG:
        drawing = ROOT / "docs" / "patterns" / f"{pattern}.svg"
        assert 1_000 < drawing.stat().st_size < 30_000, drawing


def test_every_template_is_listed_with_its_pattern() -> None:
    assert first_cells(PLANNING, "### Templates") == list(TEMPLATES)
    for template in TEMPLATES.values():
        assert re.search(rf"^\| `{template.id}` .*{template.name}.*`{template.pattern}` \|$", text_of(PLANNING), re.M)


def test_every_format_is_listed_with_what_is_written() -> None:
    assert first_cells(PLANNING, "## Files of other programs") == [str(form) for form in Format]
    for form in Format:
        row = next(line for line in text_of(PLANNING).splitlines() if line.startswith(f"| `{form}` |"))
        zones, missions = (cell.strip() for cell in row.split("|")[2:4])
        assert ("write" in zones, "write" in missions) == (form in ZONE_FORMATS, form in MISSION_FORMATS), row


def test_the_margin_budget_adds_up_as_told() -> None:
    told = first_cells(PLANNING, "## How much room is kept")
    assert len(told) == 5
    assert margin_budget_m(0.0) == 3 + 2 + 2 + 1
    assert margin_budget_m(10.0) == pytest.approx(10.0)


def test_what_the_proof_assumes_is_what_the_document_says() -> None:
    facts, said = Autopilot(), text_of(PLANNING).partition("## What the proof assumes")[2]
    for value in (
        f"WPNAV_RADIUS {facts.wp_radius_m:g} m",
        f"WPNAV_SPEED, {facts.speed_mps:g} m/s",
        f"RTL_CONE_SLOPE {facts.return_cone:g}",
        f"RALLY_LIMIT_KM {facts.rally_limit_m / 1000:g}",
        f"SRTL_ACCURACY {facts.retrace_m:g} m",
        f"remember {facts.retrace_waypoints} waypoints",
        f"{facts.most_items} mission items, {facts.most_fence_items} fence items and {facts.most_fence_bytes} bytes",
    ):
        assert value in said


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_leads_somewhere(document: Path) -> None:
    assert [link for link in links(document) if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda file: file.stem[:4])
def test_a_decision_names_tests_that_exist(decision: Path) -> None:
    said = text_of(decision)
    number = int(decision.name[:4])
    assert said.startswith(f"# {number}. ")
    assert all(f"**{part}" in said for part in ("Context.", "Decision."))
    code = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("*.py"))
    assert [name for name in re.findall(r"`(test_\w+)`", said) if f"def {name}(" not in code] == []
    assert [path for path in re.findall(r"`(tests/[\w/.]+)`", said) if not (ROOT / path).exists()] == []


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(file.name[:4]) for file in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_a_word_has_one_meaning() -> None:
    words = first_cells(ROOT / "docs" / "glossary.md", "# Glossary: one word, one meaning")
    single = [word.strip() for cell in words for word in re.split(r"[,/]", cell)]
    assert len(single) > 30
    assert sorted(single) == sorted(set(single))


def test_both_readmes_tell_the_same() -> None:
    english, chinese = ROOT / "README.md", ROOT / "README.zh-CN.md"
    assert blocks(english) == blocks(chinese)
    assert len(re.findall(r"^#+ ", text_of(english), re.M)) == len(re.findall(r"^#+ ", text_of(chinese), re.M))
    other = {"README.md", "README.zh-CN.md"}
    assert {*links(english)} - other == {*links(chinese)} - other


def test_the_life_of_a_sortie_is_the_codes() -> None:
    text = (ROOT / "docs" / "sorties.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\w+) \| ([\w, –]+) \|$", text, re.MULTILINE))
    told = {state: set(after.replace("–", "").replace(",", " ").split()) for state, after in rows.items()}
    assert {state: told[state] for state in SortieState} == {
        state: {str(after) for after in TRANSITIONS[state]} for state in SortieState
    }
