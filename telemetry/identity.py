"""Which enrolled vehicle a frame is of: an address is only where a vehicle happens to be, and has to prove itself.

A place is a link and a peer on it. A vehicle is spoken to at a place only after the place has proven itself: by a
fresh frame under the vehicle's key or, where nothing is signed, by echoing a random TIMESYNC question (so that its
address is no invention) and by the autopilot's own id, if we know which one to expect. Time and randomness are handed
in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from core.ids import VehicleId
from missions.enrollment import SigningPolicy
from telemetry.links import Peer
from telemetry.packets import AutopilotVersion, Timesync
from telemetry.signing import Seal, Verdict
from telemetry.vehicle import VehicleConfig
from telemetry.wire import Frame

Place = tuple[str, Peer]

MAX_CANDIDATES = 4
PROBE_EVERY_S = 1.0
_MAX_PATHS = 6
# Positions come five times a second: after so long without any frame another place may speak for the vehicle.
YIELDS_AFTER_S = 0.6
LIVE_S = 1.5
# A better link is gone back to when it carried the vehicle for so long without a gap.
_STEADY_S = 5.0
# A candidate that does not answer makes room for others after so long.
_CANDIDATE_S = 3.0
# So long two different autopilots count as both there; and a rival that was silent for so long is gone.
RIVAL_S = 5.0
# Where no autopilot id was enrolled, another one is taken for the vehicle when the first was silent for so long.
_GONE_S = 10.0


@dataclass(slots=True)
class Path:
    """A proven place of a vehicle. `signed_s`: when it last spoke by its key. `steady_s`: no gap since then.

    `taken_s`: when it was heard on the express way, which tells nobody of it; None: it never was.
    """

    place: Place
    _heard_s: float
    steady_s: float
    signed_s: float | None = None
    uid: str | None = None
    asked_s: float | None = None  # when it was asked for its streams
    timed_s: float | None = None  # when its round trip was measured
    taken_s: Callable[[], float] | None = None

    @property
    def heard_s(self) -> float:
        """When it was heard last."""
        return self._heard_s if self.taken_s is None else max(self._heard_s, self.taken_s())

    @heard_s.setter
    def heard_s(self, at_s: float) -> None:
        self._heard_s = at_s

    def hear(self, now_s: float) -> None:
        if now_s - self.heard_s > LIVE_S:
            self.steady_s = now_s
        self.heard_s = now_s

    def is_live(self, now_s: float) -> bool:
        return now_s - self.heard_s <= LIVE_S

    def signs(self, now_s: float) -> bool:
        """Whether it signs: then what is not signed there is somebody else's, whatever the policy."""
        return self.signed_s is not None and now_s - self.signed_s <= RIVAL_S


@dataclass(slots=True)
class Candidate:
    """A place that says it is a vehicle. `token`: what its echo has to carry."""

    place: Place
    token: int
    since_s: float
    heard_s: float
    answered: bool = False
    uid: str | None = None
    probed_s: float | None = None


