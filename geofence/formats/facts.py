"""From what a format says of a zone to zones of ours: texts cut to size, ids made unique, parts told apart."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice

from core.geo import LatLon
from core.ids import ZoneId
from geofence.formats.intake import MOST_ZONES, Intake, refusal
from geofence.formats.report import Change
from geofence.zones import CircleShape, Role, Shape, Zone

LONGEST_NAME, LONGEST_ID, LONGEST_TEXT = 120, 50, 500
# Stands in until the shape of a zone is known.
NOWHERE = CircleShape(LatLon(0.0, 0.0), 1.0)


def zone_facts(name: object, role: Role, intake: Intake, *, zone_id: object = "", authority: object = "") -> Zone:
    """A zone without its place: `NOWHERE`. An id or a name that the file lacks is filled in by `numbered`."""
    named = words(name, LONGEST_NAME)
    return Zone(
        id=ZoneId(words(zone_id, LONGEST_ID)),
        name=named or words(zone_id, LONGEST_NAME),
        role=role,
        shape=NOWHERE,
        source=words(intake.options.source, LONGEST_TEXT),
        authority=words(authority, LONGEST_TEXT),
    )


def words(value: object, longest: int) -> str:
    """Text on one line, without control characters, cut to `longest`; "" for what is no text."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return ""
    # Cut first: a name of megabytes is not worth the work.
    line = " ".join(str(value)[: 10 * longest].split())
    return "".join(each for each in line if each.isprintable())[:longest].strip()


def stated_role(intake: Intake) -> Role:
    """The role that the caller gave. Raises InvalidRequest when there is none: a zone's role is not guessed."""
    if intake.options.role is None:
        raise refusal("", f"the file does not say what its zones are; say it (role): one of {', '.join(Role)}")
    return intake.options.role


def with_shapes(facts: Zone, shapes: Sequence[Shape], path: str, intake: Intake) -> Iterable[Zone]:
    """One zone a shape. Several inclusions out of one hold together only where inclusions are united."""
    if len(shapes) > 1 and facts.role is Role.INCLUSION:
        told = f"{len(shapes)} separate parts of one inclusion; flown in only when the airspace unites inclusions"
        intake.note(path, Change.MAPPED, told)
    return (replace(facts, shape=shape) for shape in shapes)


def numbered(zones: Iterable[Zone], intake: Intake, *, stem: str) -> tuple[Zone, ...]:
    """The zones with ids that are unique and names that are not blank: `stem` and a number where there was none.

    Raises InvalidRequest with every problem noted so far, and for more zones than are read.
    """
    found = list(islice(zones, MOST_ZONES + 1))
    intake.problems.raise_any()
    if len(found) > MOST_ZONES:
        raise refusal("", f"the file has more than {MOST_ZONES} zones")
    if not found:
        raise refusal("", "the file has no zone")
    often = Counter(zone.id for zone in found)
    taken = {str(zone_id) for zone_id, count in often.items() if count == 1 and zone_id}
    return tuple(_identified(zone, index, often, taken, stem) for index, zone in enumerate(found, start=1))


def _identified(zone: Zone, index: int, often: Counter[ZoneId], taken: set[str], stem: str) -> Zone:
    zone_id = str(zone.id)
    if not zone_id or often[zone.id] > 1:
        base = zone_id or stem
        number = index if not zone_id else 1
        while (zone_id := f"{base}-{number}") in taken:
            number += 1
        taken.add(zone_id)
    return replace(zone, id=ZoneId(zone_id), name=zone.name or f"{stem} {index}")


def number_of(value: object) -> float | None:
    """A finite number, also one written as text; None for anything else."""
    if isinstance(value, str) and len(value) <= 40 and value.isascii() and "_" not in value:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None
