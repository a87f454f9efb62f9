"""`bailu calibrate`, on logs written by an airframe whose numbers are known."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from pymavlink.dialects.v20 import ardupilotmega as dialect
from typer.testing import CliRunner

from api.cli.main import app
from missions.energy import AIRFRAMES
from missions.model import Airframe
from missions.power import power_w
from tests.missions.test_calibration import flown

runner = CliRunner()
SITL = AIRFRAMES["arducopter-sitl"]
VOLTS = 12.6


def write_log(path: Path, airframe: Airframe, *, capacity_wh: float, alt_m: float = 50.0) -> Path:
    """A flight of `flown` as a vehicle would tell it: percent by charge of a pack of `capacity_wh`."""
    codec = dialect.MAVLink(None, srcSystem=11, srcComponent=1)
    other = dialect.MAVLink(None, srcSystem=99, srcComponent=1)
    flight = flown(airframe, step_s=0.5)
    used_wh = np.cumsum(flight.power_w) * 0.5 / 3600.0
    data = b""
    for time_s, speed, climb, power, used in zip(
        flight.time_s, flight.air_speed_mps, flight.climb_mps, flight.power_w, used_wh, strict=True
    ):
        percent = round(100.0 * (1.0 - used / capacity_wh))
        amps = round(power / VOLTS * 100)
        beat = dialect.MAVLink_heartbeat_message(2, 3, 128, 3, 4, 3)
        status = dialect.MAVLink_sys_status_message(0, 0, 0, 0, round(VOLTS * 1000), amps, percent, 0, 0, 0, 0, 0, 0)
        # Another vehicle on the same link draws nothing.
        idle = dialect.MAVLink_sys_status_message(0, 0, 0, 0, 10_000, 0, 100, 0, 0, 0, 0, 0, 0)
        at = dialect.MAVLink_global_position_int_message(
            round(time_s * 1000), 0, 0, 0, round(alt_m * 1000), round(speed * 100), 0, round(-climb * 100), 0
        )
        for message, sender in ((beat, codec), (status, codec), (idle, other), (at, codec)):
            data += struct.pack(">Q", round(time_s * 1e6)) + bytes(message.pack(sender))
    path.write_bytes(data)
    return path


def calibrated(*arguments: str) -> dict[str, float]:
    result = runner.invoke(app, ["calibrate", "--name", "mine", *arguments])
    assert result.exit_code == 0, result.stderr
    entry: dict[str, float] = json.loads(result.stdout)
    return entry


def test_the_entry_is_an_airframe_that_flies_as_the_log_does(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.tlog", SITL, capacity_wh=100.0)
    entry = calibrated(str(log))
    found = Airframe(**{key: value for key, value in entry.items() if key != "note"})  # type: ignore[arg-type]
    assert found.name == "mine"
    assert found.battery_wh == pytest.approx(100.0, rel=0.02)
    assert found.hover_w == pytest.approx(SITL.hover_w, rel=0.01)
    assert found.climb_j_per_m == pytest.approx(SITL.climb_j_per_m, rel=0.02)
    speeds = np.linspace(0.0, 12.0, 10)
    np.testing.assert_allclose(power_w(speeds, found), power_w(speeds, SITL), rtol=0.01)
    assert (found.max_speed_mps, found.climb_mps, found.descent_mps) == (12.0, 2.5, 1.5)


def test_powers_are_scaled_to_the_energy_that_the_percent_counts_by(tmp_path: Path) -> None:
    """The autopilot counts a pack of 100 Wh that is planned as one of 50: half the power, the same percent."""
    logs = [str(write_log(tmp_path / f"{name}.tlog", SITL, capacity_wh=100.0)) for name in "ab"]
    entry = calibrated(*logs, "--battery-wh", "50")
    assert entry["battery_wh"] == 50.0
    assert entry["hover_w"] == pytest.approx(SITL.hover_w / 2.0, rel=0.02)


@pytest.mark.parametrize(
    ("capacity_wh", "alt_m", "sentence"),
    [(5_000.0, 50.0, "tell its energy with --battery-wh"), (100.0, 1.0, "nothing flies in it")],
)
def test_what_a_log_lacks_is_told_in_a_sentence(
    tmp_path: Path, capacity_wh: float, alt_m: float, sentence: str
) -> None:
    log = write_log(tmp_path / "a.tlog", SITL, capacity_wh=capacity_wh, alt_m=alt_m)
    result = runner.invoke(app, ["calibrate", "--name", "mine", str(log)])
    assert result.exit_code == 1
    assert result.stderr.startswith("bailu: ")
    assert sentence in result.stderr


def test_a_file_that_is_no_log_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tlog").write_bytes(b"x" * 100)
    result = runner.invoke(app, ["calibrate", "--name", "mine", str(tmp_path / "a.tlog")])
    assert result.exit_code == 1
    assert "a.tlog: no MAVLink frame at byte 8" in result.stderr
