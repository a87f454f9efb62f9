"""Docks of the configuration: planned from, exported from, flown from in drills."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli.fleet import _fleet
from api.cli.main import app
from api.docks import docks_by_id
from api.drills.flying import DrillError, docks_of
from api.drills.platform import settings_text
from api.drills.reading import read_drill
from api.drills.runner import with_options
from api.drills.scenario import Kind
from api.settings import Settings, load
from core.ids import DockId
from tests.samples import DOCK, a_feature

EXAMPLE = next((Path(__file__).parents[2] / "examples" / "drills").glob("*.yaml"))
# Two hundred metres from the sample's dock.
YARD = f"""
[[docks]]
id = "yard"
name = "场站"
lat_deg = {DOCK.place.lat_deg + 0.002}
lon_deg = {DOCK.place.lon_deg}
ground_amsl_m = {DOCK.ground_amsl_m}
height_agl_m = 1.5

[[links]]
name = "fleet"
url = "udpin:127.0.0.1:0"

[[vehicles]]
id = "y-1"
name = "y-1"
link = "fleet"
system_id = 7
dock = "yard"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "bailu.toml"
    file.write_text(YARD, encoding="utf-8")
    return file


@pytest.fixture
def mission(tmp_path: Path) -> Path:
    file = tmp_path / "mission.json"
    file.write_text(json.dumps(a_feature(dock_id="yard")), encoding="utf-8")
    return file


def bailu(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def test_a_mission_is_planned_from_a_configured_dock(config: Path, mission: Path) -> None:
    made = bailu("plan", mission, "--config", config, "--json")
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["home"]["lat_deg"] == pytest.approx(DOCK.place.lat_deg + 0.002)
    unknown = bailu("plan", mission)
    assert unknown.exit_code == 1
    assert "yard" in unknown.output


def test_a_mission_is_exported_from_a_configured_dock(config: Path, mission: Path, tmp_path: Path) -> None:
    out = tmp_path / "mission.waypoints"
    made = bailu("export", mission, "--format", "wpl", "--out", out, "--config", config)
    assert made.exit_code == 0, made.output
    home = out.read_text().splitlines()[1].split("\t")
    assert float(home[8]) == pytest.approx(DOCK.place.lat_deg + 0.002)
    assert bailu("export", mission, "--format", "wpl", "--out", out).exit_code == 1


def test_a_fleet_stands_at_its_configured_docks(config: Path) -> None:
    (vehicle,) = _fleet(load(config, {}))
    assert (vehicle.id, vehicle.dock.name) == ("y-1", "场站")


def test_a_drill_flies_from_configured_docks_and_tells_its_platform_of_them(config: Path) -> None:
    example = read_drill(EXAMPLE)
    written = replace(example, vehicles=tuple(replace(part, dock="yard") for part in example.vehicles))
    with pytest.raises(DrillError, match="there is no dock 'yard'"):
        docks_of(written)
    docks = docks_by_id(load(config, {}))
    chosen = with_options(written, speedup=None, seed=None, docks=tuple(docks.values()))
    assert docks_of(chosen)[written.vehicles[0].id] == docks[DockId("yard")]
    told = Settings(**tomllib.loads(settings_text(chosen, Kind.EMBEDDED, ("127.0.0.1", 14550))))
    assert docks_by_id(told) == docks


def test_a_drill_without_a_configuration_knows_the_docks_of_a_fresh_installation() -> None:
    assert {dock.id for dock in read_drill(EXAMPLE).docks} == set(docks_by_id(Settings()))
