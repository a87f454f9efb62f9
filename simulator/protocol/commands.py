"""Commands: COMMAND_LONG and COMMAND_INT, each answered with the result ArduCopter would give."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from simulator.flight.aircraft import Aircraft
from simulator.flight.auto import Auto
from simulator.flight.fence import ALT_MIN
from simulator.flight.guided import Guided
from simulator.flight.kinds import Cmd, Result, Severity
from simulator.flight.modes import Mode, Reason
from simulator.flight.places import Datum, Place, Vector, valid_lat_lon
from simulator.protocol import streams
from simulator.protocol.channel import Channel
from simulator.protocol.codec import Message, dialect
from simulator.protocol.missions import WireItem, is_place

FORCE_ARM = 2989.0
FORCE = 21196.0
"""Magic numbers that pass over the arming checks, or over the refusal to disarm in flight."""
FORCE_REBOOT = 20190226
ALL_FENCES = 15

_FRAMES = {
    0: Datum.AMSL, 5: Datum.AMSL, 3: Datum.HOME, 6: Datum.HOME, 10: Datum.TERRAIN, 11: Datum.TERRAIN,
}  # fmt: skip
_LOCATED = frozenset({Cmd.DO_SET_HOME, Cmd.DO_SET_ROI, Cmd.DO_SET_ROI_LOCATION, Cmd.DO_REPOSITION})
_LONG_FRAMES = {Cmd.DO_SET_ROI: 3, Cmd.DO_SET_ROI_LOCATION: 3, Cmd.DO_SET_HOME: 0}
"""Located commands that exist as COMMAND_LONG at all, and the frame they have there."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command in its integer form: x and y are 1e-7 degrees where the command names a place."""

    number: int
    frame: int
    params: tuple[float, float, float, float]
    x: int
    y: int
    z: float


Handler = Callable[[Channel, Aircraft, Command], Result]


def from_int(message: Message) -> Command:
    """The command in a COMMAND_INT."""
    params = (message.param1, message.param2, message.param3, message.param4)
    return Command(message.command, message.frame, params, message.x, message.y, message.z)


def from_long(message: Message) -> Command | None:
    """The command in a COMMAND_LONG; None when it exists as COMMAND_INT only (DO_REPOSITION)."""
    located = message.command in _LOCATED
    if located and message.command not in _LONG_FRAMES:
        return None
    scale = 1e7 if located else 1.0
    params = (message.param1, message.param2, message.param3, message.param4)
    x, y = _whole(message.param5 * scale), _whole(message.param6 * scale)
    return Command(message.command, _LONG_FRAMES.get(message.command, 3), params, x, y, message.param7)


def execute(channel: Channel, craft: Aircraft, command: Command | None) -> Result:
    """Carry out a command; unknown ones are UNSUPPORTED."""
    handler = _HANDLERS.get(command.number) if command is not None else None
    return handler(channel, craft, command) if handler is not None and command is not None else Result.UNSUPPORTED


def _whole(value: float) -> int:
    return int(max(-(2.0**31), min(2.0**31 - 1, value))) if math.isfinite(value) else 0


def _passed(done: bool) -> Result:
    return Result.ACCEPTED if done else Result.FAILED


def set_mode_by_number(craft: Aircraft, base_mode: int, custom_mode: int) -> Result:
    """SET_MODE and DO_SET_MODE: only custom modes; an unknown number is announced and refused."""
    if not base_mode & dialect.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED:
        return Result.DENIED
    if custom_mode not in Mode._value2member_map_:
        craft.say(Severity.WARNING, f"No such mode {custom_mode}")
        return Result.FAILED
    return _passed(craft.set_mode(Mode(custom_mode), Reason.GROUND_STATION))


def _mode(mode: Mode) -> Handler:
    def handler(channel: Channel, craft: Aircraft, command: Command) -> Result:  # noqa: ARG001
        return _passed(craft.set_mode(mode, Reason.GROUND_STATION))

    return handler


def _do_set_mode(_: Channel, craft: Aircraft, command: Command) -> Result:
    return set_mode_by_number(craft, _whole(command.params[0]) & 0xFF, _whole(command.params[1]))


