"""May this vehicle fly this plan now? Pure checks over its record, each with a sentence."""

from __future__ import annotations

from collections.abc import Container, Sequence

from core.errors import PreflightCheck
from core.geo import LatLon, ground_distance_m
from missions.model import Plan
from telemetry.messages import Landed, LinkState, SafetySetting, VehicleState
from telemetry.packets import Mode
from telemetry.quiet import listed

# GPS_FIX_TYPE_3D_FIX; six satellites are ArduPilot's own minimum for arming with GPS.
_FIX_3D = 3
_MIN_SATELLITES = 6
# A vehicle that stands further from the plan's home would fly other ways than the proven ones: its column and the end
# of its returns are there. A margin is 8 m at least (planning guide, section 9.3), and 3 m of it are its position's.
HOME_TOLERANCE_M = 5.0
_POSITION_FRESH_S = 3.0
# The launch puts the vehicle into this mode first: another one means that somebody else chose it since.
LAUNCH_MODE = Mode.GUIDED


def preflight(state: VehicleState, plan: Plan) -> tuple[PreflightCheck, ...]:
    """Every check of the launch, passed or not, in the order in which a person would look."""
    return (
        _link(state),
        _position(state),
        _estimate(state),
        _on_ground(state),
        _home(state, plan),
        _battery(state, plan),
        _mode(state),
        _prearm(state),
    )


def heartbeat_check(*, is_beating: bool) -> PreflightCheck:
    """Nothing takes off whose ground-station failsafe would bring it home within seconds."""
    said = "our heartbeats go out" if is_beating else "the process that sends our heartbeats does not beat"
    return PreflightCheck("heartbeat", is_beating, said)


def safety_checks(
    settings: Sequence[SafetySetting], *, set_by_launch: Container[str], required: bool
) -> tuple[PreflightCheck, ...]:
    """A line for each setting of the safety profile that the vehicle does not hold, or one that says that all hold.

    What the launch sets itself is not looked at here.
    """
    wrong = [each for each in settings if not each.ok and each.parameter not in set_by_launch]
    if not wrong:
        return (PreflightCheck("safety", True, f"its safety profile holds: {len(settings)} settings", required),)
    return tuple(PreflightCheck("safety", False, _sentence(each), required) for each in wrong)


def _sentence(setting: SafetySetting) -> str:
    held = "is missing" if setting.held is None else f"is {setting.held:g}"
    wanted = "" if setting.wanted is None else f", wanted {setting.wanted:g}"
    return f"{setting.parameter} {held}{wanted}: so that it {setting.why}"


def _link(state: VehicleState) -> PreflightCheck:
    if state.link is LinkState.LIVE and state.quiet:
        return PreflightCheck("link", False, f"it is heard, and tells no more of its {listed(state.quiet)}")
    if state.link is LinkState.LIVE:
        return PreflightCheck("link", True, f"heard {state.heard_age_s or 0.0:.1f} s ago on {state.link_name}")
    return PreflightCheck("link", False, f"the link is {state.link}")


def _position(state: VehicleState) -> PreflightCheck:
    fix, satellites = state.gps_fix or 0, state.satellites or 0
    fresh = state.position_age_s is not None and state.position_age_s <= _POSITION_FRESH_S
    ok = fix >= _FIX_3D and satellites >= _MIN_SATELLITES and fresh
    age = "no position" if state.position_age_s is None else f"position {state.position_age_s:.1f} s old"
    return PreflightCheck("gps", ok, f"GPS fix type {fix} with {satellites} satellites, {age}")


def _estimate(state: VehicleState) -> PreflightCheck:
    if state.position_ok:
        return PreflightCheck("estimate", True, "the autopilot has a position estimate")
    return PreflightCheck("estimate", False, "the autopilot has no position estimate yet")


def _on_ground(state: VehicleState) -> PreflightCheck:
    if state.armed is None:
        return PreflightCheck("ground", False, "the armed state is not known yet")
    if state.armed:
        return PreflightCheck("ground", False, "it is armed already")
    ok = state.landed in (Landed.ON_GROUND, Landed.UNKNOWN)
    return PreflightCheck("ground", ok, "disarmed on the ground" if ok else f"it is {state.landed}")


def _home(state: VehicleState, plan: Plan) -> PreflightCheck:
    if state.lat_deg is None or state.lon_deg is None:
        return PreflightCheck("home", False, "its position is not known")
    away = ground_distance_m(LatLon(state.lat_deg, state.lon_deg), plan.home)
    ok = away <= HOME_TOLERANCE_M
    return PreflightCheck("home", ok, f"it stands {away:.1f} m from the plan's dock (limit {HOME_TOLERANCE_M:.0f} m)")


def _battery(state: VehicleState, plan: Plan) -> PreflightCheck:
    if state.battery_pct is None:
        return PreflightCheck("battery", False, "the battery level is not known")
    ok = state.battery_pct >= plan.battery_to_start_pct
    return PreflightCheck(
        "battery",
        ok,
        f"battery {state.battery_pct:.0f} %, the plan needs {plan.battery_to_start_pct:.0f} % with reserve",
    )


def _mode(state: VehicleState) -> PreflightCheck:
    ok = state.mode == LAUNCH_MODE.name
    said = f"mode {state.mode or 'unknown'}"
    return PreflightCheck("mode", ok, said if ok else f"{said}, it was put into {LAUNCH_MODE.name}")


def _prearm(state: VehicleState) -> PreflightCheck:
    if state.prearm_ok is None:
        return PreflightCheck("prearm", False, "the autopilot has not reported its pre-arm checks yet")
    if state.prearm_ok:
        return PreflightCheck("prearm", True, "the autopilot's pre-arm checks pass")
    said = [text for text in state.last_texts if text.startswith("PreArm")]
    return PreflightCheck("prearm", False, said[-1] if said else "the autopilot's pre-arm checks fail")
