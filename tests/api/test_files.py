"""Files through the command line and the API: read, told about, written; nothing is stored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.main import app
from api.guard import LARGE_BODIES
from geofence.formats.intake import MOST_BYTES, Options
from geofence.geojson import parse_zones
from geofence.qingpu import default_airspace
from missions.formats.files import read_file
from tests.api.conftest import World
from tests.geofence.formats.samples import BOW_TIE, kml_of, kml_polygon, samples
from tests.samples import a_feature

runner = CliRunner()
EXAMPLES = Path(__file__).parents[2] / "examples"


def _fails(*arguments: str) -> str:
    """The one sentence of a command that fails."""
    result = runner.invoke(app, list(arguments))
    assert result.exit_code == 1, result.output
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("bailu: ")
    return line


@pytest.mark.parametrize("name", samples())
def test_an_imported_file_is_our_geojson(name: str, tmp_path: Path) -> None:
    file, out = tmp_path / name, tmp_path / "zones.geojson"
    file.write_bytes(samples()[name])
    command = ["import", str(file), "--crs", "wgs84", "--role", "exclusion", "--out", str(out)]
    result = runner.invoke(app, command)
    assert result.exit_code == 0, result.output
    zones = parse_zones(json.loads(out.read_text()))
    assert zones
    assert f"{name}: {name.partition('-')[0]} in WGS84" in result.stderr
    plain = runner.invoke(app, command[:-2])
    assert json.loads(plain.stdout) == json.loads(out.read_text())


def test_a_repair_is_told_with_its_path_and_square_metres(tmp_path: Path) -> None:
    file = tmp_path / "bow.kml"
    file.write_bytes(kml_of(kml_polygon(BOW_TIE)))
    result = runner.invoke(app, ["import", str(file), "--role", "inclusion"])
    assert "repaired (-26" in result.stderr
    assert "/kml/Document[1]/Placemark[1]/Polygon[2]" in result.stderr


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    assert "nope.kml: No such file" in _fails("import", str(tmp_path / "nope.kml"))
    file = tmp_path / "field.poly"
    file.write_bytes(samples()["poly"])
    assert "coordinate system" in _fails("import", str(file))
    assert "role" in _fails("import", str(file), "--crs", "wgs84")
    file.write_bytes(kml_of(kml_polygon(BOW_TIE[:2]), kml_polygon(BOW_TIE[:2])))
    assert "(and 1 more)" in _fails("import", str(file), "--role", "exclusion")
    fence = str(EXAMPLES / "airspace" / "fence.plan")
    assert "not as ed269" in _fails("export", fence, "--format", "ed269")
    file.write_bytes(samples()["kml"])
    result = runner.invoke(app, ["import", str(file), "--out", str(tmp_path)])
    assert (result.exit_code, "Is a directory" in result.stderr.splitlines()[-1]) == (1, True)


OURS = ("README.md", "change.json", "kite-festival.geojson")
FOREIGN = [each for each in sorted((EXAMPLES / "airspace").iterdir()) if each.name not in OURS]


@pytest.mark.parametrize("file", FOREIGN, ids=lambda file: file.name)
def test_every_example_is_read_as_its_readme_says(file: Path) -> None:
    (line,) = [line for line in (file.parent / "README.md").read_text().splitlines() if f"`{file.name}`" in line]
    _, *arguments = line.split("`")[-2].split()
    result = runner.invoke(app, [each.replace("examples", str(EXAMPLES)) for each in arguments])
    assert result.exit_code == 0, result.output
    assert parse_zones(json.loads(result.stdout))


@pytest.mark.parametrize("form", ["plan", "wpl", "kml", "wpml", "geojson"])
def test_an_example_mission_is_exported_in_every_format(form: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    mission = str(EXAMPLES / "river-corridor.geojson")
    result = runner.invoke(app, ["export", mission, "--format", form, "--out", str(out)])
    assert result.exit_code == 0, result.output
    if form != "wpml":
        assert read_file(out.read_bytes(), Options()).mission is not None


def test_a_mission_with_conflicts_is_not_written(tmp_path: Path) -> None:
    bad = str(EXAMPLES / "bad" / "through-the-school.geojson")
    assert "conflicts" in _fails("export", bad, "--format", "plan", "--out", str(tmp_path / "x"))
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", samples())
async def test_an_import_answers_zones_and_a_report_and_stores_nothing(world: World, name: str) -> None:
    query = {"filename": name, "crs": "wgs84", "role": "exclusion"}
    answer = await world.http.post("/imports", params=query, content=samples()[name])
    assert answer.status_code == 200, answer.text
    told = answer.json()
    zones = parse_zones(told["zones"])
    assert zones
    assert told["mission"] is None
    assert (told["report"]["format"], told["report"]["crs"]) == (name.partition("-")[0], "wgs84")
    assert (await world.store.airspace()).zones == default_airspace().zones


async def test_what_was_imported_can_be_published(world: World) -> None:
    told = (await world.http.post("/imports", content=samples()["kml"])).json()
    answer = await world.http.post("/airspace/versions", json={"note": "n", "zones": told["zones"]})
    assert answer.status_code == 201, answer.text


async def test_an_import_says_where_a_file_is_wrong(world: World) -> None:
    answer = await world.http.post("/imports", content=kml_of(kml_polygon(BOW_TIE)))
    assert answer.status_code == 422
    assert "role" in answer.json()["errors"][0]["detail"]
    answer = await world.http.post("/imports", params={"role": "exclusion"}, content=kml_of(kml_polygon([[1, 2]])))
    assert answer.json()["errors"][0]["pointer"].startswith("/kml/Document[1]/Placemark[1]/Polygon")
    for query in ({"crs": "unknown"}, {"role": "x"}, {"format": "shp"}):
        assert (await world.http.post("/imports", params=query, content=b"x")).status_code == 422


async def test_a_file_larger_than_is_read_is_refused_at_the_door(world: World) -> None:
    assert LARGE_BODIES["/api/v1/imports"] == MOST_BYTES
    answer = await world.http.post("/imports", content=b"0" * (MOST_BYTES + 1))
    assert answer.status_code == 413


@pytest.mark.parametrize("form", ["kml", "kmz", "geojson", "plan", "wpl"])
async def test_an_airspace_version_is_exported_and_reads_back(world: World, form: str) -> None:
    answer = await world.http.get("/airspace/versions/1/export", params={"format": form})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith('attachment; filename="airspace-1.')
    back = read_file(answer.content, Options()).zones
    if form in ("kml", "kmz", "geojson"):
        assert {zone.id for zone in back} == {zone.id for zone in default_airspace().zones}
    report = await world.http.get("/airspace/versions/1/export", params={"format": form, "report": True})
    assert (report.json()["format"], bool(report.json()["notes"])) == (form, form in ("plan", "wpl"))


async def test_there_is_no_export_of_what_is_not_there(world: World) -> None:
    assert (await world.http.get("/airspace/versions/9/export", params={"format": "kml"})).status_code == 404
    assert (await world.http.get("/missions/nope/export", params={"format": "kml"})).status_code == 404
    assert (await world.http.get("/airspace/versions/1/export", params={"format": "wpml"})).status_code == 422
    assert (await world.http.get("/airspace/versions/1/export")).status_code == 422


@pytest.mark.parametrize("form", ["plan", "wpl", "kml", "wpml"])
async def test_a_stored_mission_is_exported(world: World, form: str) -> None:
    mission_id = await world.mission(a_feature())
    answer = await world.http.get(f"/missions/{mission_id}/export", params={"format": form})
    assert answer.status_code == 200, answer.text
    assert mission_id in answer.headers["content-disposition"]
    if form == "wpml":
        assert answer.content.startswith(b"PK")
    else:
        assert read_file(answer.content, Options()).mission is not None


async def test_too_many_imports_at_once_are_told_to_come_back(world: World) -> None:
    importer = world.app.state.importer
    importer.waiting = importer.most_waiting
    answer = await world.http.post("/imports", params={"role": "exclusion"}, content=samples()["kml"])
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
