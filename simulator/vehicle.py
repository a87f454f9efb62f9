"""One simulated vehicle: an aircraft and its radio. Bytes in, bytes out, time by ``step``; nothing else."""

from __future__ import annotations

from collections.abc import Callable

from simulator.flight.aircraft import Aircraft
from simulator.flight.events import HomeSet, ModeSet, Reached, Said
from simulator.flight.kinds import ListKind, Result, Severity
from simulator.flight.modes import Mode, Reason
from simulator.flight.motion import STEP_S
from simulator.protocol import commands, params, streams, targets
from simulator.protocol.channel import Channel
from simulator.protocol.codec import Message, dialect
from simulator.protocol.logs import Logs
from simulator.protocol.missions import ListTransfer, WireItem
from simulator.protocol.signing import Signing
from simulator.protocol.stores import FenceStore, MissionStore, RallyStore
from simulator.protocol.telemetry import gps_global_origin, heartbeat, home_position, mission_current_as
from simulator.protocol.texts import status_texts
from simulator.spec import VehicleSpec, disarm_delay_s

MAX_CHANNELS = 16
"""Peers one vehicle talks to at the same time."""


class TooManyChannels(RuntimeError):
    """The vehicle has no channel left for another peer."""


class Vehicle:
    """A vehicle that speaks MAVLink 2 on any number of channels (at most 16), each with its own stream rates.

    It reads no clock: `step` advances simulated time. It opens no socket: `receive` takes bytes of a channel and
    returns what the vehicle answers at once; `take` returns what it has to say after a step.
    """

    def __init__(self, spec: VehicleSpec, *, epoch_s: float = 1_735_689_600.0, speedup: float = 1.0) -> None:
        """``epoch_s`` is the Unix time at boot that SYSTEM_TIME reports."""
        self.spec = spec
        self._epoch_s = epoch_s
        self.channels: list[Channel] = []
        self._pending_s = 0.0
        self.signing = Signing()
        self._logs = Logs()
        self._boot(speedup)

    def _boot(self, speedup: float) -> None:
        self.aircraft = Aircraft(self.spec)
        self.aircraft.epoch_s = self._epoch_s
        self.aircraft.params.set("SIM_SPEEDUP", speedup)
        self.aircraft.params.set("DISARM_DELAY", disarm_delay_s(speedup))
        self._lists = {
            ListKind.MISSION: ListTransfer(MissionStore(self.aircraft), self.aircraft),
            ListKind.FENCE: ListTransfer(FenceStore(self.aircraft), self.aircraft),
            ListKind.RALLY: ListTransfer(RallyStore(self.aircraft), self.aircraft),
        }

    @property
    def system_id(self) -> int:
        """Its MAVLink system id."""
        return self.spec.system_id

    def open_channel(self, *, secure: bool = True) -> Channel:
        """A new peer; ``secure``: on the line that needs no signatures. Raises TooManyChannels."""
        if len(self.channels) >= MAX_CHANNELS:
            raise TooManyChannels(f"vehicle {self.system_id} already has {MAX_CHANNELS} channels")
        used = {channel.link_id for channel in self.channels}
        link_id = next(number for number in range(MAX_CHANNELS) if number not in used)
        channel = Channel(self.system_id, self.signing, link_id, secure=secure)
        streams.begin(channel, self.aircraft.now_s)
        self.channels.append(channel)
        return channel

    def close_channel(self, channel: Channel) -> None:
        """A peer is gone."""
        if channel in self.channels:
            self.channels.remove(channel)
        for transfer in self._lists.values():
            transfer.forget(channel)

    def step(self, dt: float) -> None:
        """Advance simulated time, in whole physics steps of 0.04 s; the remainder is kept for the next call."""
        self._pending_s += dt
        while self._pending_s >= STEP_S - 1e-9:
            self._pending_s -= STEP_S
            self._step()

    def _step(self) -> None:
        craft = self.aircraft
        craft.step(STEP_S)
        for transfer in self._lists.values():
            transfer.step()
        self._tell_events()
        self.signing.save(craft.now_s)
        if craft.home is not None:
            self.signing.raise_to(craft.epoch_s + craft.now_s)
        for channel in self.channels:
            params.continue_list(channel, craft)
            streams.send_due(channel, craft)
        if craft.reboot_wanted:
            self._reboot()

    def receive(self, channel: Channel, data: bytes) -> bytes:
        """Take bytes from a peer; returns everything there is to send to that peer now. Garbage is passed over."""
        for message in channel.decode(data):
            handler = _HANDLERS.get(message.get_msgId())
            if handler is not None and self._is_for_me(message):
                handler(self, channel, message)
        self._tell_events()
        return channel.take()

    def pilot_mode_change(self, mode: Mode) -> bool:
        """The pilot flips the mode switch: the vehicle obeys without being asked over the link."""
        return self.aircraft.set_mode(mode, Reason.PILOT)

    def _reboot(self) -> None:
        self.signing.boot()
        self._logs.boot()
        self._boot(self.aircraft.params["SIM_SPEEDUP"])
        for channel in self.channels:
            channel.intervals_s.clear()
            channel.due_s.clear()
            channel.next_due_s = 0.0
            channel.parameter_list = None
            streams.begin(channel, 0.0)

    def _is_for_me(self, message: Message) -> bool:
        return getattr(message, "target_system", 0) in (0, self.system_id)

    # -- what happened, told to the peers ------------------------------------------------------------------

    def _tell_events(self) -> None:
        events = self.aircraft.events
        while events:
            match events.popleft():
                case Said(severity, text):
                    self._tell_text(severity, text)
                case Reached(index):
                    self._tell_all(dialect.MAVLink_mission_item_reached_message(index))
                case HomeSet():
                    self._tell_all(home_position(self.aircraft))
                    self._tell_all(gps_global_origin(self.aircraft))
                case ModeSet():
                    self._logs.note(self.aircraft)
                    self._tell_all(heartbeat(self.aircraft))

    def _tell_text(self, severity: int, text: str) -> None:
        for channel in self.channels:
            if channel.active:
                channel.text_id = channel.text_id % 65535 + 1
                for message in status_texts(severity, text, channel.text_id):
                    channel.send(message)

    def _tell_all(self, message: Message | None) -> None:
        for channel in self.channels:
            if message is not None:
                channel.send(message)

    # -- messages ------------------------------------------------------------------------------------------------

    def _heartbeat(self, _: Channel, message: Message) -> None:
        if message.get_srcSystem() == self.aircraft.params.whole("MAV_GCS_SYSID"):
            self.aircraft.failsafes.gcs_heard_s = self.aircraft.now_s

    def _rc_override(self, _: Channel, message: Message) -> None:
        """The sticks are ignored, but the ground station was heard."""
        self._heartbeat(_, message)

    def _set_mode(self, _: Channel, message: Message) -> None:
        commands.set_mode_by_number(self.aircraft, message.base_mode, message.custom_mode)

    def _command_int(self, channel: Channel, message: Message) -> None:
        result = commands.execute(channel, self.aircraft, commands.from_int(message))
        self._acknowledge(channel, message, result)

    def _command_long(self, channel: Channel, message: Message) -> None:
        result = commands.execute(channel, self.aircraft, commands.from_long(message))
        self._acknowledge(channel, message, result)

    @staticmethod
    def _acknowledge(channel: Channel, message: Message, result: Result) -> None:
        channel.send(dialect.MAVLink_command_ack_message(message.command, result, 0, 0, *_sender(message)))

    def _setup_signing(self, _: Channel, message: Message) -> None:
        if self.aircraft.armed:
            self.aircraft.say(Severity.WARNING, "ERROR: Won't setup signing when armed")
        else:
            self.signing.setup(bytes(message.secret_key), message.initial_timestamp)

    def _timesync(self, channel: Channel, message: Message) -> None:
        if message.tc1 == 0:
            channel.send(dialect.MAVLink_timesync_message(int(self.aircraft.now_s * 1e9) + 1, message.ts1))

    def _data_stream(self, channel: Channel, message: Message) -> None:
        streams.request_data_stream(channel, message, self.aircraft.now_s)

    def _param_list(self, channel: Channel, _: Message) -> None:
        self.aircraft.send_banner()
        params.request_list(channel, self.aircraft)

    def _param_read(self, channel: Channel, message: Message) -> None:
        params.request_read(channel, self.aircraft, message)

    def _param_set(self, channel: Channel, message: Message) -> None:
        reading = params.set_value(channel, self.aircraft, message)
        if reading is None:
            return
        answer = params.value_message(reading, len(self.aircraft.params), params.NO_INDEX)
        for peer in self.channels:
            if peer.active:
                peer.send(answer)

    def _log_list(self, channel: Channel, message: Message) -> None:
        self._logs.tell(channel, self.aircraft, message)

    def _position_target_global(self, _: Channel, message: Message) -> None:
        targets.set_global(self.aircraft, message)

    def _position_target_local(self, _: Channel, message: Message) -> None:
        targets.set_local(self.aircraft, message)

    # -- the mission protocol ------------------------------------------------------------------------------------

    def _transfer(self, channel: Channel, message: Message) -> ListTransfer | None:
        kind = getattr(message, "mission_type", 0)
        if kind in (0, 1, 2):
            return self._lists[ListKind(kind)]
        channel.send(dialect.MAVLink_mission_ack_message(*_sender(message), dialect.MAV_MISSION_UNSUPPORTED, kind))
        return None

    def _mission_count(self, channel: Channel, message: Message) -> None:
        if transfer := self._transfer(channel, message):
            transfer.count(channel, message, _sender(message))

    def _mission_partial(self, channel: Channel, message: Message) -> None:
        if transfer := self._transfer(channel, message):
            transfer.write_partial(channel, message, _sender(message))

    def _mission_item_int(self, channel: Channel, message: Message) -> None:
        self._mission_item(channel, message, message.x, message.y, legacy=False)

    def _mission_item_float(self, channel: Channel, message: Message) -> None:
        x, y = commands.degrees_e7(message.command, message.x, message.y)
        self._mission_item(channel, message, x, y, legacy=True)

    def _mission_item(self, channel: Channel, message: Message, x: int, y: int, *, legacy: bool) -> None:
        four = (message.param1, message.param2, message.param3, message.param4)
        item = WireItem(message.seq, message.command, message.frame, four, x, y, message.z)
        if message.mission_type == ListKind.MISSION and message.current in (2, 3):
            done = commands.guided_item(self.aircraft, item)
            code = dialect.MAV_MISSION_ACCEPTED if done else dialect.MAV_MISSION_ERROR
            channel.send(dialect.MAVLink_mission_ack_message(*_sender(message), code, 0))
        elif transfer := self._transfer(channel, message):
            transfer.item(channel, item, _sender(message), legacy)

    def _mission_request_list(self, channel: Channel, message: Message) -> None:
        if transfer := self._transfer(channel, message):
            transfer.request_list(channel, _sender(message))

    def _mission_request_int(self, channel: Channel, message: Message) -> None:
        if transfer := self._transfer(channel, message):
            transfer.request_int(channel, message.seq, _sender(message))

    def _mission_request_float(self, channel: Channel, message: Message) -> None:
        if transfer := self._transfer(channel, message):
            transfer.request_float(channel, message.seq, _sender(message))

    def _mission_clear(self, channel: Channel, message: Message) -> None:
        if transfer := self._transfer(channel, message):
            transfer.clear_all(channel, _sender(message))

    def _mission_set_current(self, channel: Channel, message: Message) -> None:
        if self.aircraft.mission_to(message.seq):
            channel.send(mission_current_as(self.aircraft, message.seq))


