from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidRequest
from missions.patterns.camera import (
    CAMERAS,
    MOST_OVERLAP,
    Camera,
    Shooting,
    alt_agl_for_m,
    footprint,
    resolution_cm,
    shooting,
    speed_error,
)

APSC = CAMERAS["24 MP APS-C 16 mm"]


def shoot(
    alt_agl_m: float | None = 80.0,
    resolution_cm_wanted: float | None = None,
    side_overlap: float = 0.7,
    front_overlap: float = 0.8,
) -> Shooting:
    return shooting(
        APSC,
        alt_agl_m=alt_agl_m,
        resolution_cm_wanted=resolution_cm_wanted,
        side_overlap=side_overlap,
        front_overlap=front_overlap,
        lowest_agl_m=20.0,
        highest_agl_m=120.0,
    )


def pointers(caught: pytest.ExceptionInfo[InvalidRequest]) -> list[str]:
    return [error.pointer for error in caught.value.errors]


def test_a_known_camera_shows_what_its_sides_and_lens_say() -> None:
    shown = footprint(APSC, 80.0)
    assert shown.across_m == pytest.approx(80 * 23.5 / 16)
    assert shown.along_m == pytest.approx(80 * 15.6 / 16)
    assert resolution_cm(APSC, 80.0) == pytest.approx(100 * shown.across_m / 6000)


@pytest.mark.parametrize("camera", CAMERAS.values(), ids=lambda camera: camera.name)
@given(wanted_cm=st.floats(0.1, 50.0))
def test_from_the_altitude_for_a_resolution_that_resolution_is_seen(camera: Camera, wanted_cm: float) -> None:
    assert resolution_cm(camera, alt_agl_for_m(camera, wanted_cm)) == pytest.approx(wanted_cm)


@given(st.floats(20.0, 120.0), st.floats(0.0, MOST_OVERLAP), st.floats(0.0, MOST_OVERLAP))
def test_neighbouring_pictures_overlap_as_asked(alt_agl_m: float, side: float, front: float) -> None:
    shown = footprint(APSC, alt_agl_m)
    plan = shoot(alt_agl_m=alt_agl_m, side_overlap=side, front_overlap=front)
    assert 1 - plan.swath_m / shown.across_m == pytest.approx(side)
    assert 1 - plan.trigger_distance_m / shown.along_m == pytest.approx(front)


def test_the_fastest_speed_leaves_the_camera_its_interval() -> None:
    plan = shoot()
    assert plan.trigger_distance_m / plan.fastest_mps == pytest.approx(APSC.least_interval_s)
    assert speed_error(APSC, plan, plan.fastest_mps, "/properties/speed_mps") is None
    error = speed_error(APSC, plan, plan.fastest_mps + 1, "/properties/speed_mps")
    assert error is not None
    assert f"{plan.fastest_mps:.1f} m/s" in error.detail


def test_a_resolution_is_given_instead_of_an_altitude() -> None:
    plan = shoot(alt_agl_m=None, resolution_cm_wanted=2.0)
    assert plan.resolution_cm == pytest.approx(2.0)
    assert plan.alt_agl_m == pytest.approx(alt_agl_for_m(APSC, 2.0))


@pytest.mark.parametrize("wanted_cm", [0.2, 9.0])
def test_a_resolution_out_of_reach_is_told_with_what_is_in_reach(wanted_cm: float) -> None:
    with pytest.raises(InvalidRequest, match=r"between 20 and 120 m may be flown: 0\.49 to 2\.94 cm"):
        shoot(alt_agl_m=None, resolution_cm_wanted=wanted_cm)


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        shoot(alt_agl_m=200.0, side_overlap=1.0, front_overlap=-0.1)
    assert pointers(caught) == [
        "/properties/alt_agl_m",
        "/properties/side_overlap",
        "/properties/front_overlap",
    ]


@pytest.mark.parametrize("wanted_cm", [0.0, -1.0, float("nan"), float("inf")])
def test_a_resolution_that_is_none_is_refused(wanted_cm: float) -> None:
    with pytest.raises(InvalidRequest) as caught:
        shoot(alt_agl_m=None, resolution_cm_wanted=wanted_cm)
    assert pointers(caught) == ["/properties/resolution_cm"]


def test_altitude_and_resolution_exclude_each_other() -> None:
    with pytest.raises(InvalidRequest, match="not both"):
        shoot(resolution_cm_wanted=2.0)
    with pytest.raises(InvalidRequest, match="not neither"):
        shoot(alt_agl_m=None)


@pytest.mark.parametrize("figure", [field.name for field in dataclasses.fields(APSC)[1:]])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_camera_without_a_size_is_no_camera(figure: str, value: float) -> None:
    with pytest.raises(ValueError, match=figure):
        Camera(**{**dataclasses.asdict(APSC), figure: value})


def test_nan_overlaps_are_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        shoot(side_overlap=float("nan"))
    assert pointers(caught) == ["/properties/side_overlap"]
