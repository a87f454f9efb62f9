"""The instructor's own line to a vehicle: it breaks things, and hears the truth past the link that is tested.

It sends no heartbeat and nothing but what is addressed to the vehicle, so that it cannot be taken for a ground
station, keeps no failsafe from acting and is passed on to nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from simulator.faults.vehicle import Effect, Setting
from simulator.protocol.codec import Codec, Message, dialect

SYSTEM_ID, COMPONENT_ID = 249, 191
ANSWER_WITHIN_S = 1.0
TRIES = 5
CONNECT_WITHIN_S = 30.0
POSITION_HZ = 5.0
ASK_AGAIN_S = 1.0
BATTERY_RESET = 42651
"""MAV_CMD_BATTERY_RESET: bit mask of batteries, percentage."""
MODES = {
    0: "STABILIZE", 1: "ACRO", 2: "ALT_HOLD", 3: "AUTO", 4: "GUIDED", 5: "LOITER", 6: "RTL", 7: "CIRCLE", 9: "LAND",
    11: "DRIFT", 13: "SPORT", 16: "POSHOLD", 17: "BRAKE", 18: "THROW", 20: "GUIDED_NOGPS", 21: "SMART_RTL",
    27: "AUTO_RTL",
}  # fmt: skip
"""Source: ArduCopter/mode.h."""
NUMBERS = {name: number for number, name in MODES.items()}
_PILOT_SWITCH = {1: 1165, 2: 1295}
"""Pulse widths of the two lowest of six switch positions, FLTMODE1 and 2 (RC_Channel.cpp: to 1230, to 1360).
They are used in turn: an autopilot takes no notice of a switch that stays where it is."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing that a vehicle told of itself: what is `mode`, `armed`, `text`, `breach` or `position`."""

    what: str
    value: str
    place: tuple[float, float, float, float] | None = None
    """Of a position: degrees north and east, metres above mean sea level and above home."""


class NotAnswered(RuntimeError):
    """The vehicle did not do what the instructor asked."""


