"""`bailu vehicle` at the bench, on a simulated vehicle: enrolled, keyed, listed, rotated, retired."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from adapters.keyring import KEY_FILE
from adapters.sqlite import open_store
from api.cli.main import app
from core.ids import DockId, VehicleId
from missions.enrollment import Enrollment
from simulator.fleet import Fleet, running_fleet
from simulator.spec import VehicleSpec
from simulator.vehicle import Vehicle


@pytest.fixture
def usb(unused_tcp_port: int) -> str:
    """The line to the vehicle that asks for no signatures."""
    return f"tcp:127.0.0.1:{unused_tcp_port}"


@pytest.fixture
def vehicle(unused_udp_port: int, unused_tcp_port: int) -> Iterator[tuple[Vehicle, str]]:
    """A vehicle that speaks to a port, and the line there."""
    ready, ended, fleets = threading.Event(), threading.Event(), list[Fleet]()

    async def fly() -> None:
        spec = VehicleSpec(41, "bench", 31.15, 121.12)
        target = ("127.0.0.1", unused_udp_port)
        async with running_fleet([spec], tcp_base_port=unused_tcp_port, udp_targets=[target]) as fleet:
            fleets.append(fleet)
            ready.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=lambda: asyncio.run(fly()))
    thread.start()
    assert ready.wait(10)
    yield fleets[0].vehicles[41], f"udpin:127.0.0.1:{unused_udp_port}"
    ended.set()
    thread.join(10)


def bailu(data_dir: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["vehicle", *arguments, "--data-dir", str(data_dir)])


def enroll(data_dir: Path, line: str, *more: str, dock: str = "dock-xiayang") -> Result:
    return bailu(data_dir, "enroll", "bl-41", "--line", line, "--dock", dock, "--name", "四一", *more)


@pytest.mark.thorough
def test_a_vehicle_is_enrolled_keyed_and_shown_without_its_key(vehicle: tuple[Vehicle, str], tmp_path: Path) -> None:
    craft, line = vehicle
    done = enroll(tmp_path, line, "--category", "light", "--registration", "UAS-41", "--set-gcs")
    assert done.exit_code == 0, done.output
    key = craft.signing.key
    assert key is not None
    for said in ("found: system 41", "key: given", "checked: what is not signed", "MAV_GCS_SYSID = 255", "enrolled"):
        assert said in done.output
    shown = bailu(tmp_path, "show", "bl-41").output + bailu(tmp_path, "list").output
    assert "signing: require" in shown
    assert "registration: UAS-41" in shown
    assert key.hex() not in done.output + shown
    assert bailu(tmp_path, "rotate-key", "bl-41", "--line", line).exit_code == 0
    assert craft.signing.key not in (key, None)
    assert bailu(tmp_path, "retire", "bl-41").exit_code == 0
    assert "bl-41" not in bailu(tmp_path, "list").output


@pytest.mark.thorough
def test_a_vehicle_whose_key_is_lost_gets_another_one_where_no_signature_is_asked_for(
    vehicle: tuple[Vehicle, str], usb: str, tmp_path: Path
) -> None:
    craft, line = vehicle
    assert enroll(tmp_path, line).exit_code == 0
    former = craft.signing.key
    (tmp_path / KEY_FILE).unlink()  # and the next command makes another one
    unopened = bailu(tmp_path, "rotate-key", "bl-41", "--line", usb)
    assert unopened.exit_code == 1
    assert "bailu vehicle rotate-key bl-41 --lost --line serial:" in " ".join(unopened.output.split())
    signed_only = bailu(tmp_path, "rotate-key", "bl-41", "--lost", "--line", line)
    assert signed_only.exit_code == 1
    assert "USB port (serial 0)" in " ".join(signed_only.output.split())
    craft.aircraft.land_complete = False
    assert "does not say that it stands" in bailu(tmp_path, "rotate-key", "bl-41", "--lost", "--line", usb).output
    craft.aircraft.land_complete = True
    assert craft.signing.key == former
    given = bailu(tmp_path, "rotate-key", "bl-41", "--lost", "--line", usb)
    assert given.exit_code == 0, given.output
    assert craft.signing.key not in (former, None)
    assert bailu(tmp_path, "rotate-key", "bl-41", "--line", line).exit_code == 0  # it signs, and is known by it


def test_an_armed_vehicle_is_left_alone_and_nothing_is_stored(vehicle: tuple[Vehicle, str], tmp_path: Path) -> None:
    craft, line = vehicle
    craft.aircraft.armed = True
    refused = enroll(tmp_path, line)
    assert refused.exit_code == 1
    assert "armed" in refused.output
    assert craft.signing.key is None
    assert "bl-41" not in bailu(tmp_path, "list", "--retired").output


def test_a_vehicle_is_given_to_another_unit_and_shown_with_it(tmp_path: Path) -> None:
    async def stored() -> None:
        async with open_store(tmp_path / "bailu.db") as store:
            at = datetime(2026, 11, 1, tzinfo=UTC)
            dock = DockId("dock-xiayang")
            await store.save_enrollment(Enrollment(VehicleId("bl-41"), "四一", ("fleet",), 41, dock, "quad-3kg", at))

    asyncio.run(stored())
    assert "bl-41: of unit north, formerly default" in bailu(tmp_path, "set-unit", "bl-41", "north").output
    assert "unit: north" in bailu(tmp_path, "show", "bl-41").output
    assert "/unit: must be" in bailu(tmp_path, "set-unit", "bl-41", "no/rth").output
    assert "north" in bailu(tmp_path, "list").output


def test_what_is_not_there_is_named_before_anything_is_asked(tmp_path: Path) -> None:
    assert "/dock_id: there is no dock 'nowhere'" in enroll(tmp_path, "udpin:127.0.0.1:0", dock="nowhere").output
    assert "nobody" in bailu(tmp_path, "show", "nobody").output
