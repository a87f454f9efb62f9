"""What the vehicle does by itself when the ground station, the battery, the position or the fence is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.flight.fence import GIVE_UP_M, fence_names
from simulator.flight.kinds import Severity
from simulator.flight.modes import FACTS, Mode, Reason

if TYPE_CHECKING:
    from simulator.flight.aircraft import Aircraft

GCS_PERIOD_S = 0.32
"""The ground station failsafe is looked at three times a second."""
EKF_PATIENCE_S = 1.0

RC_IF_AUTO, GCS_IF_AUTO, RC_IF_GUIDED, IF_LANDING, GCS_IF_PILOT = 1, 2, 4, 8, 16
"""FS_OPTIONS bits: continue instead of acting."""

_NONE: tuple[Mode, ...] = ()
_BATTERY_ACTIONS: dict[int, tuple[Mode, ...]] = {
    0: _NONE,
    1: (Mode.LAND,),
    2: (Mode.RTL, Mode.LAND),
    3: (Mode.SMART_RTL, Mode.RTL, Mode.LAND),
    4: (Mode.SMART_RTL, Mode.LAND),
    6: (Mode.RTL, Mode.LAND),
    7: (Mode.BRAKE, Mode.LAND),
}
_GCS_ACTIONS: dict[int, tuple[Mode, ...]] = {
    1: (Mode.RTL, Mode.LAND),
    2: (Mode.RTL, Mode.LAND),
    3: (Mode.SMART_RTL, Mode.RTL, Mode.LAND),
    4: (Mode.SMART_RTL, Mode.LAND),
    5: (Mode.LAND,),
    6: (Mode.RTL, Mode.LAND),
    7: (Mode.BRAKE, Mode.LAND),
}
_RADIO_ACTIONS: dict[int, tuple[Mode, ...]] = {
    1: (Mode.RTL, Mode.LAND),
    2: (Mode.RTL, Mode.LAND),
    4: (Mode.SMART_RTL, Mode.RTL, Mode.LAND),
    5: (Mode.SMART_RTL, Mode.LAND),
    6: (Mode.RTL, Mode.LAND),
    7: (Mode.BRAKE, Mode.LAND),
}
_FENCE_ACTIONS: dict[int, tuple[Mode, ...]] = {
    1: (Mode.RTL, Mode.LAND),
    2: (Mode.LAND,),
    3: (Mode.SMART_RTL, Mode.RTL, Mode.LAND),
    4: (Mode.BRAKE, Mode.LAND),
    5: (Mode.SMART_RTL, Mode.LAND),
}
"""Parameter value to the modes tried in turn."""


class Failsafes:
    """The latches of all failsafes of one aircraft."""

    def __init__(self) -> None:
        self.gcs = False
        self.ekf = False
        self.radio = False
        self.battery = 0
        """0 none, 1 low, 2 critical."""
        self.gcs_heard_s: float | None = None
        self._gcs_checked_s = 0.0
        self._low_since_s: list[float | None] = [None, None]
        self._position_lost_s: float | None = None
        self._radio_lost_s: float | None = None
        self._glitching = False

    @property
    def any(self) -> bool:
        """Whether one is latched; the heartbeat then says CRITICAL."""
        return self.gcs or self.ekf or self.radio or self.battery > 0

    def step(self, craft: Aircraft) -> None:
        """Look at all of them."""
        self._check_gcs(craft)
        self._check_radio(craft)
        self._check_battery(craft)
        self._check_position(craft)
        self._check_glitch(craft)

    # -- ground station -------------------------------------------------------------------------------------------

    def _check_gcs(self, craft: Aircraft) -> None:
        if craft.now_s - self._gcs_checked_s < GCS_PERIOD_S:
            return
        self._gcs_checked_s = craft.now_s
        if not craft.params.whole("FS_GCS_ENABLE") or self.gcs_heard_s is None:
            return
        lost = craft.now_s - self.gcs_heard_s > craft.params["FS_GCS_TIMEOUT"]
        if lost and not self.gcs:
            self.gcs = True
            self._gcs_lost(craft)
        elif not lost and self.gcs:
            self.gcs = False
            craft.say(Severity.WARNING, "GCS Failsafe Cleared")

    def _gcs_lost(self, craft: Aircraft) -> None:
        options, stays = craft.params.whole("FS_OPTIONS"), ""
        if craft.mode is Mode.AUTO and options & GCS_IF_AUTO:
            stays = "Continuing Auto Mode"
        elif options & GCS_IF_PILOT and not FACTS[craft.mode].autopilot:
            stays = "Continuing Pilot Control"
        modes = _GCS_ACTIONS.get(craft.params.whole("FS_GCS_ENABLE"), (Mode.RTL, Mode.LAND))
        self._voice_lost(craft, "GCS", stays, modes, Reason.GCS_FAILSAFE)

    def _voice_lost(self, craft: Aircraft, kind: str, stays: str, modes: tuple[Mode, ...], reason: Reason) -> None:
        """What a loss of the ground station and of the transmitter have in common. `stays`: why it does not act."""
        if not craft.armed:
            self._announce(craft, kind)
        elif craft.land_complete:
            craft.disarm()
            self._announce(craft, kind, "Disarming")
        elif craft.landing and craft.params.whole("FS_OPTIONS") & IF_LANDING:
            self._announce(craft, kind, "Continuing Landing")
        else:
            self._announce(craft, kind, stays)
            if not stays:
                first_of(craft, modes, reason)

    # -- the pilot's transmitter ----------------------------------------------------------------------------------

    def _check_radio(self, craft: Aircraft) -> None:
        """SIM_RC_FAIL 1: no pulses, noticed after RC_FS_TIMEOUT; 2: throttle at 950, noticed at once."""
        how = craft.params.whole("SIM_RC_FAIL")
        if not how or not craft.params.whole("FS_THR_ENABLE"):
            self._radio_lost_s = None
            if self.radio:
                self.radio = False
                craft.say(Severity.WARNING, "Radio Failsafe Cleared")
            return
        if self._radio_lost_s is None:
            self._radio_lost_s = craft.now_s
        patience_s = craft.params["RC_FS_TIMEOUT"] if how == 1 else 0.0
        if not self.radio and craft.now_s - self._radio_lost_s >= patience_s:
            self.radio = True
            self._radio_lost(craft)

    def _radio_lost(self, craft: Aircraft) -> None:
        options, stays = craft.params.whole("FS_OPTIONS"), ""
        if craft.mode is Mode.AUTO and options & RC_IF_AUTO:
            stays = "Continuing Auto"
        elif craft.mode is Mode.GUIDED and options & RC_IF_GUIDED:
            stays = "Continuing Guided Mode"
        modes = _RADIO_ACTIONS.get(craft.params.whole("FS_THR_ENABLE"), (Mode.LAND,))
        self._voice_lost(craft, "Radio", stays, modes, Reason.RADIO_FAILSAFE)

    # -- battery --------------------------------------------------------------------------------------------------

    def _check_battery(self, craft: Aircraft) -> None:
        params, battery = craft.params, craft.battery
        if not params.whole("BATT_MONITOR") or not craft.armed:
            return
        for level, (prefix, word) in enumerate((("CRT", "critical"), ("LOW", "low"))):
            severity = 2 - level
            if self.battery >= severity:
                return
            if self._low(craft, level, prefix):
                self.battery = severity
                used = f"{battery.voltage_v:.2f}V used {battery.used_mah:.0f} mAh"
                craft.say(Severity.WARNING, f"Battery 1 is {word} {used}")
                self._battery_low(craft, params.whole(f"BATT_FS_{prefix}_ACT"))
                return

    def _low(self, craft: Aircraft, level: int, prefix: str) -> bool:
        params, battery = craft.params, craft.battery
        if params["BATT_CAPACITY"] - battery.used_mah < params[f"BATT_{prefix}_MAH"]:
            return True
        if not 0 < battery.voltage_v < params[f"BATT_{prefix}_VOLT"]:
            self._low_since_s[level] = None
            return False
        since = self._low_since_s[level]
        if since is None:
            self._low_since_s[level] = craft.now_s
            return False
        timer = params["BATT_LOW_TIMER"]
        return timer > 0 and craft.now_s - since > timer

    def _battery_low(self, craft: Aircraft, action: int) -> None:
        modes = _BATTERY_ACTIONS.get(action, _NONE)
        if craft.land_complete:
            craft.disarm()
            self._announce(craft, "Battery", "Disarming")
            return
        if craft.landing and craft.params.whole("FS_OPTIONS") & IF_LANDING and modes:
            self._announce(craft, "Battery", "Continuing Landing")
            return
        self._announce(craft, "Battery")
        if action == 5:
            craft.disarm(forced=True)
        first_of(craft, modes, Reason.BATTERY_FAILSAFE)

    # -- position -------------------------------------------------------------------------------------------------

    def _check_position(self, craft: Aircraft) -> None:
        if craft.senses.position_ok or not craft.armed:
            if self.ekf and craft.senses.position_ok:
                self.ekf = False
                craft.say(Severity.CRITICAL, "EKF Failsafe Cleared")
            self._position_lost_s = None
            return
        if self._position_lost_s is None:
            self._position_lost_s = craft.now_s
        if self.ekf or craft.now_s - self._position_lost_s < EKF_PATIENCE_S or not FACTS[craft.mode].needs_position:
            return
        self.ekf = True
        craft.say(Severity.CRITICAL, "EKF variance")
        if craft.params.whole("FS_EKF_ACTION") == 0:
            craft.say(Severity.CRITICAL, "EKF Failsafe")
            return
        fallback = Mode.ALT_HOLD if craft.params.whole("FS_EKF_ACTION") == 2 else Mode.LAND
        first_of(craft, (fallback,), Reason.EKF_FAILSAFE)
        craft.say(Severity.CRITICAL, f"EKF Failsafe: changed to {FACTS[craft.mode].name} Mode")

    def _check_glitch(self, craft: Aircraft) -> None:
        """A GPS that jumps is told; the estimate stays with the inertial sensors."""
        glitching = craft.senses.gps_ok and craft.glitch_deg != (0.0, 0.0)
        if glitching != self._glitching:
            self._glitching = glitching
            craft.say(Severity.CRITICAL, "GPS Glitch or Compass error" if glitching else "Glitch cleared")

    @staticmethod
    def _announce(craft: Aircraft, kind: str, action: str = "") -> None:
        craft.say(Severity.WARNING, f"{kind} Failsafe - {action}" if action else f"{kind} Failsafe")


def watch_fence(craft: Aircraft) -> None:
    """Check the fence and act on a new breach as FENCE_ACTION says. 25 Hz."""
    fence, params = craft.fence, craft.params
    if not fence.enabled_types or not craft.senses.position_ok:
        return
    before = fence.breaches
    at, home = (craft.body.north_m, craft.body.east_m), craft.home_local[:2]
    new = fence.check(at, home, craft.alt_rel_m, params, craft.now_s)
    if before and not fence.breaches and not craft.land_complete:
        craft.say(Severity.NOTICE, "Fence breach cleared")
    if not new or not craft.armed:
        return
    if not craft.land_complete:
        craft.say(Severity.NOTICE, f"{fence_names(new)} breached")
    action = params.whole("FENCE_ACTION")
    if action == 0:
        return
    if craft.land_complete:
        craft.disarm()
    elif fence.outside_m(at, home, craft.alt_rel_m, params) > GIVE_UP_M:
        first_of(craft, (Mode.LAND,), Reason.FENCE)
    else:
        first_of(craft, _FENCE_ACTIONS.get(action, _FENCE_ACTIONS[1]), Reason.FENCE)


def first_of(craft: Aircraft, modes: tuple[Mode, ...], reason: Reason) -> None:
    """Enter the first of these modes that can be entered."""
    for mode in modes:
        if craft.set_mode(mode, reason):
            return