def _arm_disarm(_: Channel, craft: Aircraft, command: Command) -> Result:
    wanted, magic = command.params[:2]
    if wanted == 1.0:
        return _passed(craft.arm(forced=magic in (FORCE_ARM, FORCE)))
    if wanted == 0.0:
        return _passed(craft.disarm(forced=magic == FORCE))
    return Result.UNSUPPORTED


def _takeoff(_: Channel, craft: Aircraft, command: Command) -> Result:
    if command.frame != 3:
        return Result.DENIED
    guided = craft.controller
    ready = craft.armed and craft.land_complete and isinstance(guided, Guided)
    if not ready or not command.z > craft.alt_rel_m:
        return Result.FAILED
    assert isinstance(guided, Guided)
    guided.take_off(craft, craft.up_from(command.z, Datum.HOME))
    craft.auto_armed = True
    return Result.ACCEPTED


def _mission_start(_: Channel, craft: Aircraft, command: Command) -> Result:
    if command.params[0] != 0 or command.params[1] != 0:
        return Result.DENIED
    if not craft.set_mode(Mode.AUTO, Reason.GROUND_STATION):
        return Result.FAILED
    craft.auto_armed = craft.armed
    if isinstance(craft.controller, Auto) and not craft.mission.running:
        craft.controller.begin()
    return Result.ACCEPTED


def _change_speed(_: Channel, craft: Aircraft, command: Command) -> Result:
    kind, speed = _whole(command.params[0]), command.params[1]
    if not speed > 0 or kind not in (0, 1, 2, 3):
        return Result.DENIED
    return _passed(craft.controller.set_speed(kind, speed))


def _condition_yaw(_: Channel, craft: Aircraft, command: Command) -> Result:
    angle, rate, direction, relative = command.params
    if not 0.0 <= angle <= 360.0 or relative not in (0.0, 1.0):
        return Result.FAILED
    craft.yaw.turn_to(math.radians(angle), math.radians(rate), _whole(direction), relative > 0, craft.body)
    return Result.ACCEPTED


def point_of(craft: Aircraft, frame: int, x: int, y: int, alt_m: float) -> Vector | None:
    """A place of a command in local metres; None when it makes no sense."""
    if frame not in _FRAMES or not valid_lat_lon(x, y) or not abs(alt_m) <= 83_000:
        return None
    north, east = craft.frame.ground(x, y)
    return north, east, craft.up_from(alt_m, _FRAMES[frame])


def _reposition(_: Channel, craft: Aircraft, command: Command) -> Result:
    change_mode = bool(_whole(command.params[1]) & 1)
    if craft.mode is not Mode.GUIDED and not change_mode:
        return Result.DENIED
    point = point_of(craft, command.frame, command.x, command.y, command.z)
    if point is None or (command.x == 0 and command.y == 0):
        return Result.DENIED
    if not fence_allows(craft, point) or not craft.set_mode(Mode.GUIDED, Reason.GROUND_STATION):
        return Result.FAILED
    if isinstance(craft.controller, Guided):
        craft.controller.fly_to(craft, point)
    return Result.ACCEPTED


def fence_allows(craft: Aircraft, point: Vector) -> bool:
    """Whether a guided destination lies inside the watched fences."""
    home = craft.home_local
    return craft.fence.allows_destination(point[:2], home[:2], point[2] - home[2], craft.params)


def _set_home(_: Channel, craft: Aircraft, command: Command) -> Result:
    if command.params[0] == 1.0 or (command.x == 0 and command.y == 0):
        return _passed(craft.senses.position_ok and craft.set_home(craft.place, locked=True))
    if command.params[0] != 0.0:
        return Result.FAILED
    point = point_of(craft, command.frame, command.x, command.y, command.z)
    if point is None:
        return Result.DENIED
    place = Place(command.x, command.y, point[2] + craft.frame.alt_amsl_m)
    return _passed(craft.set_home(place, locked=True))


def _get_home(channel: Channel, craft: Aircraft, _: Command) -> Result:
    if craft.home is None:
        return Result.FAILED
    streams.send_once(channel, craft, dialect.MAVLINK_MSG_ID_HOME_POSITION)
    return streams.send_once(channel, craft, dialect.MAVLINK_MSG_ID_GPS_GLOBAL_ORIGIN)


