"""Enrolments and signing memory in SQLite, and keys that open for nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.keyring import KEY_FILE, KeyRing, KeyRingError, open_ring
from adapters.sqlite import SqliteStore, open_store
from adapters.sqlite.database import connect
from core.errors import InvalidRequest, NotFound, StaleRevision, VehicleBusy
from core.ids import DockId, VehicleId
from missions.enrollment import Category, Enrollment, SigningMemory, SigningPolicy, WrappedKeys
from missions.model import SortieState
from tests.samples import a_mission, a_revision, a_sortie

AT = datetime(2026, 11, 1, tzinfo=UTC)
ONE = Enrollment(VehicleId("bl-11"), "十一", ("a", "b"), 11, DockId("dock-xiayang"), "quad-3kg", AT, uid="00aa")
KEY = bytes(range(32))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with open_store(tmp_path / "bailu.db") as opened:
        yield opened


async def test_an_enrolment_comes_back_as_it_was_stored_and_changes_by_its_revision(store: SqliteStore) -> None:
    full = replace(ONE, category=Category.LIGHT, registration="UAS-1", signing=SigningPolicy.REQUIRE, has_key=True)
    await store.save_enrollment(full)
    assert await store.enrollments() == (full,)
    with pytest.raises(StaleRevision):
        await store.save_enrollment(full)
    later = replace(full, name="new", row_revision=2)
    await store.save_enrollment(later)
    assert await store.enrollments() == (later,)


async def test_every_change_is_seen_in_the_version(store: SqliteStore) -> None:
    before = await store.enrollments_version()
    await store.save_enrollment(ONE)
    assert await store.enrollments_version() > before


async def test_enrolments_are_found_by_their_unit_and_those_of_before_units_are_of_the_default_one(
    store: SqliteStore, tmp_path: Path
) -> None:
    await store.save_enrollment(ONE)
    await store.save_enrollment(replace(ONE, id=VehicleId("bl-12"), system_id=12, uid="00bb", unit="north"))
    before_units = connect(tmp_path / "bailu.db")
    before_units.execute("UPDATE enrollments SET body = json_remove(body, '$.unit') WHERE id = ?", (ONE.id,))
    before_units.close()
    assert [each.id for each in await store.enrollments(unit="default")] == ["bl-11"]
    assert [each.id for each in await store.enrollments(unit="north")] == ["bl-12"]
    assert [each.unit for each in await store.enrollments()] == ["default", "north"]


async def test_a_retired_one_is_kept_and_makes_room_for_another(store: SqliteStore) -> None:
    await store.save_enrollment(ONE)
    await store.save_enrollment(replace(ONE, retired_at=AT, row_revision=2))
    assert await store.enrollments() == ()
    assert len(await store.enrollments(retired=True)) == 1
    await store.save_enrollment(replace(ONE, id=VehicleId("bl-12")))


@pytest.mark.parametrize("change", [{"retired_at": AT}, {"links": ("a",)}, {"system_id": 12}, {"uid": None}])
async def test_a_vehicle_on_a_sortie_stays_where_a_gateway_that_restarts_looks_for_it(
    store: SqliteStore, change: dict[str, Any]
) -> None:
    await store.save_enrollment(ONE)
    await store.add_mission(a_mission(), a_revision())
    flying = await store.add_sortie(a_sortie(vehicle=ONE.id), idempotency_key="k", request_digest="d")
    with pytest.raises(VehicleBusy, match="sortie-1 is planned"):
        await store.save_enrollment(replace(ONE, **change, row_revision=2))
    assert await store.enrollments() == (ONE,)
    harmless = replace(ONE, name="new", unit="north", links=("c", "b", "a"), row_revision=2)
    await store.save_enrollment(harmless)
    await store.save_sortie(replace(flying, state=SortieState.ABORTED, row_revision=flying.row_revision + 1))
    await store.save_enrollment(replace(harmless, **change, row_revision=3))


async def test_a_vehicle_of_the_settings_is_not_moved_by_its_enrolment_while_it_is_on_a_sortie(
    store: SqliteStore,
) -> None:
    await store.add_mission(a_mission(), a_revision())
    await store.add_sortie(a_sortie(vehicle=ONE.id), idempotency_key="k", request_digest="d")
    with pytest.raises(VehicleBusy):
        await store.save_enrollment(ONE)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"uid": "00aa", "system_id": 12}, "/uid"),
        ({"uid": None}, "/system_id"),
        ({"uid": "00bb", "system_id": 255}, "/system_id"),
        ({"uid": "00bb", "links": ()}, "/links"),
        ({"uid": "00bb", "unit": "north/1"}, "/unit"),
        ({"uid": "00bb", "signing": SigningPolicy.REQUIRE}, "/signing"),
    ],
)
async def test_what_does_not_fit_is_named_and_nothing_is_stored(
    store: SqliteStore, changes: dict[str, object], pointer: str
) -> None:
    await store.save_enrollment(ONE)
    with pytest.raises(InvalidRequest) as caught:
        await store.save_enrollment(replace(ONE, id=VehicleId("bl-12"), **changes))  # type: ignore[arg-type]
    assert [error.pointer for error in caught.value.errors] == [pointer]
    assert await store.enrollments() == (ONE,)


async def test_one_system_id_on_one_link_is_fine_when_both_autopilots_are_known(store: SqliteStore) -> None:
    await store.save_enrollment(ONE)
    await store.save_enrollment(replace(ONE, id=VehicleId("bl-12"), uid="00bb"))
    assert len(await store.enrollments()) == 2


async def test_no_key_is_in_the_database_in_the_clear(store: SqliteStore, tmp_path: Path) -> None:
    ring = open_ring(tmp_path)
    await store.save_enrollment(ONE, WrappedKeys(ring.wrap(ONE.id, KEY)))
    await store.save_enrollment(replace(ONE, name="new", row_revision=2))
    assert ring.open(ONE.id, await store.enrollment_keys(ONE.id)) == (KEY, None)
    for path in tmp_path.glob("bailu.db*"):  # noqa: ASYNC240 - a few files of a test
        assert KEY not in path.read_bytes()
    with pytest.raises(NotFound):
        await store.enrollment_keys(VehicleId("nobody"))


async def test_signing_memory_only_ever_rises_and_link_ids_stay(store: SqliteStore) -> None:
    await store.remember_signing(SigningMemory(100, {"a": 1, "b": 2}, {ONE.id: 50}))
    await store.remember_signing(SigningMemory(90, {"a": 9, "c": 3, "d": 2}, {ONE.id: 40}))
    assert await store.signing_memory() == SigningMemory(100, {"a": 1, "b": 2, "c": 3}, {ONE.id: 50})


def test_a_wrapped_key_opens_for_its_vehicle_only_and_not_when_a_bit_was_changed(tmp_path: Path) -> None:
    ring, other = open_ring(tmp_path), KeyRing(bytes(32), "other")
    wrapped = ring.wrap(ONE.id, KEY)
    assert ring.wrap(ONE.id, KEY) != wrapped
    assert ring.unwrap(ONE.id, wrapped) == KEY
    damaged = bytes((*wrapped[:20], wrapped[20] ^ 1, *wrapped[21:]))
    for opener, vehicle, data in (
        (ring, VehicleId("bl-12"), wrapped),
        (other, ONE.id, wrapped),
        (ring, ONE.id, damaged),
        (ring, ONE.id, b""),
    ):
        with pytest.raises(KeyRingError, match="does not open"):
            opener.unwrap(vehicle, data)


def test_the_key_file_is_ours_alone_and_made_once(tmp_path: Path) -> None:
    wrapped = open_ring(tmp_path).wrap(ONE.id, KEY)
    path = tmp_path / KEY_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_ring(tmp_path).unwrap(ONE.id, wrapped) == KEY
    path.chmod(0o640)
    with pytest.raises(KeyRingError, match="chmod 600"):
        open_ring(tmp_path)


@pytest.mark.parametrize("content", [None, b"short", bytes(33)])
def test_a_key_file_that_is_no_key_is_refused_and_not_replaced(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "given.key"
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o600)
    with pytest.raises(KeyRingError, match=r"given\.key"):
        open_ring(tmp_path, path)
    assert (path.read_bytes() if path.exists() else None) == content
