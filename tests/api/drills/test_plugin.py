"""The pytest plugin gives others vehicles, bad links and drills, and says clearly when it cannot."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

pytest_plugins = ["pytester"]

INSTALLED = any(each.name == "bailu" for each in entry_points(group="pytest11"))
OPTIONS = (
    *(() if INSTALLED else ("-p", "api.pytest_plugin")),
    *("-p", "no:cacheprovider", "-o", "asyncio_default_fixture_loop_scope=function", "-q"),
)

FLYING = """
import socket

def test_a_vehicle_is_heard_over_a_link_until_it_is_cut(bailu_vehicle, bailu_link):
    link = bailu_link(bailu_vehicle, delay="1ms")
    with socket.create_connection(link.address, 5) as line:
        line.settimeout(5)
        assert line.recv(1) == b"\\xfd"
        bailu_vehicle.hurt("gps", "lost")
        bailu_vehicle.mend("gps")
        assert bailu_vehicle.mode == "STABILIZE"
        link.cut()
        line.settimeout(0.3)
        try:
            while line.recv(4096):
                pass
        except TimeoutError:
            return
    raise AssertionError("it was not cut")

def test_a_fleet_has_ids_of_its_own(bailu_fleet):
    assert [vehicle.system_id for vehicle in bailu_fleet(2)] == [1, 2]
"""


def test_vehicles_fleets_and_links_are_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(FLYING)
    pytester.runpytest_inprocess(*OPTIONS, "--bailu-speedup=20", "--bailu-seed=3").assert_outcomes(passed=2)


def test_without_sitl_it_is_said_before_any_test_and_nothing_is_skipped(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAILU_SITL_BINARY", "/nowhere/arducopter")
    pytester.makepyfile("def test_nothing(): pass")
    told = pytester.runpytest_inprocess(*OPTIONS, "--bailu-vehicle=sitl")
    assert told.ret is pytest.ExitCode.USAGE_ERROR
    told.stderr.fnmatch_lines(["*--bailu-vehicle=sitl: No ArduCopter SITL binary*firmware.ardupilot.org*"])


def test_a_drill_that_cannot_be_read_fails_with_its_line(pytester: pytest.Pytester) -> None:
    pytester.makefile(".yaml", bad="drill: 1\nname: x\nvehicles: []\nexpect:\n- {outcome: great}\n")
    pytester.makepyfile("def test_it(bailu_drill): bailu_drill('bad.yaml')")
    told = pytester.runpytest_inprocess(*OPTIONS)
    told.assert_outcomes(failed=1)
    told.stdout.fnmatch_lines(["*bad.yaml:5: /expect/0/outcome is 'great'*"])


def test_loading_the_plugin_imports_nothing_of_the_platform(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import sys\n"
        "def test_it():\n"
        "    assert not [name for name in sys.modules if name.startswith(('simulator', 'telemetry', 'api.drills'))]\n"
    )
    pytester.runpytest_subprocess(*OPTIONS).assert_outcomes(passed=1)
