"""Thousands of broken files: each is read or refused in words, and what is read can be published."""

from __future__ import annotations

import random

import pytest

from core.errors import InvalidRequest
from geofence.formats.crs import Crs
from geofence.formats.intake import Options
from geofence.geojson import parse_zones, zone_collection
from geofence.zones import Role
from missions.formats.files import MISSION_FORMATS, read_file, write_mission
from tests.geofence.formats.mutate import mutated
from tests.geofence.formats.samples import samples
from tests.missions.formats.plans import a_plan

FILES = (*samples().values(), *(write_mission(a_plan(), form)[0] for form in MISSION_FORMATS))


@pytest.mark.parametrize("seed", range(6))
def test_a_broken_file_is_refused_in_words_and_never_more(seed: int) -> None:
    rng = random.Random(seed)
    read = 0
    for _ in range(150):
        data = mutated(rng.choice(FILES), rng)
        options = Options(crs=rng.choice([Crs.WGS84, *Crs, None]), role=rng.choice([*Role, None]))
        try:
            found = read_file(data, options)
        except InvalidRequest as refused:
            assert refused.errors  # noqa: PT017  (the rule is that nothing else comes)
        else:
            read += 1
            assert parse_zones(zone_collection(found.zones)) == found.zones
    assert read > 3, "mutations that break everything test nothing"
