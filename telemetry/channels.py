"""One peer on a link as the fleet knows it: its frames, ours to it, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from telemetry.framing import Framer
from telemetry.heart.keeper import Beat
from telemetry.identity import Identity, Path
from telemetry.links import Link, Peer
from telemetry.links.meter import SequenceWatch
from telemetry.links.port import FrameCounts
from telemetry.packets import Outbound
from telemetry.signing import Signer
from telemetry.vehicle import Vehicle
from telemetry.wire import Decoder, Encoder, MavAddress

if TYPE_CHECKING:
    from telemetry.express.way import Seat

# Our component that beats, MAV_COMP_ID_USER1: that process numbers its own frames.
HEART_COMPONENT = 25


@dataclass(frozen=True, slots=True)
class Route:
    """Whose the unsigned frames of one system id on one channel are, found out once; good while `version` stays."""

    version: int
    identity: Identity
    path: Path
    vehicle: Vehicle
    watch: SequenceWatch


@dataclass(slots=True)
class Channel:
    """One peer on a link: its decoder, our sequence numbers towards it, when it was last heard."""

    link: Link
    peer: Peer
    own: MavAddress
    heard_s: float = 0.0
    decoder: Decoder = field(init=False)
    encoder: Encoder = field(init=False)
    framer: Framer = field(init=False)  # the decoder's own
    counts: FrameCounts = field(init=False)  # the link's own
    plain_beat: Beat = field(init=False)  # the same one each time: a thousand are asked for three times a second
    routes: dict[int, Route] = field(default_factory=dict)  # by system id
    is_proven: bool = False  # a vehicle of ours was heard there
    seats: dict[int, Seat] = field(default_factory=dict)  # on the express way, by system id

    def __post_init__(self) -> None:
        self.decoder, self.encoder = Decoder(self.own), Encoder(self.own)
        self.framer, self.counts = self.decoder.framer, self.link.counts
        self.plain_beat = Beat(self.link, self.peer, (self.own.system_id, HEART_COMPONENT))

    def send(self, packet: Outbound, to: MavAddress, signer: Signer | None = None) -> None:
        self.link.send(self.peer, self.encoder.frame(packet, to, signer))
