"""The long runs: what `make test` shows on a few seeds, on many."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from missions.items import items_hash
from telemetry.packets import MissionType
from telemetry.transfers import Upload
from tests.platform import example, running_platform
from tests.telemetry.air import Air
from tests.telemetry.test_transfers import mission

pytestmark = pytest.mark.soak


def test_three_hundred_uploads_through_air_that_loses_a_third_are_all_verified() -> None:
    items = mission(60)
    for seed in range(300):
        air = Air(loss=0.3, seed=seed)
        assert air.upload(items).done, seed
        assert items_hash(air.download(), kind="mission") == items_hash(items, kind="mission"), seed


def test_no_broken_off_upload_is_ever_taken_for_the_new_mission() -> None:
    old, new = mission(20), mission(24, shift_e7=700)
    wanted = items_hash(new, kind="mission")
    complete = 0
    for seed in range(1_000):
        air = Air(loss=0.1, seed=seed)
        air.upload(old)
        cut = Upload(MissionType.MISSION, new, now_s=air.now_s)
        air.run(cut, limit_s=60, stop_after=random.Random(seed).randrange(1, 40))
        held = air.download()
        # The truth, item by item, against what the hash says.
        same = len(held) == len(new) and all(
            (a.command, a.x_e7, a.y_e7) == (b.command, b.x_e7, b.y_e7)
            for a, b in zip(held[1:], new[1:], strict=True)
        )  # fmt: skip
        assert (items_hash(held, kind="mission") == wanted) is same, seed
        complete += same
    assert 0 < complete < 1_000


def test_a_platform_killed_ten_times_in_one_patrol_still_brings_it_home(tmp_path: Path) -> None:
    with running_platform(tmp_path / "data", speedup=5.0) as platform:
        platform.until_ready("bl-03")
        sortie_id = platform.launched(example("river-corridor"), "bl-03")
        platform.until_state(sortie_id, "on_mission")
        for _ in range(10):
            platform.kill()
            platform.start()
            platform.until(
                lambda: platform.vehicle("bl-03")["armed"] is True, within_s=10, what="the vehicle, flying"
            )
        sortie = platform.until_state(sortie_id, "closed", within_s=400)
        assert (sortie["outcome"], sortie["breaches"]) == ("completed", 0)
        track = platform.get(f"/sorties/{sortie_id}/track")
        times = track["properties"]["times"]
        assert times == sorted(times)
