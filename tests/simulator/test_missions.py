"""The mission protocol as ArduPilot has it, for all three lists; most rows were compared with a real SITL."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymavlink.dialects.v20 import ardupilotmega as mav

from simulator.flight.items import Item, stored
from simulator.flight.kinds import Cmd, ItemResult
from tests.simulator.station import (
    HOME,
    LAT_E7,
    LON_E7,
    NONE4,
    RETURN,
    RawItem,
    Station,
    north_east,
    plain,
    takeoff,
    waypoint,
)

FENCE, RALLY = 1, 2
INCLUSION, EXCLUSION = Cmd.NAV_FENCE_POLYGON_VERTEX_INCLUSION, Cmd.NAV_FENCE_POLYGON_VERTEX_EXCLUSION
CIRCLE_IN, CIRCLE_OUT = Cmd.NAV_FENCE_CIRCLE_INCLUSION, Cmd.NAV_FENCE_CIRCLE_EXCLUSION
MISSION = [HOME, takeoff(20), waypoint(50, 0, 20), waypoint(50, 50, 30), RETURN]


def ring(command: int, count: int, radius_m: float = 100.0) -> list[RawItem]:
    points = [
        north_east(radius_m * math.cos(math.tau * i / count), radius_m * math.sin(math.tau * i / count))
        for i in range(count)
    ]
    return [(5, command, (float(count), 0.0, 0.0, 0.0), x, y, 0.0) for x, y in points]


def circle(radius_m: float, command: int = CIRCLE_OUT) -> RawItem:
    return 5, command, (radius_m, 0.0, 0.0, 0.0), LAT_E7, LON_E7, 0.0


def read(item: object) -> tuple[object, ...]:
    names = ("frame", "command", "param1", "param2", "param3", "param4", "x", "y")
    return (*(getattr(item, name) for name in names), round(float(item.z), 3))  # type: ignore[attr-defined]


def test_a_mission_reads_back_as_the_vehicle_keeps_it() -> None:
    station = Station().ready()
    assert station.upload(MISSION) == ItemResult.ACCEPTED
    assert "Flight plan received" in station.texts
    items = station.download()
    assert [item.command for item in items] == [16, 22, 16, 16, 20]
    assert [item.frame for item in items] == [0, 3, 3, 3, 0]
    assert items[2].x == MISSION[2][3]


STORED = [
    ((6, 22, (15.0, 1.0, 2.0, math.nan), 0, 0, 20.0), (3, 22, 15, 0, 0, 0, 0, 0, 20.0)),
    ((6, 16, (0.0, 5.0, 6.0, math.nan), 5, 7, 77.123456), (3, 16, 0, 0, 0, 0, 5, 7, 77.12)),
    ((3, 16, (2.7, 0.0, 0.0, 0.0), 5, 7, 25.0), (3, 16, 2, 0, 0, 0, 5, 7, 25.0)),
    ((6, 17, (0.0, 0.0, -30.5, 0.0), 5, 7, 20.0), (3, 17, 0, 0, -30, 0, 5, 7, 20.0)),
    ((6, 18, (2.0, 0.0, -300.0, 1.0), 5, 7, 20.0), (3, 18, 2, 0, -300, 1, 5, 7, 20.0)),
    ((6, 19, (5.0, 0.0, 0.0, 0.0), 5, 7, 20.0), (3, 19, 5, 0, 1, 0, 5, 7, 20.0)),
    ((2, 178, (1.0, 5.0, -1.0, 0.0), 7, 8, 9.0), (0, 178, 1, 5, -1, 0, 0, 0, 0.0)),
    ((2, 115, (90.0, 20.0, -1.0, 1.0), 0, 0, 0.0), (0, 115, 90, 20, -1, 1, 0, 0, 0.0)),
    ((0, 1000, (-45.5, 200.7, 3.7, -3.7), 0, 0, 0.0), (0, 1000, -45, 200, 3, -3, 0, 0, 0.0)),
    ((0, 1000, (200.0, 40000.0, 200.0, -200.0), 300, 5, 300.0), (0, 1000, -56, -25536, -56, 56, 44, 0, 44.0)),
    ((0, 206, (17.25, 3.0, 2.7, 4.0), 5, 6, 7.0), (0, 206, 17.25, 0, 2, 0, 0, 0, 0.0)),
    ((0, 2000, (0.0, 2.5, 10.0, 7.0), 5, 6, 7.0), (0, 2000, 0, 2.5, 10, 7, 0, 0, 0.0)),
    ((0, 2500, (1.0, 2.0, 3.0, 4.0), 5, 6, 7.0), (0, 2500, 1, 0, 0, 0, 0, 0, 0.0)),
    ((0, 2501, (1.0, 2.0, 3.0, 4.0), 5, 6, 7.0), (0, 2501, 1, 0, 0, 0, 0, 0, 0.0)),
    ((3, 195, (1.0, 2.0, 3.0, 4.0), 5, 7, 12.34), (3, 195, 1, 0, 0, 0, 5, 7, 12.34)),
    ((0, 197, (1.0, 2.0, 3.0, 4.0), 5, 6, 7.0), (0, 197, 1, 0, 0, 0, 0, 0, 0.0)),
    ((0, 93, (12.5, -1.0, -1.0, -1.0), 5, 6, 7.0), (0, 93, 12.5, -1, -1, -1, 0, 0, 0.0)),
    ((3, 21, (3.0, 2.0, 1.0, -1.0), 5, 7, 1.0), (3, 21, 3, 0, 0, -1, 5, 7, 1.0)),
    ((11, 16, NONE4, 5, 7, 33.0), (10, 16, 0, 0, 0, 0, 5, 7, 33.0)),
    ((5, 21, NONE4, 5, 7, 5.0), (0, 21, 0, 0, 0, 1, 5, 7, 5.0)),
    ((0, 20, NONE4, 5, 6, 7.0), (0, 20, 0, 0, 0, 0, 0, 0, 0.0)),
]


@pytest.mark.parametrize(("sent", "kept"), STORED)
def test_what_an_item_cannot_hold_is_lost(sent: RawItem, kept: tuple[float, ...]) -> None:
    station = Station().ready()
    assert station.upload([HOME, sent]) == ItemResult.ACCEPTED
    assert read(station.download()[1]) == kept


REFUSED = [
    ((6, 9999, NONE4, 0, 0, 0.0), ItemResult.UNSUPPORTED),
    ((6, 16, NONE4, 5, 7, 90_000.0), ItemResult.INVALID_PARAM7),
    ((6, 16, NONE4, 5, 7, math.nan), ItemResult.INVALID_PARAM7),
    ((6, 16, (math.inf, 0.0, 0.0, 0.0), 5, 7, 1.0), ItemResult.INVALID_PARAM1),
    ((6, 16, (0.0, math.nan, 0.0, 0.0), 5, 7, 1.0), ItemResult.INVALID_PARAM2),
    ((1, 16, NONE4, 5, 7, 1.0), ItemResult.UNSUPPORTED_FRAME),
    ((6, 16, NONE4, 910_000_000, 7, 1.0), ItemResult.INVALID_PARAM5_X),
    ((6, 16, NONE4, 5, 1_900_000_000, 1.0), ItemResult.INVALID_PARAM6_Y),
    (plain(Cmd.DO_JUMP, 77, 1), ItemResult.ERROR),
    ((6, 0, NONE4, 0, 0, 0.0), ItemResult.INVALID),
]


@pytest.mark.parametrize(("item", "result"), REFUSED)
def test_an_item_that_cannot_be_stored_ends_the_upload(item: RawItem, result: ItemResult) -> None:
    station = Station().ready()
    assert station.upload([HOME, item]) == result


def test_an_interrupted_mission_upload_leaves_a_mix() -> None:
    station = Station().ready()
    station.upload(MISSION)
    other = [HOME, takeoff(99), waypoint(1, 1, 99), waypoint(2, 2, 99)]
    station.send(mav.MAVLink_mission_count_message(1, 1, 4, 0))
    station.send_item(0, other[0])
    station.send_item(1, other[1])
    station.forget()
    station.run(8.5)
    assert station.last("MISSION_ACK").type == ItemResult.OPERATION_CANCELLED
    assert "Mission upload timeout" in station.texts
    assert [item.z for item in station.download()[1:]] == [99.0, 20.0, 30.0], "shortened at once, replaced in place"


def test_an_interrupted_fence_upload_changes_nothing() -> None:
    station = Station().ready()
    assert station.upload([circle(20.75)], FENCE) == ItemResult.ACCEPTED
    station.send(mav.MAVLink_mission_count_message(1, 1, 2, FENCE))
    station.send_item(0, circle(50), FENCE)
    station.run(9)
    assert [item.param1 for item in station.download(FENCE)] == [20.75]


def test_the_vehicle_asks_again_for_what_was_lost() -> None:
    station = Station().ready()
    dice = random.Random(7)
    station.loses = lambda m: m.get_type().startswith("MISSION_") and dice.random() < 0.2
    station._mav.robust_parsing = True
    items = [HOME, *[waypoint(i, i, 20) for i in range(1, 12)]]
    while True:
        station.send(mav.MAVLink_mission_count_message(1, 1, len(items), 0))
        if station.all("MISSION_REQUEST"):
            break
    done = False
    for _ in range(2000):
        for message in station.all("MISSION_REQUEST")[-1:]:
            station.send_item(message.seq, items[message.seq])
        done = (
            any(m.type == ItemResult.ACCEPTED for m in station.all("MISSION_ACK"))
            or "Flight plan received" in station.texts
        )
        if done:
            break
        station.run(0.2)
    assert done
    station.loses = lambda _m: False
    assert len(station.download()) == len(items)


def test_silence_brings_the_same_request_every_second() -> None:
    station = Station().ready()
    station.send(mav.MAVLink_mission_count_message(1, 1, 3, 0))
    station.run(4.5)
    assert [m.seq for m in station.all("MISSION_REQUEST")] == [0, 0, 0, 0, 0]


def test_an_item_out_of_order_is_refused_without_ending_the_upload() -> None:
    station = Station().ready()
    station.send(mav.MAVLink_mission_count_message(1, 1, 2, 0))
    station.send_item(1, MISSION[1])
    assert station.last("MISSION_ACK").type == ItemResult.INVALID_SEQUENCE
    station.send_item(0, HOME)
    station.send_item(1, MISSION[1])
    assert station.last("MISSION_ACK").type == ItemResult.ACCEPTED


def test_a_second_station_is_denied_while_one_uploads() -> None:
    station = Station().ready()
    other = Station(station.vehicle, system_id=254)
    station.send(mav.MAVLink_mission_count_message(1, 1, 3, 0))
    other.send(mav.MAVLink_mission_count_message(1, 1, 2, 0))
    assert other.last("MISSION_ACK").type == ItemResult.DENIED
    other.send(mav.MAVLink_mission_request_list_message(1, 1, 0))
    assert other.last("MISSION_ACK").type == ItemResult.DENIED
    assert not other.all("MISSION_COUNT")


def test_the_same_station_may_begin_again() -> None:
    station = Station().ready()
    station.send(mav.MAVLink_mission_count_message(1, 1, 3, 0))
    station.send_item(0, HOME)
    assert station.upload(MISSION) == ItemResult.ACCEPTED
    assert len(station.download()) == 5


def test_reading_past_the_end_tells_the_true_count() -> None:
    station = Station().ready()
    station.upload(MISSION)
    station.send(mav.MAVLink_mission_request_int_message(1, 1, 50, 0))
    assert station.last("MISSION_COUNT").count == 5
    assert station.last("MISSION_ACK").type == ItemResult.INVALID_SEQUENCE


@pytest.mark.parametrize(("kind", "limit"), [(0, 650), (FENCE, 70), (RALLY, 46)])
def test_a_list_too_long_is_refused_at_once(kind: int, limit: int) -> None:
    station = Station().ready()
    station.send(mav.MAVLink_mission_count_message(1, 1, limit + 1, kind))
    assert station.last("MISSION_ACK").type == ItemResult.NO_SPACE
    station.run(0.1)
    assert f"Only {limit} items are supported" in station.texts
    station.send(mav.MAVLink_mission_count_message(1, 1, limit, kind))
    assert station.last("MISSION_REQUEST").seq == 0


@pytest.mark.parametrize(
    ("items", "result"),
    [
        (ring(INCLUSION, 69), ItemResult.ACCEPTED),
        (ring(INCLUSION, 70), ItemResult.ERROR),
        ([vertex for _ in range(21) for vertex in ring(EXCLUSION, 3)], ItemResult.ACCEPTED),
        ([vertex for _ in range(22) for vertex in ring(EXCLUSION, 3)], ItemResult.ERROR),
        ([circle(5)] * 42, ItemResult.ACCEPTED),
        ([circle(5)] * 43, ItemResult.ERROR),
        ([circle(0)], ItemResult.ERROR),
        ([circle(-3)], ItemResult.ERROR),
        (ring(INCLUSION, 4)[:3], ItemResult.ERROR),
        (ring(INCLUSION, 2), ItemResult.ERROR),
        ([*ring(INCLUSION, 4)[:2], circle(5)], ItemResult.ERROR),
        ([(1, CIRCLE_OUT, (5.0, 0.0, 0.0, 0.0), 5, 7, 0.0)], ItemResult.UNSUPPORTED_FRAME),
        ([(5, INCLUSION, (256.0, 0.0, 0.0, 0.0), 5, 7, 0.0)], ItemResult.INVALID_PARAM1),
        ([(5, 16, NONE4, 5, 7, 0.0)], ItemResult.UNSUPPORTED),
    ],
)
def test_fence_limits_are_those_measured(items: list[RawItem], result: ItemResult) -> None:
    station = Station().ready()
    station.upload([circle(11)], FENCE)
    assert station.upload(items, FENCE) == result
    kept = station.download(FENCE)
    assert len(kept) == (len(items) if result is ItemResult.ACCEPTED else 1), "all or nothing"


def test_a_fence_reads_back_flat() -> None:
    station = Station().ready()
    station.upload([(6, CIRCLE_OUT, (20.75, 1.0, 2.0, 3.0), LAT_E7, LON_E7, 44.0)], FENCE)
    assert read(station.download(FENCE)[0]) == (0, CIRCLE_OUT, 20.75, 0, 0, 0, LAT_E7, LON_E7, 0.0)


def test_rally_points_keep_whole_metres() -> None:
    station = Station().ready()
    assert station.upload([(3, 5100, (1.0, 2.0, 3.0, 4.0), LAT_E7, LON_E7, 20.7)], RALLY) == ItemResult.ACCEPTED
    assert read(station.download(RALLY)[0]) == (3, 5100, 0, 0, 0, 0, LAT_E7, LON_E7, 20.0)


@pytest.mark.parametrize("kind", [0, FENCE, RALLY])
def test_clearing_empties_one_list_only(kind: int) -> None:
    station = Station().ready()
    lists = {0: MISSION, FENCE: [circle(30)], RALLY: [(3, 5100, NONE4, LAT_E7, LON_E7, 20.0)]}
    for each, items in lists.items():
        station.upload(items, each)
    station.send(mav.MAVLink_mission_clear_all_message(1, 1, kind))
    assert station.last("MISSION_ACK").type == ItemResult.ACCEPTED
    assert {each: len(station.download(each)) for each in lists} == {
        each: 0 if each == kind else len(items) for each, items in lists.items()
    }


def test_a_list_nobody_knows_is_unsupported() -> None:
    station = Station().ready()
    station.send(mav.MAVLink_mission_clear_all_message(1, 1, 9))
    assert station.last("MISSION_ACK").type == ItemResult.UNSUPPORTED


def test_the_old_messages_without_integers_still_work() -> None:
    station = Station().ready()
    station.send(mav.MAVLink_mission_count_message(1, 1, 2, 0))
    for seq, z in ((0, 0.0), (1, 25.0)):
        station.send(mav.MAVLink_mission_item_message(1, 1, seq, 3, 16, 0, 1, 0, 0, 0, 0, 31.25, 121.25, z))
    assert station.last("MISSION_ACK").type == ItemResult.ACCEPTED
    station.send(mav.MAVLink_mission_request_message(1, 1, 1, 0))
    item = station.last("MISSION_ITEM")
    assert (round(item.x, 4), round(item.y, 4), item.z) == (31.25, 121.25, 25.0)


@given(
    st.integers(0, 65535), st.integers(0, 12), st.tuples(*[st.floats(width=32)] * 4),
    st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1), st.floats(width=32),
)  # fmt: skip
@settings(max_examples=300)
def test_what_is_kept_is_kept_again(
    command: int, frame: int, params: tuple[float, float, float, float], x: int, y: int, z: float
) -> None:
    kept = stored(Item(command, frame, params, x, y, z))
    if isinstance(kept, Item) and not any(math.isnan(p) for p in kept.params):
        again = stored(kept)
        assert isinstance(again, Item)
        assert (again.command, again.frame, again.x, again.y) == (kept.command, kept.frame, kept.x, kept.y)
        assert abs(again.z - kept.z) <= 0.011
