"""Who is who: a place has to prove itself, and nobody can push a vehicle out or be taken for it."""

from __future__ import annotations

import itertools

import pytest

from core.clock import ManualClock
from core.geo import LatLon
from core.ids import DockId, VehicleId
from missions.enrollment import SigningPolicy
from missions.model import Airframe, Dock
from telemetry.framing import Framer, Header, RawFrame, build
from telemetry.identity import MAX_CANDIDATES, RIVAL_S, Directory, Identity, Impostor, Place, Probe
from telemetry.packets import AutopilotVersion, Heartbeat, Inbound, Timesync
from telemetry.signing import Seal, Signer, SigningClock
from telemetry.vehicle import VehicleConfig
from telemetry.wire import CRC_EXTRA, Encoder, Frame, MavAddress

DOCK = Dock(DockId("dock"), "机场", "dock", LatLon(31.139, 121.124), 4.0, 20.0)
FRAME = Airframe("quad", 130, 280, 260, 10, 50, 15, 3, 2)
KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
BEAT = Heartbeat(is_autopilot=True, armed=False, custom_mode=0, system_status=4)
HOME: Place = ("field", ("10.0.0.1", 14550))
AWAY: Place = ("field", ("10.0.0.2", 14550))
SPARE: Place = ("radio", ("10.0.0.3", 14550))


class World:
    """A directory with a clock in the hand; places say things."""

    def __init__(self, *configs: VehicleConfig) -> None:
        self.clock = ManualClock()
        self.signing = SigningClock(self.clock)
        self.impostors: list[Impostor] = []
        tokens = itertools.count(1)
        self.directory = Directory(token=lambda: next(tokens), on_impostor=self.impostors.append)
        for config in configs:
            self.directory.enroll(Identity(config, Seal(config.signing, config.key, self.signing)))

    @property
    def now_s(self) -> float:
        return self.clock.mono_s()

    def identity(self, number: int = 1) -> Identity:
        return self.directory.identities[VehicleId(f"bl-{number}")]

    def say(
        self, place: Place, packet: Inbound = BEAT, *, key: bytes | None = None, called: bool = False
    ) -> str | None:
        """What is said from `place`; the vehicle that it counts for."""
        frame = a_frame(packet, key, self.signing.next())
        heard = self.directory.hear(place, frame, self.now_s, called=called)
        return heard.id if heard else None

    def probes(self) -> list[Probe]:
        return list(self.directory.probes(self.now_s))

    def answer(self, place: Place, uid: str | None = None) -> None:
        """`place` speaks, is asked, and answers as an autopilot does."""
        self.say(place)
        for _ in range(MAX_CANDIDATES):
            for probe in self.probes():
                if probe.place == place:
                    self.say(place, Timesync(5, probe.token))
                    if probe.asks_uid:
                        self.say(place, AutopilotVersion("4.6.3", uid))
                    return
            self.clock.advance(1.0)

    def settle(self, seconds: float, *places: Place) -> None:
        """Time passes while `places` speak five times a second."""
        for _ in range(round(seconds * 5)):
            self.clock.advance(0.2)
            for place in places:
                self.say(place)


def a_frame(packet: Inbound, key: bytes | None, stamp: int) -> Frame:
    signer = Signer(key, 1, lambda: stamp) if key else None
    data = Encoder(MavAddress(11, 1)).frame(BEAT, MavAddress(0, 0), signer)
    (raw,) = Framer(CRC_EXTRA).feed(data)
    return Frame(MavAddress(11, 1), 0, data, packet, raw)


def a_config(number: int = 1, **changes: object) -> VehicleConfig:
    facts: dict[str, object] = {
        "id": VehicleId(f"bl-{number}"), "name": f"{number}", "links": ("field",), "system_id": 11, "dock": DOCK,
        "airframe": FRAME,
    }  # fmt: skip
    return VehicleConfig(**(facts | changes))  # type: ignore[arg-type]


