"""A proof that does not hold, told as conflicts: what a person can change, and where."""

from __future__ import annotations

from collections.abc import Iterable

from core.errors import Conflict
from geofence.zones import Zone
from missions.model import Proof, ProofCheck
from missions.prove.rules import Movement, Rule, exclusion_rule, inclusion_rule

# The members of a request that a rule speaks of.
_GEOMETRY, _DOCK, _ALTITUDE = "/geometry", "/properties/dock_id", "/properties/alt_rel_m"
_KNOWN: dict[str, tuple[str, str]] = {
    exclusion_rule(Movement.LEG): ("leg-crosses-exclusion", _GEOMETRY),
    exclusion_rule(Movement.TURN): ("turn-crosses-exclusion", _GEOMETRY),
    exclusion_rule(Movement.COLUMN): ("column-crosses-exclusion", _DOCK),
    exclusion_rule(Movement.CLIMB): ("return-crosses-exclusion", _GEOMETRY),
    exclusion_rule(Movement.RETURN): ("return-crosses-exclusion", _GEOMETRY),
    exclusion_rule(Movement.RETRACE): ("return-crosses-exclusion", _GEOMETRY),
    exclusion_rule(Movement.LANDING): ("landing-crosses-exclusion", _GEOMETRY),
    inclusion_rule(Movement.LEG): ("leg-leaves-inclusion", _GEOMETRY),
    inclusion_rule(Movement.TURN): ("turn-leaves-inclusion", _GEOMETRY),
    inclusion_rule(Movement.COLUMN): ("column-leaves-inclusion", _DOCK),
    inclusion_rule(Movement.CLIMB): ("return-leaves-inclusion", _GEOMETRY),
    inclusion_rule(Movement.RETURN): ("return-leaves-inclusion", _GEOMETRY),
    inclusion_rule(Movement.RETRACE): ("return-leaves-inclusion", _GEOMETRY),
    inclusion_rule(Movement.LANDING): ("landing-leaves-inclusion", _GEOMETRY),
    Rule.CEILING: ("altitude-above-limit", _ALTITUDE),
    Rule.GROUND: ("altitude-below-minimum", _ALTITUDE),
    Rule.BAND: ("altitude-outside-inclusion", _ALTITUDE),
    Rule.TERRAIN: ("terrain-data-missing", _GEOMETRY),
    Rule.PERMISSION: ("not-permitted-all-the-time", "/properties/departs_at"),
    Rule.TIME: ("time-not-covered", "/properties/departs_at"),
    Rule.SPEED: ("speed-above-limit", "/properties/speed_mps"),
    Rule.ENERGY: ("battery-not-enough", _GEOMETRY),
    Rule.RETRACE_BUFFER: ("path-too-long-to-retrace", _GEOMETRY),
    Rule.NO_FILM: ("films-in-no-film-zone", "/properties"),
    Rule.RALLY_ITEMS: ("rally-not-proven", "/properties/rally"),
}
# Of these the fence compiler is the one to answer; no wish of a person is wrong.
_FENCE = frozenset(
    {
        Rule.FENCE_HOLDS,
        Rule.FENCE_EXCLUSION,
        Rule.FENCE_INCLUSION,
        Rule.FENCE_CEILING,
        Rule.FENCE_LIMITS,
        Rule.FENCE_SHAPE,
        Rule.FENCE_ITEMS,
        Rule.FENCE_AGREES,
    }
)


def conflicts_of(proof: Proof, zones: Iterable[Zone] = ()) -> tuple[Conflict, ...]:
    """Every line of the proof that does not hold, as a conflict; () when it is valid. `zones` lend their names."""
    names = {str(zone.id): zone.name for zone in zones}
    return tuple(_conflict(check, names) for check in proof.checks if not check.ok)


def _conflict(check: ProofCheck, names: dict[str, str]) -> Conflict:
    code, pointer = _KNOWN.get(check.rule, (f"proof-{check.rule}", ""))
    if check.rule in _FENCE:
        code, pointer = "fence-not-feasible", _GEOMETRY
    return Conflict(
        code=code,
        detail=check.detail,
        pointer=pointer,
        zone_id=check.zone_id,
        zone_name=names.get(check.zone_id) if check.zone_id else None,
        leg=check.leg,
        geometry=check.geometry,
    )