def _sender(message: Message) -> tuple[int, int]:
    return message.get_srcSystem(), message.get_srcComponent()


_HANDLERS: dict[int, Callable[[Vehicle, Channel, Message], None]] = {
    dialect.MAVLINK_MSG_ID_HEARTBEAT: Vehicle._heartbeat,
    dialect.MAVLINK_MSG_ID_SET_MODE: Vehicle._set_mode,
    dialect.MAVLINK_MSG_ID_PARAM_REQUEST_READ: Vehicle._param_read,
    dialect.MAVLINK_MSG_ID_PARAM_REQUEST_LIST: Vehicle._param_list,
    dialect.MAVLINK_MSG_ID_PARAM_SET: Vehicle._param_set,
    dialect.MAVLINK_MSG_ID_MISSION_WRITE_PARTIAL_LIST: Vehicle._mission_partial,
    dialect.MAVLINK_MSG_ID_MISSION_ITEM: Vehicle._mission_item_float,
    dialect.MAVLINK_MSG_ID_MISSION_REQUEST: Vehicle._mission_request_float,
    dialect.MAVLINK_MSG_ID_MISSION_SET_CURRENT: Vehicle._mission_set_current,
    dialect.MAVLINK_MSG_ID_MISSION_REQUEST_LIST: Vehicle._mission_request_list,
    dialect.MAVLINK_MSG_ID_MISSION_COUNT: Vehicle._mission_count,
    dialect.MAVLINK_MSG_ID_MISSION_CLEAR_ALL: Vehicle._mission_clear,
    dialect.MAVLINK_MSG_ID_MISSION_REQUEST_INT: Vehicle._mission_request_int,
    dialect.MAVLINK_MSG_ID_MISSION_ITEM_INT: Vehicle._mission_item_int,
    dialect.MAVLINK_MSG_ID_REQUEST_DATA_STREAM: Vehicle._data_stream,
    dialect.MAVLINK_MSG_ID_RC_CHANNELS_OVERRIDE: Vehicle._rc_override,
    dialect.MAVLINK_MSG_ID_COMMAND_INT: Vehicle._command_int,
    dialect.MAVLINK_MSG_ID_COMMAND_LONG: Vehicle._command_long,
    dialect.MAVLINK_MSG_ID_SET_POSITION_TARGET_LOCAL_NED: Vehicle._position_target_local,
    dialect.MAVLINK_MSG_ID_SET_POSITION_TARGET_GLOBAL_INT: Vehicle._position_target_global,
    dialect.MAVLINK_MSG_ID_TIMESYNC: Vehicle._timesync,
    dialect.MAVLINK_MSG_ID_LOG_REQUEST_LIST: Vehicle._log_list,
    dialect.MAVLINK_MSG_ID_SETUP_SIGNING: Vehicle._setup_signing,
}
