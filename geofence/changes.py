"""What differs between two airspace versions, and a version with single zones put in and taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.ids import ZoneId
from core.members import Problems
from geofence.zones import Airspace, Zone

_RULES = ("combination", "ceiling_agl_m")


@dataclass(frozen=True, slots=True)
class ChangedZone:
    """A zone that both versions have under one id, but not alike."""

    before: Zone
    after: Zone


@dataclass(frozen=True, slots=True)
class Changes:
    """The way from one version to another. `rules`: the names of the airspace's own rules that differ."""

    added: tuple[Zone, ...] = ()
    removed: tuple[Zone, ...] = ()
    changed: tuple[ChangedZone, ...] = ()
    rules: tuple[str, ...] = ()

    @property
    def new_zones(self) -> tuple[Zone, ...]:
        """The zones of the later version that the earlier one did not have, or not so."""
        return (*self.added, *(each.after for each in self.changed))

    @property
    def gone_zones(self) -> tuple[Zone, ...]:
        """The zones of the earlier version that the later one has no more, or not so."""
        return (*self.removed, *(each.before for each in self.changed))

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.rules)


def changes(before: Airspace, after: Airspace) -> Changes:
    """What somebody who knows `before` has to learn to know `after`; zones are told apart by their ids.

    Numbers, dates and notes of the versions are no difference.
    """
    old = {zone.id: zone for zone in before.zones}
    new = {zone.id: zone for zone in after.zones}
    return Changes(
        added=tuple(zone for zone in after.zones if zone.id not in old),
        removed=tuple(zone for zone in before.zones if zone.id not in new),
        changed=tuple(
            ChangedZone(old[zone.id], zone) for zone in after.zones if zone.id in old and zone != old[zone.id]
        ),
        rules=tuple(rule for rule in _RULES if getattr(before, rule) != getattr(after, rule)),
    )


def amended(base: Airspace, add: Sequence[Zone], remove: Sequence[ZoneId]) -> Airspace:
    """`base` without the zones of `remove` and with those of `add`; an id in both replaces the zone.

    Raises InvalidRequest (`/remove/…`, `/add/features/…`) for what is not there or there already.
    """
    known = {zone.id for zone in base.zones}
    kept_ids = known - set(remove)
    problems = Problems()
    for index, zone_id in enumerate(remove):
        if zone_id not in known:
            problems.add(f"/remove/{index}", f"airspace version {base.version} has no zone {zone_id!r:.80}")
    for index, zone in enumerate(add):
        if zone.id in kept_ids:
            detail = f"airspace version {base.version} has {zone.id!r:.80}; name it in remove too to replace it"
            problems.add(f"/add/features/{index}/id", detail)
    problems.raise_any()
    kept = (zone for zone in base.zones if zone.id in kept_ids)
    return replace(base, zones=(*kept, *add))
