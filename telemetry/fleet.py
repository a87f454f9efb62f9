"""All vehicles of one gateway and the links they are heard on: frames in, packets out, what changed is told."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from core.clock import Clock, rest_s
from core.errors import VehicleAmbiguous
from core.ids import VehicleId
from telemetry.board import Board
from telemetry.channels import Channel, Route
from telemetry.express.way import Express, PlaceLog, Take
from telemetry.framing import plain_frame
from telemetry.heart.keeper import Beat, BeatSigning
from telemetry.identity import Directory, Identity, Impostor, Path, Place
from telemetry.lanes import How, Lane
from telemetry.links import Link, LinkChange, LinkConfig, LinkHealth, Peer, make_link
from telemetry.links.quota import Bucket
from telemetry.messages import FleetEvent, FleetTick, LinkState, UnenrolledVehicle, VehicleState
from telemetry.notices import Notices
from telemetry.packets import (
    Cmd,
    CommandLong,
    EkfStatus,
    ExtendedSysState,
    GlobalPosition,
    GpsRaw,
    Heartbeat,
    MissionCurrent,
    Outbound,
    SysStatus,
    Timesync,
)
from telemetry.quick import boot_and_place
from telemetry.signing import SigningBook
from telemetry.strangers import Strangers
from telemetry.ticker import Ticker
from telemetry.vehicle import LOST_AFTER_S, Vehicle, VehicleConfig
from telemetry.wire import (
    AUTOPILOT_VERSION_ID,
    HEARTBEAT_ID,
    HOME_POSITION_ID,
    LANES,
    STREAM_RATES_HZ,
    TIMESYNC_ID,
    Frame,
    MavAddress,
    is_recorded,
    read_payload,
    unsigned,
)

log = logging.getLogger("bailu.fleet")

# Our address unless told otherwise: MAV_COMP_ID_MISSIONPLANNER.
OWN_ADDRESS = MavAddress(255, 190)
_BROADCAST = MavAddress(0, 0)
# MAV_COMP_ID_AUTOPILOT1: gimbals and companions speak under the vehicle's system id too, and are not the vehicle.
_AUTOPILOT = 1
# A port that strangers can reach must not grow without bound.
_MAX_CHANNELS = 4_096
_STREAMS_AGAIN_S = 3.0
_ESSENTIAL = (GlobalPosition, SysStatus, GpsRaw, MissionCurrent, ExtendedSysState, EkfStatus)
_LOOK_EVERY_S = 0.05
_LOOKED_AT_ONCE = 5
# Messages a second of places that have proven nothing; past it only those that tell who it is are read.
_UNPROVEN_PER_S = 2_000.0
_TELLS_WHO = frozenset(number.to_bytes(3, "little") for number in (HEARTBEAT_ID, TIMESYNC_ID, AUTOPILOT_VERSION_ID))
_ROUND_TRIP_EVERY_S = 2.0
# A link's round trip is one figure: of many vehicles only so many are asked a second.
_ROUND_TRIPS_PER_S = 5.0
# Vehicles that are asked for their streams; each takes 14 commands, or a millisecond, and gives 14 answers.
_ASKED_PER_S, _ASKED_AT_ONCE = 100.0, 5.0
_PLACE = How.PLACE  # looked up for every message
# What only people can judge is looked at in turns: everybody once in so many ticks, or a hundred a tick.
_TURNS, _LOOKED_AT_A_TICK = 5, 100
# A path that was not heard for longer is not beaten to any more, unless it is the only one.
_BEAT_WITHIN_S = 30.0

OnFrame = Callable[[Vehicle, bytes], None]
OnEvent = Callable[[FleetEvent], None]


class Fleet:
    """Receives for all vehicles, asks places to prove themselves, asks for streams. One task owns it."""

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
        signing: SigningBook | None = None,
    ) -> None:
        """`signing`: what it remembers from the last run; without one it begins anew."""
        self.name = name
        self.vehicles: dict[VehicleId, Vehicle] = {}
        self._refused_places = self._shed_frames = 0
        self._unproven = Bucket.full(_UNPROVEN_PER_S, _UNPROVEN_PER_S, clock.mono_s())
        self.ticked_s = clock.mono_s()
        self.signing = signing or SigningBook(clock)
        self._own = own
        self._clock = clock
        self._mono_s = clock.mono_s
        self._pace = pace
        self._on_frame = on_frame
        self._on_event = on_event
        self._channels: dict[Place, Channel] = {}
        self._by_peer: dict[str, dict[Peer, Channel]] = {}  # the same, by link
        self._told: dict[VehicleId, LinkState] = {}
        self._board = Board()
        self._ticker = Ticker(name, self._board)
        self._strangers = Strangers()
        self._notices = Notices(self._tell)
        self._members: list[tuple[Identity, Vehicle]] = []
        self._members_version = -1
        self._directory = Directory(token=lambda: secrets.randbits(62) | 1, on_impostor=self._impostor)
        self._questions: dict[int, tuple[Place, float]] = {}
        self._round_trips = Bucket.full(_ROUND_TRIPS_PER_S * len(links), _ROUND_TRIPS_PER_S, clock.mono_s())
        self._asks = Bucket.full(_ASKED_PER_S, _ASKED_AT_ONCE, clock.mono_s())
        self._turn = 0  # whose turn it is to be asked for streams
        self._express: Express | None = None
        for config in vehicles:
            self.enroll(config)
        self.links = [self._make(config) for config in links]

    def _make(self, config: LinkConfig) -> Link:
        self._by_peer[config.name] = {}
        return make_link(
            config,
            partial(self._received, config.name),
            on_change=self._link_changed,
            clock=self._clock,
        )

    def _link_changed(self, change: LinkChange) -> None:
        self._tell("info" if change.up else "warning", "link-up" if change.up else "link-down", change.text)

    # --- who belongs to it ---

    def enroll(self, config: VehicleConfig) -> Vehicle:
        """Adds a vehicle, or gives the one of that id its new enrolment; where it is has to be proven anew."""
        seal = self.signing.seal(config.id, config.signing, config.key)
        self._directory.enroll(Identity(config, seal))
        vehicle = self.vehicles.get(config.id)
        if vehicle is None:
            vehicle = self.vehicles[config.id] = Vehicle(
                config, clock=self._clock, pace=self._pace, board=self._board
            )
            vehicle.gcs_system_id = self._own.system_id
        else:
            vehicle.enroll(config)
        for link in config.links:
            self._strangers.forget(link, config.system_id)
        return vehicle

    def retire(self, vehicle_id: VehicleId) -> None:
        """It is no vehicle of ours any more; what it says from now on is a stranger's."""
        self._directory.retire(vehicle_id)
        self._notices.forget(vehicle_id)
        vehicle = self.vehicles.pop(vehicle_id, None)
        if vehicle is not None:
            vehicle.retire()
        self._told.pop(vehicle_id, None)

    def unenrolled(self) -> tuple[UnenrolledVehicle, ...]:
        """Who speaks on our links without being enrolled, the one heard last first."""
        return self._strangers.listed()

    # --- receiving ---

    def _received(self, link_name: str, peer: Peer, data: bytes) -> None:
        """What a link hands over."""
        channel = self._by_peer[link_name].get(peer) or self._channel((link_name, peer))
        if channel is None:
            return
        channel.heard_s = now_s = self._mono_s()
        express = self._express
        if express is None:
            self._read(channel, data, now_s)
            return
        express.settle(channel, data)
        self._read(channel, data, now_s)
        express.open(channel, data)

    def _read(self, channel: Channel, data: bytes, now_s: float) -> None:
        if self._pass(channel, data, now_s) or self._shed(channel, data, now_s):
            return
        counts, damaged = channel.counts, channel.decoder.bad_frames
        for frame in channel.decoder.feed(data):
            counts.frame((channel.peer, frame.source.system_id, frame.source.component_id), frame.sequence)
            self._take(channel, frame)
        counts.damaged(channel.decoder.bad_frames - damaged)

    def speed_up(self, take: Take, places: PlaceLog | None = None) -> None:
        """From now on what nobody waits for is taken in batches, by `telemetry.express.kernel.take`. `places`: where
        positions are recorded; without it each one is told by itself. Raises OSError where the system cannot."""
        express = Express(take, self._board, self.vehicles, self._directory, places)
        express.serve(self.links)
        self._express = express

    def _pass(self, channel: Channel, data: bytes, now_s: float) -> bool:
        """The quick way of what comes all the time: one plain frame from a place that has proven whose it is.

        Decides as `_take` does; False: it has to, and nothing has happened yet.
        """
        if channel.framer.held or (lane := plain_frame(data, LANES)) is None or data[6] != _AUTOPILOT:
            return False
        route = channel.routes.get(data[5])
        if route is None:
            return False
        if route.version != self._directory.version:
            del channel.routes[data[5]]
            return False
        wanted = self._directory.hear_plain(route.identity, route.path, now_s)
        if wanted is None:
            return False
        channel.counts.frame_of(route.watch, data[4])
        if wanted:
            if route.identity.spoken_on is not route.path:
                self._speak_on(route.identity, route.vehicle, route.path)
            if route.vehicle.is_recorded:
                self._on_frame(route.vehicle, data)
            if lane.how is _PLACE or not route.vehicle.take(lane, data[10:-2], now_s):
                self._hand_over(route, lane, data, now_s)
        return True

    def _shed(self, channel: Channel, data: bytes, now_s: float) -> bool:
        """Whether a place that has proven nothing is one too many now, and this does not tell who it is either.

        What such places say costs ten times as much as what vehicles do: a fleet that was there before the platform
        would keep it from ever coming to the questions that prove who they are.
        """
        if channel.is_proven or not channel.link.listens or self._unproven.take(now_s):
            return False
        if channel.framer.held or data[7:10] in _TELLS_WHO or plain_frame(data, LANES) is None:
            return False
        channel.counts.frame((channel.peer, data[5], data[6]), data[4])
        self._shed_frames += 1
        return True

    def _hand_over(self, route: Route, lane: Lane, data: bytes, now_s: float) -> None:
        """`_deliver` for what came the quick way and is a place, or news, or waited for by somebody."""
        identity, vehicle, payload = route.identity, route.vehicle, data[10:-2]
        if lane.how is _PLACE:
            self._notices.hear_boot(identity, vehicle, boot_and_place(payload)[0], now_s)
            if vehicle.take(lane, payload, now_s):
                return
        packet = read_payload(int.from_bytes(data[7:10], "little"), payload)
        if lane.how is not _PLACE:
            self._notices.hear(identity, vehicle, packet, now_s)
        vehicle.hear(packet)
        vehicle.knows(lane, payload)

    def _route(self, channel: Channel, identity: Identity, frame: Frame) -> None:
        """Remembers whose such a frame is, if that can be known beforehand."""
        place, system_id = (channel.link.name, channel.peer), frame.source.system_id
        known, path = channel.routes.get(system_id), identity.paths.get(place)
        if path is None or path.signed_s is not None:
            return
        if known is not None and known.version == self._directory.version:
            return
        if self._directory.plain_owner(place, system_id) is not identity:
            return
        watch = channel.link.counts.watch((channel.peer, system_id, _AUTOPILOT))
        channel.routes[system_id] = Route(self._directory.version, identity, path, self.vehicles[identity.id], watch)

    def _channel(self, place: Place) -> Channel | None:
        channel = self._channels.get(place)
        if channel is None:
            if len(self._channels) >= _MAX_CHANNELS and not self._forget_silent():
                self._refused_places += 1
                return None
            link = next(link for link in self.links if link.name == place[0])
            channel = self._channels[place] = Channel(link, place[1], self._own)
            self._by_peer[place[0]][place[1]] = channel
        return channel

    def _forget_silent(self) -> bool:
        """Drops channels that no vehicle uses and nobody speaks on; whether there were any."""
        used = {place for identity in self._directory.identities.values() for place in identity.paths}
        limit = self._clock.mono_s() - LOST_AFTER_S
        silent = [place for place, c in self._channels.items() if c.heard_s < limit and place not in used]
        for place in silent:
            del self._channels[place], self._by_peer[place[0]][place[1]]
        return bool(silent)

    def _take(self, channel: Channel, frame: Frame) -> None:
        """One frame with a right checksum: a vehicle's, once its place is proven, else a stranger's."""
        if frame.source.component_id != _AUTOPILOT:
            return
        now_s, link, place = self._clock.mono_s(), channel.link, (channel.link.name, channel.peer)
        replay = link.replays
        identity = self._directory.hear(place, frame, now_s, called=not link.listens, replay=replay)
        if identity is not None:
            channel.is_proven = True
            self._deliver(identity, frame, now_s)
            if not replay:
                self._route(channel, identity, frame)
        elif (why := self._directory.doubt(place, frame.source.system_id)) is not None:
            self._stranger(place, frame, now_s, why)

    def _deliver(self, identity: Identity, frame: Frame, now_s: float) -> None:
        vehicle, path = self.vehicles[identity.id], identity.active
        assert path is not None
        self._speak_on(identity, vehicle, path)
        if isinstance(frame.packet, Timesync):
            self._round_trip(path.place, frame.packet, now_s)
        self._notices.hear(identity, vehicle, frame.packet, now_s)
        if vehicle.is_recorded and is_recorded(frame):
            self._on_frame(vehicle, unsigned(frame))
        vehicle.hear(frame.packet)

    def _speak_on(self, identity: Identity, vehicle: Vehicle, path: Path) -> None:
        """From now on the vehicle is spoken to there; one that is only replayed is never spoken to."""
        if identity.spoken_on is not path:
            identity.spoken_on = path
            self._strangers.believe(path.place, identity.config.system_id)
            if identity.replayed:
                vehicle.attach(None)
            else:
                vehicle.attach(
                    lambda packet: self._send(identity, packet),
                    lambda packet: self._send_everywhere(identity, packet),
                )
            vehicle.state = replace(vehicle.state, link_name=path.place[0])

    def _stranger(self, place: Place, frame: Frame, now_s: float, why: str) -> None:
        """Somebody who is not enrolled, or has not proven to be: listed, told once, never mixed in."""
        new = self._strangers.hear(place, frame, self._clock.now(), now_s, why)
        if new is not None and why == "unknown":
            text = (
                f"System {new.system_id} speaks on link {new.link!r} from {new.address} but is no enrolled vehicle."
            )
            self._tell("warning", "unenrolled", text)

    def _impostor(self, impostor: Impostor) -> None:
        link, (host, port) = impostor.place
        uid = f" (autopilot {impostor.uid})" if impostor.uid else ""
        text = f"{host}:{port}{uid} also speaks as system {impostor.system_id} on link {link!r}: ignored."
        key = f"duplicate {impostor.place} {impostor.uid}"
        self._notices.once(impostor.identity.id, key, "critical", "duplicate-system-id", text)

    # --- sending ---

    def _send(self, identity: Identity, packet: Outbound) -> None:
        """The way out to a vehicle. Raises VehicleAmbiguous."""
        self._refuse_ambiguous(identity)
        if identity.active is not None:
            self._put(identity, identity.active.place, packet)

    def _send_everywhere(self, identity: Identity, packet: Outbound) -> None:
        """What brings it home goes to every place that it has proven to be at. Raises VehicleAmbiguous."""
        self._refuse_ambiguous(identity)
        for place in tuple(identity.paths):
            self._put(identity, place, packet)

    def _refuse_ambiguous(self, identity: Identity) -> None:
        if identity.is_ambiguous(self._clock.mono_s()):
            raise VehicleAmbiguous(identity.id, tuple(sorted({identity.uid or "?", *identity.rivals})))

    def _put(self, identity: Identity, place: Place, packet: Outbound) -> None:
        channel = self._channel(place)
        if channel is not None:
            signer = identity.seal.signer(self.signing.link_id(place[0]))
            channel.send(packet, MavAddress(identity.config.system_id, _AUTOPILOT), signer)

    def _round_trip(self, place: Place, answer: Timesync, now_s: float) -> None:
        asked = self._questions.pop(answer.ts1, None)
        if asked is not None and asked[0] == place:
            self._channels[place].link.counts.round_trip(now_s - asked[1])

    def hurry(self, vehicle_id: VehicleId, seconds: float) -> None:
        """What a vehicle says is waited for: its link loses no time."""
        active = self._directory.identities[vehicle_id].active
        channel = None if active is None else self._channel(active.place)
        if channel is not None:
            channel.link.hurry(seconds)

    def beats(self) -> tuple[Beat, ...]:
        """Where heartbeats are to go: to every vehicle on each of its paths, once per channel and key."""
        now_s, beats = self._clock.mono_s(), dict[object, Beat]()
        for identity in self._directory.identities.values():
            for path in identity.paths.values():
                if identity.replayed or (path is not identity.active and now_s - path.heard_s > _BEAT_WITHIN_S):
                    continue
                channel = self._channel(path.place)
                if channel is None:
                    continue
                beat, signing = channel.plain_beat, self._beat_signing(identity, path, now_s)
                if signing is None:
                    beats[path.place] = beat
                else:
                    signed = replace(beat, signing=signing)
                    beats[signed.key] = signed
        return tuple(beats.values())

    def _beat_signing(self, identity: Identity, path: Path, now_s: float) -> BeatSigning | None:
        if not identity.seal.has_key:
            return None
        signer = identity.seal.signer(self.signing.link_id(f"{path.place[0]} heart"))
        return BeatSigning(signer.key, signer.link_id, now_s, signer.stamp()) if signer else None

    async def knock(self) -> None:
        """A heartbeat a second to each peer that we call and that nothing was heard of: it does not know us yet."""
        beat = Heartbeat(is_autopilot=False, armed=False, custom_mode=0, system_status=4)
        while True:
            used = {place[0] for identity in self._directory.identities.values() for place in identity.paths}
            for link in self.links:
                if link.name not in used:
                    self._knock(link, beat)
            await asyncio.sleep(max(0.05, 1.0 / self._pace))

    def _knock(self, link: Link, beat: Heartbeat) -> None:
        channel = None if link.listens else self._channel((link.name, link.address))
        if channel is None:
            return
        channel.send(beat, _BROADCAST)
        for identity in self._directory.identities.values():
            # A vehicle that requires signatures takes no other heartbeat for its failsafe, nor brings its clock up.
            if link.name in identity.config.links and identity.seal.has_key:
                self._put(identity, (link.name, link.address), beat)

    async def keep_streams(self) -> None:
        """Asks who has to prove itself, and each vehicle for the streams that we use whenever positions stop."""
        while True:
            now_s = self._clock.mono_s()
            self._ask_proofs(now_s)
            self._keep_all(now_s)
            await asyncio.sleep(rest_s(_LOOK_EVERY_S, self._clock.mono_s()))

    def _ask_proofs(self, now_s: float) -> None:
        """What goes to a place that has proven nothing: a question, once a second, and nothing else."""
        for probe in self._directory.probes(now_s):
            channel = self._channel(probe.place)
            if channel is None:
                continue
            to = MavAddress(probe.system_id, _AUTOPILOT)
            sealed = probe.sealed
            signer = sealed.seal.signer(self.signing.link_id(probe.place[0])) if sealed else None
            channel.send(Timesync(0, probe.token), to, signer)
            if probe.asks_uid:
                channel.send(CommandLong(Cmd.REQUEST_MESSAGE, (AUTOPILOT_VERSION_ID,)), to, signer)
        for place, system_id in self._strangers.to_ask(now_s):
            channel = self._channels.get(place)
            if channel is not None and not channel.link.replays:
                question = CommandLong(Cmd.REQUEST_MESSAGE, (AUTOPILOT_VERSION_ID,))
                channel.send(question, MavAddress(system_id, _AUTOPILOT))

    def _keep_all(self, now_s: float) -> None:
        """A fleet that comes all at once is asked for its streams one after the other, in turn: to ask a thousand of
        them at a time would hold everything else up for a second."""
        members = self._members_now()
        # A part of a large fleet at a time, so that nothing else waits for it: everybody is looked at once a second.
        for _ in range(min(len(members), max(_LOOKED_AT_ONCE, round(len(members) * _LOOK_EVERY_S)))):
            if not self._keep(members[self._turn % len(members)][0], now_s):
                break
            self._turn = (self._turn + 1) % len(members)

    def _keep(self, identity: Identity, now_s: float) -> bool:
        """Asks a vehicle for what it lacks; False when too many were asked just now."""
        vehicle, path = self.vehicles[identity.id], identity.choose(now_s)
        vehicle.look_for_quiet(now_s)
        if path is None or identity.replayed or vehicle.link is not LinkState.LIVE:
            return True
        if identity.is_ambiguous(now_s):
            self._ask_who(identity, now_s)
        elif path.asked_s is None or (now_s - path.asked_s > _STREAMS_AGAIN_S and _lacks(vehicle)):
            if not self._asks.take(now_s):
                return False
            first, path.asked_s = path.asked_s is None, now_s
            if first or _lacks_streams(vehicle):
                self._ask_streams(vehicle)
            else:
                vehicle.send(CommandLong(Cmd.REQUEST_MESSAGE, (AUTOPILOT_VERSION_ID,)))
        elif _is_due(path.timed_s, now_s) and self._round_trips.take(now_s):
            path.timed_s = now_s
            self._ask_time(identity, path, now_s)
        return True

    def _ask_who(self, identity: Identity, now_s: float) -> None:
        """While two answer: which autopilots are there still. Harmless whoever hears it."""
        for path in identity.paths.values():
            if path.asked_s is None or now_s - path.asked_s >= 1.0:
                path.asked_s = now_s
                self._put(identity, path.place, CommandLong(Cmd.REQUEST_MESSAGE, (AUTOPILOT_VERSION_ID,)))

    def _ask_time(self, identity: Identity, path: Path, now_s: float) -> None:
        while self._questions and now_s - next(iter(self._questions.values()))[1] >= LOST_AFTER_S:
            del self._questions[next(iter(self._questions))]
        token = secrets.randbits(62) | 1
        self._questions[token] = (path.place, now_s)
        self._put(identity, path.place, Timesync(0, token))

    def _ask_streams(self, vehicle: Vehicle) -> None:
        for message_id, rate_hz in STREAM_RATES_HZ.items():
            vehicle.send(CommandLong(Cmd.SET_MESSAGE_INTERVAL, (message_id, 1e6 / rate_hz)))
        for message_id in (AUTOPILOT_VERSION_ID, HOME_POSITION_ID):
            vehicle.send(CommandLong(Cmd.REQUEST_MESSAGE, (message_id,)))

    # --- telling ---

    def tick(self) -> FleetTick:
        """All vehicles as of now; says once when a link is lost and once when it is back."""
        self.ticked_s = now_s = self._clock.mono_s()
        members = self._members_now()
        number = self._ticker.number
        stride = max(_TURNS, -(-len(members) // _LOOKED_AT_A_TICK))
        for identity, _ in members[number % stride :: stride]:
            self._notices.look(identity, now_s)
        tick, changed_links = self._ticker.tick(members, now_s, self._clock.now())
        for vehicle, link in changed_links:
            self._tell_link(vehicle, link)
        return tick

    def _members_now(self) -> list[tuple[Identity, Vehicle]]:
        if self._members_version != self._directory.version:
            self._members_version = self._directory.version
            self._members = [(each, self.vehicles[each.id]) for each in self._directory.identities.values()]
        return self._members

    def states(self) -> tuple[VehicleState, ...]:
        """All records as of now."""
        now_s = self._clock.mono_s()
        return tuple(self._state(identity, now_s) for identity in self._directory.identities.values())

    def state(self, vehicle_id: VehicleId) -> VehicleState:
        """One record as of now."""
        return self._state(self._directory.identities[vehicle_id], self._clock.mono_s())

    def _state(self, identity: Identity, now_s: float) -> VehicleState:
        state = self.vehicles[identity.id].snapshot()
        ambiguous = identity.is_ambiguous(now_s)
        return replace(
            state,
            signed=identity.active is not None and identity.active.signs(now_s),
            ambiguous=ambiguous,
            ready=state.ready and not ambiguous,
        )

    def _tell_link(self, vehicle: Vehicle, link: LinkState) -> None:
        before = self._told.get(vehicle.id, LinkState.NEVER)
        if link is before or link in (LinkState.NEVER, LinkState.STALE):
            return
        self._told[vehicle.id] = link
        name = vehicle.config.name
        if link is LinkState.LOST:
            self._tell("critical", "link-lost", f"{name} is not heard any more.", vehicle.id)
        elif link is LinkState.REPLAYED:
            self._tell("info", "replayed", f"{name} is shown from a recording.", vehicle.id)
        else:
            word = "again" if before is LinkState.LOST else "now"
            self._tell("info", "link-back", f"{name} is heard {word}.", vehicle.id)

    def health(self) -> tuple[LinkHealth, ...]:
        """How each link does."""
        return tuple(link.health() for link in self.links)

    def refused(self) -> Mapping[str, int]:
        """Messages not listened to, by bound: places that speak here, candidates for one vehicle, and what is said in
        a second by places that have proven nothing."""
        return {
            "places": self._refused_places,
            "candidates": self._directory.refused_candidates,
            "unproven": self._shed_frames,
        }

    def _tell(self, severity: str, code: str, text: str, vehicle_id: VehicleId | None = None) -> None:
        log.log({"info": logging.INFO}.get(severity, logging.WARNING), "%s: %s", code, text)
        self._on_event(FleetEvent(self._clock.now(), severity, code, text, vehicle_id))


def _is_due(timed_s: float | None, now_s: float) -> bool:
    return timed_s is None or now_s - timed_s >= _ROUND_TRIP_EVERY_S


def _lacks(vehicle: Vehicle) -> bool:
    """Whether we lack who it is, or a stream that decisions rest on."""
    return vehicle.slow.uid is None or _lacks_streams(vehicle)


def _lacks_streams(vehicle: Vehicle) -> bool:
    """Whether any stream that decisions rest on does not come: one request for it was lost, or the vehicle restarted.

    Others come only while there is something to tell, as that of the fence.
    """
    return any(vehicle.silence_s(kind) > _STREAMS_AGAIN_S for kind in _ESSENTIAL)
