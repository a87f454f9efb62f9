"""From a camera to a coverage: resolution on the ground, footprint, swath, distance and speed of the pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import resources
from types import MappingProxyType

from core.errors import FieldError, InvalidRequest
from core.members import below

# More than this and the next picture is a copy of the last: rows and pictures would never end.
MOST_OVERLAP = 0.95


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera that looks straight down, the image's width across the course (landscape).

    `least_interval_s`: the shortest time between two pictures. Raises ValueError when a figure is not positive.
    """

    name: str
    sensor_width_mm: float
    sensor_height_mm: float
    focal_length_mm: float
    image_width_px: int
    image_height_px: int
    least_interval_s: float

    def __post_init__(self) -> None:
        for item in fields(self)[1:]:
            value = getattr(self, item.name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{item.name} of camera {self.name!r} is {value}; it must be above zero")

    @property
    def pixel_mm(self) -> float:
        """The side of a pixel on the sensor, the longer one where they differ."""
        return max(self.sensor_width_mm / self.image_width_px, self.sensor_height_mm / self.image_height_px)


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one picture shows of level ground: metres across the course and along it."""

    across_m: float
    along_m: float


@dataclass(frozen=True, slots=True)
class Shooting:
    """How to fly and trigger so that resolution and overlaps hold; `fastest_mps` is what the camera can follow."""

    alt_agl_m: float
    resolution_cm: float
    swath_m: float
    trigger_distance_m: float
    fastest_mps: float


def _cameras() -> Mapping[str, Camera]:
    text = resources.files("missions").joinpath("data/cameras.json").read_text(encoding="utf-8")
    entries = [{key: value for key, value in entry.items() if key != "note"} for entry in json.loads(text)]
    return MappingProxyType({entry["name"]: Camera(**entry) for entry in entries})


# Every camera by its name; the file's notes say where the figures come from.
CAMERAS = _cameras()


def resolution_cm(camera: Camera, alt_agl_m: float) -> float:
    """Centimetres of ground that one pixel shows from `alt_agl_m` above it.

    Source: similar triangles of the pinhole camera, ground / altitude = pixel / focal length.
    """
    return 100.0 * alt_agl_m * camera.pixel_mm / camera.focal_length_mm


def alt_agl_for_m(camera: Camera, resolution_cm: float) -> float:
    """The altitude above ground from which a pixel shows `resolution_cm`: the inverse of `resolution_cm`."""
    return resolution_cm / 100.0 * camera.focal_length_mm / camera.pixel_mm


def footprint(camera: Camera, alt_agl_m: float) -> Footprint:
    """What a picture from `alt_agl_m` shows. Source: as `resolution_cm`, with the sensor's sides for the pixel."""
    scale = alt_agl_m / camera.focal_length_mm
    return Footprint(scale * camera.sensor_width_mm, scale * camera.sensor_height_mm)


def shooting(
    camera: Camera,
    *,
    alt_agl_m: float | None = None,
    resolution_cm_wanted: float | None = None,
    side_overlap: float,
    front_overlap: float,
    lowest_agl_m: float,
    highest_agl_m: float,
    pointer: str = "/properties",
) -> Shooting:
    """Altitude, swath, trigger distance and speed limit; one of altitude and resolution is given.

    Overlaps are shares, 0 ≤ share ≤ `MOST_OVERLAP`. Raises InvalidRequest with everything wrong, below `pointer`:
    `alt_agl_m`, `resolution_cm`, `side_overlap`, `front_overlap`.
    """
    errors = [
        *_altitude_errors(
            camera, alt_agl_m, resolution_cm_wanted, lowest_m=lowest_agl_m, highest_m=highest_agl_m, pointer=pointer
        ),
        *_overlap_errors(side_overlap, below(pointer, "side_overlap")),
        *_overlap_errors(front_overlap, below(pointer, "front_overlap")),
    ]
    if errors:
        raise InvalidRequest(tuple(errors))
    if alt_agl_m is None:
        assert resolution_cm_wanted is not None
        alt_agl_m = alt_agl_for_m(camera, resolution_cm_wanted)
    shown = footprint(camera, alt_agl_m)
    trigger_m = shown.along_m * (1.0 - front_overlap)
    return Shooting(
        alt_agl_m=alt_agl_m,
        resolution_cm=resolution_cm(camera, alt_agl_m),
        swath_m=shown.across_m * (1.0 - side_overlap),
        trigger_distance_m=trigger_m,
        fastest_mps=trigger_m / camera.least_interval_s,
    )


def speed_error(camera: Camera, shooting: Shooting, speed_mps: float, pointer: str) -> FieldError | None:
    """Why the camera cannot follow at `speed_mps`; None when it can."""
    if speed_mps <= shooting.fastest_mps:
        return None
    return FieldError(
        pointer,
        f"is {speed_mps:g} m/s; {camera.name!r} takes a picture every {camera.least_interval_s:g} s at best, which "
        f"for one every {shooting.trigger_distance_m:.1f} m allows {shooting.fastest_mps:.1f} m/s",
    )


def _altitude_errors(
    camera: Camera,
    alt_agl_m: float | None,
    wanted_cm: float | None,
    *,
    lowest_m: float,
    highest_m: float,
    pointer: str,
) -> list[FieldError]:
    at = below(pointer, "resolution_cm" if alt_agl_m is None else "alt_agl_m")
    if (alt_agl_m is None) == (wanted_cm is None):
        return [FieldError(at, "give either the altitude above ground or the resolution, not both and not neither")]
    given = wanted_cm if alt_agl_m is None else alt_agl_m
    assert given is not None
    if not (math.isfinite(given) and given > 0):
        return [FieldError(at, f"is {given:g}; it must be above zero")]
    if alt_agl_m is not None:
        good = lowest_m <= alt_agl_m <= highest_m
        detail = f"is {alt_agl_m:g} m; between {lowest_m:g} and {highest_m:g} m above ground may be flown"
        return [] if good else [FieldError(at, detail)]
    needed_m = alt_agl_for_m(camera, given)
    if lowest_m <= needed_m <= highest_m:
        return []
    finest, coarsest = resolution_cm(camera, lowest_m), resolution_cm(camera, highest_m)
    return [
        FieldError(
            at,
            f"is {given:g} cm; {camera.name!r} shows that from {needed_m:.1f} m above ground, and between "
            f"{lowest_m:g} and {highest_m:g} m may be flown: {finest:.2f} to {coarsest:.2f} cm",
        )
    ]


def _overlap_errors(overlap: float, pointer: str) -> list[FieldError]:
    if 0.0 <= overlap <= MOST_OVERLAP:
        return []
    return [FieldError(pointer, f"is {overlap:g}; it must be a share from 0 to {MOST_OVERLAP:g}")]