@dataclass(slots=True)
class Identity:
    """One enrolled vehicle: where it was proven to be, and which of those places speaks for it."""

    config: VehicleConfig
    seal: Seal
    paths: dict[Place, Path] = field(default_factory=dict)
    active: Path | None = None
    uid: str | None = None  # the autopilot's id: enrolled, or else the first one that was heard
    rivals: dict[str, float] = field(default_factory=dict)  # other autopilots under its name, and when last heard
    replayed: bool = False
    spoken_on: Path | None = None  # where it is spoken to; the fleet's

    def __post_init__(self) -> None:
        self.uid = self.config.uid

    @property
    def id(self) -> VehicleId:
        return self.config.id

    @property
    def is_special(self) -> bool:
        """Whether it signs, or another autopilot was heard under its name at any time."""
        return self.seal.has_key or bool(self.rivals)

    def is_ambiguous(self, now_s: float) -> bool:
        """Whether another autopilot was heard under this name of late: nobody may be commanded then."""
        return any(now_s - heard_s <= RIVAL_S for heard_s in self.rivals.values())

    def is_gone(self, now_s: float) -> bool:
        """Whether it was not heard anywhere for so long that another autopilot may have taken its place."""
        return all(now_s - path.heard_s > _GONE_S for path in self.paths.values())

    def signs(self, now_s: float) -> bool:
        return any(path.signs(now_s) for path in self.paths.values())

    def doubled(self, now_s: float) -> tuple[Path, ...]:
        """Live paths on one link, when there are several for more than a moment: somebody pretends, or is connected
        twice."""
        live = [path for path in self.paths.values() if path.is_live(now_s) and now_s - path.steady_s > LIVE_S]
        links = [path.place[0] for path in live]
        return tuple(path for path in live if links.count(path.place[0]) > 1)

    def expects_uid(self) -> bool:
        """Whether a place has to tell its autopilot's id before it is believed; a key proves more than that."""
        return self.uid is not None

    def prove(self, place: Place, now_s: float, *, uid: str | None = None) -> Path:
        """The vehicle is at `place`. The path that was silent longest makes room."""
        path = self.paths[place] = Path(place, now_s, now_s, uid=uid)
        if len(self.paths) > _MAX_PATHS:
            idle = [each for each in self.paths.values() if each is not self.active and each is not path]
            del self.paths[min(idle, key=lambda each: each.heard_s).place]
        if uid is not None and self.uid is None:
            self.uid = uid
        self.choose(now_s)
        return path

    def choose(self, now_s: float) -> Path | None:
        """The path that speaks for the vehicle: until it falls silent, or a preferred link is steady again."""
        active = self.active
        live = [path for path in self.paths.values() if path.is_live(now_s)]
        if active is None or (now_s - active.heard_s > YIELDS_AFTER_S and live):
            fresh = [path for path in live if now_s - path.heard_s <= YIELDS_AFTER_S]
            self.active = min(fresh or live, key=self._rank, default=active)
        elif live:
            best = min(live, key=self._rank)
            if self._rank(best) < self._rank(active) and now_s - best.steady_s >= _STEADY_S:
                self.active = best
        return self.active

    def _rank(self, path: Path) -> int:
        links = self.config.links
        return links.index(path.place[0]) if path.place[0] in links else len(links)

    def tell_uid(self, path: Path, uid: str, now_s: float) -> None:
        """An autopilot at a proven place told its id: the one we know, the first one, or a rival."""
        if self.uid is None:
            self.uid = uid
        if uid == self.uid:
            path.uid = uid
        else:
            self.rivals[uid] = now_s
            if len(self.rivals) > MAX_CANDIDATES:
                del self.rivals[min(self.rivals, key=self.rivals.__getitem__)]


@dataclass(slots=True)
class Door:
    """One system id on one link: which vehicles may be meant by it, and who knocks."""

    claimants: list[Identity] = field(default_factory=list)
    candidates: dict[Place, Candidate] = field(default_factory=dict)
    probed_s: float | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """A question to a place that has yet to prove itself; nothing else goes there. `sealed`: whose key signs it."""

    place: Place
    system_id: int
    token: int
    asks_uid: bool
    sealed: Identity | None


@dataclass(frozen=True, slots=True)
class Impostor:
    """A live place that answers under a vehicle's address but is another autopilot, or the same one a second time."""

    place: Place
    system_id: int
    identity: Identity
    uid: str | None


OnImpostor = Callable[[Impostor], None]


