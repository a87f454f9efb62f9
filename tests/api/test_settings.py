"""Settings come from three places in order, and what is not known is refused with its name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.docks import docks_by_id
from api.settings import DEFAULT_VEHICLES, Settings, SettingsError, load
from core.geo import LatLon
from tests.docs.reading import ROOT, text_of


def test_without_anything_the_embedded_fleet_is_the_default() -> None:
    settings = load(None, {})
    assert settings == Settings()
    assert [(each.id, each.system_id, each.dock) for each in settings.vehicles] == [
        ("bl-01", 11, "dock-xiayang"),
        ("bl-02", 12, "dock-yingpu"),
        ("bl-03", 13, "dock-zhujiajiao"),
    ]
    assert settings.has_default_fleet
    assert [(link.name, link.url) for link in settings.links] == [("fleet", "udpin:127.0.0.1:14550")]


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "bailu.toml"
    file.write_text("port = 1\ntick_hz = 5\nspeedup = 2\n")
    settings = load(file, {"BAILU_PORT": "2", "BAILU_TICK_HZ": "6", "HOME": "/"}, port=3, speedup=None)
    assert (settings.port, settings.tick_hz, settings.speedup) == (3, 6.0, 2.0)


def test_vehicles_come_from_the_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "bailu.toml"
    file.write_text(
        '[[links]]\nname = "radio"\nurl = "tcp:10.0.0.1:5760"\n'
        '[[vehicles]]\nid = "v"\nname = "一"\nlink = "radio"\nsystem_id = 1\ndock = "dock-yingpu"\n'
    )
    settings = load(file, {})
    assert (settings.vehicles[0].id, settings.has_default_fleet) == ("v", False)
    told = load(None, {"BAILU_LINKS": '[{name = "fleet", url = "udpin:127.0.0.1:1"}]'})
    assert told.links[0].url == "udpin:127.0.0.1:1"
    assert told.vehicles == DEFAULT_VEHICLES


def test_an_installation_has_docks_of_its_own() -> None:
    yard = '{id = "yard", name = "院子", lat_deg = 30.5, lon_deg = 120.5, ground_amsl_m = 7, height_agl_m = 2}'
    (dock,) = docks_by_id(load(None, {"BAILU_DOCKS": f"[{yard}]"})).values()
    assert (dock.id, dock.place, dock.alt_amsl_m) == ("yard", LatLon(30.5, 120.5), 9.0)
    assert len(docks_by_id(Settings())) == 3
    with pytest.raises(SettingsError, match="dock id 'yard' occurs twice"):
        load(None, {"BAILU_DOCKS": f"[{yard}, {yard}]"})


@pytest.mark.parametrize(
    ("environ", "text", "said"),
    [
        ({"BAILU_PROT": "1"}, "", "prot: is not a known setting"),
        ({}, "colour = 1", "colour: is not a known setting"),
        ({"BAILU_PORT": "x"}, "", "port: Input should be a valid integer"),
        ({"BAILU_HOST": "0.0.0.0"}, "", "binds loopback addresses only"),
        ({"BAILU_LINKS": "["}, "", "BAILU_LINKS"),
        ({}, "port = ", "bailu.toml"),
        ({}, '[[links]]\nname = "a"\nurl = "serial:x:1"', "1 is no baud rate"),
        ({}, '[[links]]\nname = "other"\nurl = "udpin:127.0.0.1:1"', "on link 'fleet', which is not configured"),
        (
            {},
            "vehicles = [{id = 'v', name = 'v', link = 'fleet', system_id = 1, dock = 'd', more = 1}]",
            "vehicles.0.more",
        ),
        (
            {},
            "vehicles = ["
            + ", ".join(f"{{id = '{each}', name = 'v', link = 'fleet', system_id = 1, dock = 'd'}}" for each in "vw")
            + "]",
            "occurs twice",
        ),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, environ: dict[str, str], text: str, said: str) -> None:
    file = tmp_path / "bailu.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as told:
        load(file, environ)
    assert said in str(told.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nope"):
        load(tmp_path / "nope.toml", {})


def test_the_sitl_variable_is_not_ours() -> None:
    assert load(None, {"BAILU_SITL_BINARY": "/x"}) == Settings()


def test_what_the_watch_does_is_a_setting(tmp_path: Path) -> None:
    file = tmp_path / "bailu.toml"
    file.write_text('[watch]\nfence_ahead = "warn"\nbattery_low_pct = 40\n')
    watch = load(file, {}).watch
    assert (watch.fence_ahead, watch.fence_breach, watch.battery_low_pct) == ("warn", "return", 40.0)
    file.write_text('[watch]\nfence_ahead = "shout"\n')
    with pytest.raises(SettingsError, match="fence_ahead"):
        load(file, {})
    file.write_text("[watch]\nbattery_critical_pct = 50\n")
    with pytest.raises(SettingsError, match="more than battery_low_pct"):
        load(file, {})


def test_the_settings_of_operations_are_documented_with_their_defaults() -> None:
    settings = Settings()
    table = text_of(ROOT / "docs" / "operations.md").partition("### Settings that matter here")[2]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \| .* \|$", table, re.M))
    told = {name: rows[name].strip("`") for name in ("data_dir", "disk_floor_mib", "metrics_port", "trace_endpoint")}
    assert told == {"data_dir": "data", "disk_floor_mib": "256", "metrics_port": "none", "trace_endpoint": "none"}
    assert (str(settings.data_dir), settings.disk_floor_mib) == ("data", 256)
    assert (settings.metrics_port, settings.trace_endpoint) == (None, None)
    assert rows["log"] == f"`{settings.log.format}`, `{settings.log.level}`"
    kept = settings.recording
    assert rows["recording"] == f"{kept.raw_days:g} days, {kept.level_days:g} days, {kept.max_gib:g} GiB"


@pytest.mark.parametrize("wrong", ['{ level = "loud" }', '{ format = "xml" }', '{ colour = "red" }', "loud"])
def test_a_wrong_way_to_log_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError, match=r"(?i)log"):
        load(None, {"BAILU_LOG": wrong})


def test_logging_and_traces_are_set_from_the_environment() -> None:
    settings = load(None, {"BAILU_LOG": '{ level = "info" }', "BAILU_TRACE_ENDPOINT": "http://127.0.0.1:4318"})
    assert (settings.log.level, settings.log.format) == ("info", "auto")
    assert settings.trace_endpoint == "http://127.0.0.1:4318"
    with pytest.raises(SettingsError, match="trace_endpoint"):
        load(None, {"BAILU_TRACE_ENDPOINT": "http://me:secret@collector"})