class Instructor:
    """One vehicle over its TCP port. `hear` gets what is new; positions come five times a second of its time.

    `rc`: where a real SITL listens for the pilot's stick positions; None: `fly_by_hand` is used instead.
    """

    def __init__(
        self,
        system_id: int,
        hear: Callable[[Heard], None],
        *,
        rc: tuple[str, int] | None = None,
        fly_by_hand: Callable[[int], bool] | None = None,
    ) -> None:
        self.system_id = system_id
        self._hear = hear
        self._rc = rc
        self._by_hand = fly_by_hand
        self._codec = Codec(SYSTEM_ID, COMPONENT_ID)
        self._writer: asyncio.StreamWriter | None = None
        self._known: dict[str, str] = {}
        self._answers: dict[tuple[str, str], asyncio.Future[float]] = {}
        self._text = ""
        self._placed_s = -math.inf
        self._position = 2

    async def apply(self, effect: Effect) -> None:
        """Breaks or mends. Raises NotAnswered when the vehicle has no such parameter or does not answer."""
        for setting in effect.settings:
            await self._set(setting)
        if effect.charge is not None:
            await self.command(BATTERY_RESET, (1.0, 100.0 * effect.charge))

    async def set_parameter(self, name: str, value: float) -> None:
        """Raises NotAnswered."""
        await self._set(((name, value),))

    async def pilot(self, mode: str) -> None:
        """A pilot with the sticks in the middle flips the switch to a mode. Raises NotAnswered."""
        number = NUMBERS[mode]
        if self._by_hand is not None:
            if not self._by_hand(number):
                raise NotAnswered(f"the pilot of system {self.system_id} could not change to {mode}")
            return
        self._position = 3 - self._position
        await self._set(((f"FLTMODE{self._position}", float(number)),))
        if self._rc is not None:
            switch = _PILOT_SWITCH[self._position]
            sticks = struct.pack("<16H", 1500, 1500, 1500, 1500, switch, 1000, 1000, 1800, *[0] * 8)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as transmitter:
                transmitter.sendto(sticks, self._rc)

    async def reboot(self) -> str:
        """Asks for a restart; the name of the vehicle's answer, such as MAV_RESULT_FAILED."""
        result = await self._ask(dialect.MAV_CMD_PREFLIGHT_REBOOT_SHUTDOWN, (1.0,))
        return str(dialect.enums["MAV_RESULT"][int(result)].name)

    async def command(self, number: int, parameters: tuple[float, ...]) -> None:
        """A command that may be repeated. Raises NotAnswered unless the vehicle accepts it."""
        result = await self._ask(number, parameters)
        if result != dialect.MAV_RESULT_ACCEPTED:
            name = dialect.enums["MAV_RESULT"][int(result)].name
            raise NotAnswered(f"system {self.system_id} answered command {number} with {name}")

    # --- the line ---

    async def run(self, address: tuple[str, int]) -> None:
        """Connects, again after a restart of the vehicle, and listens until cancelled."""
        while True:
            with contextlib.suppress(OSError):
                reader, self._writer = await asyncio.open_connection(*address)
                await self._listen(reader)
            await self.close()
            await asyncio.sleep(0.2)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Until the line ends; asks for positions again while none come, as from an autopilot that still starts."""
        asked_s = -math.inf
        while True:
            now_s = asyncio.get_running_loop().time()
            if now_s - max(asked_s, self._placed_s) > ASK_AGAIN_S:
                asked_s = now_s
                self._begin()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ASK_AGAIN_S):
                    data = await reader.read(4096)
                if not data:
                    return
                for message in self._codec.decode(data):
                    self._take(message)

    def _begin(self) -> None:
        """What is wanted of the vehicle; the first frame from us also opens the line for its texts."""
        for message_id, rate_hz in (
            (dialect.MAVLINK_MSG_ID_GLOBAL_POSITION_INT, POSITION_HZ),
            (dialect.MAVLINK_MSG_ID_FENCE_STATUS, 2.0),
        ):
            self._send_command(dialect.MAV_CMD_SET_MESSAGE_INTERVAL, (float(message_id), 1e6 / rate_hz))

    async def close(self) -> None:
        """Ends the line."""
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    def _send(self, message: Message) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(self._codec.encode(message))

    def _send_command(self, number: int, parameters: tuple[float, ...]) -> None:
        seven = (*parameters, *[0.0] * (7 - len(parameters)))
        self._send(dialect.MAVLink_command_long_message(self.system_id, 1, number, 0, *seven))

    async def _set(self, setting: Setting) -> None:
        """Sets the first of the names that the vehicle has."""
        for name, value in setting:
            message = dialect.MAVLink_param_set_message(self.system_id, 1, name.encode(), value, 9)
            held = await self._answered(("param", name), lambda message=message: self._send(message))  # type: ignore[misc]
            if held is not None:
                return
        names = " or ".join(name for name, _ in setting)
        raise NotAnswered(
            f"system {self.system_id} did not answer when {names} was set: it may have no such parameter"
        )

    async def _ask(self, number: int, parameters: tuple[float, ...]) -> float:
        result = await self._answered(("ack", str(number)), lambda: self._send_command(number, parameters))
        if result is None:
            raise NotAnswered(f"system {self.system_id} did not answer command {number}")
        return result

    async def _answered(self, key: tuple[str, str], send: Callable[[], None]) -> float | None:
        """What the vehicle answers, asked a few times."""
        answer: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._answers[key] = answer
        try:
            for _ in range(TRIES):
                send()
                done, _ = await asyncio.wait({answer}, timeout=ANSWER_WITHIN_S)
                if done:
                    return answer.result()
            return None
        finally:
            self._answers.pop(key, None)

    # --- what is heard ---

    def _take(self, message: Message) -> None:
        if message.get_srcSystem() != self.system_id:
            return
        match message.get_type():
            case "HEARTBEAT" if message.autopilot == dialect.MAV_AUTOPILOT_ARDUPILOTMEGA:
                self._news("mode", MODES.get(message.custom_mode, str(message.custom_mode)))
                armed = message.base_mode & dialect.MAV_MODE_FLAG_SAFETY_ARMED
                self._news("armed", "armed" if armed else "disarmed")
            case "STATUSTEXT":
                self._spell(message)
            case "FENCE_STATUS":
                self._news("breach", "breached" if message.breach_status else "inside")
            case "GLOBAL_POSITION_INT" if message.lat or message.lon:
                self._placed_s = asyncio.get_running_loop().time()
                place = (message.lat / 1e7, message.lon / 1e7, message.alt / 1e3, message.relative_alt / 1e3)
                self._hear(Heard("position", "", place))
            case "PARAM_VALUE":
                self._answer(("param", message.param_id), message.param_value)
            case "COMMAND_ACK":
                self._answer(("ack", str(message.command)), message.result)

    def _spell(self, message: Message) -> None:
        """A text of more than 50 characters comes in pieces of one id; the last one is shorter."""
        self._text += message.text
        if not message.id or len(message.text) < 50:
            self._hear(Heard("text", self._text))
            self._text = ""

    def _news(self, what: str, value: str) -> None:
        if self._known.get(what) != value:
            self._known[what] = value
            self._hear(Heard(what, value))

    def _answer(self, key: tuple[str, str], value: float) -> None:
        waiting = self._answers.get(key)
        if waiting is not None and not waiting.done():
            waiting.set_result(float(value))


@asynccontextmanager
async def instructing(instructor: Instructor, address: tuple[str, int]) -> AsyncIterator[None]:
    """Keeps the instructor's line while the context is open."""
    task = asyncio.create_task(instructor.run(address), name=f"instructor of system {instructor.system_id}")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await instructor.close()
