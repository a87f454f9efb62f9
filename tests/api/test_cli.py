"""The commands: help that helps, failures in one sentence with a code, a fleet that outlives and is re-joined."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api import fleet_process
from api.cli.fleets import counted_specs, specs_of
from api.cli.flight import deadline_s, summary
from api.cli.main import COMMANDS, app
from api.cli.watch import table
from api.fleet_process import FleetState, process_start, running_state, write_state
from api.folder import StartError, locked
from api.runtime import flown_by, free_udp_links, listen, udp_address, vehicle_configs
from api.settings import LinkSetting, Settings, VehicleSetting

runner = CliRunner()


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("BAILU_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("command", ["up", "gateway", "api", "sim", "sitl", "patrol", "watch", "openapi", "version"])
def test_every_command_has_help(command: str) -> None:
    result = runner.invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.stdout


def test_a_command_is_imported_when_it_is_asked_for() -> None:
    """And help of the whole names every command, in the order of the table."""
    told = "import sys, api.cli.main; print([m for m in sys.modules if m.split('.')[0] in ('shapely', 'fastapi')])"
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout == "[]\n"
    result = runner.invoke(app, ["--help"])
    named = [
        line.split()[0] for line in result.stdout.partition("Commands:")[2].splitlines() if line.startswith("  ")
    ]
    assert [name for name in named if name in COMMANDS] == [*COMMANDS]


def test_vehicles_are_flown_before_the_people_s_side_is_imported() -> None:
    told = "import sys, api.cli.running; print('fastapi' in sys.modules, 'simulator.vehicle' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def test_openapi_prints_the_golden_description() -> None:
    golden = Path(__file__).parents[1] / "golden" / "openapi.json"
    result = runner.invoke(app, ["openapi"])
    assert json.loads(result.stdout) == json.loads(golden.read_text())


def _fails(*arguments: str) -> str:
    """The one sentence of a command that fails."""
    result = runner.invoke(app, list(arguments))
    assert result.exit_code == 1, result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("bailu: ")
    return lines[0]


def test_a_mission_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    assert "nope.geojson: No such file" in _fails("patrol", str(tmp_path / "nope.geojson"))
    bad = tmp_path / "bad.geojson"
    bad.write_text("{")
    assert "bad.geojson: not JSON" in _fails("patrol", str(bad))


def test_sitl_without_a_binary_says_where_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "BAILU_SITL_BINARY" in _fails("up", "--sitl", "--data-dir", str(tmp_path))
    assert "BAILU_SITL_BINARY" in _fails("sitl")


def test_settings_that_are_wrong_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "nope.toml" in _fails("up", "--config", str(tmp_path / "nope.toml"))
    monkeypatch.setenv("BAILU_SPEED", "1")
    assert "speed: is not a known setting" in _fails("gateway", "--data-dir", str(tmp_path))


def test_a_platform_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "m.geojson"
    file.write_text("{}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert f"{url} does not answer" in _fails("patrol", str(file), "--url", url)
    assert "not the address of a platform" in _fails("patrol", str(file), "--url", "ftp://x")


def test_a_port_in_use_is_named_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=f"Port {port} .* --port"):
            listen("127.0.0.1", port)


def test_one_data_folder_has_one_platform(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with locked(lock), pytest.raises(StartError, match=f"process {os.getpid()}.*--data-dir"), locked(lock):
        pass
    with locked(tmp_path / "lock"):
        pass


def test_the_default_link_moves_when_its_port_is_taken_and_another_link_does_not() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"udpin:127.0.0.1:{taken.getsockname()[1]}"
        link = LinkSetting(name="fleet", url=url)
        moved = free_udp_links(Settings(links=(link,)))
        assert udp_address(moved.links[0]) == ("127.0.0.1", 0)
        own = VehicleSetting(id="v", name="v", link="fleet", system_id=1, dock="dock-yingpu")
        assert free_udp_links(Settings(links=(link,), vehicles=(own,))).links == (link,)


@pytest.mark.parametrize(("change", "said"), [({"dock": "nowhere"}, "no dock"), ({"airframe": "x"}, "no airframe")])
def test_a_vehicle_of_an_unknown_dock_or_airframe_is_named(change: dict[str, str], said: str) -> None:
    told = {"id": "v", "name": "v", "link": "fleet", "system_id": 1, "dock": "dock-yingpu"} | change
    with pytest.raises(StartError, match=said):
        vehicle_configs(Settings(vehicles=(VehicleSetting.model_validate(told),)))


def test_a_fleet_is_known_again_by_its_process_and_when_that_started(tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    assert running_state(path) is None
    started = process_start(os.getpid())
    assert started
    state = FleetState(os.getpid(), started, "sim", "127.0.0.1", 14550, {11: 5760}, 4.0)
    write_state(path, state)
    assert running_state(path) == state
    write_state(path, FleetState(os.getpid(), "long ago", "sim", "127.0.0.1", 14550, {11: 5760}, 4.0))
    assert running_state(path) is None, "another process that got the same number is not the fleet"
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert process_start(child.pid) is None
    path.write_text("{")
    assert running_state(path) is None


async def test_a_fleet_starts_flies_and_stops_by_its_process(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as station:
        station.bind(("127.0.0.1", 0))
        station.settimeout(5)
        port = station.getsockname()[1]
        fleet = await fleet_process.start_fleet(
            tmp_path, "sim", ["--udp-to", f"127.0.0.1:{port}", "--tcp-base-port", "0", "--speedup", "2"]
        )
        try:
            assert station.recv(300)[0] == 0xFD  # a MAVLink 2 frame
            assert not fleet.was_joined
            assert running_state(tmp_path / "fleet.json") == fleet.state
            assert (fleet.state.system_ids, fleet.state.speedup) == (frozenset({11, 12, 13}), 2.0)
        finally:
            await fleet.stop()
    assert process_start(fleet.state.pid) is None
    assert not (tmp_path / "fleet.json").exists()


async def test_a_fleet_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(fleet_process.FleetError, match="not HOST:PORT"):
        await fleet_process.start_fleet(tmp_path, "sim", ["--udp-to", "nonsense"])


def test_simulated_vehicles_stand_on_their_docks() -> None:
    specs = specs_of(Settings())
    assert [spec.system_id for spec in specs] == [11, 12, 13]
    assert len({(spec.lat_deg, spec.lon_deg) for spec in specs}) == 3
    assert len({spec.system_id for spec in counted_specs(200, Settings())}) == 200


def test_a_patrol_ends_with_a_summary_in_the_vehicles_own_time() -> None:
    sortie = {
        "outcome": "completed", "state": "closed", "upload_verified": True, "breaches": 0, "waypoints_reached": 2,
        "waypoints_total": 2, "sortie_id": "s", "vehicle_id": "v", "armed_at": "2026-01-01T00:00:00Z",
        "landed_at": "2026-01-01T00:00:30.5Z", "battery_start_pct": 98.0, "battery_end_pct": 80.0,
        "distance_m": 10.04, "mission_hash": "h", "fence_hash": "f", "problem": None,
    }  # fmt: skip
    plan = {"duration_s": 120.0, "length_m": 10.0, "battery_needed_pct": 40.0}
    mission = {"mission_id": "m", "revision": 1, "latest": {"plan": plan}}
    told = summary(sortie, mission, {"firmware": "4.7.0"}, 4.0)
    assert (told["duration_s"], told["battery_used_pct"], told["autopilot"]) == (122.0, 18.0, "4.7.0")
    assert deadline_s(plan, 4.0) == 270.0
    never = summary(sortie | {"armed_at": None, "battery_end_pct": None}, mission, {}, 4.0)
    assert (never["duration_s"], never["battery_used_pct"]) == (None, None)


def test_the_table_of_watch_shows_what_is_not_known_as_a_dash() -> None:
    names = ("heard_age_s", "mode", "armed", "alt_rel_m", "ground_speed_mps", "battery_pct", "lat_deg", "lon_deg")
    state = dict.fromkeys(names) | {"vehicle_id": "v", "name": "n", "link": "never"}
    rows = table({"v": state}, "title")
    assert [str(next(iter(column.cells))) for column in rows.columns][2:] == ["–"] * 7


def test_the_default_fleet_is_planned_for_what_flies_it() -> None:
    """With its own vehicles a platform plans for what they are said to be."""
    airframes = {kind: {each.airframe for each in flown_by(Settings(), kind).vehicles} for kind in ("sim", "sitl")}
    assert airframes == {"sim": {"quad-3kg"}, "sitl": {"arducopter-sitl"}}
    assert len(vehicle_configs(flown_by(Settings(), "sitl"))) == 3
    own = VehicleSetting(id="v", name="v", link="fleet", system_id=1, dock="dock-xiayang")
    assert flown_by(Settings(vehicles=(own,)), "sitl").vehicles == (own,)


def test_a_vehicle_is_of_the_unit_that_the_settings_name(tmp_path: Path) -> None:
    first, *rest = Settings(data_dir=tmp_path).vehicles
    settings = Settings(data_dir=tmp_path, vehicles=(first.model_copy(update={"unit": "zhujiajiao"}), *rest))
    assert [each.unit for each in vehicle_configs(settings)] == ["zhujiajiao", *["default"] * len(rest)]
