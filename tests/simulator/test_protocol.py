"""Commands, parameters, streams and texts on the wire; garbage on the wire."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pymavlink.dialects.v20 import ardupilotmega as mav

from simulator.flight.kinds import Cmd
from simulator.flight.parameters import DEFAULTS, Kind, Parameters
from simulator.protocol.texts import status_texts
from simulator.sockets import datagrams
from simulator.vehicle import MAX_CHANNELS, TooManyChannels, Vehicle
from tests.simulator.station import (
    ACCEPTED,
    DENIED,
    FAILED,
    GUIDED,
    LAT_E7,
    LON_E7,
    UNSUPPORTED,
    Station,
    north_east,
    spec,
)

RESULTS_ON_THE_GROUND = [
    ((Cmd.NAV_TAKEOFF, 0, 0, 0, 0, 0, 0, 10), FAILED),
    ((Cmd.DO_SET_MODE, 0, GUIDED), DENIED),
    ((Cmd.DO_CHANGE_SPEED, 1, 0), DENIED),
    ((Cmd.CONDITION_YAW, 400), FAILED),
    ((Cmd.DO_REPOSITION,), UNSUPPORTED),
    ((Cmd.GET_HOME_POSITION,), ACCEPTED),
    ((Cmd.DO_FENCE_ENABLE, 5), FAILED),
    ((Cmd.DO_PAUSE_CONTINUE, 0), FAILED),
    ((Cmd.DO_PAUSE_CONTINUE, 2), DENIED),
    ((Cmd.DO_SET_MISSION_CURRENT, 500), DENIED),
    ((Cmd.PREFLIGHT_REBOOT_SHUTDOWN, 0), UNSUPPORTED),
    ((Cmd.DO_SET_ROI,), ACCEPTED),
    ((9999,), UNSUPPORTED),
    ((Cmd.CONDITION_DELAY, 1), UNSUPPORTED),
    ((Cmd.SET_MESSAGE_INTERVAL, 9999, 1000), DENIED),
    ((Cmd.SET_MESSAGE_INTERVAL, 30, -5), DENIED),
    ((Cmd.REQUEST_MESSAGE, 9999), FAILED),
    ((Cmd.REQUEST_AUTOPILOT_CAPABILITIES, 1), ACCEPTED),
    ((Cmd.DO_SET_CAM_TRIGG_DIST, 10), ACCEPTED),
    ((Cmd.COMPONENT_ARM_DISARM, 3), UNSUPPORTED),
    ((Cmd.PREFLIGHT_STORAGE, 1), DENIED),
    ((Cmd.PREFLIGHT_CALIBRATION,), UNSUPPORTED),
]


@pytest.mark.parametrize(("command", "result"), RESULTS_ON_THE_GROUND)
def test_commands_on_the_ground_answer_as_sitl_does(command: tuple[float, ...], result: int) -> None:
    station = Station().ready()
    assert station.command(int(command[0]), *command[1:]) == result


def test_a_command_for_another_vehicle_is_not_answered() -> None:
    station = Station().ready()
    station.forget()
    station.send(mav.MAVLink_command_long_message(77, 1, Cmd.GET_HOME_POSITION, 0, *[0.0] * 7))
    assert not station.heard
    station.send(mav.MAVLink_command_long_message(0, 0, Cmd.GET_HOME_POSITION, 0, *[0.0] * 7))
    assert station.last("COMMAND_ACK").result == ACCEPTED, "0 means everyone"


def test_an_acknowledgement_names_who_asked() -> None:
    station = Station(system_id=201, component_id=7).ready()
    station.command(Cmd.GET_HOME_POSITION)
    ack = station.last("COMMAND_ACK")
    assert (ack.target_system, ack.target_component) == (201, 7)


def test_reposition_needs_guided_or_leave_to_change_into_it() -> None:
    station = Station().hover(10)
    station.set_mode(5)
    point = north_east(30, 0)
    assert station.command_int(Cmd.DO_REPOSITION, (-1, 0, 0, 0), *point, 10.0) == DENIED
    assert station.command_int(Cmd.DO_REPOSITION, (-1, 1, 0, 0), *point, 10.0) == ACCEPTED
    assert station.last("HEARTBEAT").custom_mode == GUIDED
    assert station.command_int(Cmd.DO_REPOSITION, (-1, 1, 0, 0), 0, 0, 10.0) == DENIED
    assert station.command_int(Cmd.DO_REPOSITION, (-1, 1, 0, 0), *point, math.nan) == DENIED


def test_home_can_be_moved_and_stays() -> None:
    station = Station().ready()
    assert station.command_int(Cmd.DO_SET_HOME, (0, 0, 0, 0), *north_east(50, 20), 9.0, frame=0) == ACCEPTED
    home = station.last("HOME_POSITION")
    assert (home.latitude, home.longitude, home.altitude) == (*north_east(50, 20), 9000)
    station.set_mode(GUIDED)
    station.command(Cmd.COMPONENT_ARM_DISARM, 1)
    assert station.ask(mav.MAVLINK_MSG_ID_HOME_POSITION).latitude == north_east(50, 20)[0], "locked: arming keeps it"


def test_arming_moves_a_home_nobody_set() -> None:
    station = Station().ready()
    station.set_mode(GUIDED)
    station.forget()
    station.command(Cmd.COMPONENT_ARM_DISARM, 1)
    assert station.last("HOME_POSITION").latitude == LAT_E7


def test_reboot_is_refused_when_armed_and_forgets_everything_else() -> None:
    station = Station().ready()
    station.upload([(0, 16, (0.0, 0.0, 0.0, 0.0), LAT_E7, LON_E7, 0.0)] * 3)
    station.set_mode(GUIDED)
    station.command(Cmd.COMPONENT_ARM_DISARM, 1)
    assert station.command(Cmd.PREFLIGHT_REBOOT_SHUTDOWN, 1) == FAILED
    station.command(Cmd.COMPONENT_ARM_DISARM, 0)
    assert station.command(Cmd.PREFLIGHT_REBOOT_SHUTDOWN, 1) == ACCEPTED
    station.run(1)
    assert station.vehicle.aircraft.now_s < 2
    station.ready()
    assert station.last("HEARTBEAT").custom_mode == 0


def test_every_vehicle_has_an_identity_that_does_not_change() -> None:
    def uid(system_id: int) -> list[int]:
        return list(Station(Vehicle(spec(system_id))).ready().ask(mav.MAVLINK_MSG_ID_AUTOPILOT_VERSION).uid2)

    assert uid(1) == uid(1)
    assert uid(1) != uid(2)
    assert any(uid(1))


# -- parameters ---------------------------------------------------------------------------------------------------


def test_the_list_brings_every_parameter_once() -> None:
    station = Station().ready()
    station.forget()
    station.send(mav.MAVLink_param_request_list_message(1, 1))
    station.run(1)
    values = station.all("PARAM_VALUE")
    assert [v.param_index for v in values] == list(range(len(DEFAULTS)))
    assert {v.param_count for v in values} == {len(DEFAULTS)}
    assert len({v.param_id for v in values}) == len(DEFAULTS) >= 60


def test_reading_by_name_and_by_index() -> None:
    station = Station().ready()
    station.send(mav.MAVLink_param_request_read_message(1, 1, b"RTL_ALT", -1))
    by_name = station.last("PARAM_VALUE")
    assert (by_name.param_value, by_name.param_type, by_name.param_index) == (1500.0, 6, 65535)
    station.send(mav.MAVLink_param_request_read_message(1, 1, b"", 5))
    assert station.last("PARAM_VALUE").param_index == 5


def test_an_unknown_parameter_is_met_with_silence() -> None:
    station = Station().ready()
    station.forget()
    station.send(mav.MAVLink_param_request_read_message(1, 1, b"NOPE", -1))
    station.send(mav.MAVLink_param_request_read_message(1, 1, b"", 30000))
    station.set_parameter("NOPE", 1)
    station.set_parameter("RTL_ALT", math.nan)
    assert not station.all("PARAM_VALUE")


def test_a_change_is_told_to_every_active_channel() -> None:
    station = Station().ready()
    other, silent = Station(station.vehicle, 200), Station(station.vehicle, 201)
    other.run(0.04)
    silent.heartbeats = False
    station.set_parameter("RTL_ALT", 2000.6)
    other._hear(other.channel.take())
    silent._hear(silent.channel.take())
    assert station.last("PARAM_VALUE").param_value == 2000.0, "cut, not rounded"
    assert other.last("PARAM_VALUE").param_value == 2000.0
    assert not silent.all("PARAM_VALUE"), "a channel that never spoke hears nothing but heartbeats"


def test_what_is_read_only_stays_and_is_denied() -> None:
    station = Station().ready()
    station.set_parameter("MIS_TOTAL", 7)
    assert station.last("PARAM_VALUE").param_value == 1.0
    assert station.texts[-1] == "Param write denied (MIS_TOTAL)"


@given(st.sampled_from(DEFAULTS), st.floats(allow_nan=False, allow_infinity=False))
def test_a_value_is_kept_within_its_type(default: tuple[str, Kind, float], value: float) -> None:
    parameters = Parameters()
    parameters.set(default[0], value)
    kept = parameters[default[0]]
    if default[1] is Kind.INT8:
        assert -128 <= kept <= 127
    if default[1] is not Kind.FLOAT:
        assert kept == int(kept)
    parameters.set(default[0], kept)
    assert parameters[default[0]] == kept


# -- streams ------------------------------------------------------------------------------------------------------


def test_nothing_but_heartbeats_until_asked() -> None:
    station = Station().ready()
    station.forget()
    station.run(10)
    assert {m.get_type() for m in station.heard} == {"HEARTBEAT"}
    assert len(station.heard) == 10


def test_each_channel_has_its_own_rates() -> None:
    station = Station().ready()
    other = Station(station.vehicle, 200)
    station.send(mav.MAVLink_request_data_stream_message(1, 1, mav.MAV_DATA_STREAM_POSITION, 4, 1))
    other.command(Cmd.SET_MESSAGE_INTERVAL, mav.MAVLINK_MSG_ID_ATTITUDE, 100_000)
    station.forget()
    other.forget()
    for _ in range(250):
        station.run(0.04)
        other._hear(other.channel.take())
    assert len(station.all("GLOBAL_POSITION_INT")) == pytest.approx(40, abs=1)
    assert not station.all("ATTITUDE")
    assert len(other.all("ATTITUDE")) == pytest.approx(100, abs=9)
    assert not other.all("GLOBAL_POSITION_INT")


def test_all_streams_at_once_and_off_again() -> None:
    station = Station().ready()
    station.send(mav.MAVLink_request_data_stream_message(1, 1, mav.MAV_DATA_STREAM_ALL, 2, 1))
    station.forget()
    station.run(5)
    kinds = {m.get_type() for m in station.heard}
    assert kinds >= {
        "ATTITUDE", "GLOBAL_POSITION_INT", "VFR_HUD", "SYS_STATUS", "GPS_RAW_INT", "BATTERY_STATUS",
        "MISSION_CURRENT", "NAV_CONTROLLER_OUTPUT", "SYSTEM_TIME", "EKF_STATUS_REPORT", "VIBRATION", "RC_CHANNELS",
        "WIND",
    }  # fmt: skip
    station.send(mav.MAVLink_request_data_stream_message(1, 1, mav.MAV_DATA_STREAM_ALL, 0, 0))
    station.forget()
    station.run(5)
    assert {m.get_type() for m in station.heard} == {"HEARTBEAT"}


def test_the_interval_can_be_asked_for() -> None:
    station = Station().ready()
    station.command(Cmd.SET_MESSAGE_INTERVAL, 30, 250_000)
    for message_id, interval, result in ((30, 250_000, ACCEPTED), (33, -1, ACCEPTED), (9999, 0, FAILED)):
        assert station.command(Cmd.GET_MESSAGE_INTERVAL, message_id) == result
        assert station.last("MESSAGE_INTERVAL").interval_us == interval


def test_every_message_it_has_can_be_requested_and_packs() -> None:
    station = Station().hover(10)
    station.command(Cmd.DO_FENCE_ENABLE, 1)
    for message_id in (
        1,
        2,
        24,
        27,
        29,
        30,
        32,
        33,
        36,
        42,
        49,
        62,
        65,
        74,
        87,
        125,
        147,
        148,
        152,
        162,
        168,
        193,
        241,
        242,
        245,
    ):
        station.ask(message_id)


def test_an_interval_of_zero_means_the_default() -> None:
    station = Station().ready()
    for message_id, count in ((0, 5), (mav.MAVLINK_MSG_ID_ATTITUDE, 0)):
        name = mav.mavlink_map[message_id].msgname
        station.command(Cmd.SET_MESSAGE_INTERVAL, message_id, 100_000)
        station.command(Cmd.SET_MESSAGE_INTERVAL, message_id, 0)
        station.forget()
        station.run(5)
        assert len(station.all(name)) == pytest.approx(count, abs=1)


def test_timesync_is_answered_with_what_was_asked() -> None:
    station = Station().ready()
    station.send(mav.MAVLink_timesync_message(0, 12345))
    answer = station.last("TIMESYNC")
    assert answer.ts1 == 12345
    assert answer.tc1 > 0


def test_telemetry_agrees_with_itself() -> None:
    station = Station().hover(20)
    position = station.ask(mav.MAVLINK_MSG_ID_GLOBAL_POSITION_INT)
    assert position.relative_alt == pytest.approx(20_000, abs=300)
    assert position.alt - position.relative_alt == pytest.approx(4000, abs=2)
    assert station.ask(mav.MAVLINK_MSG_ID_VFR_HUD).alt == pytest.approx(24, abs=0.4)
    assert station.ask(mav.MAVLINK_MSG_ID_EXTENDED_SYS_STATE).landed_state == mav.MAV_LANDED_STATE_IN_AIR
    assert station.ask(mav.MAVLINK_MSG_ID_EKF_STATUS_REPORT).flags == 831
    battery = station.ask(mav.MAVLINK_MSG_ID_BATTERY_STATUS)
    assert 0 < battery.battery_remaining < 100
    assert battery.current_battery > 1000


# -- texts --------------------------------------------------------------------------------------------------------


@given(st.text(alphabet=st.characters(codec="ascii", exclude_characters="\0"), max_size=220))
@example("x" * 50)
@example("x" * 100)
def test_chunks_of_a_text_make_the_text_again(text: str) -> None:
    messages = list(status_texts(6, text, 9))
    joined = "".join(m.text for m in messages)
    assert joined == text
    if len(text) > 50:
        assert [m.chunk_seq for m in messages] == list(range(len(messages)))
        assert {m.id for m in messages} == {9}
        assert len(messages[-1].text) < 50, "a chunk that is not full ends the text"
    else:
        assert messages[0].id == 0


# -- garbage ------------------------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=400), max_size=8), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_garbage_costs_nothing_but_itself(noise: list[bytes], seed: int) -> None:
    station = Station()
    dice = random.Random(seed)
    for data in noise:
        station.send_bytes(data)
        station.send_bytes(bytes([253]) + dice.randbytes(dice.randrange(40)))
    for _ in range(3):  # a torn frame before it may swallow the first
        station.send(mav.MAVLink_param_request_read_message(1, 1, b"RTL_ALT", -1))
    for _ in range(12):
        station.send_bytes(bytes(25))
        station.send(mav.MAVLink_param_request_read_message(1, 1, b"RTL_ALT", -1))
    assert station.all("PARAM_VALUE")


@pytest.mark.thorough
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_well_formed_nonsense_does_no_harm(data: st.DataObject) -> None:
    station = Station()
    station.vehicle.step(6.0)
    number = st.floats(width=32)
    whole = st.integers(-(2**31), 2**31 - 1)
    for _ in range(5):
        command = data.draw(st.one_of(st.sampled_from(list(Cmd)), st.integers(0, 65535)))
        seven = [data.draw(number) for _ in range(7)]
        if command == Cmd.PREFLIGHT_REBOOT_SHUTDOWN:
            continue
        station.send(mav.MAVLink_command_long_message(1, 1, command, 0, *seven))
        x, y, frame = data.draw(whole), data.draw(whole), data.draw(st.integers(0, 255))
        station.send(mav.MAVLink_command_int_message(1, 1, frame, command, 0, 0, *seven[:4], x, y, seven[6]))
        station.send(
            mav.MAVLink_mission_count_message(1, 1, data.draw(st.integers(0, 3)), data.draw(st.integers(0, 255)))
        )
        station.send_item(
            0,
            (frame, command, (seven[0], seven[1], seven[2], seven[3]), x, y, seven[6]),
            data.draw(st.integers(0, 2)),
        )
        mask = data.draw(st.integers(0, 65535))
        station.send(
            mav.MAVLink_set_position_target_global_int_message(0, 1, 1, frame, mask, x, y, *seven, 0.0, seven[0])
        )
        station.send(
            mav.MAVLink_set_position_target_local_ned_message(
                0, 1, 1, frame, mask, *seven, 0.0, 0.0, seven[1], seven[2]
            )
        )
        station.run(0.4)
    assert all(math.isfinite(v) for v in (*station.craft.body.position, *station.craft.body.velocity))


def test_a_broken_frame_is_counted_and_not_obeyed() -> None:
    station = Station().ready()
    codec = mav.MAVLink(None, srcSystem=255)
    frame = bytearray(mav.MAVLink_param_set_message(1, 1, b"RTL_ALT", 3000.0, 9).pack(codec))
    frame[14] ^= 0x40
    before = station.channel.errors
    station.send_bytes(bytes(frame))
    station.command(Cmd.GET_HOME_POSITION)
    assert station.channel.errors > before
    assert station.craft.params["RTL_ALT"] == 1500.0


def test_a_client_that_does_not_read_costs_bounded_memory() -> None:
    vehicle = Vehicle(spec())
    channel = vehicle.open_channel()
    for message_id in (1, 24, 30, 33, 74):
        channel.set_interval(message_id, 0.04, 0.0)
    vehicle.step(250.0)
    assert channel.dropped > 0
    assert len(channel.take()) < 600_000


def test_a_vehicle_has_a_limit_of_peers() -> None:
    vehicle = Vehicle(spec())
    for _ in range(MAX_CHANNELS):
        vehicle.open_channel()
    with pytest.raises(TooManyChannels):
        vehicle.open_channel()


def test_datagrams_hold_whole_frames() -> None:
    station = Station().ready()
    channel = station.vehicle.open_channel()
    for _ in range(100):
        station.vehicle.receive(channel, b"")
        channel.send(mav.MAVLink_attitude_message(1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
        channel.send(mav.MAVLink_heartbeat_message(2, 3, 81, 0, 3, 3))
    data = channel.take()
    packed = datagrams(data)
    assert b"".join(packed) == data
    assert max(len(d) for d in packed) <= 1200
    assert all(d[0] == 0xFD for d in packed)


@pytest.mark.parametrize("changes", [{"system_id": 0}, {"lat_deg": 91.0}, {"battery_wh": 0.0}])
def test_an_impossible_vehicle_is_refused(changes: dict[str, float]) -> None:
    values: dict[str, object] = {"system_id": 1, "name": "x", "lat_deg": 0.0, "lon_deg": 0.0, **changes}
    with pytest.raises(ValueError, match=r"outside|place|positive"):
        type(spec())(**values)  # type: ignore[arg-type]
