"""The fence of a QGroundControl plan (`.plan`), versions 1 and 2 of QGC's own description; latitude comes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.members import below, json_kind
from geofence.formats.facts import number_of
from geofence.formats.fences import fence_zones, flat_fences, latitude_first
from geofence.formats.intake import MOST_ZONES, Intake, Options, refusal
from geofence.formats.report import Change, Format, Report
from geofence.formats.rings import circle, polygon_shapes, position
from geofence.zones import CircleShape, PolygonShape, Role, Shape, Zone

_Fence = tuple[Role, tuple[Shape, ...], str]


def read_plan_fence(document: object, options: Options) -> tuple[tuple[Zone, ...], Report]:
    """The zones of `geoFence`. Raises InvalidRequest, also when the plan has no fence."""
    intake = Intake(options)
    fence = document.get("geoFence") if isinstance(document, Mapping) else None
    if not isinstance(fence, Mapping):
        raise refusal("/geoFence", f"must be an object, not {json_kind(fence)}")
    if fence.get("breachReturn") is not None:
        told = "the return point: a vehicle returns to its home or a rally point"
        intake.note("/geoFence/breachReturn", Change.LEFT_OUT, told)
    version = fence.get("version")
    if version not in (1, 2):
        raise refusal("/geoFence/version", f"is {version!r:.40}; 1 and 2 are known")
    read = _version_1 if version == 1 else _version_2
    return fence_zones(read(fence, "/geoFence", intake), intake), intake.report(Format.PLAN)


def has_fence(document: Mapping[str, object]) -> bool:
    """Whether a plan says anything of fences."""
    fence = document.get("geoFence")
    return isinstance(fence, Mapping) and any(fence.get(name) for name in ("polygon", "polygons", "circles"))


def plan_fence(zones: Iterable[Zone], intake: Intake) -> dict[str, Any]:
    """The `geoFence` member, version 2, of `zones`."""
    fences = flat_fences(zones, intake)
    polygons = [
        {"inclusion": fence.inclusion, "polygon": latitude_first(fence.shape.outer), "version": 1}
        for fence in fences
        if isinstance(fence.shape, PolygonShape)
    ]
    circles = [
        {
            "inclusion": fence.inclusion,
            "circle": {
                "center": latitude_first((fence.shape.center,))[0],
                "radius": fence.shape.radius_m,
            },
            "version": 1,
        }
        for fence in fences
        if isinstance(fence.shape, CircleShape)
    ]
    return {"circles": circles, "polygons": polygons, "version": 2}


def _version_1(fence: Mapping[str, object], path: str, intake: Intake) -> list[_Fence]:
    """One polygon that is an inclusion."""
    at = below(path, "polygon")
    found = polygon_shapes([fence.get("polygon")], at, Role.INCLUSION, intake, latitude_first=True)
    return [(Role.INCLUSION, found, at)]


def _version_2(fence: Mapping[str, object], path: str, intake: Intake) -> list[_Fence]:
    found: list[_Fence] = []
    for member, path_in, role in _members(fence, "polygons", path, intake):
        at = below(path_in, "polygon")
        area = polygon_shapes([member.get("polygon")], at, role, intake, latitude_first=True)
        found.append((role, area, at))
    for member, path_in, role in _members(fence, "circles", path, intake):
        found.append((role, _circle(member.get("circle"), below(path_in, "circle"), intake), path_in))
    return found


def _members(
    fence: Mapping[str, object], name: str, path: str, intake: Intake
) -> list[tuple[Mapping[str, object], str, Role]]:
    """The objects of a list with their paths and roles."""
    listed, at = fence.get(name, []), below(path, name)
    if not isinstance(listed, list):
        raise refusal(at, f"must be an array, not {json_kind(listed)}")
    if len(listed) > MOST_ZONES:
        raise refusal(at, f"has {len(listed)} elements; at most {MOST_ZONES} are read")
    found = []
    for index, member in enumerate(listed):
        where = below(at, index)
        inclusion = member.get("inclusion") if isinstance(member, Mapping) else None
        if not isinstance(member, Mapping) or not isinstance(inclusion, bool):
            intake.problems.add(below(where, "inclusion"), "must be true or false")
        else:
            found.append((member, where, Role.INCLUSION if inclusion else Role.EXCLUSION))
    return found


def _circle(value: object, path: str, intake: Intake) -> tuple[Shape, ...]:
    told = value if isinstance(value, Mapping) else {}
    center = position(told.get("center"), below(path, "center"), intake, latitude_first=True)
    found = circle(center, number_of(told.get("radius")), below(path, "radius"), intake)
    return (found,) if found else ()
