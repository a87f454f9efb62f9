"""Commands that must not run twice: counted at the vehicle, over a link that loses and delays, and over crashes.

The simulated vehicle acknowledges each execution once, so its acknowledgements, before the link may lose them, are
the count. A network that doubles frames has rows of its own: any autopilot executes an unsigned one twice, and a
signed one once (MAVLink 2 signing refuses a timestamp that it has seen).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from bench.figure import Figure
from core.clock import ManualClock
from core.ids import OperatorId, VehicleId
from missions.model import CommandRecord
from simulator.spec import VehicleSpec
from simulator.vehicle import Vehicle
from telemetry.acting import Act, class_of, effect_of
from telemetry.commands import new_record, reconciled
from telemetry.messages import VehicleState
from telemetry.packets import Cmd, CommandAck, CommandLong
from telemetry.signing import Signer, SigningClock
from telemetry.wire import Decoder, Encoder, MavAddress

_OWN, _VEHICLE = MavAddress(255, 190), MavAddress(11, 1)
_ONCE = (Cmd.DO_SET_RELAY, Cmd.DO_SET_SERVO, Cmd.DO_DIGICAM_CONTROL, Cmd.IMAGE_START_CAPTURE)
_LOSS = 0.3
_DOUBLED = 0.3
_STEP_S = 0.05
_STATE = VehicleState(VehicleId("bl-01"), "one", None, 11, "fleet", "quad")


class Line:
    """A line to a vehicle that loses datagrams both ways and delays each by its own time, up to 400 ms.

    `doubled`: the share of datagrams that arrive a second time, each at a time of its own.
    """

    def __init__(
        self, vehicle: Vehicle, rng: random.Random, *, signer: Signer | None = None, doubled: float = 0.0
    ) -> None:
        self._vehicle, self._rng, self._signer, self._doubled = vehicle, rng, signer, doubled
        self._channel = vehicle.open_channel(secure=False)
        self._encoder, self._decoder, self._counter = Encoder(_OWN), Decoder(_OWN), Decoder(_OWN)
        self._up: list[tuple[float, bytes]] = []
        self._down: list[tuple[float, bytes]] = []
        self.executed: dict[int, int] = {}

    def send(self, packet: CommandLong, now_s: float) -> None:
        self._put(self._up, self._encoder.frame(packet, _VEHICLE, self._signer), now_s)

    def heard(self, now_s: float) -> list[CommandAck]:
        """What has come back by now; what arrives at the vehicle is executed at once."""
        for data in _arrived(self._up, now_s):
            answer = self._vehicle.receive(self._channel, data)
            for frame in self._counter.feed(answer):
                if isinstance(frame.packet, CommandAck):
                    number = frame.packet.command
                    self.executed[number] = self.executed.get(number, 0) + 1
            self._put(self._down, answer, now_s)
        frames = [frame for data in _arrived(self._down, now_s) for frame in self._decoder.feed(data)]
        return [frame.packet for frame in frames if isinstance(frame.packet, CommandAck)]

    def close(self) -> None:
        self._vehicle.close_channel(self._channel)

    def _put(self, way: list[tuple[float, bytes]], data: bytes, now_s: float) -> None:
        copies = 1 if not self._doubled or self._rng.random() >= self._doubled else 2
        arriving = sum(self._rng.random() >= _LOSS for _ in range(copies if data else 0))
        way.extend((now_s + 0.02 + 0.38 * self._rng.random(), data) for _ in range(arriving))


def executed(seed: int, vehicle: Vehicle, *, signer: Signer | None = None, doubled: float = 0.0) -> tuple[int, bool]:
    """How often one command ran, and whether the person was told that it did.

    A third of the platforms stop while they wait, and settle their journal when they start again.
    """
    rng = random.Random(seed)
    line = Line(vehicle, rng, signer=signer, doubled=doubled)
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seed))
    command = CommandLong(rng.choice(_ONCE), (0.0, 1.0))
    record = new_record(clock, _STATE.vehicle_id, None, "relay", OperatorId("local"))
    stops_s = rng.uniform(0.0, 1.0) if rng.random() < 1 / 3 else float("inf")
    act = Act(command, class_of(command), now_s=0.0, until_s=30.0, shows=effect_of(command))
    now_s = 0.0
    while not act.done and act.refused is None and not act.is_idle(now_s) and now_s < stops_s:
        for packet in act.on_time(now_s):
            assert isinstance(packet, CommandLong)
            line.send(packet, now_s)
        for answer in line.heard(now_s):
            act.on_packet(answer, now_s)
        now_s += _STEP_S
    told_done = act.done if now_s < stops_s else _settled(record, clock).state == "done"
    for _ in range(10):  # what is still on its way arrives
        line.heard(now_s)
        now_s += _STEP_S
    line.close()
    return line.executed.get(command.command, 0), told_done


def a_vehicle() -> Vehicle:
    return Vehicle(VehicleSpec(11, "one", 31.139, 121.124))


def signing(vehicle: Vehicle) -> Signer:
    """Gives the vehicle a key; what signs our frames to it."""
    key, clock = bytes(range(32)), SigningClock(ManualClock(datetime(2026, 1, 1, tzinfo=UTC)))
    vehicle.signing.setup(key, clock.next())
    return Signer(key, 1, clock.next)


def commands(count: int = 100_000) -> Iterator[Figure]:
    """Goals: nothing that may not be repeated runs twice, and nothing that did not run is called done."""
    vehicle = a_vehicle()
    yield from _figures(f"vehicles.commands.{count}", [executed(seed, vehicle) for seed in range(count)])
    vehicle = a_vehicle()
    signer = signing(vehicle)
    runs = [executed(seed, vehicle, signer=signer, doubled=_DOUBLED) for seed in range(count)]
    yield from _figures(f"vehicles.commands.signed-doubled.{count}", runs)


def _figures(name: str, runs: Sequence[tuple[int, bool]]) -> Iterator[Figure]:
    count = len(runs)
    yield Figure(f"{name}.executed-twice", float(sum(times > 1 for times, _ in runs)), "commands", 0.0)
    yield Figure(f"{name}.told-done-and-not", float(sum(told and not times for times, told in runs)), "commands", 0.0)
    yield Figure(f"{name}.executed", 100.0 * sum(times > 0 for times, _ in runs) / count, "%")
    yield Figure(f"{name}.told-done", 100.0 * sum(told for _, told in runs) / count, "%")


def _settled(record: CommandRecord, clock: ManualClock) -> CommandRecord:
    """The journal's entry after a restart: nothing is sent again."""
    return reconciled(record, _STATE, clock)


def _arrived(way: list[tuple[float, bytes]], now_s: float) -> list[bytes]:
    ready = sorted((entry for entry in way if entry[0] <= now_s), key=lambda entry: entry[0])
    way[:] = [entry for entry in way if entry[0] > now_s]
    return [data for _, data in ready]
