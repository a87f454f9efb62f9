"""Rings that can mean two areas: an exclusion keeps all that they may cover, an inclusion what they surely do."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from core.errors import InvalidRequest
from geofence.formats.intake import Intake, Options
from geofence.formats.report import Change, Format, Note
from geofence.formats.rings import RawRing, shapes
from geofence.frame import Array, lonlat_array
from geofence.zones import PolygonShape, Role
from tests.geofence.formats.samples import BOW_TIE, INNER, SQUARE

Points = list[tuple[float, float]]
STAR = [[121.1 + 0.01 * np.cos(a), 31.1 + 0.01 * np.sin(a)] for a in np.arange(5) * 0.8 * np.pi]
# A grid, so that vertices fall on edges and on each other as they do in drawn files.
grid = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda at: (121.1 + at[0] * 1e-3, 31.1 + at[1] * 1e-3))
crossing_rings = st.lists(grid, min_size=3, max_size=10).filter(lambda ring: len(set(ring)) >= 3)


def settle(*rings: object, role: Role) -> tuple[tuple[PolygonShape, ...], tuple[Note, ...]]:
    """The shapes and the notes of an outer ring and holes. Raises InvalidRequest."""
    intake = Intake(Options())
    raw = [RawRing(np.array(ring, dtype=np.float64), f"/ring/{index}") for index, ring in enumerate(rings)]
    found = shapes(raw, "/polygon", role, intake)
    return found, intake.report(Format.KML).notes


def area(found: tuple[PolygonShape, ...]) -> BaseGeometry:
    return shapely.union_all(
        [Polygon(lonlat_array(each.outer), [lonlat_array(hole) for hole in each.holes]) for each in found]
    )


def refused(*rings: object, role: Role = Role.EXCLUSION) -> str:
    with pytest.raises(InvalidRequest) as caught:
        settle(*rings, role=role)
    return str(caught.value)


def turns(ring: Array, x: float, y: float) -> int:
    """The winding number by angles: another way than the code's."""
    around = np.unwrap(np.arctan2(ring[:, 1] - y, ring[:, 0] - x))
    return round(float(around[-1] - around[0]) / (2 * np.pi))


@settings(max_examples=60)
@given(crossing_rings, st.lists(grid, min_size=3, max_size=8).filter(lambda ring: len(set(ring)) >= 3) | st.none())
def test_an_exclusion_covers_what_any_reading_does_and_an_inclusion_nothing_else(
    outer: Points, hole: Points | None
) -> None:
    rings = [np.array([*ring, ring[0]]) for ring in (outer, hole) if ring]
    kept: dict[Role, BaseGeometry] = {}
    for role in (Role.EXCLUSION, Role.INCLUSION):
        try:
            kept[role] = area(settle(*rings, role=role)[0])
        except InvalidRequest:
            kept[role] = Polygon()
    places = np.random.default_rng(1).uniform((121.0999, 31.0999), (121.1061, 31.1061), (60, 2))
    for x, y in places:
        in_outer = turns(rings[0], x, y)
        in_hole = turns(rings[1], x, y) if hole else 0
        surely = in_outer % 2 == 1 and in_hole == 0
        perhaps = (in_outer != 0 and in_hole % 2 == 0) or (in_outer + in_hole) % 2 == 1 or (in_hole and not in_outer)
        inside = {role: shapely.contains_xy(kept[role], x, y) for role in kept}
        assert surely or not inside[Role.INCLUSION]
        if perhaps and not kept[Role.EXCLUSION].is_empty:
            assert inside[Role.EXCLUSION]


def test_a_bow_tie_is_two_exclusions_and_the_larger_half_of_an_inclusion() -> None:
    two, notes = settle(BOW_TIE, role=Role.EXCLUSION)
    assert len(two) == 2
    assert (notes[0].change, notes[0].path) == (Change.REPAIRED, "/polygon")
    one, notes = settle(BOW_TIE, role=Role.INCLUSION)
    assert len(one) == 1
    assert area(one).area == pytest.approx(area(two).area / 2, rel=1e-6)
    # A quarter of a square of 0.01° by 0.01° at 31.1° N.
    assert notes[0].area_m2 == pytest.approx(-953.0 * 1109.0 / 4, rel=0.01)


