"""Enrolments over HTTP: no key in, no key out, changes on top of the revision that was read."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import World

BODY: dict[str, Any] = {
    "id": "bl-41", "name": "四一", "links": ["fleet"], "system_id": 41, "dock_id": "dock-xiayang",
    "airframe": "quad-3kg", "uid": "00aa11bb", "category": "light", "registration": "UAS-41",
}  # fmt: skip


async def test_a_vehicle_is_enrolled_changed_and_retired(world: World) -> None:
    made = await world.http.post("/enrollments", json=BODY)
    assert made.status_code == 201, made.text
    assert {key: made.json()[key] for key in BODY} == BODY
    assert (made.json()["signing"], made.json()["has_key"]) == ("off", False)
    path, tag = "/enrollments/bl-41", made.headers["ETag"]
    changed = await world.http.patch(path, json={"name": "new"}, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["name"]) == (200, "new")
    assert (await world.http.patch(path, json={"name": "late"}, headers={"If-Match": tag})).status_code == 412
    assert (await world.http.patch(path, json={"name": "late"})).status_code == 428
    gone = await world.http.patch(path, json={"retired": True}, headers={"If-Match": changed.headers["ETag"]})
    assert gone.json()["retired_at"] is not None
    assert (await world.http.get("/enrollments")).json() == {"items": []}
    assert (await world.http.get(path)).status_code == 200


async def test_a_vehicle_has_a_unit_that_is_asked_for_and_changed(world: World) -> None:
    made = await world.http.post("/enrollments", json=BODY | {"unit": "north"})
    assert made.json()["unit"] == "north"
    headers = {"If-Match": made.headers["ETag"]}
    for wrong in ("", "no rth", None):
        refused = await world.http.patch("/enrollments/bl-41", json={"unit": wrong}, headers=headers)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/unit"), wrong
    moved = await world.http.patch("/enrollments/bl-41", json={"unit": "south"}, headers=headers)
    assert (moved.json()["unit"], moved.json()["name"]) == ("south", BODY["name"])
    found = {unit: (await world.http.get(f"/enrollments?unit={unit}")).json()["items"] for unit in ("north", "south")}
    assert [len(each) for each in found.values()] == [0, 1]


async def test_what_is_wrong_is_named_and_nothing_is_stored(world: World) -> None:
    wrong = BODY | {"links": ["nowhere"], "dock_id": "none", "airframe": "glider"}
    refused = await world.http.post("/enrollments", json=wrong)
    assert refused.status_code == 422
    assert {error["pointer"] for error in refused.json()["errors"]} == {"/links/0", "/dock_id", "/airframe"}
    assert (await world.http.post("/enrollments", json=BODY | {"key": "00"})).status_code == 422
    assert (await world.http.get("/enrollments")).json() == {"items": []}


async def test_signatures_cannot_be_required_of_a_vehicle_without_a_key(world: World) -> None:
    made = await world.http.post("/enrollments", json=BODY)
    headers = {"If-Match": made.headers["ETag"]}
    refused = await world.http.patch("/enrollments/bl-41", json={"signing": "require"}, headers=headers)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/signing"
