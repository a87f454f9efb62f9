"""A bad radio between our transfer machines and a simulated vehicle, in simulated time and from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from missions.model import MissionItem
from simulator.spec import VehicleSpec
from simulator.vehicle import Vehicle
from telemetry.packets import MissionType
from telemetry.transfers import Download, Transfer, Upload
from telemetry.wire import Decoder, Encoder, MavAddress

STEP_S = 0.04


@dataclass
class Air:
    """Frames take `delay_s` each way and are lost with probability `loss`, independently, both ways."""

    loss: float = 0.0
    delay_s: float = 0.05
    seed: int = 1
    now_s: float = 0.0
    vehicle: Vehicle = field(default_factory=lambda: Vehicle(VehicleSpec(11, "one", 31.139, 121.124)))

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._channel = self.vehicle.open_channel()
        self._encoder, self._decoder = Encoder(MavAddress(255, 190)), Decoder()
        self._up: list[tuple[float, bytes]] = []
        self._down: list[tuple[float, bytes]] = []

    def run(self, machine: Transfer, *, limit_s: float, stop_after: int | None = None) -> Transfer:
        """Runs a machine to its end, or until time runs out, or until it has sent `stop_after` frames."""
        sent, end_s = 0, self.now_s + limit_s
        while not machine.done and machine.refused is None and self.now_s < end_s and not machine.is_idle(self.now_s):
            out = machine.on_time(self.now_s)
            for data in self._arrived(self._down):
                for frame in self._decoder.feed(data):
                    if frame.packet is not None:
                        out += machine.on_packet(frame.packet, self.now_s)
            for packet in out:
                sent += 1
                self._put(self._up, self._encoder.frame(packet, MavAddress(11, 1)))
            if stop_after is not None and sent >= stop_after:
                break
            self._step()
        return machine

    def upload(self, items: Sequence[MissionItem], kind: MissionType = MissionType.MISSION) -> Upload:
        """Uploads, starting again like the vehicle's channel does when an attempt was given up."""
        end_s = self.now_s + 300
        while True:
            machine = Upload(kind, items, now_s=self.now_s)
            self.run(machine, limit_s=end_s - self.now_s)
            if machine.done or machine.refused is not None or self.now_s >= end_s:
                return machine

    def download(self, kind: MissionType = MissionType.MISSION) -> tuple[MissionItem, ...]:
        for _ in range(10):
            machine = Download(kind, now_s=self.now_s)
            self.run(machine, limit_s=300)
            if machine.done:
                return machine.items
        raise AssertionError("the download did not finish")

    def _step(self) -> None:
        for data in self._arrived(self._up):
            self._put(self._down, self.vehicle.receive(self._channel, data))
        self.vehicle.step(STEP_S)
        self._put(self._down, self._channel.take())
        self.now_s += STEP_S

    def _put(self, way: list[tuple[float, bytes]], data: bytes) -> None:
        if data and self._rng.random() >= self.loss:
            way.append((self.now_s + self.delay_s, data))

    def _arrived(self, way: list[tuple[float, bytes]]) -> list[bytes]:
        ready = [data for at, data in way if at <= self.now_s]
        way[:] = [entry for entry in way if entry[0] > self.now_s]
        return ready
