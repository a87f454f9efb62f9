"""Zones as autopilots' ground stations hold them: flat polygons without holes and circles, each in or out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from core.altitude import AltitudeBand
from core.geo import LatLon
from geofence.formats.facts import numbered, with_shapes, zone_facts
from geofence.formats.intake import Intake
from geofence.formats.report import Change
from geofence.window import ALWAYS
from geofence.zones import CircleShape, PolygonShape, Role, Shape, Zone


@dataclass(frozen=True, slots=True)
class FlatFence:
    """A polygon without holes, or a circle. `inclusion`: stay inside of it."""

    inclusion: bool
    shape: Shape

    @property
    def role(self) -> Role:
        return Role.INCLUSION if self.inclusion else Role.EXCLUSION


def flat_fences(zones: Iterable[Zone], intake: Intake) -> tuple[FlatFence, ...]:
    """What a flat fence can hold of `zones`, never less strict but where a note says so.

    A hole of an inclusion becomes an exclusion, a hole of an exclusion is filled. Bands and times are left out: an
    exclusion then counts at every height and time. Advisory and no-film zones restrict no flight and are left out.
    """
    return tuple(fence for zone in zones for fence in _flat(zone, intake))


def fence_zones(fences: Sequence[tuple[Role, Sequence[Shape], str]], intake: Intake) -> tuple[Zone, ...]:
    """Zones of the shapes that each fence was read as; the third of each is its path."""
    found = (
        zone
        for number, (role, shapes, path) in enumerate(fences, start=1)
        for zone in with_shapes(zone_facts(f"fence {number}", role, intake), shapes, path, intake)
    )
    return numbered(found, intake, stem="fence")


def _flat(zone: Zone, intake: Intake) -> Iterator[FlatFence]:
    path = f"/{zone.id}"
    if zone.role not in (Role.INCLUSION, Role.EXCLUSION):
        intake.note(path, Change.LEFT_OUT, f"a zone that is {zone.role}: the format knows inclusions and exclusions")
        return
    inclusion = zone.role is Role.INCLUSION
    if zone.band != AltitudeBand():
        wider = "without it the inclusion counts at every height" if inclusion else "excluded at every height"
        intake.note(path, Change.LEFT_OUT if inclusion else Change.WIDENED, f"the altitude band: {wider}")
    if zone.validity != ALWAYS:
        intake.note(path, Change.LEFT_OUT if inclusion else Change.WIDENED, "the times: it counts all the time")
    match zone.shape:
        case PolygonShape(outer, holes):
            yield FlatFence(inclusion, PolygonShape(outer))
            if inclusion:
                yield from (FlatFence(False, PolygonShape(hole)) for hole in holes)
            elif holes:
                intake.note(path, Change.WIDENED, f"{len(holes)} holes of an exclusion: filled")
        case CircleShape():
            yield FlatFence(inclusion, zone.shape)


def latitude_first(ring: Iterable[LatLon]) -> list[list[float]]:
    """An open ring as [latitude, longitude] pairs."""
    return [[at.lat_deg, at.lon_deg] for at in ring]
