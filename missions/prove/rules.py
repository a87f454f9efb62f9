"""The rules of the proof by name, and how each is told to a person."""

from __future__ import annotations

from enum import StrEnum


class Movement(StrEnum):
    """What a vehicle does when it takes a piece of air."""

    LEG = "leg"
    TURN = "turn"
    COLUMN = "column"  # take-off and landing
    CLIMB = "climb"  # RTL on the spot, before it returns
    RETURN = "return"  # RTL from anywhere
    RETRACE = "retrace"  # SmartRTL along the path
    LANDING = "landing"  # on the spot, when SmartRTL has no path


class Rule(StrEnum):
    """Rules that are asked once for a plan; those of zones are `zone_rule`."""

    ITEMS = "items"
    AGREES = "waypoints-agree"
    MISSION_HASH = "mission-hash"
    FENCE_HASH = "fence-hash"
    RALLY_HASH = "rally-hash"
    WIRE_LIMITS = "autopilot-limits"
    SPEED = "speed"
    ENERGY = "energy"
    TIME = "time"
    REACH = "reach"
    LANDS_AT_HOME = "lands-at-home"
    RETRACE_BUFFER = "retrace-buffer"
    TERRAIN = "terrain-data"
    CEILING = "ceiling"
    GROUND = "ground-clearance"
    BAND = "inclusion-band"
    PERMISSION = "permission"
    FENCE_ITEMS = "fence-items"
    FENCE_LIMITS = "fence-limits"
    FENCE_SHAPE = "fence-shape"
    FENCE_AGREES = "fence-agrees"
    FENCE_HOLDS = "fence-holds-flight"
    FENCE_EXCLUSION = "fence-exclusion"
    FENCE_INCLUSION = "fence-inclusion"
    FENCE_CEILING = "fence-ceiling"
    RALLY_ITEMS = "rally-items"
    NO_FILM = "no-film"


def exclusion_rule(movement: Movement) -> str:
    """The rule that a movement keeps off exclusions."""
    return f"{movement}-exclusion"


def inclusion_rule(movement: Movement) -> str:
    """The rule that a movement stays inside inclusions."""
    return f"{movement}-inclusion"


_PHRASES = {
    Movement.LEG: "The leg {leg}",
    Movement.TURN: "The turn after the leg {leg}",
    Movement.COLUMN: "The column of take-off and landing",
    Movement.CLIMB: "The climb before a return from the leg {leg}",
    Movement.RETURN: "The straight return from the leg {leg}",
    Movement.RETRACE: "The way back along the leg {leg}",
    Movement.LANDING: "A landing on the spot below the leg {leg}",
}


def subject_of(movement: Movement, leg: int, waypoints: int, others: int = 0) -> str:
    """“The leg 3 → 4 (and 2 more)”: leg k runs from k to k + 1; 0 and `waypoints` + 1 are home."""
    start, end = ("home" if at in (0, waypoints + 1) else str(at) for at in (leg, leg + 1))
    more = f" (and {others} more)" if others else ""
    return _PHRASES[movement].format(leg=f"{start} → {end}") + more