def _fence_enable(_: Channel, craft: Aircraft, command: Command) -> Result:
    kinds = _whole(command.params[1]) & ALL_FENCES or ALL_FENCES
    match _whole(command.params[0]):
        case 0:
            craft.fence.enable(False, kinds, craft.params)
        case 1 if craft.fence.present_types(craft.params) & kinds:
            craft.fence.enable(True, kinds, craft.params)
        case 2:
            craft.fence.enable(False, ALT_MIN, craft.params)
        case _:
            return Result.FAILED
    return Result.ACCEPTED


def _pause_continue(_: Channel, craft: Aircraft, command: Command) -> Result:
    on = {0: True, 1: False}.get(_whole(command.params[0]))
    if on is None:
        return Result.DENIED
    if craft.controller.pause(on):
        return Result.ACCEPTED
    craft.say(Severity.INFO, f"Failed to {'pause' if on else 'resume'}")
    return Result.FAILED


def _set_mission_current(channel: Channel, craft: Aircraft, command: Command) -> Result:
    seq, restart = _whole(command.params[0]), command.params[1] == 1.0
    if not 0 <= seq < len(craft.mission.items):
        return Result.DENIED
    if restart:
        craft.mission.reset()
    if not craft.mission_to(seq):
        return Result.FAILED
    return streams.send_once(channel, craft, dialect.MAVLINK_MSG_ID_MISSION_CURRENT)


def _reboot(_: Channel, craft: Aircraft, command: Command) -> Result:
    if craft.armed and command.y != FORCE_REBOOT:
        return Result.FAILED
    if command.params[0] not in (1.0, 3.0):
        return Result.UNSUPPORTED
    craft.reboot_wanted = True
    return Result.ACCEPTED


def _roi(_: Channel, craft: Aircraft, command: Command) -> Result:
    if command.number == Cmd.DO_SET_ROI_NONE or (command.x == 0 and command.y == 0):
        craft.yaw.look_at(None)
        return Result.ACCEPTED
    point = point_of(craft, command.frame, command.x, command.y, command.z)
    if point is None:
        return Result.FAILED
    craft.yaw.look_at(point)
    return Result.ACCEPTED


def _prearm(_: Channel, craft: Aircraft, command: Command) -> Result:  # noqa: ARG001
    if craft.armed:
        return Result.TEMPORARILY_REJECTED
    craft.report_prearm_now()
    return Result.ACCEPTED


def _terminate(_: Channel, craft: Aircraft, command: Command) -> Result:
    return _passed(command.params[0] > 0.5 and craft.disarm(forced=True))


def _storage(_: Channel, craft: Aircraft, command: Command) -> Result:
    if command.params[0] != 2.0:
        return Result.DENIED
    craft.say(Severity.WARNING, "All parameters reset, reboot board")
    return Result.ACCEPTED


def _calibration(_: Channel, craft: Aircraft, command: Command) -> Result:
    if not any(command.params) and command.x == command.y == 0 and command.z == 0:
        return Result.UNSUPPORTED
    return Result.FAILED if craft.armed else Result.ACCEPTED


def _banner(_: Channel, craft: Aircraft, command: Command) -> Result:  # noqa: ARG001
    craft.send_banner()
    return Result.ACCEPTED


def _battery_reset(_: Channel, craft: Aircraft, command: Command) -> Result:
    """Bit mask of batteries, percentage that remains (AP_BattMonitor::reset_remaining_mask)."""
    mask, percent = _whole(command.params[0]), command.params[1]
    if not mask & 1 or not 0.0 <= percent <= 100.0:
        return Result.FAILED
    craft.battery.reset(percent / 100.0, craft.params["BATT_CAPACITY"])
    return Result.ACCEPTED


def _accepted(_: Channel, craft: Aircraft, command: Command) -> Result:  # noqa: ARG001
    return Result.ACCEPTED


def _set_interval(channel: Channel, craft: Aircraft, command: Command) -> Result:
    if command.params[2] != 0:
        return Result.DENIED
    return streams.set_interval(channel, craft, _whole(command.params[0]), command.params[1])


def _get_interval(channel: Channel, _: Aircraft, command: Command) -> Result:
    return streams.get_interval(channel, _whole(command.params[0]))


