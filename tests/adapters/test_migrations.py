"""A database of an older Bailu is read by this one: made by hand at its version, opened, and looked into."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

from adapters.sqlite import open_store
from adapters.sqlite.database import connect
from adapters.sqlite.migrate import migrate, scripts, version_of
from core.altitude import Altitude, AltitudeBand, Datum
from core.errors import NotFound
from core.ids import MissionId, SortieId
from geofence.window import ALWAYS
from geofence.zones import CircleShape, PolygonShape
from missions.model import Pattern, SortieState
from missions.sortie import advance

HOME = {"lat_deg": 31.15, "lon_deg": 121.12}
RING = [HOME, {"lat_deg": 31.16, "lon_deg": 121.12}, {"lat_deg": 31.16, "lon_deg": 121.13}]
Json = dict[str, Any]


def zone(name: str, datum: str, floor_m: float | None, ceiling_m: float | None, **shape: Any) -> Json:
    """A zone as version 1 stored it: one datum for both ends, no validity, no authority."""
    band = {"datum": datum, "floor_m": floor_m, "ceiling_m": ceiling_m}
    told = {"id": name, "name": name, "role": "exclusion", "kind": "power", "band": band, "margin_m": 10.0}
    return told | {"source": "", "name_en": "", "polygon": None, "circle": None} | shape


def airspace(published_at: str | None, *zones: Json) -> Json:
    return {
        "zones": list(zones),
        "combination": "intersection",
        "ceiling_agl_m": 120.0,
        "published_at": published_at,
        "published_by": "tester",
        "note": "一",
    }


def revision(pattern: str, **request: Any) -> Json:
    """A revision as version 1 stored it: altitude, spacing and heading beside each other."""
    asked = {
        "name": "m", "dock_id": "dock-xiayang", "pattern": pattern, "alt_rel_m": 60.0, "speed_mps": 8.0,
        "line": [], "ring": [], "holes": [], "spacing_m": 40.0, "heading_deg": None,
    }  # fmt: skip
    plan = {
        "home": HOME, "home_amsl_m": 4.0, "waypoints": [{"place": HOME, "alt_rel_m": 60.0}], "speed_mps": 8.0,
        "length_m": 1.0, "duration_s": 1.0, "energy_wh": 1.0, "battery_needed_pct": 1.0, "airspace_version": 1,
        "conflicts": [], "fence": None, "items": [], "fence_items": [], "hash": "", "fence_hash": "",
    }  # fmt: skip
    times = {"created_at": "2026-03-01T08:30:00Z", "created_by": "tester"}
    return {"mission_id": pattern, "revision": 1, "request": asked | request, "plan": plan} | times


def version_1(path: Path, airspaces: list[Json], revisions: list[Json]) -> None:
    """A database as the first schema made it, with these rows."""
    connection = connect(path)
    connection.execute(scripts()[0])
    connection.execute("PRAGMA user_version = 1")
    for number, body in enumerate(airspaces, start=1):
        connection.execute("INSERT INTO airspaces VALUES (?, ?)", (number, json.dumps(body)))
    for body in revisions:
        mission = (body["mission_id"], "m", 1, "2026-03-01T08:30:00.000000+00:00", "tester")
        connection.execute("INSERT INTO missions VALUES (?, ?, ?, ?, ?)", mission)
        connection.execute("INSERT INTO revisions VALUES (?, 1, ?)", (body["mission_id"], json.dumps(body)))
    connection.close()


async def test_zones_of_version_1_have_the_same_heights_and_count_always(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    zones = [
        zone("both", "amsl", 10.0, 90.5, circle={"center": HOME, "radius_m": 300.0}),
        zone("top", "agl", None, 50.0, polygon={"outer": RING, "holes": []}),
        zone("open", "rel", None, None, polygon={"outer": RING, "holes": [RING]}),
        zone("ground", "rel", 0.0, 0.0, polygon={"outer": RING, "holes": []}),
    ]
    version_1(path, [airspace(None, *zones)], [])
    async with open_store(path) as store:
        found = {each.id: each for each in (await store.airspace()).zones}
    assert {str(name): each.band for name, each in found.items()} == {
        "both": AltitudeBand(Altitude(10.0, Datum.AMSL), Altitude(90.5, Datum.AMSL)),
        "top": AltitudeBand(None, Altitude(50.0, Datum.AGL)),
        "open": AltitudeBand(),
        "ground": AltitudeBand(Altitude(0.0, Datum.REL), Altitude(0.0, Datum.REL)),
    }
    assert {each.validity for each in found.values()} == {ALWAYS}
    assert {type(each.shape) for each in found.values()} == {CircleShape, PolygonShape}
    assert list(found) == ["both", "top", "open", "ground"]


async def test_missions_of_version_1_ask_for_the_same(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    asked = [
        revision("route", line=RING),
        revision("survey", ring=RING, spacing_m=25.0, heading_deg=90.0),
    ]
    version_1(path, [], asked)
    async with open_store(path) as store:
        route = (await store.revision(MissionId("route"), 1)).request
        survey = (await store.revision(MissionId("survey"), 1)).request
    assert (route.pattern, route.alt_m, route.alt_datum, route.parameters) == (Pattern.ROUTE, 60.0, Datum.REL, {})
    assert (len(route.line), route.ring, route.departs_at) == (3, (), None)
    assert survey.parameters == {"spacing_m": 25.0, "heading_deg": 90.0}
    assert (survey.alt_m, len(survey.ring)) == (60.0, 3)


async def test_a_survey_without_a_heading_leaves_it_to_the_planner(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    version_1(path, [], [revision("survey", ring=RING)])
    async with open_store(path) as store:
        assert (await store.revision(MissionId("survey"), 1)).request.parameters == {"spacing_m": 40.0}


async def test_versions_of_old_are_in_force_from_their_publication_on(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    zones = [zone("a", "agl", None, None, polygon={"outer": RING, "holes": []})]
    at = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    told = ["2026-03-01T16:30:00+08:00", "2026-03-01T08:30:10.25Z"]
    version_1(path, [airspace(None, *zones), *(airspace(each, *zones, *zones) for each in told)], [])
    async with open_store(path) as store:
        heads = await store.airspace_versions()
        assert [(each.version, each.zones_count, each.published_by) for each in heads] == [
            (3, 2, "tester"), (2, 2, "tester"), (1, 1, "tester"),
        ]  # fmt: skip
        assert heads[1].published_at == at
        for seconds, version in ((-86_400 * 365, 1), (-0.001, 1), (0, 2), (10.249, 2), (10.25, 3)):
            assert (await store.airspace_at(at + timedelta(seconds=seconds))).version == version
        with pytest.raises(NotFound):
            await store.review(1)
        assert (await store.publish_airspace(await store.airspace(1))).version == 4


async def test_departures_that_were_stored_before_are_found(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    asked = [
        revision("route", line=RING, departs_at="2026-03-01T16:30:00.25+08:00"),
        revision("orbit", points=[HOME], departs_at="2026-03-01T08:31:00Z"),
        revision("perimeter", ring=RING, departs_at=None),
        revision("survey", ring=RING),
    ]
    version_1(path, [], asked)
    at = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    async with open_store(path) as store:
        assert await store.departing(after=at, limit=9) == (("route", 1), ("orbit", 1))
        assert await store.departing(after=at + timedelta(seconds=0.25), limit=9) == (("orbit", 1),)


def test_every_migration_can_be_the_last_one_that_an_older_bailu_made(tmp_path: Path) -> None:
    for known in range(1, len(scripts()) + 1):
        connection = connect(tmp_path / f"{known}.db")
        for number, script in enumerate(scripts()[:known], start=1):
            connection.execute(script)
            connection.execute(f"PRAGMA user_version = {number}")
        assert migrate(connection) == version_of(connection) == len(scripts())
        connection.close()


def test_a_script_that_fails_leaves_the_version_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = [*scripts(), "CREATE TABLE half (id TEXT); SELECT no_such_function();"]
    monkeypatch.setattr("adapters.sqlite.migrate.scripts", lambda _: known)
    connection = connect(tmp_path / "x.db")
    with pytest.raises(apsw.SQLError):
        migrate(connection)
    assert version_of(connection) == len(known) - 1
    assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'half'").get == 0
    connection.close()


async def test_sorties_of_old_were_planned_where_they_were_requested(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    version_1(path, [], [revision("route", line=RING)])
    connection = connect(path)
    for name, state in (("s-1", "requested"), ("s-2", "closed")):
        steps = [
            {"at": "2026-03-01T08:30:01Z", "from_state": "requested", "to_state": "preflight", "by": "g", "why": "-"},
            {"at": "2026-03-01T08:30:02Z", "from_state": "preflight", "to_state": "uploading", "by": "g", "why": "-"},
        ]
        body = {
            "id": name, "mission_id": "route", "revision": 1, "mission_name": "m", "vehicle_id": name, "state": state,
            "created_at": "2026-03-01T08:30:00Z", "created_by": "t", "transitions": steps if name == "s-2" else [],
        }  # fmt: skip
        closed = state == "closed"
        row = (name, "route", 1, name, state, closed, body["created_at"], 1, json.dumps(body))
        connection.execute("INSERT INTO sorties VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    connection.close()
    async with open_store(path) as store:
        waiting, flown = await store.sortie(SortieId("s-1")), await store.sortie(SortieId("s-2"))
        assert (waiting.state, waiting.transitions) == (SortieState.PLANNED, ())
        assert [step.from_state for step in flown.transitions] == [SortieState.PLANNED, SortieState.PREFLIGHT]
        assert [each.id for each in await store.sorties(limit=9, unfinished_only=True)] == ["s-1"]
        refused = advance(waiting, SortieState.REFUSED, at=flown.created_at, by="g", why="-")
        await store.save_sortie(refused)
        assert await store.diversions(waiting.id) == ()
