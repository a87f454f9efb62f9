"""The proof of a plan, and its renewal when only some zones have changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import shapely

from geofence.window import TimeWindow
from geofence.zones import Airspace, Role, Zone
from missions.model import Airframe, Plan, Proof, ProofCheck
from missions.prove.altitude import keep_heights
from missions.prove.enclosure import ceiling_fits, holds_flight, inside_inclusions, off_exclusions
from missions.prove.exclusions import keep_off
from missions.prove.facts import Autopilot
from missions.prove.fence import Fence, enclosed, read_fence, sound_fence
from missions.prove.film import keep_cameras_off
from missions.prove.findings import merged, told
from missions.prove.flight import NotFlyable
from missions.prove.ground import ZoneIndex, boxes, near_to, of_role
from missions.prove.heights import GroundHeights
from missions.prove.inclusions import stay_inside
from missions.prove.limits import agrees, ends_well, right_hashes, within_vehicle, within_window, within_wire
from missions.prove.rules import Rule
from missions.prove.subject import Circumstances, Subject, check_reach, lay_out

ARDUCOPTER = Autopilot()


@dataclass(frozen=True, slots=True)
class Ground:
    """An airspace made ready for proofs: build it once for any number of plans."""

    airspace: Airspace
    exclusions: ZoneIndex
    no_film: ZoneIndex


def ground_of(airspace: Airspace) -> Ground:
    """The zones of an airspace in an index each for exclusions and no-film zones."""
    return Ground(airspace, *_indices(airspace.zones))


def _indices(zones: Iterable[Zone]) -> tuple[ZoneIndex, ZoneIndex]:
    kept = tuple(zones)
    return ZoneIndex(of_role(kept, Role.EXCLUSION)), ZoneIndex(of_role(kept, Role.NO_FILM))


def prove(
    plan: Plan,
    airspace: Airspace | Ground,
    vehicle: Airframe,
    *,
    window: TimeWindow,
    terrain: GroundHeights | None,
    autopilot: Autopilot = ARDUCOPTER,
) -> Proof:
    """Whether the items of `plan` keep every rule of `airspace` while the flight stays within `window`.

    Looks at nothing but what goes over the wire and shares no code with the planner. `terrain` None: the ground is
    flat, `plan.home_agl_m` below home. A `Ground` in place of the airspace saves preparing it for each plan.
    """
    checks = tuple(_checks(plan, airspace, Circumstances(vehicle, window, terrain, autopilot)))
    return _proof(plan, airspace.airspace if isinstance(airspace, Ground) else airspace, window, checks)


def reprove(
    plan: Plan,
    former: Proof,
    before: Airspace,
    after: Airspace,
    vehicle: Airframe,
    *,
    window: TimeWindow,
    terrain: GroundHeights | None,
    autopilot: Autopilot = ARDUCOPTER,
    added: tuple[ZoneIndex, ZoneIndex] | None = None,
) -> Proof:
    """`prove` against `after`, given the proof against `before`: looks only at new exclusions and no-film zones.

    Falls back to the whole proof when the former one does not hold, is of something else, or when inclusions or the
    airspace's rules changed. Zones that went away leave their distances in the lines of the former proof.
    `added`: `added_zones(before, after)`, to share among plans.
    """
    if not _renewable(plan, former, before, after, window):
        return prove(plan, after, vehicle, window=window, terrain=terrain, autopilot=autopilot)
    exclusions, no_film = added or added_zones(before, after)
    if not _anything_near(plan, exclusions, no_film):
        return replace(former, airspace_version=after.version)
    subject = lay_out(plan, Circumstances(vehicle, window, terrain, autopilot))
    fence = _fence(plan, subject)
    changed = tuple(_against_zones(subject, exclusions, no_film, fence))
    return _proof(plan, after, window, merged(former.checks, changed))


def added_zones(before: Airspace, after: Airspace) -> tuple[ZoneIndex, ZoneIndex]:
    """Exclusions and no-film zones of `after` that `before` does not have, or has otherwise."""
    known = {zone.id: zone for zone in before.zones}
    return _indices(zone for zone in after.zones if known.get(zone.id) != zone)


def _renewable(plan: Plan, former: Proof, before: Airspace, after: Airspace, window: TimeWindow) -> bool:
    rules = (before.combination, before.ceiling_agl_m) == (after.combination, after.ceiling_agl_m)
    same_inside = of_role(before.zones, Role.INCLUSION) == of_role(after.zones, Role.INCLUSION)
    same_plan = (former.mission_hash, former.fence_hash) == (plan.hash, plan.fence_hash)
    same_time = former.holds_from <= window.start and window.end <= former.holds_until
    of_before = former.airspace_version == before.version
    return former.valid and rules and same_inside and same_plan and same_time and of_before


def _anything_near(plan: Plan, *indices: ZoneIndex) -> bool:
    """Whether a zone is near the fence, which a valid proof knows to hold the whole flight."""
    corners = np.array([(item.y_e7 / 1e7, item.x_e7 / 1e7) for item in plan.fence_items])
    box = boxes(np.array([[*corners.min(axis=0), *corners.max(axis=0)]]))
    return any(len(index.near(box)[1]) > 0 for index in indices)


def _checks(plan: Plan, given_airspace: Airspace | Ground, given: Circumstances) -> Iterator[ProofCheck]:
    airspace = given_airspace.airspace if isinstance(given_airspace, Ground) else given_airspace
    yield from right_hashes(plan)
    storable = within_wire(plan, given.autopilot)
    yield storable
    if not storable.ok:
        return
    try:
        subject = lay_out(plan, given)
    except NotFlyable as reason:
        yield told(reason.rule, [str(reason)], "")
        return
    yield told(Rule.ITEMS, [], f"{len(plan.items)} items are a flight of {subject.flight.waypoints} waypoints.")
    yield agrees(subject)
    yield from ends_well(subject)
    yield from within_vehicle(subject)
    yield within_window(subject)
    yield from keep_heights(subject, airspace)
    yield from stay_inside(subject, airspace)
    fence = None
    try:
        rings = read_fence(plan.fence_items)
        check_reach(np.concatenate([ring.lonlat for ring in rings]), subject.planes, Rule.FENCE_ITEMS)
    except NotFlyable as reason:
        yield told(Rule.FENCE_ITEMS, [str(reason)], "")
    else:
        fence = enclosed(rings, subject.planes.true, subject.planes.flat)
        yield from sound_fence(plan, rings, given.autopilot)
        yield from holds_flight(subject, fence)
        yield from inside_inclusions(subject, fence, airspace)
        yield from ceiling_fits(subject, airspace)
    ground = given_airspace if isinstance(given_airspace, Ground) else _ground_about(subject, fence, airspace)
    yield from _against_zones(subject, ground.exclusions, ground.no_film, fence)


def _ground_about(subject: Subject, fence: Fence | None, airspace: Airspace) -> Ground:
    """The airspace made ready for this plan alone: with no more than the zones that can be near it."""
    shapes = np.concatenate([parts.lonlat for parts in subject.parts])
    bounds = [shapely.total_bounds(shapes)] + ([shapely.total_bounds(fence.lonlat)] if fence else [])
    west_south, east_north = np.array(bounds)[:, :2].min(axis=0), np.array(bounds)[:, 2:].max(axis=0)
    zones = (zone for zone in airspace.zones if zone.role in (Role.EXCLUSION, Role.NO_FILM))
    return ground_of(replace(airspace, zones=near_to(zones, np.concatenate((west_south, east_north)))))


def _fence(plan: Plan, subject: Subject) -> Fence:
    return enclosed(read_fence(plan.fence_items), subject.planes.true, subject.planes.flat)


def _against_zones(
    subject: Subject, exclusions: ZoneIndex, no_film: ZoneIndex, fence: Fence | None
) -> Iterator[ProofCheck]:
    """The rules that look at exclusions and no-film zones."""
    kept = keep_off(subject, exclusions)
    yield from kept.checks
    if fence is not None:
        yield from off_exclusions(subject, fence, exclusions, kept.passed)
    yield from keep_cameras_off(subject, no_film)


def _proof(plan: Plan, airspace: Airspace, window: TimeWindow, checks: tuple[ProofCheck, ...]) -> Proof:
    return Proof(
        valid=all(check.ok for check in checks),
        airspace_version=airspace.version,
        mission_hash=plan.hash,
        fence_hash=plan.fence_hash,
        holds_from=window.start,
        holds_until=window.end,
        checks=checks,
    )
