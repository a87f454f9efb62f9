"""Kinds of zones: every class of the regulation is there once, and data that nobody could use is not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.members import Problems
from geofence.geojson import LARGEST_MARGIN_M
from geofence.kinds import OTHER, legal_sources, read_kind, zone_kinds
from geofence.qingpu import default_airspace
from geofence.zones import Role


def test_every_item_of_the_regulation_has_a_kind() -> None:
    articles = {kind.article for kind in zone_kinds().values()}
    assert {f"761/19({item})" for item in range(1, 9)} <= articles
    assert OTHER in zone_kinds()


def test_every_kind_is_complete_and_names_a_source_that_there_is() -> None:
    sources = {source.id for source in legal_sources()}
    for kind in zone_kinds().values():
        assert kind.id == kind.id.lower().strip()
        assert kind.name
        assert kind.name_en
        assert 0.0 <= kind.margin_m <= LARGEST_MARGIN_M
        assert not kind.article or kind.article.partition("/")[0] in sources


def test_controlled_airspace_is_kept_out_of_unless_its_zone_says_otherwise() -> None:
    listed = [kind for kind in zone_kinds().values() if kind.article.startswith("761/19(")]
    assert {kind.role for kind in listed} == {Role.EXCLUSION}
    assert all(kind.margin_m >= 10.0 for kind in listed)


@pytest.mark.parametrize(("kind", "notice"), [("temporary-event", "24 h"), ("temporary-emergency", "30 min")])
def test_temporary_airspace_is_announced_as_article_20_asks(kind: str, notice: str) -> None:
    asked = {"24 h": timedelta(hours=24), "30 min": timedelta(minutes=30)}[notice]
    assert zone_kinds()[kind].notice == asked
    assert zone_kinds()["airport"].notice is None


def test_the_default_zones_are_of_known_kinds() -> None:
    assert {zone.kind for zone in default_airspace().zones} <= set(zone_kinds())


@pytest.mark.parametrize("value", ["volcano", "", 7, None, ["airport"]])
def test_an_unknown_kind_is_answered_with_the_list(value: object) -> None:
    problems = Problems()
    assert read_kind(value, "/kind", problems) is None
    with pytest.raises(Exception, match=r"one of prohibited-airspace, .*, other"):
        problems.raise_any()
