"""A ground station for tests: talks to a vehicle in simulated time, with a codec of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mav

from simulator.flight.kinds import Cmd
from simulator.spec import VehicleSpec
from simulator.vehicle import Vehicle

LAT, LON = 31.2, 121.5
LAT_E7, LON_E7 = 312_000_000, 1_215_000_000
METRE_E7 = 1.0 / 0.011131949
"""1e-7 degrees of latitude in one metre."""

ACCEPTED, DENIED, UNSUPPORTED, FAILED = 0, 2, 3, 4
STABILIZE, ALT_HOLD, AUTO, GUIDED, LOITER, RTL, LAND, BRAKE, SMART_RTL = 0, 2, 3, 4, 5, 6, 9, 17, 21

RawItem = tuple[int, int, tuple[float, float, float, float], int, int, float]
"""frame, command, params, x, y, z"""
NONE4 = (0.0, 0.0, 0.0, 0.0)


def spec(system_id: int = 1, **changes: Any) -> VehicleSpec:
    """A vehicle at the test place."""
    return VehicleSpec(system_id, f"test-{system_id}", LAT, LON, **changes)


def north_east(north_m: float, east_m: float) -> tuple[int, int]:
    """1e-7 degrees of a point so many metres from the start."""
    lat = LAT_E7 + round(north_m * METRE_E7)
    return lat, LON_E7 + round(east_m * METRE_E7 / math.cos(math.radians(LAT)))


def waypoint(north_m: float, east_m: float, alt_m: float, hold_s: float = 0.0) -> RawItem:
    """A waypoint, altitude above home."""
    return 6, Cmd.NAV_WAYPOINT, (hold_s, 0.0, 0.0, 0.0), *north_east(north_m, east_m), alt_m


def takeoff(alt_m: float) -> RawItem:
    """A take-off item."""
    return 6, Cmd.NAV_TAKEOFF, NONE4, 0, 0, alt_m


def plain(command: int, *params: float) -> RawItem:
    """An item without a place."""
    four = (*params, *NONE4)[:4]
    return 2, command, (four[0], four[1], four[2], four[3]), 0, 0, 0.0


HOME: RawItem = (0, Cmd.NAV_WAYPOINT, NONE4, LAT_E7, LON_E7, 0.0)
RETURN = plain(Cmd.NAV_RETURN_TO_LAUNCH)


class Station:
    """A ground station joined to one vehicle by a line that can lose what it is told to lose."""

    def __init__(self, vehicle: Vehicle | None = None, system_id: int = 255, component_id: int = 190) -> None:
        self.vehicle = vehicle or Vehicle(spec())
        self.channel = self.vehicle.open_channel()
        self._mav = mav.MAVLink(None, srcSystem=system_id, srcComponent=component_id)
        self._mav.robust_parsing = True
        self.heard: list[Any] = []
        self.texts: list[str] = []
        self.loses: Callable[[Any], bool] = lambda _message: False
        self.heartbeats = True
        self._beat_s = -1.0

    @property
    def me(self) -> int:
        return self.vehicle.system_id

    def send(self, message: Any) -> None:
        frame = message.pack(self._mav)
        self._mav.seq = (self._mav.seq + 1) % 256
        if not self.loses(message):
            self._hear(self.vehicle.receive(self.channel, frame))

    def send_bytes(self, data: bytes) -> None:
        self._hear(self.vehicle.receive(self.channel, data))

    def run(self, seconds: float) -> None:
        """Let simulated time pass."""
        for _ in range(round(seconds / 0.04)):
            now = self.vehicle.aircraft.now_s
            if self.heartbeats and now - self._beat_s >= 1.0:
                self._beat_s = now
                self.send(mav.MAVLink_heartbeat_message(6, 8, 0, 0, 0, 3))
            self.vehicle.step(0.04)
            self._hear(self.channel.take())

    def run_until(self, condition: Callable[[], bool], limit_s: float = 300.0) -> None:
        """Let time pass until something is true; a test fails when it never is."""
        begin = self.vehicle.aircraft.now_s
        while not condition():
            assert self.vehicle.aircraft.now_s - begin < limit_s, (
                f"did not happen within {limit_s} s: {self.texts[-8:]}"
            )
            self.run(0.04)

    def _hear(self, data: bytes) -> None:
        for message in self._mav.parse_buffer(data) or []:
            assert message.get_type() != "BAD_DATA", "the vehicle sent garbage"
            if self.loses(message):
                continue
            self.heard.append(message)
            if message.get_type() == "STATUSTEXT":
                if message.chunk_seq:
                    self.texts[-1] += message.text
                else:
                    self.texts.append(message.text)

    def forget(self) -> None:
        """Start with an empty record."""
        self.heard.clear()
        self.texts.clear()

    def all(self, kind: str) -> list[Any]:
        """Every message of a type heard so far."""
        return [m for m in self.heard if m.get_type() == kind]

    def last(self, kind: str) -> Any:
        """The newest message of a type."""
        found = self.all(kind)
        assert found, f"no {kind} was heard"
        return found[-1]

    def ask(self, message_id: int) -> Any:
        """Request one message by id."""
        name = mav.mavlink_map[message_id].msgname
        self.forget()
        assert self.command(Cmd.REQUEST_MESSAGE, message_id) == ACCEPTED
        return self.last(name)

    def command(self, command: int, *params: float) -> int:
        """COMMAND_LONG; returns the result of its one acknowledgement."""
        before = len(self.all("COMMAND_ACK"))
        seven = [*params, *[0.0] * 7][:7]
        self.send(mav.MAVLink_command_long_message(self.me, 1, command, 0, *seven))
        return self._ack(command, before)

    def command_int(self, command: int, params: Sequence[float], x: int, y: int, z: float, frame: int = 6) -> int:
        """COMMAND_INT; returns the result."""
        before = len(self.all("COMMAND_ACK"))
        self.send(mav.MAVLink_command_int_message(self.me, 1, frame, command, 0, 0, *params, x, y, z))
        return self._ack(command, before)

    def _ack(self, command: int, before: int) -> int:
        acks = self.all("COMMAND_ACK")[before:]
        assert [ack.command for ack in acks] == [command], "one command, one acknowledgement"
        return int(acks[0].result)

    def set_parameter(self, name: str, value: float) -> None:
        self.send(mav.MAVLink_param_set_message(self.me, 1, name.encode(), value, 9))

    def upload(self, items: Sequence[RawItem], kind: int = 0, patience_s: float = 60.0) -> int:
        """Upload a list, answering the vehicle's requests; returns the result of the final acknowledgement."""
        self.heard = [m for m in self.heard if not m.get_type().startswith("MISSION_")]
        self.send(mav.MAVLink_mission_count_message(self.me, 1, len(items), kind))
        waited = 0.0
        while True:
            requests = [m for m in self.heard if m.get_type() in ("MISSION_REQUEST", "MISSION_ACK")]
            self.heard = [m for m in self.heard if m not in requests]
            for message in requests:
                if message.get_type() == "MISSION_ACK":
                    return int(message.type)
                self.send_item(message.seq, items[message.seq], kind)
            if not requests:
                assert waited < patience_s, "the upload never ended"
                self.run(0.04)
                waited += 0.04

    def send_item(self, seq: int, item: RawItem, kind: int = 0) -> None:
        frame, command, params, x, y, z = item
        self.send(mav.MAVLink_mission_item_int_message(self.me, 1, seq, frame, command, 0, 1, *params, x, y, z, kind))

    def download(self, kind: int = 0) -> list[Any]:
        """Read a list back."""
        self.forget()
        self.send(mav.MAVLink_mission_request_list_message(self.me, 1, kind))
        count = self.last("MISSION_COUNT").count
        for seq in range(count):
            self.send(mav.MAVLink_mission_request_int_message(self.me, 1, seq, kind))
        return self.all("MISSION_ITEM_INT")

    # -- shortcuts for flying -------------------------------------------------------------------------------------

    @property
    def craft(self) -> Any:
        return self.vehicle.aircraft

    def ready(self) -> Station:
        """Wait for a position."""
        self.run_until(lambda: self.craft.senses.position_ok)
        return self

    def set_mode(self, mode: int) -> int:
        return self.command(Cmd.DO_SET_MODE, 1, mode)

    def hover(self, alt_m: float) -> Station:
        """Arm in GUIDED and climb."""
        self.ready()
        assert self.set_mode(GUIDED) == ACCEPTED
        assert self.command(Cmd.COMPONENT_ARM_DISARM, 1) == ACCEPTED
        assert self.command(Cmd.NAV_TAKEOFF, 0, 0, 0, 0, 0, 0, alt_m) == ACCEPTED
        self.run_until(lambda: self.craft.body.up_m > alt_m - 0.3, 60)
        self.run(2.0)
        return self

    def start_mission(self, items: Sequence[RawItem]) -> Station:
        """Upload, arm in GUIDED, start AUTO."""
        self.ready()
        assert self.upload([HOME, *items]) == 0
        assert self.set_mode(GUIDED) == ACCEPTED
        assert self.command(Cmd.COMPONENT_ARM_DISARM, 1) == ACCEPTED
        assert self.command(Cmd.MISSION_START) == ACCEPTED
        return self

    def land(self) -> None:
        """Wait until it is on the ground and disarmed."""
        self.run_until(lambda: not self.craft.armed, 600)
