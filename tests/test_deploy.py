"""What `deploy/` holds fits the program: every query names a metric and labels that exist, every unit a command."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.cli import private
from api.cli.main import COMMANDS
from api.drills import platform as drilled
from api.metrics.catalog import CATALOG, Kind, labels_of
from api.stopping import STOP_WITHIN_S

DEPLOY = Path(__file__).parents[1] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
# Of every Prometheus client, and what Prometheus itself adds.
_PROCESS = {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"}
_ADDED = {"job", "instance", "le"}
_METRIC = re.compile(r"\b(bailu_\w+|process_\w+|up)\b(?:\{([^}]*)\})?")
_BY = re.compile(r"\bby \(([^)]*)\)")


def dashboard() -> dict[str, Any]:
    told: dict[str, Any] = json.loads((DEPLOY / "grafana" / "bailu.json").read_text(encoding="utf-8"))
    return told


def queries() -> Iterator[tuple[str, str]]:
    """Every query of the dashboard and every rule, with where it stands."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for group in yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


def labels_known(name: str) -> set[str]:
    """The labels of a series; KeyError when there is no such series."""
    if name == "up" or name in _PROCESS:
        return _ADDED
    base = re.sub(r"_(bucket|count|sum)$", "", name)
    if base != name and CATALOG[base].kind is Kind.HISTOGRAM:
        return {*labels_of(CATALOG[base]), *_ADDED}
    assert CATALOG[name].kind is not Kind.HISTOGRAM, f"{name} is a histogram: its series end in _bucket, _count, _sum"
    return {*labels_of(CATALOG[name]), *_ADDED}


@pytest.mark.parametrize(("where", "query"), list(queries()))
def test_every_query_names_metrics_and_labels_that_exist(where: str, query: str) -> None:
    # `kind` and the like are label names, not metrics: those have the prefix.
    named = _METRIC.findall(query)
    assert named, where
    known: set[str] = set()
    for name, selectors in named:
        known = labels_known(name)
        assert set(re.findall(r"(\w+)\s*[=!]~?", selectors)) <= known, (where, name)
        counts = (name in CATALOG and CATALOG[name].kind is Kind.COUNTER) or name.endswith("_bucket")
        assert not counts or re.search(rf"(rate|increase)\({name}", query), f"{where}: {name} only ever grows"
    for grouped in _BY.findall(query):
        assert {label.strip() for label in grouped.split(",")} <= known, (where, grouped)


@pytest.mark.parametrize("query", ["bailu_nowhere", "bailu_tick_duration_seconds", 'bailu_sorties{mood="good"}'])
def test_a_query_of_what_does_not_exist_would_be_found(query: str) -> None:
    with pytest.raises((AssertionError, KeyError)):
        test_every_query_names_metrics_and_labels_that_exist("here", query)


def test_panels_lie_side_by_side_and_every_one_has_its_own_number() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_every_alert_says_what_it_means_and_how_bad_it_is() -> None:
    for group in yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in ("critical", "warning")
            assert rule["annotations"]["summary"].endswith(".")


def test_the_scrape_configuration_reads_the_rules_that_are_there() -> None:
    told = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    assert all((DEPLOY / file).is_file() for file in told["rule_files"])
    (kept,) = (job["metric_relabel_configs"][0] for job in told["scrape_configs"] if "metric_relabel_configs" in job)
    own = [name for name in CATALOG if re.fullmatch(kept["regex"], name)]
    assert own == [name for name in CATALOG if name.startswith(("bailu_info", "bailu_store_"))]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_a_command_that_exists_and_is_kept_from_everything_else(unit: Path) -> None:
    text = unit.read_text()
    (command,) = re.findall(r"^ExecStart=\S*/bailu (\w+)", text, re.M)
    assert command in COMMANDS
    for line in (
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "UMask=0077",
        "Restart=always",
        "CapabilityBoundingSet=",
    ):
        assert re.search(rf"^{line}$", text, re.M), line


def test_what_beats_for_the_vehicles_outlives_a_crash_of_the_gateway() -> None:
    killed = {unit.stem: re.findall(r"^KillMode=(\w+)", unit.read_text(), re.M) for unit in UNITS}
    assert killed == {"bailu": ["process"], "bailu-gateway": ["process"], "bailu-api": []}


def test_a_stop_is_over_before_anybody_who_waits_for_it_kills() -> None:
    granted_s = [
        float(found) for unit in UNITS for found in re.findall(r"^TimeoutStopSec=(\d+)$", unit.read_text(), re.M)
    ]
    assert len(granted_s) == len(UNITS)
    assert min(*granted_s, drilled.STOP_WITHIN_S, private.STOP_PATIENCE_S) >= STOP_WITHIN_S + 3.0
