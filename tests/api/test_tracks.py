"""Tracks as files: each form read back by something that is not ours, range and level kept, holds obeyed."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow.parquet
import pytest

from api.main import bare_app
from tests.api.conftest import World
from tests.samples import AT, a_batch, a_mission, a_revision, a_sortie, a_track_point

SECONDS = 3_000
FIRST = "2026-03-01T08:30:00.000000Z"
GX = "{http://www.google.com/kml/ext/2.2}"
KML = "{http://www.opengis.net/kml/2.2}"


@pytest.fixture
async def flown(world: World) -> World:
    """A world in which sortie-1 was recorded once a second for fifty minutes, a part of it in blobs."""
    await world.store.add_mission(a_mission(), a_revision())
    await world.store.add_sortie(a_sortie(), idempotency_key="k", request_digest="d")
    points = [a_track_point(second) for second in range(SECONDS)]
    await world.store.records.append(a_batch(points[:2_000]))
    await world.store.records.compact(round((AT + timedelta(seconds=2_500)).timestamp() * 1e6))
    await world.store.records.append(a_batch(points[2_000:]))
    return world


async def _get(world: World, query: str, **headers: str) -> bytes:
    answer = await world.http.get(f"/sorties/sortie-1/track{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.content


async def test_geojson_is_a_line_with_a_time_for_each_position(flown: World) -> None:
    feature = json.loads(await _get(flown, ""))
    coordinates, properties = feature["geometry"]["coordinates"], feature["properties"]
    assert len(coordinates) == len(properties["times"]) == SECONDS
    assert (coordinates[0], coordinates[1]) == ([121.124, 31.139, 64.0], [121.124, 31.13901, 64.0])
    assert (properties["times"][0], properties["level"]) == (FIRST, "raw")
    assert properties["sortie_id"] == "sortie-1"


async def test_csv_has_a_line_for_each_position_under_names_with_units(flown: World) -> None:
    rows = list(csv.DictReader(io.StringIO((await _get(flown, "?format=csv")).decode())))
    assert len(rows) == SECONDS
    assert (rows[0]["time"], float(rows[1]["lat_deg"]), rows[0]["mode"]) == (FIRST, 31.13901, "AUTO")
    assert (rows[0]["battery_pct"], rows[0]["mission_seq"], rows[0]["roll_deg"]) == ("88.5", "2", "")
    assert len(rows[0]) >= 20


async def test_parquet_is_read_by_arrow_with_its_types_and_whose_it_is(flown: World) -> None:
    table = pyarrow.parquet.read_table(io.BytesIO(await _get(flown, "?format=parquet")))
    assert table.num_rows == SECONDS
    assert str(table.schema.field("time").type) == "timestamp[us, tz=UTC]"
    assert table.column("time")[0].as_py() == AT
    assert table.column("lat_deg")[1].as_py() == 31.13901
    assert table.column("roll_deg")[0].as_py() is None
    assert table.schema.metadata[b"sortie_id"] == b"sortie-1"


async def test_kml_is_a_track_with_as_many_values_as_positions(flown: World) -> None:
    root = ET.fromstring(await _get(flown, "?format=kml"))
    (track,) = root.iter(f"{GX}Track")
    assert next(each.text for each in track.findall(f"{KML}when")) == FIRST
    assert [each.text for each in track.findall(f"{GX}coord")][1] == "121.124 31.13901 64.0"
    assert len(track.findall(f"{KML}when")) == len(track.findall(f"{GX}coord")) == SECONDS
    arrays = {each.get("name"): each.findall(f"{GX}value") for each in track.iter(f"{GX}SimpleArrayData")}
    declared = {each.get("name") for each in root.iter(f"{GX}SimpleArrayField")}
    assert arrays.keys() == declared
    assert {len(values) for values in arrays.values()} == {SECONDS}


async def test_moving_features_json_keeps_the_rules_of_the_standard(flown: World) -> None:
    """OGC 19-045r3, 7.2: a moving point has as many coordinates as instants, which rise; so have its properties."""
    feature = json.loads(await _get(flown, "?format=mf-json"))
    assert feature["type"] == "Feature"
    geometry: dict[str, Any] = feature["temporalGeometry"]
    assert (geometry["type"], geometry["interpolation"]) == ("MovingPoint", "Linear")
    instants = [datetime.fromisoformat(each) for each in geometry["datetimes"]]
    assert all(first < second for first, second in pairwise(instants))
    assert len(geometry["coordinates"]) == len(instants) == SECONDS
    (group,) = feature["temporalProperties"]
    assert group.pop("datetimes") == geometry["datetimes"]
    assert "roll_deg" not in group  # it was never told
    for values in group.values():
        assert (values["type"], values["interpolation"]) == ("Measure", "Linear")
        assert values["form"].startswith("http://qudt.org/")
        assert len(values["values"]) == SECONDS
        assert all(isinstance(each, float) for each in values["values"])
    assert feature["properties"]["sortie_id"] == "sortie-1"


@pytest.fixture
async def patchy(world: World) -> World:
    """A world whose sortie-1 told of its battery in the first minute only, and of its height not in the third."""
    await world.store.add_mission(a_mission(), a_revision())
    await world.store.add_sortie(a_sortie(), idempotency_key="k", request_digest="d")
    batch = a_batch([a_track_point(second) for second in range(180)])
    batch.rows["battery_pct"][60:] = batch.rows["alt_amsl_m"][120:] = np.nan
    await world.store.records.append(batch)
    return world


async def test_moving_features_json_has_no_value_where_none_was_told(patchy: World) -> None:
    feature = json.loads(await _get(patchy, "?format=mf-json"))
    geometry, groups = feature["temporalGeometry"], feature["temporalProperties"]
    (battery,) = [group for group in groups if "battery_pct" in group]
    (others,) = [group for group in groups if "battery_pct" not in group]
    assert battery["datetimes"] == geometry["datetimes"][:60]
    assert battery["battery_pct"]["values"] == [88.5] * 60
    assert battery["battery_pct"]["interpolation"] == "Discrete"
    assert others["datetimes"] == geometry["datetimes"]
    assert len(others["heading_deg"]["values"]) == 180
    assert [len(each) for each in geometry["coordinates"]] == [3] * 120 + [2] * 60


async def test_other_forms_have_no_value_where_none_was_told_either(patchy: World) -> None:
    root = ET.fromstring(await _get(patchy, "?format=kml"))
    (battery,) = [each for each in root.iter(f"{GX}SimpleArrayData") if each.get("name") == "battery_pct"]
    assert [each.text for each in battery.findall(f"{GX}value")] == ["88.5"] * 60 + [None] * 120
    coords = [(each.text or "").split() for each in root.iter(f"{GX}coord")]
    assert [len(each) for each in coords] == [3] * 120 + [2] * 60
    coordinates = json.loads(await _get(patchy, ""))["geometry"]["coordinates"]
    assert coordinates == [[float(number) for number in each] for each in coords]
    rows = list(csv.DictReader(io.StringIO((await _get(patchy, "?format=csv")).decode())))
    assert [(rows[at]["battery_pct"], rows[at]["alt_amsl_m"]) for at in (59, 60, 120)] == [
        ("88.5", "64.0"), ("", "64.0"), ("", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(("level", "count"), [("raw", 3_000), ("1s", 3_000), ("10s", 300), ("60s", 50)])
async def test_a_level_has_one_position_for_each_period(flown: World, level: str, count: int) -> None:
    feature = json.loads(await _get(flown, f"?level={level}"))
    assert len(feature["geometry"]["coordinates"]) == count
    assert feature["properties"]["level"] == level


async def test_a_range_begins_with_its_first_time_and_ends_before_its_last(flown: World) -> None:
    query = "?from=2026-03-01T08:40:00Z&to=2026-03-01T08:41:00%2B00:00"
    times = json.loads(await _get(flown, query))["properties"]["times"]
    assert (times[0], times[-1], len(times)) == ("2026-03-01T08:40:00.000000Z", "2026-03-01T08:40:59.000000Z", 60)


async def test_the_accept_header_chooses_and_a_name_comes_before_it(flown: World) -> None:
    assert (await _get(flown, "", Accept="text/html, text/csv;q=0.8"))[:6] == b'"time"'
    assert (await _get(flown, "", Accept="application/vnd.apache.parquet"))[:4] == b"PAR1"
    assert (await _get(flown, "?format=kml", Accept="text/csv"))[:5] == b"<?xml"
    assert (await _get(flown, "", Accept="*/*"))[:1] == b"{"


async def test_what_is_wrong_with_a_range_is_named(flown: World) -> None:
    backwards = "?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z"
    for query, pointer in (("?from=2026-03-01T08:40:00", "/from"), (backwards, "/to")):
        answer = await flown.http.get(f"/sorties/sortie-1/track{query}")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert (await flown.http.get("/sorties/sortie-1/track?level=2s")).status_code == 422


async def test_a_vehicle_has_a_track_of_its_last_hour_or_of_any_range(flown: World) -> None:
    path = "/vehicles/bl-01/track"
    flown.clock.advance((AT - flown.clock.now()).total_seconds() + 70 * 60)
    assert len((await flown.http.get(path)).json()["geometry"]["coordinates"]) == 40 * 60
    whole = await flown.http.get(f"{path}?from=2026-01-01T00:00:00Z&level=60s")
    assert len(whole.json()["geometry"]["coordinates"]) == 50
    assert (await flown.http.get("/vehicles/bl-99/track")).status_code == 404


async def test_without_a_level_each_range_has_the_finest_rows_that_are_kept_of_it(flown: World) -> None:
    await flown.store.records.compact(round((AT + timedelta(days=1)).timestamp() * 1e6))
    await flown.store.records.expire((0,), round((AT + timedelta(minutes=20)).timestamp() * 1e6), ())
    levels = [
        json.loads(await _get(flown, query))["properties"]["level"]
        for query in ("", "?from=2026-03-01T08:40:00Z", "?from=2026-03-01T09:00:00Z", "?to=2026-03-01T09:00:00Z")
    ]
    assert levels == ["1s", "1s", "raw", "1s"]


async def test_a_held_record_outlives_its_time_until_it_is_released(flown: World) -> None:
    held = await flown.http.put("/sorties/sortie-1/hold", json={"reason": "事故调查 2026-17"})
    assert (held.status_code, held.json()["reason"], held.json()["by"]) == (200, "事故调查 2026-17", "local")
    again = await flown.http.put("/sorties/sortie-1/hold", json={"reason": "another"})
    assert again.json()["reason"] == "事故调查 2026-17"
    records = flown.store.records
    await records.compact(round((AT + timedelta(days=1)).timestamp() * 1e6))
    spared = {each.sortie_id for each in await flown.store.holds()}
    assert (await records.expire((0,), 1 << 62, spared)).rows == 0
    assert (await flown.http.delete("/sorties/sortie-1/hold")).status_code == 204
    assert (await flown.http.delete("/sorties/sortie-1/hold")).status_code == 404
    assert (await flown.http.get("/holds")).json()["items"] == []
    (released,) = (await flown.http.get("/holds?released=true")).json()["items"]
    assert released["released_by"] == "local"
    assert (await records.expire((0,), 1 << 62, ())).rows == SECONDS
    assert json.loads(await _get(flown, ""))["properties"]["level"] == "1s"
    assert (await flown.http.put("/sorties/sortie-9/hold", json={"reason": "x"})).status_code == 404
    assert (await flown.http.put("/sorties/sortie-1/hold", json={})).status_code == 422


def test_every_form_is_in_the_description() -> None:
    answers = bare_app().openapi()["paths"]["/api/v1/sorties/{sortie_id}/track"]["get"]["responses"]["200"]
    assert "text/csv" in answers["content"]
    assert "application/geo+json" in answers["content"]
