"""Whom a rule tells what, where data may go, and what a topic becomes: pure."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidRequest
from core.geo import LatLon
from core.ids import VehicleId
from geofence.zones import PolygonShape
from operations.alarms import Severity
from operations.forwarding.addresses import TargetKind, refusal, same_door, url_errors
from operations.forwarding.matching import NOWHERE, Happening, Matcher, Whereabouts
from operations.forwarding.rules import Filter, What, check, is_overheard
from operations.forwarding.topics import topic, topic_errors
from tests.forwarding.stage import NOW, rule

SQUARE = PolygonShape(
    (LatLon(31.0, 121.0), LatLon(31.0, 121.2), LatLon(31.2, 121.2), LatLon(31.2, 121.0)),
    holes=((LatLon(31.08, 121.08), LatLon(31.08, 121.12), LatLon(31.12, 121.12), LatLon(31.12, 121.08)),),
)
IN = Whereabouts("town-xiayang", (121.05, 31.05))
IN_HOLE = Whereabouts("town-xiayang", (121.1, 31.1))
OUT = Whereabouts("town-xiayang", (121.3, 31.05))


def happening(what: What = What.ALARMS, vehicle_id: str | None = "bl-01", **changes: object) -> Happening:
    plain = Happening(1, what, NOW, "low-battery", Severity.WARNING, None, b"{}")
    return replace(plain, vehicle_id=vehicle_id and VehicleId(vehicle_id), **changes)  # type: ignore[arg-type]


def takes(told: Filter, of: Happening, where: Whereabouts = NOWHERE, what: tuple[What, ...] = tuple(What)) -> bool:
    return Matcher(rule(filter=told, what=what)).takes(of, where)


def test_a_rule_without_a_filter_tells_everything_of_its_kinds_and_nothing_else() -> None:
    assert takes(Filter(), happening(vehicle_id=None), what=(What.ALARMS,))
    assert not takes(Filter(), happening(What.SORTIES), what=(What.ALARMS,))


@pytest.mark.parametrize(("where", "told"), [(IN, True), (IN_HOLE, False), (OUT, False), (NOWHERE, False)])
def test_an_area_takes_what_is_in_it_and_not_in_its_holes(where: Whereabouts, told: bool) -> None:
    assert takes(Filter(area=SQUARE), happening(), where) is told


def test_codes_and_severities_narrow_events_and_alarms_and_leave_sorties_in() -> None:
    narrow = Filter(codes=("fence-breach",), severities=(Severity.CRITICAL,))
    assert not takes(narrow, happening())
    assert not takes(narrow, happening(code="fence-breach"))
    assert takes(narrow, happening(code="fence-breach", severity=Severity.CRITICAL))
    assert takes(narrow, happening(What.SORTIES, code="landed", severity=None))


def test_what_names_several_vehicles_is_told_where_any_is_chosen_and_all_are_of_the_units() -> None:
    both = happening(What.TRAFFIC, others=(VehicleId("bl-02"),))

    def told(narrow: Filter, unit: str) -> bool:
        other = {VehicleId("bl-02"): Whereabouts(unit, (121.3, 31.05))}
        return Matcher(rule(filter=narrow, what=tuple(What))).takes(both, IN, other)

    assert told(Filter(vehicle_ids=(VehicleId("bl-02"),)), "another")
    assert not told(Filter(vehicle_ids=(VehicleId("bl-03"),)), "town-xiayang")
    assert told(Filter(area=SQUARE), "another")
    assert told(Filter(units=("town-xiayang",)), "town-xiayang")
    assert not told(Filter(units=("town-xiayang",)), "another")
    assert not told(Filter(units=("another",)), "another")


def test_what_concerns_no_vehicle_passes_only_where_vehicles_are_not_chosen() -> None:
    for narrow in (Filter(vehicle_ids=(VehicleId("bl-01"),)), Filter(units=("town-xiayang",)), Filter(area=SQUARE)):
        assert not takes(narrow, happening(vehicle_id=None))


CHOICES = st.tuples(
    st.frozensets(st.sampled_from(["bl-01", "bl-02"])), st.frozensets(st.sampled_from(["u-1", "u-2"])),
    st.sampled_from([None, "bl-01", "bl-02", "bl-03"]), st.sampled_from([None, "u-1", "u-2", "u-3"]),
)  # fmt: skip


@given(CHOICES)
def test_vehicles_and_units_are_chosen_both_at_once(
    choice: tuple[frozenset[str], frozenset[str], str | None, str | None],
) -> None:
    vehicles, units, vehicle, unit = choice
    told = Filter(vehicle_ids=tuple(map(VehicleId, vehicles)), units=tuple(units))
    wanted = (not vehicles or vehicle in vehicles) and (not units or unit in units)
    assert takes(told, happening(vehicle_id=vehicle), Whereabouts(unit)) is wanted


@given(st.ip_addresses())
def test_nothing_is_ever_sent_to_a_link_local_address_however_it_is_written(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        assert refusal(address, private_allowed=True)
    if address.is_private:
        assert refusal(address, private_allowed=False)


@pytest.mark.parametrize(
    "text",
    ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "fe80::1",
     "100.100.100.200", "fd00:ec2::254", "0.0.0.0", "::", "224.0.0.1", "255.255.255.255"],
)  # fmt: skip
def test_metadata_services_are_refused_also_where_private_addresses_are_allowed(text: str) -> None:
    assert refusal(ipaddress.ip_address(text), private_allowed=True)


@pytest.mark.parametrize("text", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "::1", "fd12::1", "100.64.0.1"])
def test_private_addresses_are_a_matter_of_the_settings(text: str) -> None:
    assert refusal(ipaddress.ip_address(text), private_allowed=True) is None
    assert refusal(ipaddress.ip_address(text), private_allowed=False)


@pytest.mark.parametrize(
    ("kind", "url"),
    [(TargetKind.HTTP, "file:///etc/passwd"), (TargetKind.HTTP, "gopher://a/"), (TargetKind.HTTP, "https://"),
     (TargetKind.WEBSOCKET, "https://a/"), (TargetKind.MQTT, "mqtt://a/topic"), (TargetKind.HTTP, "http://a:0/"),
     (TargetKind.HTTP, "http://a:99999/"), (TargetKind.HTTP, "http://a/#x"), (TargetKind.HTTP, "http://a\n/"),
     (TargetKind.HTTP, "http://u:p@a/")],
)  # fmt: skip
def test_only_addresses_of_the_kinds_own_schemes_are_taken(kind: TargetKind, url: str) -> None:
    assert url_errors(kind, url)


def test_the_same_door_is_the_same_scheme_host_and_port() -> None:
    assert same_door("https://a.example/x", "https://a.example:443/y")
    assert not same_door("https://a.example/x", "http://a.example/x")
    assert not same_door("https://a.example/x", "https://b.example/x")


def test_secrets_in_the_clear_are_noticed() -> None:
    assert is_overheard(rule("http://a.example/", secrets=("token",)))
    assert not is_overheard(rule("https://a.example/", secrets=("token",)))
    assert not is_overheard(rule("http://a.example/"))


@given(st.text(max_size=40))
def test_a_topic_keeps_its_levels_whatever_a_value_holds(value: str) -> None:
    made = topic("bailu/{unit}/{vehicle_id}/state", {"unit": value, "vehicle_id": "bl-01"})
    assert made.count("/") == 3
    assert not topic_errors("", made.replace("{", "").replace("}", ""))


def test_a_secret_of_another_kind_of_target_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="/target/password"):
        check(rule("https://a.example/", secrets=("password",)))
