"""A bad radio between our transfer machines and a simulated vehicle, in simulated time and from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from missions.model import MissionItem
from simulator.spec import VehicleSpec
from simulator.vehicle import Vehicle
from telemetry.machine import Machine, is_over
from telemetry.packets import Inbound, MissionType, Outbound
from telemetry.transfers import Download, Upload
from telemetry.wire import Decoder, Encoder, MavAddress

STEP_S = 0.04
OWN = MavAddress(255, 190)
MachineT = TypeVar("MachineT", bound=Machine)


@dataclass
class Air:
    """Datagrams take `delay_s` each way, up to `jitter_s` longer (so that they overtake each other), and are lost
    with probability `loss` and come twice with probability `twice`, independently, both ways."""

    loss: float = 0.0
    twice: float = 0.0
    jitter_s: float = 0.0
    delay_s: float = 0.05
    seed: int = 1
    now_s: float = 0.0
    vehicle: Vehicle = field(default_factory=lambda: Vehicle(VehicleSpec(11, "one", 31.139, 121.124)))

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._channel = self.vehicle.open_channel()
        self._encoder, self._decoder = Encoder(OWN), Decoder(OWN)
        self._up: list[tuple[float, bytes]] = []
        self._down: list[tuple[float, bytes]] = []

    def run(self, machine: MachineT, *, limit_s: float, stop_after: int | None = None) -> MachineT:
        """Runs a machine to its end, or until time runs out, or until it has sent `stop_after` frames."""
        sent, end_s = 0, self.now_s + limit_s
        while not is_over(machine) and self.now_s < end_s and not machine.is_idle(self.now_s):
            out = list(machine.on_time(self.now_s)) if self.now_s >= machine.due_s() else []
            for packet in self.heard():
                out += machine.on_packet(packet, self.now_s)
            for packet_out in out:
                sent += 1
                self.send(packet_out)
            if stop_after is not None and sent >= stop_after:
                break
            self.step()
        return machine

    def heard(self) -> Iterator[Inbound]:
        """What has arrived by now."""
        for data in self._arrived(self._down):
            yield from (frame.packet for frame in self._decoder.feed(data) if frame.packet is not None)

    def send(self, packet: Outbound) -> None:
        """Puts one packet on its way to the vehicle, in a datagram of its own."""
        self._put(self._up, self._encoder.frame(packet, MavAddress(11, 1)))

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

    def step(self) -> None:
        """One step of the vehicle's time."""
        for data in self._arrived(self._up):
            self._put(self._down, self.vehicle.receive(self._channel, data))
        self.vehicle.step(STEP_S)
        self._put(self._down, self._channel.take())
        self.now_s += STEP_S

    def _put(self, way: list[tuple[float, bytes]], data: bytes) -> None:
        if not data:
            return
        copies = [data] * (1 + (self._rng.random() < self.twice))
        way += [
            (self.now_s + self.delay_s + self._rng.random() * self.jitter_s, copy)
            for copy in copies
            if self._rng.random() >= self.loss
        ]

    def _arrived(self, way: list[tuple[float, bytes]]) -> list[bytes]:
        if not way:
            return []
        ready = sorted((entry for entry in way if entry[0] <= self.now_s), key=lambda entry: entry[0])
        way[:] = [entry for entry in way if entry[0] > self.now_s]
        return [data for _, data in ready]
