"""Transfers against a simulated vehicle with ArduPilot's semantics, over good and bad air, in simulated time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.geo import LatLon
from missions.items import items_hash, mission_items, rally_items
from missions.model import Action, ActionKind, MissionItem, ReturnMode, Waypoint
from telemetry.packets import MissionAck, MissionCount, MissionRequest, MissionResult, MissionType
from telemetry.transfers import Clear, Download, Upload
from tests.telemetry.air import Air


def mission(count: int, *, shift_e7: int = 0) -> tuple[MissionItem, ...]:
    """Home, a take-off and `count` waypoints."""
    home = MissionItem(0, 0, 16, (0, 0, 0, 0), 311_390_000, 1_211_240_000, 4.0)
    take_off = MissionItem(1, 3, 22, (0, 0, 0, 0), 0, 0, 40.0)
    points = (
        MissionItem(2 + i, 3, 16, (0, 0, 0, 0), 311_390_000 + 1_000 * i + shift_e7, 1_211_240_000, 40.0)
        for i in range(count)
    )
    return (home, take_off, *points)


def square_fence() -> tuple[MissionItem, ...]:
    corners = ((311_300_000, 1_211_200_000), (311_300_000, 1_211_300_000), (311_500_000, 1_211_250_000))
    return tuple(MissionItem(i, 0, 5001, (3, 0, 0, 0), x, y, 0.0) for i, (x, y) in enumerate(corners))


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_read_back_equals_what_was_uploaded_whatever_the_air_loses(loss: float, seed: int) -> None:
    air, items = Air(loss=loss, seed=seed), mission(40)
    assert air.upload(items).done
    assert items_hash(air.download(), kind="mission") == items_hash(items, kind="mission")


def test_an_upload_in_clean_air_takes_one_round_trip_per_item() -> None:
    air = Air()
    air.upload(mission(100))
    assert air.now_s < 103 * 0.2


def test_fence_and_mission_do_not_mix() -> None:
    air, items, fence = Air(loss=0.1), mission(5), square_fence()
    air.upload(items)
    air.upload(fence, MissionType.FENCE)
    assert items_hash(air.download(), kind="mission") == items_hash(items, kind="mission")
    assert items_hash(air.download(MissionType.FENCE), kind="fence") == items_hash(fence, kind="fence")


def test_a_broken_off_upload_is_seen_in_the_read_back() -> None:
    air, old, new = Air(), mission(20), mission(20, shift_e7=500)
    air.upload(old)
    air.run(Upload(MissionType.MISSION, new, now_s=air.now_s), limit_s=60, stop_after=8)
    air.run(Download(MissionType.RALLY, now_s=air.now_s), limit_s=10)  # time passes; the vehicle gives the upload up
    held = items_hash(air.download(), kind="mission")
    assert held not in (items_hash(new, kind="mission"), items_hash(old, kind="mission"))


def test_an_empty_list_clears() -> None:
    air = Air(loss=0.2)
    air.upload(square_fence(), MissionType.FENCE)
    assert air.run(Clear(MissionType.FENCE, now_s=air.now_s), limit_s=30).done
    assert air.download(MissionType.FENCE) == ()


def test_a_refusal_ends_the_upload_with_its_reason() -> None:
    air = Air()
    too_many = tuple(replace(square_fence()[0], seq=i, params=(80.0, 0, 0, 0)) for i in range(80))
    upload = air.upload(too_many, MissionType.FENCE)
    assert not upload.done
    assert upload.refused == MissionResult.NO_SPACE


def test_the_count_is_not_repeated_once_the_vehicle_asks() -> None:
    upload = Upload(MissionType.MISSION, mission(5), now_s=0.0)
    assert upload.on_time(0.0) == [MissionCount(7, MissionType.MISSION)]
    upload.on_packet(MissionRequest(0, MissionType.MISSION), 0.1)
    resent = [packet for step in range(40) for packet in upload.on_time(0.1 + step * 0.1)]
    assert resent
    assert not any(isinstance(packet, MissionCount) for packet in resent)


def test_an_acceptance_that_belongs_to_an_earlier_upload_does_not_end_this_one() -> None:
    upload = Upload(MissionType.MISSION, mission(5), now_s=0.0)
    upload.on_packet(MissionAck(MissionResult.ACCEPTED, MissionType.MISSION), 0.1)
    assert not upload.done


def test_a_count_beyond_the_bound_is_refused() -> None:
    download = Download(MissionType.MISSION, now_s=0.0, bound=700)
    download.on_packet(MissionCount(60_000, MissionType.MISSION), 0.1)
    assert download.refused is not None


def test_everything_done_at_a_waypoint_and_every_rally_point_reads_back_equal() -> None:
    place = LatLon(31.1391234, 121.1241234)
    actions = (
        Action(ActionKind.GIMBAL, -44.6),
        Action(ActionKind.HEADING, 271.3),
        Action(ActionKind.LOOK_AT, place=place, alt_rel_m=12.34),
        Action(ActionKind.LOOK_AHEAD),
        Action(ActionKind.PHOTO),
        Action(ActionKind.PHOTO_EVERY, 17.3),
        Action(ActionKind.VIDEO, 1.0),
        Action(ActionKind.VIDEO, 0.0),
        Action(ActionKind.SPEED, 4.2),
    )
    assert {action.kind for action in actions} == set(ActionKind)
    steps = [Waypoint(place, 40.53, 7.5, actions), Waypoint(place, 41.0, 3.0), Waypoint(place, 42.0, 0.0, actions)]
    air, rally = Air(), rally_items([Waypoint(place, 30.4), Waypoint(place, 55.0)])
    for returns in ReturnMode:
        items = mission_items(place, 4.0, steps, 8.3, returns=returns)
        air.upload(items)
        assert items_hash(air.download(), kind="mission") == items_hash(items, kind="mission")
    air.upload(rally, MissionType.RALLY)
    assert items_hash(air.download(MissionType.RALLY), kind="rally") == items_hash(rally, kind="rally")
