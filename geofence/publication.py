"""Airspace versions in time: which one is in force when, what may be published, what was announced too late."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import FieldError, InvalidRequest
from core.ids import ZoneId
from geofence.geojson import MOST_ZONES
from geofence.kinds import OTHER, zone_kinds
from geofence.zones import Airspace, CircleShape, Role, Zone

# What a planner can still look through; a real national zone set has 116 563 (planning guide, section 3.2).
MOST_VERTICES = 500_000


@dataclass(frozen=True, slots=True)
class AirspaceSummary:
    """A version without its zones."""

    version: int
    published_at: datetime | None
    published_by: str
    note: str
    zones_count: int
    effective_at: datetime | None = None

    @classmethod
    def of(cls, airspace: Airspace) -> AirspaceSummary:
        return cls(
            version=airspace.version,
            published_at=airspace.published_at,
            published_by=airspace.published_by,
            note=airspace.note,
            zones_count=len(airspace.zones),
            effective_at=airspace.effective_at,
        )

    @property
    def starts_at(self) -> datetime | None:
        """From when on it may be in force: never before it was published. None: since ever."""
        return starts_at(self)


def starts_at(version: AirspaceSummary | Airspace) -> datetime | None:
    """As `AirspaceSummary.starts_at`, of either form."""
    times = [at for at in (version.effective_at, version.published_at) if at is not None]
    return max(times, default=None)


def in_force(versions: Iterable[AirspaceSummary], at: datetime) -> AirspaceSummary | None:
    """The version that counts at `at`: of all that have started, the one published last. None before the first."""
    started = (each for each in versions if each.starts_at is None or each.starts_at <= at)
    return max(started, key=lambda each: each.version, default=None)


def schedule(versions: Sequence[AirspaceSummary], at: datetime) -> tuple[AirspaceSummary, ...]:
    """The version in force at `at`, where there is one, then those that will take over, in the order of doing so."""
    moments = sorted({each.starts_at for each in versions if each.starts_at is not None and each.starts_at > at})
    found: list[AirspaceSummary] = []
    for moment in (at, *moments):
        version = in_force(versions, moment)
        if version is not None and (not found or found[-1].version != version.version):
            found.append(version)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Advice:
    """Something a publisher should know that does not stop the publication; `code` names the rule."""

    code: str
    detail: str
    zone_id: ZoneId | None = None


def check_publication(airspace: Airspace, *, pointer: str) -> None:
    """Raises InvalidRequest at `pointer` for a version that nobody could fly or plan in."""
    wrong = tuple(FieldError(pointer, detail) for detail in _unfit(airspace))
    if wrong:
        raise InvalidRequest(wrong)


def _unfit(airspace: Airspace) -> Iterator[str]:
    zones = airspace.zones
    starts = starts_at(airspace)
    if len(zones) > MOST_ZONES:
        yield f"the version has {len(zones)} zones; at most {MOST_ZONES} are allowed"
    vertices = sum(map(_vertices, zones))
    if vertices > MOST_VERTICES:
        yield f"the version has {vertices} vertices in all; at most {MOST_VERTICES} are allowed"
    inclusions = [zone for zone in zones if zone.role is Role.INCLUSION]
    if not inclusions:
        yield "no zone is an inclusion, so that nothing may be flown: at least one is needed"
    elif starts is not None and all(_is_over(zone, starts) for zone in inclusions):
        yield f"every inclusion has ended before the version starts at {starts.isoformat()}"


def _vertices(zone: Zone) -> int:
    if isinstance(zone.shape, CircleShape):
        return 1
    return len(zone.shape.outer) + sum(map(len, zone.shape.holes))


def _is_over(zone: Zone, at: datetime) -> bool:
    return zone.validity.ends_at is not None and zone.validity.ends_at < at


def short_notices(airspace: Airspace, zones: Iterable[Zone]) -> Iterator[Advice]:
    """Those of `zones`, new in `airspace`, that take effect sooner after their announcement than their kind asks."""
    for zone in zones:
        kind = zone_kinds().get(zone.kind, zone_kinds()[OTHER])
        given = _notice(airspace, zone)
        if kind.notice is not None and given is not None and given < kind.notice:
            detail = (
                f"{zone.label} takes effect {_hours(given)} after it was announced; "
                f"{kind.name_en} asks for {_hours(kind.notice)} ({kind.article})."
            )
            yield Advice("short-notice", detail, zone.id)


def _notice(airspace: Airspace, zone: Zone) -> timedelta | None:
    """From its announcement to its effect, never negative; None when neither is known."""
    times = [at for at in (zone.validity.effective_at, starts_at(airspace)) if at is not None]
    announced_at = zone.validity.announced_at or airspace.published_at
    if not times or announced_at is None:
        return None
    return max(max(times) - announced_at, timedelta())


def _hours(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:g} h"


def superseded(before: Sequence[AirspaceSummary], after: Sequence[AirspaceSummary], at: datetime) -> Iterator[Advice]:
    """Versions that were going to take effect and, with `after`, never will."""
    still = {each.version for each in schedule(after, at)}
    for lost in schedule(before, at)[1:]:
        if lost.version not in still:
            detail = (
                f"Version {lost.version}, meant for {lost.starts_at}, never takes effect: a later one replaces it."
            )
            yield Advice("version-superseded", detail)
