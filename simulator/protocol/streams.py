"""Stream rates: which message goes out how often on a channel, and how a ground station changes that.

A copter streams nothing but its heartbeat until it is asked (the MAV1_* rates of a copter default to 0).
"""

from __future__ import annotations

from simulator.flight.aircraft import Aircraft
from simulator.flight.kinds import Result, Severity
from simulator.protocol.channel import Channel
from simulator.protocol.codec import Message, dialect
from simulator.protocol.telemetry import BUILDERS

HEARTBEAT_S = 1.0
SLOWEST_S = 60.0
FASTEST_S = 0.0025
"""One main loop of 400 Hz; the simulator itself steps at 25 Hz, faster streams get one message per step."""

_M = dialect
STREAMS: dict[int, tuple[int, ...]] = {
    _M.MAV_DATA_STREAM_RAW_SENSORS: (_M.MAVLINK_MSG_ID_RAW_IMU, _M.MAVLINK_MSG_ID_SCALED_PRESSURE),
    _M.MAV_DATA_STREAM_EXTENDED_STATUS: (
        _M.MAVLINK_MSG_ID_SYS_STATUS,
        _M.MAVLINK_MSG_ID_POWER_STATUS,
        _M.MAVLINK_MSG_ID_MEMINFO,
        _M.MAVLINK_MSG_ID_MISSION_CURRENT,
        _M.MAVLINK_MSG_ID_GPS_RAW_INT,
        _M.MAVLINK_MSG_ID_NAV_CONTROLLER_OUTPUT,
        _M.MAVLINK_MSG_ID_FENCE_STATUS,
        _M.MAVLINK_MSG_ID_POSITION_TARGET_GLOBAL_INT,
    ),
    _M.MAV_DATA_STREAM_RC_CHANNELS: (_M.MAVLINK_MSG_ID_SERVO_OUTPUT_RAW, _M.MAVLINK_MSG_ID_RC_CHANNELS),
    _M.MAV_DATA_STREAM_RAW_CONTROLLER: (),
    _M.MAV_DATA_STREAM_POSITION: (_M.MAVLINK_MSG_ID_GLOBAL_POSITION_INT, _M.MAVLINK_MSG_ID_LOCAL_POSITION_NED),
    _M.MAV_DATA_STREAM_EXTRA1: (_M.MAVLINK_MSG_ID_ATTITUDE,),
    _M.MAV_DATA_STREAM_EXTRA2: (_M.MAVLINK_MSG_ID_VFR_HUD,),
    _M.MAV_DATA_STREAM_EXTRA3: (
        _M.MAVLINK_MSG_ID_WIND,
        _M.MAVLINK_MSG_ID_SYSTEM_TIME,
        _M.MAVLINK_MSG_ID_BATTERY_STATUS,
        _M.MAVLINK_MSG_ID_EKF_STATUS_REPORT,
        _M.MAVLINK_MSG_ID_VIBRATION,
    ),
}
"""MAV_DATA_STREAM to the messages it carries, as ArduCopter groups them."""


def begin(channel: Channel, now_s: float) -> None:
    """A new channel: heartbeats only, the first one at once."""
    channel.set_interval(_M.MAVLINK_MSG_ID_HEARTBEAT, HEARTBEAT_S, now_s - HEARTBEAT_S)


def send_due(channel: Channel, craft: Aircraft) -> None:
    """Queue every streamed message whose time has come."""
    for message_id in channel.take_due(craft.now_s):
        message = BUILDERS[message_id](craft)
        if message is not None:
            channel.send(message)


def request_data_stream(channel: Channel, message: Message, now_s: float) -> None:
    """REQUEST_DATA_STREAM: rate in Hz of one stream or of all; start_stop 0 stops."""
    if message.start_stop not in (0, 1):
        return
    rate = message.req_message_rate if message.start_stop else 0
    wanted = message.req_stream_id
    chosen = STREAMS.values() if wanted == _M.MAV_DATA_STREAM_ALL else (STREAMS.get(wanted, ()),)
    for message_ids in chosen:
        for message_id in message_ids:
            channel.set_interval(message_id, max(FASTEST_S, 1.0 / rate) if rate > 0 else None, now_s)


def set_interval(channel: Channel, craft: Aircraft, message_id: int, interval_us: float) -> Result:
    """SET_MESSAGE_INTERVAL: microseconds; -1 stops, 0 returns to the default (heartbeat 1 Hz, others off)."""
    if message_id not in BUILDERS:
        craft.say(Severity.INFO, f"No ap_message for mavlink id ({message_id})")
        return Result.DENIED
    if interval_us < 0 and interval_us != -1:
        return Result.DENIED
    seconds: float | None = min(SLOWEST_S, max(0.001, interval_us * 1e-6))
    if interval_us in (0, -1):
        default = message_id == _M.MAVLINK_MSG_ID_HEARTBEAT and interval_us == 0
        seconds = HEARTBEAT_S if default else None
    if seconds is not None and seconds < FASTEST_S:
        craft.say(Severity.INFO, f"Requested rate for message ID {message_id} too fast. Increase SCHED_LOOP_RATE")
        return Result.DENIED
    channel.set_interval(message_id, seconds, craft.now_s)
    return Result.ACCEPTED


def get_interval(channel: Channel, message_id: int) -> Result:
    """GET_MESSAGE_INTERVAL: answers with MESSAGE_INTERVAL; 0 means "no such message", -1 "not streamed"."""
    known = message_id in BUILDERS
    seconds = channel.intervals_s.get(message_id)
    interval_us = 0 if not known else -1 if seconds is None else int(seconds * 1e6)
    channel.send(_M.MAVLink_message_interval_message(message_id & 0xFFFF, interval_us))
    return Result.ACCEPTED if known else Result.FAILED


def send_once(channel: Channel, craft: Aircraft, message_id: int) -> Result:
    """REQUEST_MESSAGE of a message by id; accepted even when it has nothing to say now."""
    if message_id not in BUILDERS:
        return Result.FAILED
    message = BUILDERS[message_id](craft)
    if message is not None:
        channel.send(message)
    return Result.ACCEPTED
