"""What one look at a vehicle's record shows that a dispatcher must know: pure rules, each with its source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from missions.model import SortieState
from missions.sortie import is_flying
from operations.alarms import AlarmKind, Severity, Sighting
from telemetry.messages import LinkState, VehicleState
from telemetry.quiet import listed

# GPS_FIX_TYPE_3D_FIX; six satellites are ArduPilot's own minimum for arming with GPS.
_FIX_3D, _FEW_SATELLITES, _POOR_HDOP = 3, 6, 2.0
# Source: ArduPilot documentation, "Measuring Vibration": below 30 m/s² is normal, above 60 m/s² is nearly always a
# problem for holding height or position.
_SHAKING_MPS2, _SHAKING_BADLY_MPS2 = 30.0, 60.0
# Positions come five times a second.
OLD_POSITION_S = 3.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be set by the operator of a platform. `low_pct`, `critical_pct`: of the battery."""

    low_pct: float = 30.0
    critical_pct: float = 20.0


@dataclass(frozen=True, slots=True)
class Watched:
    """A vehicle as it is looked at: its record with ages, what its sortie is doing (None: it has none), and why.

    `zones`: the names of the closed zones that it is in.
    """

    state: VehicleState
    sortie: SortieState | None = None
    why: str = ""
    zones: str = ""

    @property
    def flies(self) -> bool:
        """Armed, as far as is known; a sortie in the air counts while nothing is heard."""
        return self.state.armed is True or (self.sortie is not None and is_flying(self.sortie))

    @property
    def is_heard(self) -> bool:
        """Whether the record is of now; of a silent vehicle only its silence is an alarm."""
        return self.state.link is LinkState.LIVE


Rule = Callable[[Watched, Limits], Sighting | None]


def sightings(watched: Watched, limits: Limits) -> Iterator[Sighting]:
    """Everything that is wrong with the vehicle as this look shows it, at most one of each kind."""
    for rule in _RULES:
        found = rule(watched, limits)
        if found is not None:
            yield found


def _link(watched: Watched, _: Limits) -> Sighting | None:
    state = watched.state
    if state.link is not LinkState.LOST:
        return None
    severity = Severity.CRITICAL if watched.flies else Severity.WARNING
    return Sighting(AlarmKind.LINK_LOST, severity, f"{state.name} is not heard any more on {state.link_name}.")


def _stale(watched: Watched, _: Limits) -> Sighting | None:
    state = watched.state
    if not watched.flies:
        return None
    if state.link is LinkState.STALE:
        text = f"{state.name} has not been heard for {state.heard_age_s or 0.0:.1f} s."
        return Sighting(AlarmKind.STALE_TELEMETRY, Severity.WARNING, text)
    if watched.is_heard and (state.position_age_s or 0.0) > OLD_POSITION_S:
        text = f"{state.name} is heard, its position is {state.position_age_s:.1f} s old."
        return Sighting(AlarmKind.STALE_TELEMETRY, Severity.CRITICAL, text)
    if watched.is_heard and state.quiet:
        text = f"{state.name} is heard, and tells no more of its {listed(state.quiet)}."
        return Sighting(AlarmKind.STALE_TELEMETRY, Severity.WARNING, text)
    return None


def _battery(watched: Watched, limits: Limits) -> Sighting | None:
    state = watched.state
    if not (watched.flies and watched.is_heard) or state.battery_pct is None or state.battery_pct > limits.low_pct:
        return None
    severity = Severity.CRITICAL if state.battery_pct <= limits.critical_pct else Severity.WARNING
    limit_pct = limits.critical_pct if severity is Severity.CRITICAL else limits.low_pct
    text = f"{state.name}'s battery is at {state.battery_pct:.0f} % (limit {limit_pct:.0f} %)."
    return Sighting(AlarmKind.LOW_BATTERY, severity, text)


def _gps(watched: Watched, _: Limits) -> Sighting | None:
    state = watched.state
    if not (watched.flies and watched.is_heard) or state.gps_fix is None:
        return None
    satellites = state.satellites or 0
    text = f"{state.name}'s GPS: fix type {state.gps_fix}, {satellites} satellites, HDOP {state.hdop or 99.99:.1f}."
    if state.gps_fix < _FIX_3D:
        return Sighting(AlarmKind.GPS, Severity.CRITICAL, text)
    if satellites < _FEW_SATELLITES or (state.hdop or 0.0) > _POOR_HDOP:
        return Sighting(AlarmKind.GPS, Severity.WARNING, text)
    return None


def _estimate(watched: Watched, _: Limits) -> Sighting | None:
    state = watched.state
    if not (watched.flies and watched.is_heard) or state.position_ok is not False:
        return None
    text = f"{state.name}'s estimator has no position: it cannot hold its place or its fence."
    return Sighting(AlarmKind.ESTIMATE, Severity.CRITICAL, text)


def _vibration(watched: Watched, _: Limits) -> Sighting | None:
    level = watched.state.vibration_mps2
    if not (watched.flies and watched.is_heard) or level is None or level < _SHAKING_MPS2:
        return None
    severity = Severity.CRITICAL if level >= _SHAKING_BADLY_MPS2 else Severity.WARNING
    return Sighting(AlarmKind.VIBRATION, severity, f"{watched.state.name} shakes with {level:.0f} m/s².")


def _fence_off(watched: Watched, _: Limits) -> Sighting | None:
    state = watched.state
    in_the_air = watched.sortie is not None and is_flying(watched.sortie)
    if not (in_the_air and watched.is_heard) or not state.armed or state.fence_enabled is not False:
        return None
    text = f"{state.name} flies and its own fence is switched off."
    return Sighting(AlarmKind.FENCE_OFF, Severity.CRITICAL, text)


def _breach(watched: Watched, _: Limits) -> Sighting | None:
    """The autopilot's own word; the platform's watch has its own."""
    state = watched.state
    if not (watched.flies and watched.is_heard) or not state.fence_breached:
        return None
    return Sighting(AlarmKind.FENCE_BREACH, Severity.CRITICAL, f"{state.name} reports that it left its fence.")


def _trespass(watched: Watched, _: Limits) -> Sighting | None:
    if not (watched.zones and watched.is_heard and watched.state.armed):
        return None
    text = f"{watched.state.name} is in a zone that is closed to flights: {watched.zones}."
    return Sighting(AlarmKind.ZONE_ENTERED, Severity.CRITICAL, text)


def _surprise(watched: Watched, _: Limits) -> Sighting | None:
    """Somebody else than the platform has it hold: a pilot, another station, a failsafe."""
    if watched.sortie is not SortieState.HELD:
        return None
    return Sighting(AlarmKind.MODE_SURPRISE, Severity.WARNING, f"{watched.state.name} is held: {watched.why}.")


_RULES: tuple[Rule, ...] = (
    _link,
    _stale,
    _battery,
    _gps,
    _estimate,
    _vibration,
    _fence_off,
    _breach,
    _trespass,
    _surprise,
)