def test_a_place_is_believed_when_it_echoes_what_only_it_was_asked() -> None:
    world = World(a_config())
    assert world.say(HOME) is None
    (probe,) = world.probes()
    assert world.say(HOME, Timesync(5, probe.token + 1)) is None
    assert world.say(HOME) is None
    world.say(HOME, Timesync(5, probe.token))
    assert world.say(HOME) == "bl-1"


def test_a_peer_that_we_called_is_believed_at_once() -> None:
    assert World(a_config()).say(HOME, called=True) is None  # the frame that proves it
    world = World(a_config())
    world.say(HOME, called=True)
    assert world.say(HOME, called=True) == "bl-1"


def test_a_known_autopilot_is_believed_by_its_id_only() -> None:
    world = World(a_config(uid="aa"))
    world.answer(HOME, uid="bb")
    assert world.say(HOME) is None
    assert world.impostors[0].uid == "bb"
    world.answer(AWAY, uid="aa")
    assert world.say(AWAY) == "bl-1"
    assert not world.identity().is_ambiguous(world.now_s)


def test_two_with_one_system_id_on_one_port_are_told_apart_by_their_ids() -> None:
    world = World(a_config(1, uid="aa"), a_config(2, uid="bb"))
    world.answer(HOME, uid="bb")
    world.answer(AWAY, uid="aa")
    assert (world.say(HOME), world.say(AWAY)) == ("bl-2", "bl-1")


def test_two_with_one_system_id_on_two_links_stay_two() -> None:
    world = World(a_config(1), a_config(2, links=("radio",)))
    world.answer(HOME)
    world.answer(SPARE)
    assert (world.say(HOME), world.say(SPARE)) == ("bl-1", "bl-2")


def test_a_vehicle_that_moves_to_another_address_is_back_within_a_second() -> None:
    world = World(a_config(uid="aa"))
    world.answer(HOME, uid="aa")
    world.settle(3, HOME)
    left_s = world.now_s
    while world.say(AWAY) is None:
        for probe in world.probes():
            world.say(AWAY, Timesync(5, probe.token))
            world.say(AWAY, AutopilotVersion("4.6.3", "aa"))
        world.clock.advance(0.1)
        assert world.now_s - left_s <= 1.0


def test_a_stranger_does_not_push_a_live_vehicle_out() -> None:
    world = World(a_config())
    world.answer(HOME)
    world.settle(1, HOME)
    world.answer(AWAY)
    for _ in range(50):
        world.settle(0.2, HOME, AWAY)
        assert world.say(AWAY) is None
        assert world.say(HOME) == "bl-1"
    assert world.identity().doubled(world.now_s)


def test_two_autopilots_under_one_name_are_ambiguous_until_one_is_gone() -> None:
    world = World(a_config())
    world.answer(HOME)
    world.say(HOME, AutopilotVersion("4.6.3", "aa"))
    asked_s = world.now_s
    world.answer(AWAY, uid="bb")
    assert world.identity().is_ambiguous(world.now_s)
    assert world.now_s - asked_s <= 2.0
    world.settle(20, HOME, AWAY)
    assert world.identity().is_ambiguous(world.now_s)
    world.settle(RIVAL_S + 0.5, HOME)
    assert not world.identity().is_ambiguous(world.now_s)


def test_two_autopilots_on_one_line_are_ambiguous() -> None:
    world = World(a_config(uid="aa"))
    world.answer(HOME, uid="aa")
    world.say(HOME, AutopilotVersion("4.6.3", "bb"))
    assert world.identity().is_ambiguous(world.now_s)


def test_another_autopilot_is_taken_for_a_vehicle_without_an_enrolled_id_when_the_first_is_gone() -> None:
    world = World(a_config())
    world.answer(HOME)
    world.say(HOME, AutopilotVersion("4.6.3", "aa"))
    world.clock.advance(11)
    world.answer(AWAY, uid="bb")
    assert world.say(AWAY) == "bl-1"


def test_a_fresh_signed_frame_proves_a_place_at_once_and_a_forged_one_nothing() -> None:
    world = World(a_config(signing=SigningPolicy.REQUIRE, key=KEY))
    assert world.say(HOME, key=OTHER) is None
    assert world.probes() == []
    assert world.say(HOME) is None
    assert world.say(HOME, key=KEY) == "bl-1"
    assert world.say(HOME) is None
    assert world.say(HOME, key=KEY) == "bl-1"