class Directory:
    """All enrolled vehicles by where they may be heard. One task owns it."""

    def __init__(self, *, token: Callable[[], int], on_impostor: OnImpostor) -> None:
        """`token`: an unguessable number of 62 bits."""
        self.identities: dict[VehicleId, Identity] = {}
        self.refused_candidates = 0
        self.version = 0  # moves on whenever a place may be somebody else's than it was
        self._knocked: dict[tuple[str, int], Door] = {}  # those with candidates
        self._doors: dict[tuple[str, int], Door] = {}
        self._token = token
        self._on_impostor = on_impostor

    def enroll(self, identity: Identity) -> None:
        """Adds a vehicle, or replaces it: what was proven under the old enrolment is proven anew."""
        self.retire(identity.id)
        self.version += 1
        self.identities[identity.id] = identity
        for link in identity.config.links:
            door = self._doors.setdefault((link, identity.config.system_id), Door())
            door.claimants.append(identity)

    def retire(self, vehicle_id: VehicleId) -> None:
        identity = self.identities.pop(vehicle_id, None)
        if identity is None:
            return
        self.version += 1
        for link in identity.config.links:
            key = (link, identity.config.system_id)
            door = self._doors[key]
            door.claimants.remove(identity)
            if not door.claimants:
                del self._doors[key]
                self._knocked.pop(key, None)

    def doubt(self, place: Place, system_id: int) -> str | None:
        """Why a place is not believed (`UnenrolledVehicle.why`); None when it is."""
        door = self._doors.get((place[0], system_id))
        if door is None:
            return "unknown"
        if any(place in each.paths for each in door.claimants):
            return None
        candidate = door.candidates.get(place)
        return "unproven" if candidate is None or candidate.uid is None else "another-autopilot"

    # --- hearing ---

    def plain_owner(self, place: Place, system_id: int) -> Identity | None:
        """Whose an unsigned frame from a proven place is, for as long as `version` stays; None: look at each one."""
        door = self._doors.get((place[0], system_id))
        if door is None:
            return None
        first = next((each for each in door.claimants if place in each.paths), None)
        return None if first is None or first.replayed or not first.seal.admits(Verdict.UNSIGNED, 0) else first

    def hear_plain(self, identity: Identity, path: Path, now_s: float) -> bool | None:
        """`hear` for an unsigned frame of `plain_owner`: whether it may be acted upon; None: `hear` has to decide."""
        if path.signed_s is not None:
            return None
        if now_s - path.heard_s > LIVE_S:
            path.steady_s = now_s
        path.heard_s = now_s
        if identity.active is path and len(identity.paths) == 1:
            return True
        return identity.choose(now_s) is path

    def hear(
        self, place: Place, frame: Frame, now_s: float, *, called: bool, replay: bool = False
    ) -> Identity | None:
        """The vehicle that the frame is of and may be acted upon for; None: nobody's, or not proven, or not needed.

        `called`: we chose the peer ourselves (a client, a serial line), so its address needs no proof. `replay`: it
        is a recording, which cannot be asked anything and is never answered.
        """
        door = self._doors.get((place[0], frame.source.system_id))
        if door is None:
            return None
        identity, verdict = self._owner(door, place, frame)
        if identity is None:
            self._knock(door, place, frame, now_s, called=called, replay=replay, verdict=verdict)
            return None
        path = identity.paths.get(place)
        if path is None:
            # A key proved the vehicle at a new place.
            door.candidates.pop(place, None)
            path = identity.prove(place, now_s)
            self.version += 1
        if verdict is Verdict.SIGNED:
            path.signed_s = now_s
        elif path.signs(now_s):
            return None
        path.hear(now_s)
        if isinstance(frame.packet, AutopilotVersion) and frame.packet.uid is not None:
            identity.tell_uid(path, frame.packet.uid, now_s)
        return identity if identity.choose(now_s) is path else None

    def _owner(self, door: Door, place: Place, frame: Frame) -> tuple[Identity | None, Verdict]:
        """Whose the frame is: by its key, or by a place that was proven before; and what its signature says."""
        verdict = Verdict.UNSIGNED
        known = [identity for identity in door.claimants if place in identity.paths]
        for identity in (*known, *(each for each in door.claimants if each not in known)):
            found = identity.seal.look(frame.frame)
            if found is Verdict.SIGNED or (identity in known and identity.seal.admits(found, frame.frame.message_id)):
                return identity, found
            verdict = found if found is not Verdict.FORGED or verdict is Verdict.UNSIGNED else verdict
        return None, verdict

    # --- places that have yet to prove themselves ---

    def _knock(
        self, door: Door, place: Place, frame: Frame, now_s: float, *, called: bool, replay: bool, verdict: Verdict
    ) -> None:
        if verdict in (Verdict.FORGED, Verdict.REPLAYED) or any(place in each.paths for each in door.claimants):
            return
        self._knocked[place[0], frame.source.system_id] = door
        candidate = door.candidates.get(place) or self._candidate(door, place, now_s)
        if candidate is None:
            return
        candidate.heard_s = now_s
        candidate.answered = candidate.answered or called
        match frame.packet:
            case Timesync(tc1, ts1) if tc1 != 0 and candidate.probed_s is not None:
                candidate.answered = candidate.answered or ts1 == candidate.token
            case AutopilotVersion(uid=uid) if candidate.answered:
                candidate.uid = uid
        self._decide(door, candidate, frame.source.system_id, now_s, replay=replay)

    def _candidate(self, door: Door, place: Place, now_s: float) -> Candidate | None:
        """A seat for a new place: at most four, first come, and those that do not answer have to leave."""
        if len(door.candidates) >= MAX_CANDIDATES:
            stale = [each for each in door.candidates.values() if now_s - each.since_s > _CANDIDATE_S]
            if not stale:
                self.refused_candidates += 1
                return None
            del door.candidates[min(stale, key=lambda each: (each.answered, each.heard_s)).place]
        door.candidates[place] = Candidate(place, self._token(), now_s, now_s)
        return door.candidates[place]

    def _decide(self, door: Door, candidate: Candidate, system_id: int, now_s: float, *, replay: bool) -> None:
        """Lets a candidate in when it has proven all that is asked of it; else tells of an impostor."""
        unsigned = [
            each for each in door.claimants if each.seal.policy is not SigningPolicy.REQUIRE and not each.signs(now_s)
        ]
        if replay and unsigned:
            unsigned[0].replayed = True
            self._admit(door, candidate, unsigned[0], now_s)
        elif candidate.answered and unsigned:
            self._match(door, candidate, unsigned, system_id, now_s)

    def _match(
        self, door: Door, candidate: Candidate, claimants: list[Identity], system_id: int, now_s: float
    ) -> None:
        if len(claimants) == 1 and not claimants[0].expects_uid():
            self._admit(door, candidate, claimants[0], now_s)
        elif candidate.uid is not None:
            owner = next((each for each in claimants if each.uid == candidate.uid), None)
            owner = owner or next((each for each in claimants if each.uid is None), None)
            if owner is not None:
                self._admit(door, candidate, owner, now_s)
                return
            (first, *_) = claimants
            if first.config.uid is None and len(claimants) == 1:
                if first.is_gone(now_s):
                    first.uid = candidate.uid
                    self._admit(door, candidate, first, now_s)
                    return
                # Which of the two is the enrolled one, nobody told us.
                first.rivals[candidate.uid] = now_s
            self._on_impostor(Impostor(candidate.place, system_id, first, candidate.uid))

    def _admit(self, door: Door, candidate: Candidate, identity: Identity, now_s: float) -> None:
        del door.candidates[candidate.place]
        self.version += 1
        identity.prove(candidate.place, now_s, uid=candidate.uid)

    # --- what time brings ---

    def probes(self, now_s: float) -> Iterable[Probe]:
        """The questions due now: one a second for each door, its candidates in turn."""
        for key, door in tuple(self._knocked.items()):
            system_id = key[1]
            self._forget(door, now_s)
            if not door.candidates:
                del self._knocked[key]
                continue
            if door.probed_s is not None and now_s - door.probed_s < PROBE_EVERY_S:
                continue
            candidate = min(door.candidates.values(), key=lambda each: (each.probed_s or 0.0, each.since_s))
            door.probed_s = candidate.probed_s = now_s
            asks_uid = len(door.claimants) > 1 or any(each.expects_uid() for each in door.claimants)
            keyed = [each for each in door.claimants if each.seal.has_key]
            sealed = keyed[0] if len(door.claimants) == len(keyed) == 1 else None
            yield Probe(candidate.place, system_id, candidate.token, asks_uid, sealed)

    @staticmethod
    def _forget(door: Door, now_s: float) -> None:
        gone = [place for place, each in door.candidates.items() if now_s - each.heard_s > _CANDIDATE_S]
        for place in gone:
            del door.candidates[place]