def _request_message(channel: Channel, craft: Aircraft, command: Command) -> Result:
    wanted = _whole(command.params[0])
    if wanted == dialect.MAVLINK_MSG_ID_MESSAGE_INTERVAL:
        return streams.get_interval(channel, _whole(command.params[1]))
    return streams.send_once(channel, craft, wanted)


def _capabilities(channel: Channel, craft: Aircraft, command: Command) -> Result:
    if command.params[0] != 1.0:
        return Result.FAILED
    return streams.send_once(channel, craft, dialect.MAVLINK_MSG_ID_AUTOPILOT_VERSION)


_HANDLERS: dict[int, Handler] = {
    Cmd.COMPONENT_ARM_DISARM: _arm_disarm,
    Cmd.DO_SET_MODE: _do_set_mode,
    Cmd.NAV_TAKEOFF: _takeoff,
    Cmd.NAV_VTOL_TAKEOFF: _takeoff,
    Cmd.NAV_LOITER_UNLIM: _mode(Mode.LOITER),
    Cmd.NAV_RETURN_TO_LAUNCH: _mode(Mode.RTL),
    Cmd.NAV_LAND: _mode(Mode.LAND),
    Cmd.NAV_VTOL_LAND: _mode(Mode.LAND),
    Cmd.MISSION_START: _mission_start,
    Cmd.DO_CHANGE_SPEED: _change_speed,
    Cmd.CONDITION_YAW: _condition_yaw,
    Cmd.DO_REPOSITION: _reposition,
    Cmd.DO_SET_HOME: _set_home,
    Cmd.GET_HOME_POSITION: _get_home,
    Cmd.DO_FENCE_ENABLE: _fence_enable,
    Cmd.DO_PAUSE_CONTINUE: _pause_continue,
    Cmd.DO_SET_MISSION_CURRENT: _set_mission_current,
    Cmd.PREFLIGHT_REBOOT_SHUTDOWN: _reboot,
    Cmd.PREFLIGHT_STORAGE: _storage,
    Cmd.PREFLIGHT_CALIBRATION: _calibration,
    Cmd.DO_SET_ROI: _roi,
    Cmd.DO_SET_ROI_LOCATION: _roi,
    Cmd.DO_SET_ROI_NONE: _roi,
    Cmd.RUN_PREARM_CHECKS: _prearm,
    Cmd.DO_FLIGHTTERMINATION: _terminate,
    Cmd.DO_SEND_BANNER: _banner,
    Cmd.SET_MESSAGE_INTERVAL: _set_interval,
    Cmd.GET_MESSAGE_INTERVAL: _get_interval,
    Cmd.REQUEST_MESSAGE: _request_message,
    Cmd.REQUEST_AUTOPILOT_CAPABILITIES: _capabilities,
    Cmd.BATTERY_RESET: _battery_reset,
    Cmd.DO_DIGICAM_CONFIGURE: _accepted,
    Cmd.DO_DIGICAM_CONTROL: _accepted,
    Cmd.DO_SET_CAM_TRIGG_DIST: _accepted,
    Cmd.IMAGE_START_CAPTURE: _accepted,
    Cmd.IMAGE_STOP_CAPTURE: _accepted,
    Cmd.SET_CAMERA_ZOOM: _accepted,
    Cmd.SET_CAMERA_FOCUS: _accepted,
    Cmd.VIDEO_START_CAPTURE: _accepted,
    Cmd.VIDEO_STOP_CAPTURE: _accepted,
    Cmd.DO_SET_SERVO: _accepted,
    Cmd.DO_SET_RELAY: _accepted,
}


def degrees_e7(command: int, x: float, y: float) -> tuple[int, int]:
    """x and y of the float form of an item as integers: 1e-7 degrees where they are a place."""
    scale = 1e7 if is_place(command) else 1.0
    return _whole(x * scale), _whole(y * scale)


def guided_item(craft: Aircraft, item: WireItem) -> bool:
    """An item with current = 2: "go there now", the old way of guiding; only in GUIDED."""
    point = point_of(craft, item.frame, item.x, item.y, item.z)
    guided = craft.controller
    if item.command != Cmd.NAV_WAYPOINT or point is None or not isinstance(guided, Guided):
        return False
    if not fence_allows(craft, point):
        return False
    guided.fly_to(craft, point)
    return True