def test_an_echo_proves_nothing_where_signatures_are_required() -> None:
    world = World(a_config(signing=SigningPolicy.REQUIRE, key=KEY))
    world.answer(HOME)
    assert world.say(HOME) is None


def test_keys_tell_two_apart_that_share_a_line_and_a_system_id() -> None:
    policy = SigningPolicy.REQUIRE
    world = World(a_config(1, signing=policy, key=KEY), a_config(2, signing=policy, key=OTHER))
    for _ in range(5):
        assert (world.say(HOME, key=KEY), world.say(HOME, key=OTHER)) == ("bl-1", "bl-2")


def test_a_vehicle_that_signs_cannot_be_talked_over_without_a_key() -> None:
    world = World(a_config(signing=SigningPolicy.PREFER, key=KEY))
    assert world.say(HOME, key=KEY) == "bl-1"
    assert world.say(HOME) is None
    world.answer(AWAY)
    world.say(HOME, key=KEY)
    assert world.say(AWAY) is None


def test_a_vehicle_whose_signing_time_is_behind_is_asked_under_its_key() -> None:
    world = World(a_config(signing=SigningPolicy.REQUIRE, key=KEY))
    late = a_frame(BEAT, KEY, world.signing.now() - 120 * 100_000)
    assert world.directory.hear(HOME, late, world.now_s, called=False) is None
    (probe,) = world.probes()
    assert probe.sealed is world.identity()


def test_nothing_but_one_question_a_second_goes_to_unproven_places_however_many_there_are() -> None:
    world = World(a_config())
    world.answer(HOME)
    asked = 0
    for number in range(2_000):
        place = ("field", (f"10.1.{number // 250}.{number % 250}", 5))
        world.say(place)
        world.say(HOME)
        asked += len(world.probes())
        world.clock.advance(0.01)
    assert asked <= 21
    assert list(world.identity().paths) == [HOME]
    assert world.directory.refused_candidates > 1_900


@pytest.mark.parametrize("silent_s", [0.7, 3.0])
def test_another_link_takes_over_when_the_first_falls_silent_and_gives_back_when_it_is_steady(
    silent_s: float,
) -> None:
    world = World(a_config(links=("field", "radio")))
    world.answer(HOME)
    world.answer(SPARE)
    world.settle(2, HOME, SPARE)
    assert (world.say(HOME), world.say(SPARE)) == ("bl-1", None)
    world.settle(silent_s, SPARE)
    assert world.say(SPARE) == "bl-1"
    world.settle(2, HOME, SPARE)
    assert (world.say(HOME), world.say(SPARE)) == (None, "bl-1")
    world.settle(5, HOME, SPARE)
    assert (world.say(HOME), world.say(SPARE)) == ("bl-1", None)


def test_an_enrolment_that_changed_has_to_be_proven_anew_and_a_retired_one_is_heard_no_more() -> None:
    world = World(a_config())
    world.answer(HOME)
    config = a_config(signing=SigningPolicy.REQUIRE, key=KEY)
    world.directory.enroll(Identity(config, Seal(config.signing, config.key, world.signing)))
    assert world.say(HOME) is None
    assert world.say(HOME, key=KEY) == "bl-1"
    world.directory.retire(VehicleId("bl-1"))
    assert world.say(HOME, key=KEY) is None
    assert world.directory.doubt(HOME, 11) == "unknown"


def test_the_key_never_shows_in_words() -> None:
    config = a_config(key=KEY)
    assert KEY.hex() not in repr(config)
    assert repr(KEY) not in repr(config)


def test_a_frame_of_another_system_is_nobodys() -> None:
    raw = build(Header(0, 12, 1, 0), b"\x01", CRC_EXTRA[0])
    (frame,) = Framer(CRC_EXTRA).feed(raw)
    assert isinstance(frame, RawFrame)
    world = World(a_config())
    assert world.directory.hear(HOME, Frame(MavAddress(12, 1), 0, raw, BEAT, frame), 0.0, called=True) is None
