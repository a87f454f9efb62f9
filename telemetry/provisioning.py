"""At the bench: who is on the line, a key for it, and proof that it signs, and that it refuses what is not signed.

The line should be one that nobody else hears (USB): a key crosses it in the clear, and while signing is off any peer
may set one (ArduPilot, GCS_Signing.cpp). Only a disarmed vehicle takes a key.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from core.clock import Clock
from missions.enrollment import SigningPolicy
from telemetry.fleet import OWN_ADDRESS
from telemetry.links import Link, LinkConfig, Peer, make_link
from telemetry.packets import (
    AutopilotVersion,
    Cmd,
    CommandLong,
    Heartbeat,
    Inbound,
    Outbound,
    ParamRequest,
    ParamSet,
    ParamValue,
    Timesync,
)
from telemetry.signing import Seal, Signer, SigningClock, Verdict
from telemetry.wire import AUTOPILOT_VERSION_ID, Decoder, Encoder, Frame, MavAddress

T = TypeVar("T")

# The bench's own path: a stream of its own at the vehicle, whatever the gateway sends at the same time.
BENCH_LINK_ID = 255
_ANSWER_S = 0.5
_TRIES = 6
_REFUSAL_S = 2.0
# MAV_STATE_UNINIT, BOOT, CALIBRATING, STANDBY. Source: ArduCopter/GCS_MAVLink_Copter.cpp, vehicle_system_status.
_ON_GROUND = range(4)
# ArduPilot's name for the ground station it obeys, and the name it had before 4.7.
GCS_SYSTEM_ID = ("MAV_GCS_SYSID", "SYSID_MYGCS")


class ProvisioningError(Exception):
    """The bench cannot go on; the text says why, and what state the vehicle is in."""


@dataclass(frozen=True, slots=True)
class Found:
    """Who is on the line. `stands`: it says that it is on the ground (MAV_STATE)."""

    system_id: int
    uid: str | None
    firmware: str
    armed: bool
    stands: bool = True


class Bench:
    """One vehicle on one line, asked by hand. `signing`: whose time stamps our signed frames carry."""

    def __init__(self, url: str, clock: Clock, signing: SigningClock) -> None:
        """Raises LinkError when the URL is not understood."""
        self.link: Link = make_link(LinkConfig("bench", url), self.received, clock=clock)
        self._clock = signing
        self._peer: Peer | None = None if self.link.listens else self.link.address
        self._vehicle: MavAddress | None = None
        self._seal: Seal | None = None
        self._decoder, self._encoder = Decoder(OWN_ADDRESS), Encoder(OWN_ADDRESS)
        self._frames: asyncio.Queue[Frame] = asyncio.Queue(maxsize=1000)

    def received(self, peer: Peer, data: bytes) -> None:
        """Bytes of the line; the first who speaks is the one on the bench, and nobody else is listened to."""
        self._peer = self._peer or peer
        if peer == self._peer:
            for frame in self._decoder.feed(data):
                if not self._frames.full():
                    self._frames.put_nowait(frame)

    # --- who is there ---

    async def find(self, within_s: float = 15.0, *, keys: Sequence[bytes] = ()) -> Found:
        """The autopilot on the line. Raises ProvisioningError when nobody, or nobody with an id, answers.

        `keys`: those that it may have already; the one that it signs with is used from then on.
        """
        beat = await self._heartbeat(within_s)
        assert self._vehicle is not None
        question = CommandLong(Cmd.REQUEST_MESSAGE, (AUTOPILOT_VERSION_ID,))
        for key in keys:
            if await self.signs(key):
                self._seal = Seal(SigningPolicy.REQUIRE, key, self._clock)
        version = await self._ask(question, lambda packet: packet if isinstance(packet, AutopilotVersion) else None)
        if version is None:
            raise ProvisioningError(f"System {self._vehicle.system_id} does not tell its AUTOPILOT_VERSION.")
        stands = beat.system_status in _ON_GROUND
        return Found(self._vehicle.system_id, version.uid, version.firmware, beat.armed, stands)

    async def _heartbeat(self, within_s: float) -> Heartbeat:
        ours = Heartbeat(is_autopilot=False, armed=False, custom_mode=0, system_status=4)
        for _ in range(max(1, round(within_s))):
            if self._peer is not None:
                self.link.send(self._peer, self._encoder.frame(ours, MavAddress(0, 0)))
            beat = await self._first(self._autopilot_beat, 1.0)
            if beat is not None:
                return beat
        raise ProvisioningError(f"No autopilot was heard on the line within {within_s:.0f} s.")

    def _autopilot_beat(self, frame: Frame) -> Heartbeat | None:
        if isinstance(frame.packet, Heartbeat) and frame.packet.is_autopilot and frame.source.component_id == 1:
            self._vehicle = frame.source
            return frame.packet
        return None

    # --- keys ---

    def give_key(self, key: bytes) -> None:
        """Sends SETUP_SIGNING. Nothing answers it: `signs` tells whether it was taken."""
        self._put(self._encoder.setup_signing(key, self._clock.next(), self._to(), self._signer()))

    async def signs(self, key: bytes) -> bool:
        """Whether a signed question is answered with a frame that is signed with the same key."""
        seal = Seal(SigningPolicy.REQUIRE, key, self._clock)
        for _ in range(_TRIES):
            token = secrets.randbits(62) | 1
            self._send(Timesync(0, token), seal.signer(BENCH_LINK_ID))

            def signed(frame: Frame, token: int = token) -> bool | None:
                good = isinstance(frame.packet, Timesync) and frame.packet.ts1 == token
                return (seal.look(frame.frame) is Verdict.SIGNED or None) if good else None

            if await self._first(signed, _ANSWER_S):
                return True
        return False

    async def answers_unsigned(self) -> bool:
        """Whether an unsigned question is answered; a line that takes everything (USB) does so whatever the key."""
        end_s = asyncio.get_running_loop().time() + _REFUSAL_S
        while asyncio.get_running_loop().time() < end_s:
            token = secrets.randbits(62) | 1
            self._send(Timesync(0, token))

            def echoed(frame: Frame, token: int = token) -> bool | None:
                return (isinstance(frame.packet, Timesync) and frame.packet.ts1 == token) or None

            if await self._first(echoed, _ANSWER_S):
                return True
        return False

    async def provision(self, key: bytes) -> None:
        """Gives the vehicle on the line a key and sees it sign. Raises ProvisioningError; then the former stays."""
        for _ in range(3):
            self.give_key(key)
            if await self.signs(key):
                self._seal = Seal(SigningPolicy.REQUIRE, key, self._clock)
                return
        had = "keeps its former key" if self._seal else "has a key that is not ours, or none"
        raise ProvisioningError(f"The vehicle did not take the key: it is armed, or {had}.")

    # --- whom it obeys ---

    async def obey(self, system_id: int) -> str:
        """Sets the ground station that the vehicle obeys, and reads it back. Raises ProvisioningError."""
        for name in GCS_SYSTEM_ID:

            def told(packet: Inbound, name: str = name) -> float | None:
                return packet.value if isinstance(packet, ParamValue) and packet.name == name else None

            if await self._ask(ParamRequest(name), told) is None:
                continue
            if await self._ask(ParamSet(name, float(system_id)), told) == float(system_id):
                return name
            raise ProvisioningError(f"The vehicle did not take {name} = {system_id}.")
        raise ProvisioningError(f"The vehicle has none of {', '.join(GCS_SYSTEM_ID)}.")

    # --- frames out and in ---

    async def _ask(self, packet: Outbound, answer: Callable[[Inbound], T | None]) -> T | None:
        for _ in range(_TRIES):
            self._send(packet, self._signer())
            found = await self._first(lambda frame: answer(frame.packet) if frame.packet else None, _ANSWER_S)
            if found is not None:
                return found
        return None

    async def _first(self, wanted: Callable[[Frame], T | None], within_s: float) -> T | None:
        try:
            async with asyncio.timeout(within_s):
                while True:
                    found = wanted(await self._frames.get())
                    if found is not None:
                        return found
        except TimeoutError:
            return None

    def _send(self, packet: Outbound, signer: Signer | None = None) -> None:
        self._put(self._encoder.frame(packet, self._to(), signer))

    def _signer(self) -> Signer | None:
        return self._seal.signer(BENCH_LINK_ID) if self._seal else None

    def _put(self, data: bytes) -> None:
        if self._peer is not None:
            self.link.send(self._peer, data)

    def _to(self) -> MavAddress:
        if self._vehicle is None:
            raise ProvisioningError("Nobody was found on the line yet.")
        return self._vehicle


@asynccontextmanager
async def bench(url: str, *, clock: Clock, signing: SigningClock) -> AsyncIterator[Bench]:
    """A bench on a line of its own while the context is open. Raises LinkError."""
    table = Bench(url, clock, signing)
    await table.link.open()
    task = asyncio.create_task(table.link.run(), name="bench line")
    try:
        yield table
    finally:
        task.cancel()
        await asyncio.wait([task])