def test_the_middle_of_a_star_is_excluded_and_its_note_says_how_much_that_adds() -> None:
    (star,), (note,) = settle(STAR, role=Role.EXCLUSION)
    assert shapely.contains_xy(area((star,)), 121.1, 31.1)
    assert note.area_m2 is not None
    assert note.area_m2 > 100_000
    found, _ = settle(STAR, role=Role.INCLUSION)
    assert not shapely.contains_xy(area(found), 121.1, 31.1)


@pytest.mark.parametrize("role", [Role.EXCLUSION, Role.NO_FILM, Role.ADVISORY])
def test_a_hole_outside_is_covered_too_unless_the_zone_is_an_inclusion(role: Role) -> None:
    outside = [[lon + 0.05, lat] for lon, lat in INNER]
    covered, notes = settle(SQUARE, outside, role=role)
    assert area(covered).buffer(1e-9).covers(Polygon(outside))
    assert notes[0].area_m2 == pytest.approx(285.9 * 332.7, rel=0.01)
    kept, _ = settle(SQUARE, outside, role=Role.INCLUSION)
    assert area(kept).symmetric_difference(Polygon(SQUARE)).area < 1e-12


def test_a_sound_polygon_stays_as_it_is_without_a_note() -> None:
    (found,), notes = settle(SQUARE, INNER, role=Role.EXCLUSION)
    assert notes == ()
    assert [(at.lon_deg, at.lat_deg) for at in found.outer] == [tuple(at) for at in SQUARE[:-1]]
    assert len(found.holes) == 1


def test_an_unclosed_ring_is_the_same_area_and_repeated_positions_are_told() -> None:
    twice = [at for at in SQUARE[:-1] for _ in (0, 1)]
    (found,), (note,) = settle(twice, role=Role.EXCLUSION)
    assert found == settle(SQUARE, role=Role.EXCLUSION)[0][0]
    assert "4 repeated positions" in note.detail


def test_a_hole_of_centimetres_is_filled_in_an_exclusion_and_grown_in_an_inclusion() -> None:
    tiny = [[121.105, 31.105], [121.1050001, 31.105], [121.1050001, 31.1050001]]
    assert settle(SQUARE, tiny, role=Role.EXCLUSION)[0][0].holes == ()
    (kept,), (note,) = settle(SQUARE, tiny, role=Role.INCLUSION)
    assert len(kept.holes) == 1
    assert note.area_m2 is not None
    assert note.area_m2 < -1.0


@pytest.mark.parametrize(
    ("ring", "words"),
    [
        ([[31.1, 121.1], [31.2, 121.1], [31.2, 121.2]], "swapped: longitude comes first"),
        ([[121.1, 31.1], [121.2, 31.1]], "3 different"),
        ([[121.1, 31.1], [121.2, 31.1], [121.1, 31.1], [121.2, 31.1]], "3 different"),
        ([[121.1, 31.1], [121.2, 31.1], [121.3, 31.1]], "no area"),
        ([[121.1, 31.1], [181.0, 31.1], [121.1, 31.2]], "not on earth"),
        ([[121.1, 31.1], [np.nan, 31.1], [121.1, 31.2]], "finite"),
        ([[179.9, 31.1], [-179.9, 31.1], [-179.9, 31.2]], "antimeridian"),
    ],
)
def test_what_is_no_ring_is_refused_with_its_path(ring: object, words: str) -> None:
    said = refused(ring)
    assert words in said
    assert said.startswith("/")


def test_a_tangle_is_refused_before_it_costs_anything() -> None:
    rng = np.random.default_rng(3)
    assert "lie across each other" in refused(rng.uniform(30, 31, (6_000, 2)))
    assert "more than 1000 times" in refused(rng.uniform(30, 31, (190, 2)))
