"""One simulated aircraft, stepped in simulated time; it knows no MAVLink, no socket and no clock."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace

from simulator.flight.arming import REPORT_PERIOD_S, SILENT, arm_failures, forced_failures, prearm_failures
from simulator.flight.auto import Auto
from simulator.flight.control import Brake, Controller, Hold, Landing
from simulator.flight.events import Event, HomeSet, ModeSet, Reached, Said
from simulator.flight.failsafes import Failsafes, watch_fence
from simulator.flight.fence import Fence
from simulator.flight.guided import Guided
from simulator.flight.items import Item
from simulator.flight.kinds import Cmd, Severity
from simulator.flight.mission import ITEM_NAMES, Mission
from simulator.flight.modes import FACTS, Mode, Reason
from simulator.flight.motion import Body, Demand
from simulator.flight.parameters import Parameters
from simulator.flight.path import Limits, limits_from
from simulator.flight.places import Datum, LocalFrame, Place, Vector
from simulator.flight.power import Airframe, Battery, flight_power_w
from simulator.flight.returning import Returning, TrackMemory
from simulator.flight.senses import Senses
from simulator.flight.weather import Wind
from simulator.flight.yaw import Yaw
from simulator.spec import VehicleSpec

LAND_DETECT_S = 1.0
CRASH_MPS = 4.0
MAX_EVENTS = 256
AUTO_TAKEOFF_WITHOUT_STICK = 1 << 1
"""AUTO_OPTIONS bit: take off in AUTO without raised throttle."""


class Aircraft:
    """State and behaviour of one aircraft. ``step`` moves it, ``events`` (bounded, oldest lost) tell."""

    def __init__(self, spec: VehicleSpec) -> None:
        self.spec = spec
        self.params = Parameters()
        self.frame = LocalFrame(round(spec.lat_deg * 1e7), round(spec.lon_deg * 1e7), spec.alt_amsl_m)
        self.airframe = Airframe(spec.mass_kg, spec.rotor_radius_m, spec.rotors)
        self.body = Body(self.airframe, math.radians(spec.heading_deg))
        self.wind = Wind(spec.seed)
        self.battery = Battery(spec.battery_wh)
        self.mission = Mission()
        self.fence = Fence()
        self.rally: list[Place] = []
        self.failsafes = Failsafes()
        self.yaw = Yaw()
        self.track = TrackMemory()
        self.events: deque[Event] = deque(maxlen=MAX_EVENTS)
        self.now_s = 0.0
        self.armed = False
        self.auto_armed = False
        self.armed_s = 0.0
        self.land_complete = True
        self.senses = Senses()
        self.home: Place | None = None
        self.home_local: Vector = (0.0, 0.0, 0.0)
        self.home_locked = False
        self.mode = Mode.STABILIZE
        self.mode_reason = Reason.BOOT
        self.controller: Controller = Hold(self)
        self.flights = 0
        self.power_w = 0.0
        self.epoch_s = 0.0
        self.reboot_wanted = False
        self._contact_s = 0.0
        self._idle_since_s = 0.0
        self._prearm_s = -REPORT_PERIOD_S + 8.0
        self.prearm_ok = False
        self._limits_of = -1
        self._limits = limits_from(self.params)
        self._adopt_spec(spec)

    def _adopt_spec(self, spec: VehicleSpec) -> None:
        for name, value in {
            "MAV_SYSID": spec.system_id,
            "BATT_CAPACITY": round(spec.battery_wh / 11.1 * 1000.0),
            "SIM_WIND_SPD": spec.wind_mps,
            "SIM_WIND_DIR": spec.wind_from_deg,
            "SIM_WIND_TURB": spec.gust_mps,
        }.items():
            self.params.set(name, value)

    # -- facts ----------------------------------------------------------------------------------------------------

    @property
    def landing(self) -> bool:
        """Whether the mode is bringing it down."""
        return self.controller.landing

    @property
    def alt_rel_m(self) -> float:
        """Metres above home."""
        return self.body.up_m - self.home_local[2]

    @property
    def glitch_deg(self) -> tuple[float, float]:
        """How far north and east of the truth the GPS tells the place, in degrees."""
        return self.params["SIM_GPS1_GLTCH_X"], self.params["SIM_GPS1_GLTCH_Y"]

    @property
    def place(self) -> Place:
        """Where it is, altitude above mean sea level."""
        lat_e7, lon_e7 = self.frame.on_earth(self.body.north_m, self.body.east_m)
        return Place(lat_e7, lon_e7, self.frame.alt_amsl_m + self.body.up_m)

    def limits(self, ground: float | None = None, climb: float | None = None, descent: float | None = None) -> Limits:
        """The WPNAV_* limits in SI units, with speeds (m/s) that override them."""
        if self._limits_of != self.params.revision:
            self._limits_of = self.params.revision
            self._limits = limits_from(self.params)
        base = self._limits
        if ground is None and climb is None and descent is None:
            return base
        return replace(base, speed=ground or base.speed, climb=climb or base.climb, descent=descent or base.descent)

    def stopping_point(self) -> Vector:
        """Where it comes to rest when it brakes now with WPNAV_ACCEL."""
        body, limits = self.body, self.limits()
        run = body.ground_speed_mps / (2.0 * limits.accel)
        rise = abs(body.vu_mps) / (2.0 * limits.climb_accel)
        up = max(0.0, body.up_m + body.vu_mps * rise)
        return body.north_m + body.vn_mps * run, body.east_m + body.ve_mps * run, up

    def up_of(self, item: Item) -> float:
        """Metres above the origin of an item's altitude."""
        return self.up_from(item.z, Datum(item.frame))

    def up_from(self, alt_m: float, datum: Datum) -> float:
        """Metres above the origin of an altitude; the ground is flat, so terrain counts from the origin."""
        match datum:
            case Datum.AMSL:
                return alt_m - self.frame.alt_amsl_m
            case Datum.HOME:
                return alt_m + self.home_local[2]
            case Datum.TERRAIN:
                return alt_m

    def point_of(self, item: Item, here: Vector) -> Vector:
        """An item's place in local metres; what it leaves open is taken from ``here``."""
        north, east = self.frame.ground(item.x, item.y) if item.has_place else here[:2]
        return north, east, self.up_of(item) if item.z != 0 or item.has_place else here[2]

    # -- what others ask ------------------------------------------------------------------------------------------

    def say(self, severity: Severity, text: str) -> None:
        """Send a status text."""
        self.events.append(Said(severity, text))

    def reached(self, index: int) -> None:
        """Tell that a mission item is done."""
        self.events.append(Reached(index))

    def announce_item(self, index: int, item: Item) -> None:
        """Tell that a mission item begins."""
        name = ITEM_NAMES.get(Cmd(item.command), "?")
        self.say(Severity.INFO, f"Mission: {index} {name}")

    def send_banner(self) -> None:
        """Who it is, in status texts."""
        self.say(Severity.INFO, "ArduCopter V4.7.0-dev (simulated)")
        self.say(Severity.INFO, "Frame: QUAD/PLUS")

    def mission_to(self, index: int) -> bool:
        """Continue the mission at an item; False when there is no such item."""
        executor = self.controller if isinstance(self.controller, Auto) else None
        return self.mission.set_current(index, executor)

    def set_mode(self, mode: Mode, reason: Reason) -> bool:
        """Change the flight mode; a refusal is announced and leaves the old mode."""
        if mode is self.mode:
            self.mode_reason = reason
            return True
        facts = FACTS[mode]
        if self.armed and facts.needs_position and not self.senses.position_ok:
            return self._mode_refused(mode, "requires position")
        controller = self._controller_for(mode)
        if controller is None:
            return self._mode_refused(mode, "init failed")
        if self.mode is Mode.AUTO:
            self.mission.stop()
        self.mode, self.mode_reason, self.controller = mode, reason, controller
        self.events.append(ModeSet())
        if self.fence.breaches and self.params.whole("FENCE_ACTION"):
            self.fence.recovery_since_s = self.now_s
            self.say(Severity.INFO, "Manual recovery started")
        return True

    def _mode_refused(self, mode: Mode, why: str) -> bool:
        self.say(Severity.WARNING, f"Mode change to {FACTS[mode].name} failed: {why}")
        return False

    def _controller_for(self, mode: Mode) -> Controller | None:
        match mode:
            case Mode.AUTO:
                return self._auto()
            case Mode.GUIDED:
                return Guided(self)
            case Mode.RTL:
                return Returning(self)
            case Mode.SMART_RTL:
                way_back = self.track.way_back()
                return Returning(self, way_back) if way_back or not self.armed else None
            case Mode.LAND:
                return Landing(self)
            case Mode.BRAKE:
                return Brake(self)
            case Mode.STABILIZE | Mode.ALT_HOLD | Mode.LOITER:
                return Hold(self)

    def _auto(self) -> Controller | None:
        if self.armed and not self.mission.present:
            return None
        if self.armed and self.land_complete and not self.mission.starts_with_takeoff():
            self.say(Severity.CRITICAL, "Auto: Missing Takeoff Cmd")
            return None
        return Auto(self)

    def arm(self, forced: bool = False) -> bool:
        """Arm if the checks allow it; refusals are announced as "Arm: …"."""
        if self.armed:
            return True
        failures = forced_failures(self) if forced else [*prearm_failures(self)]
        failures = failures or ([] if forced else arm_failures(self))
        if failures:
            for text in failures:
                self.say(Severity.CRITICAL, f"Arm: {text}")
            return False
        if not forced and self.params.whole("ARMING_CHECK") == 0:
            self.say(Severity.WARNING, "Warning: Arming Checks Disabled")
        self.say(Severity.INFO, "Arming motors")
        self.armed = True
        self.auto_armed = False
        self.armed_s = self._idle_since_s = self.now_s
        if self.senses.position_ok and not self.home_locked:
            self._set_home(self.place)
        self.track.restart(self.body.position)
        if self.mode is not Mode.AUTO:
            self.controller = self._controller_for(self.mode) or self.controller
        self.events.append(ModeSet())
        return True

    def disarm(self, forced: bool = False) -> bool:
        """Stop the motors; in flight only when forced, and then it falls."""
        if not self.armed:
            return True
        if not self.land_complete and not forced:
            return False
        self.say(Severity.INFO, "Disarming motors")
        self.armed = self.auto_armed = False
        self.land_complete = True
        self.mission.reset()
        self.events.append(ModeSet())
        return True

    def lift_off(self) -> None:
        """The rotors carry it: it is no longer on the ground."""
        self.land_complete = False
        self.flights += 1
        self._contact_s = 0.0

    def set_home(self, place: Place, locked: bool) -> bool:
        """Move home; impossible before there is an origin."""
        if self.home is None:
            return False
        self.home_locked = self.home_locked or locked
        self._set_home(place)
        return True

    def set_home_by_item(self, item: Item) -> None:
        """DO_SET_HOME as a mission item: parameter 1 or no place means here."""
        if item.params[0] == 1 or not item.has_place:
            self.set_home(self.place, locked=False)
        else:
            self.set_home(Place(item.x, item.y, self.up_of(item) + self.frame.alt_amsl_m), locked=False)

    def _set_home(self, place: Place) -> None:
        self.home = place
        self.home_local = (*self.frame.ground(place.lat_e7, place.lon_e7), place.alt_m - self.frame.alt_amsl_m)
        self.events.append(HomeSet())

    # -- time -----------------------------------------------------------------------------------------------------

    def step(self, dt: float) -> None:
        """Advance simulated time by ``dt`` seconds."""
        self.now_s += dt
        self._step_senses()
        params = self.params
        self.fence.follow_switch(params)
        if params["SIM_WIND_SPD"] or params["SIM_WIND_TURB"]:
            self.wind.step(dt, params["SIM_WIND_SPD"], params["SIM_WIND_DIR"], params["SIM_WIND_TURB"],
                           params["SIM_WIND_TC"])  # fmt: skip
        else:
            self.wind.north_mps = self.wind.east_mps = 0.0
        self._move(dt)
        self.battery.step(dt, self._power_w(), params["SIM_BATT_VOLTAGE"])
        watch_fence(self)
        self.failsafes.step(self)
        if not self.armed:
            self._report_prearm()
        elif self.land_complete:
            self._auto_disarm()

    def _step_senses(self) -> None:
        for text in self.senses.step(self.now_s, self.params.whole("SIM_GPS1_ENABLE") == 1):
            self.say(Severity.INFO, text)
        if self.home is None and self.senses.position_ok:
            self.say(Severity.INFO, "EKF3 IMU0 origin set")
            self._set_home(self.place)
            self.mission.keep_home()
            self.params.set("MIS_TOTAL", len(self.mission.items))

    def _move(self, dt: float) -> None:
        body = self.body
        if not self.armed:
            if isinstance(self.controller, Auto):
                self.controller.demand(self, dt)
            if body.up_m > 0.0:
                body.fall(dt)
                self._touch_ground(dt)
            else:
                body.rest()
            return
        if not self.auto_armed and self.params.whole("AUTO_OPTIONS") & AUTO_TAKEOFF_WITHOUT_STICK:
            self.auto_armed = self.mode is Mode.AUTO
        demand = self.controller.demand(self, dt)
        if not self.armed:
            return
        if self.land_complete:
            body.rest()
            return
        if self.battery.remaining <= 0.0 or self.params.whole("SIM_ENGINE_FAIL") & 0xF:
            body.fall(dt)
        else:
            tilt = math.radians(min(80.0, max(10.0, self.params["ANGLE_MAX"] * 0.01)))
            body.follow(demand, (self.wind.north_mps, self.wind.east_mps), tilt, dt)
        if not self.track.note(body.position, self.params["SRTL_ACCURACY"], self.params.whole("SRTL_POINTS")):
            self.say(Severity.WARNING, "SmartRTL deactivated: buffer full")
        self._touch_ground(dt, demand)

    def _touch_ground(self, dt: float, demand: Demand | None = None) -> None:
        body = self.body
        if body.up_m > 0.0:
            self._contact_s = 0.0
            return
        impact = -body.vu_mps
        body.up_m = 0.0
        body.vu_mps = max(0.0, body.vu_mps)
        body.vn_mps *= 0.5
        body.ve_mps *= 0.5
        if impact > CRASH_MPS:
            self.say(Severity.EMERGENCY, "Crash: Disarming: AngErr=80>30, Accel=0.1<3.0")
            self.disarm(forced=True)
            body.rest()
            return
        if demand is not None and demand.velocity[2] > 0.05:
            return
        self._contact_s += dt
        if self._contact_s >= LAND_DETECT_S:
            self.land_complete = True
            self._idle_since_s = self.now_s
            body.rest()

    def _power_w(self) -> float:
        body = self.body
        if not self.armed:
            self.power_w = 8.0
        elif self.land_complete:
            self.power_w = 30.0
        else:
            self.power_w = flight_power_w(self.airframe, body.airspeed_mps, body.vu_mps, body.load_factor)
        return self.power_w

    def _report_prearm(self) -> None:
        due = self.now_s - self._prearm_s >= REPORT_PERIOD_S
        if not due and self.now_s % 1.0 > 0.05:
            return
        failures = prearm_failures(self)
        self.prearm_ok = not failures
        if not due:
            return
        self._prearm_s = self.now_s
        if not self.params.whole("ARMING_OPTIONS") & SILENT:
            for text in failures:
                self.say(Severity.CRITICAL, f"PreArm: {text}")

    def report_prearm_now(self) -> None:
        """RUN_PREARM_CHECKS: say at once what fails."""
        failures = prearm_failures(self)
        self.prearm_ok = not failures
        for text in failures:
            self.say(Severity.CRITICAL, f"PreArm: {text}")

    def _auto_disarm(self) -> None:
        delay_s = self.params["DISARM_DELAY"]
        if self.controller.taking_off and self.auto_armed:
            self._idle_since_s = self.now_s
        if delay_s > 0 and self.now_s - self._idle_since_s >= delay_s:
            self.disarm()
