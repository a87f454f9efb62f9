"""All vehicles of one gateway and the links they are heard on; the only place where addresses meet identities."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core.clock import Clock
from core.ids import VehicleId
from telemetry.heart.keeper import Beat
from telemetry.links import Link, LinkChange, LinkCondition, LinkConfig, LinkHealth, Peer, make_link
from telemetry.messages import FleetEvent, FleetTick, LinkState
from telemetry.packets import Cmd, CommandLong, Heartbeat, Outbound
from telemetry.vehicle import LOST_AFTER_S, Vehicle, VehicleConfig
from telemetry.wire import (
    AUTOPILOT_VERSION_ID,
    HOME_POSITION_ID,
    STREAM_RATES_HZ,
    Decoder,
    Encoder,
    Frame,
    MavAddress,
)

log = logging.getLogger("bailu.fleet")

# Our address unless told otherwise, and our components: MAV_COMP_ID_MISSIONPLANNER speaks, MAV_COMP_ID_USER1 beats,
# so that each of the two processes numbers its own frames.
OWN_ADDRESS = MavAddress(255, 190)
HEART_COMPONENT = 25
_BROADCAST = MavAddress(0, 0)
# MAV_COMP_ID_AUTOPILOT1: gimbals and companions speak under the vehicle's system id too, and are not the vehicle.
_AUTOPILOT = 1
# A port that strangers can reach must not grow without bound.
_MAX_CHANNELS = 256
_STREAMS_AGAIN_S = 3.0

OnFrame = Callable[[Vehicle, Frame], None]
OnEvent = Callable[[FleetEvent], None]


@dataclass(slots=True)
class Channel:
    """One peer on a link: its decoder, our sequence numbers towards it, when it was last heard."""

    link: Link
    peer: Peer
    own: MavAddress
    heard_s: float = 0.0
    decoder: Decoder = field(init=False)
    encoder: Encoder = field(init=False)

    def __post_init__(self) -> None:
        self.decoder, self.encoder = Decoder(self.own), Encoder(self.own)

    def send(self, packet: Outbound, to: MavAddress) -> None:
        self.link.send(self.peer, self.encoder.frame(packet, to))


@dataclass(slots=True)
class _Binding:
    """Which channel a vehicle is heard on, and whether it was asked for its streams there."""

    channel: Channel
    heard_s: float
    asked_s: float | None = None


class Fleet:
    """Receives for all vehicles, sends heartbeats, asks for streams, tells what changed. One task owns it."""

    def __init__(
        self,
        name: str,
        links: Sequence[LinkConfig],
        vehicles: Sequence[VehicleConfig],
        *,
        clock: Clock,
        pace: float,
        on_frame: OnFrame,
        on_event: OnEvent,
        own: MavAddress = OWN_ADDRESS,
    ) -> None:
        self.name = name
        self._own = own
        self.vehicles: dict[VehicleId, Vehicle] = {
            config.id: Vehicle(config, clock=clock, pace=pace) for config in vehicles
        }
        self.refused_channels = 0
        self.ticked_s = clock.mono_s()
        self._by_address = {(link, v.config.system_id): v for v in self.vehicles.values() for link in v.config.links}
        self._clock = clock
        self._pace = pace
        self._on_frame = on_frame
        self._on_event = on_event
        self._channels: dict[tuple[str, Peer], Channel] = {}
        self._bindings: dict[VehicleId, _Binding] = {}
        self._told: dict[VehicleId, LinkState] = {}
        self._strangers: set[tuple[str, int]] = set()
        self.links = [self._make(config) for config in links]

    def _make(self, config: LinkConfig) -> Link:
        return make_link(
            config,
            lambda peer, data: self._received(config.name, peer, data),
            on_change=self._link_changed,
            clock=self._clock,
        )

    def _link_changed(self, change: LinkChange) -> None:
        self._tell("info" if change.up else "warning", "link-up" if change.up else "link-down", change.text)

    # --- receiving ---

    def _received(self, link_name: str, peer: Peer, data: bytes) -> None:
        channel = self._channel(link_name, peer)
        if channel is None:
            return
        channel.heard_s = self._clock.mono_s()
        counts, damaged = channel.link.counts, channel.decoder.bad_frames
        for frame in channel.decoder.feed(data):
            counts.frame((peer, frame.source.system_id, frame.source.component_id), frame.sequence)
            self._take(link_name, channel, frame)
        counts.damaged(channel.decoder.bad_frames - damaged)

    def _channel(self, link_name: str, peer: Peer) -> Channel | None:
        key = (link_name, peer)
        channel = self._channels.get(key)
        if channel is None:
            if len(self._channels) >= _MAX_CHANNELS and not self._forget_silent():
                self.refused_channels += 1
                return None
            link = next(link for link in self.links if link.name == link_name)
            channel = self._channels[key] = Channel(link, peer, self._own)
        return channel

    def _forget_silent(self) -> bool:
        """Drops channels that no vehicle uses and nobody speaks on; whether there were any."""
        used = {id(binding.channel) for binding in self._bindings.values()}
        limit = self._clock.mono_s() - LOST_AFTER_S
        silent = [key for key, c in self._channels.items() if c.heard_s < limit and id(c) not in used]
        for key in silent:
            del self._channels[key]
        return bool(silent)

    def _take(self, link_name: str, channel: Channel, frame: Frame) -> None:
        vehicle = self._by_address.get((link_name, frame.source.system_id))
        if vehicle is None:
            self._stranger(link_name, frame)
            return
        if frame.source.component_id != _AUTOPILOT or not self._bind(vehicle, channel, frame):
            return
        self._on_frame(vehicle, frame)
        vehicle.hear(frame.packet)

    def _stranger(self, link_name: str, frame: Frame) -> None:
        """Somebody who is not enrolled: told once, never mixed in."""
        key = (link_name, frame.source.system_id)
        if not isinstance(frame.packet, Heartbeat) or not frame.packet.is_autopilot or key in self._strangers:
            return
        if len(self._strangers) < _MAX_CHANNELS:
            self._strangers.add(key)
            self._tell(
                "warning", "unenrolled", f"System {key[1]} speaks on link {link_name!r} but is no enrolled vehicle."
            )

    def _bind(self, vehicle: Vehicle, channel: Channel, frame: Frame) -> bool:
        """Whether the frame belongs to the vehicle; binds it to the channel on its autopilot's first heartbeat."""
        now = self._clock.mono_s()
        binding = self._bindings.get(vehicle.id)
        is_autopilot = isinstance(frame.packet, Heartbeat) and frame.packet.is_autopilot
        if binding is None or (binding.channel is not channel and now - binding.heard_s > LOST_AFTER_S):
            if not is_autopilot:
                return False
            self._bindings[vehicle.id] = binding = _Binding(channel, now)
            self._attach(vehicle, channel)
        if binding.channel is not channel:
            # Two live senders under one id: the first keeps it, so that a stranger cannot push a vehicle out.
            self._stranger_on(vehicle, channel, is_autopilot)
            return False
        binding.heard_s = now
        return True

    def _attach(self, vehicle: Vehicle, channel: Channel) -> None:
        """From now on the vehicle is spoken to on this channel; one that is only replayed is never spoken to."""
        replayed = channel.link.health().state is LinkCondition.REPLAYING
        vehicle.attach(None if replayed else lambda packet: self._send(vehicle.id, packet))

    def _stranger_on(self, vehicle: Vehicle, channel: Channel, is_autopilot: bool) -> None:
        key = (f"{channel.link.name} {channel.peer}", vehicle.config.system_id)
        if is_autopilot and key not in self._strangers and len(self._strangers) < _MAX_CHANNELS:
            self._strangers.add(key)
            self._tell(
                "critical",
                "duplicate-system-id",
                f"{channel.peer[0]}:{channel.peer[1]} also speaks as system {vehicle.config.system_id}: ignored.",
                vehicle.id,
            )

    # --- sending ---

    def _send(self, vehicle_id: VehicleId, packet: Outbound) -> None:
        binding = self._bindings[vehicle_id]
        system_id = self.vehicles[vehicle_id].config.system_id
        binding.channel.send(packet, MavAddress(system_id, _AUTOPILOT))

    def beats(self) -> tuple[Beat, ...]:
        """Where heartbeats are to go: to every bound vehicle on its channel, once per channel."""
        source = (self._own.system_id, HEART_COMPONENT)
        beats = {}
        for binding in self._bindings.values():
            beat = Beat(binding.channel.link, binding.channel.peer, source)
            beats[beat.key] = beat
        return tuple(beats.values())

    async def knock(self) -> None:
        """A heartbeat a second to each peer that we call and that nothing was heard of: it does not know us yet."""
        beat = Heartbeat(is_autopilot=False, armed=False, custom_mode=0, system_status=4)
        while True:
            used = {id(binding.channel.link) for binding in self._bindings.values()}
            for link in self.links:
                if id(link) not in used:
                    self._knock(link, beat)
            await asyncio.sleep(max(0.05, 1.0 / self._pace))

    def _knock(self, link: Link, beat: Heartbeat) -> None:
        channel = self._channel(link.name, link.address) if not link.listens else None
        if channel is not None:
            channel.send(beat, _BROADCAST)

    async def keep_streams(self) -> None:
        """Asks each vehicle for the streams that we use, again whenever positions stop while it is heard."""
        while True:
            now = self._clock.mono_s()
            for vehicle_id, binding in self._bindings.items():
                vehicle = self.vehicles[vehicle_id]
                state = vehicle.snapshot()
                if state.link is LinkState.LIVE and _wants_streams(state.position_age_s, state.uid, binding, now):
                    binding.asked_s = now
                    self._ask_streams(vehicle)
            await asyncio.sleep(0.2)

    def _ask_streams(self, vehicle: Vehicle) -> None:
        for message_id, rate_hz in STREAM_RATES_HZ.items():
            vehicle.send(CommandLong(Cmd.SET_MESSAGE_INTERVAL, (message_id, 1e6 / rate_hz)))
        for message_id in (AUTOPILOT_VERSION_ID, HOME_POSITION_ID):
            vehicle.send(CommandLong(Cmd.REQUEST_MESSAGE, (message_id,)))

    # --- telling ---

    def tick(self) -> FleetTick:
        """All vehicles as of now; says once when a link is lost and once when it is back."""
        self.ticked_s = self._clock.mono_s()
        states = tuple(vehicle.snapshot() for vehicle in self.vehicles.values())
        for state in states:
            before = self._told.get(state.vehicle_id, LinkState.NEVER)
            if state.link is LinkState.LOST and before is not LinkState.LOST:
                self._tell("critical", "link-lost", f"{state.name} is not heard any more.", state.vehicle_id)
                self._told[state.vehicle_id] = LinkState.LOST
            elif state.link is LinkState.REPLAYED and before is not LinkState.REPLAYED:
                self._tell("info", "replayed", f"{state.name} is shown from a recording.", state.vehicle_id)
                self._told[state.vehicle_id] = LinkState.REPLAYED
            elif state.link is LinkState.LIVE and before is not LinkState.LIVE:
                word = "again" if before is LinkState.LOST else "now"
                self._tell("info", "link-back", f"{state.name} is heard {word}.", state.vehicle_id)
                self._told[state.vehicle_id] = LinkState.LIVE
        return FleetTick(gateway=self.name, at=self._clock.now(), vehicles=states)

    def health(self) -> tuple[LinkHealth, ...]:
        """How each link does."""
        return tuple(link.health() for link in self.links)

    def _tell(self, severity: str, code: str, text: str, vehicle_id: VehicleId | None = None) -> None:
        log.log({"info": logging.INFO}.get(severity, logging.WARNING), "%s: %s", code, text)
        self._on_event(FleetEvent(self._clock.now(), severity, code, text, vehicle_id))


def _wants_streams(position_age_s: float | None, uid: str | None, binding: _Binding, now: float) -> bool:
    if binding.asked_s is None:
        return True
    overdue = position_age_s is None or position_age_s > _STREAMS_AGAIN_S or uid is None
    return overdue and now - binding.asked_s > _STREAMS_AGAIN_S
