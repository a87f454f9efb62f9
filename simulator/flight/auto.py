"""AUTO: carries out the mission, item by item."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from simulator.flight.control import Descent, Plain, Takeoff
from simulator.flight.items import Item
from simulator.flight.kinds import Cmd, Severity, SpeedKind
from simulator.flight.motion import Demand
from simulator.flight.path import Limits, PathFollower
from simulator.flight.places import Vector, wrap_pi
from simulator.flight.returning import Returning

if TYPE_CHECKING:
    from simulator.flight.aircraft import Aircraft

CONTINUE_AFTER_LAND = 1 << 2
"""MIS_OPTIONS bit: go on with the mission after a landing."""
SILENT_DO = frozenset({
    Cmd.DO_DIGICAM_CONFIGURE, Cmd.DO_DIGICAM_CONTROL, Cmd.DO_SET_CAM_TRIGG_DIST, Cmd.IMAGE_START_CAPTURE,
    Cmd.IMAGE_STOP_CAPTURE, Cmd.SET_CAMERA_ZOOM, Cmd.SET_CAMERA_FOCUS, Cmd.VIDEO_START_CAPTURE,
    Cmd.VIDEO_STOP_CAPTURE, Cmd.DO_SET_RELAY, Cmd.DO_SET_SERVO, Cmd.DO_FENCE_ENABLE, Cmd.DO_GIMBAL_MANAGER_PITCHYAW,
})  # fmt: skip
"""Do-items the mission library finishes itself: no MISSION_ITEM_REACHED is sent for them."""
WITH_ONWARD_LEG = frozenset({Cmd.NAV_WAYPOINT, Cmd.NAV_LOITER_UNLIM, Cmd.NAV_LOITER_TIME, Cmd.NAV_SPLINE_WAYPOINT})
"""Only before one of these does a waypoint become a corner flown through."""


class Auto(Plain):
    """The AUTO mode: the executor of the mission and the pilot of its items."""

    def __init__(self, craft: Aircraft) -> None:
        self._craft = craft
        self._waiting = True
        self._speeds: dict[int, float] = {}
        self._path = PathFollower(craft.stopping_point(), craft.limits())
        self._takeoff: Takeoff | None = None
        self._descent: Descent | None = None
        self._return: Returning | None = None
        self._circle: _Circle | None = None
        self._since_s: dict[int, float] = {}
        """When the waiting part of an item began, by index."""
        self._begun: tuple[Item | None, Item | None] = (None, None)

    @property
    def landing(self) -> bool:  # type: ignore[override]
        """Whether the present item is a landing on its way down."""
        return self._descent is not None or (self._return is not None and self._return.landing)

    @property
    def taking_off(self) -> bool:  # type: ignore[override]
        """Whether the present item is a take-off."""
        return self._takeoff is not None and not self._takeoff.complete

    @property
    def target(self) -> Vector | None:  # type: ignore[override]
        """Where the present item leads."""
        if self._takeoff is not None:
            return self._takeoff.target
        return self._return.target if self._return is not None else self._path.destination

    @property
    def paused(self) -> bool:
        """Whether DO_PAUSE_CONTINUE has stopped it on the way."""
        return self._path.paused

    def set_speed(self, kind: int, speed_mps: float) -> bool:
        """Holds for the rest of this AUTO phase."""
        self._speeds[SpeedKind.GROUND if kind == SpeedKind.AIR else kind] = speed_mps
        return True

    def pause(self, on: bool) -> bool:
        """Only on the way to a waypoint."""
        if on and (self._special or self._path.reached):
            return False
        self._path.paused = on
        return True

    @property
    def _special(self) -> bool:
        return any(part is not None for part in (self._takeoff, self._descent, self._return, self._circle))

    def begin(self) -> None:
        """Start or resume the mission at once, as MISSION_START does."""
        craft = self._craft
        self._waiting = False
        craft.mission.start_or_resume(self, restart=craft.params.whole("MIS_RESTART") == 1)

    def demand(self, craft: Aircraft, dt: float) -> Demand:
        """Move the mission on, then fly the item it is at."""
        if self._waiting:
            self.begin()
        else:
            self._notice_changes(craft)
            craft.mission.update(self)
        waits_on_ground = craft.land_complete and self._takeoff is None and self._return is None
        if not craft.armed or craft.controller is not self or waits_on_ground:
            return Demand()
        return self._fly(craft, dt)

    def _fly(self, craft: Aircraft, dt: float) -> Demand:
        if self._takeoff is not None:
            return self._takeoff.demand(craft, dt)
        if self._descent is not None:
            return self._descent.demand(craft, dt)
        if self._return is not None:
            return self._return.demand(craft, dt)
        if self._circle is not None and self._circle.begun:
            return self._circle.demand(dt)
        self._path.limits = self._limits(craft)
        position, velocity = self._path.advance(dt)
        yaw = craft.yaw.target(craft.body, dt, self._path.course_rad)
        return Demand(velocity=velocity, ground=position[:2], up_m=position[2], yaw_rad=yaw)

    def _limits(self, craft: Aircraft) -> Limits:
        return craft.limits(
            ground=self._speeds.get(SpeedKind.GROUND),
            climb=self._speeds.get(SpeedKind.CLIMB),
            descent=self._speeds.get(SpeedKind.DESCENT),
        )

    def _notice_changes(self, craft: Aircraft) -> None:
        """A mission rewritten under way restarts its present waypoint."""
        if not craft.mission.running or self._special or self._begun[0] is None:
            return
        now = self._present_and_next(craft)
        if now != self._begun and now[0] is not None:
            craft.say(Severity.CRITICAL, "Auto mission changed, restarted command")
            self.start_item(craft.mission.nav_index, now[0])

    def _present_and_next(self, craft: Aircraft) -> tuple[Item | None, Item | None]:
        items, index = craft.mission.items, craft.mission.nav_index
        if not 0 < index < len(items):
            return None, None
        onward = craft.mission.next_nav(index + 1)
        return items[index], items[onward] if onward is not None else None

    # -- what the mission asks ------------------------------------------------------------------------------------

    def start_item(self, index: int, item: Item) -> None:
        """Begin an item; see `Executor`."""
        craft = self._craft
        craft.announce_item(index, item)
        self._since_s.pop(index, None)
        if not item.is_nav:
            self._start_do(craft, item)
            return
        was_airborne_from = self._takeoff
        self._takeoff = self._descent = self._return = self._circle = None
        if was_airborne_from is not None:
            self._path = PathFollower(was_airborne_from.target, self._limits(craft), craft.body.velocity)
        self._begun = self._present_and_next(craft)
        match item.command:
            case Cmd.NAV_TAKEOFF | Cmd.NAV_VTOL_TAKEOFF:
                self._takeoff = Takeoff(craft, craft.up_of(item))
            case Cmd.NAV_LAND | Cmd.NAV_VTOL_LAND:
                self._start_land(craft, item)
            case Cmd.NAV_RETURN_TO_LAUNCH:
                self._return = Returning(craft)
            case Cmd.NAV_LOITER_TURNS:
                self._circle = _Circle(craft, item, craft.point_of(item, self._path.destination))
                self._go_to(craft, self._circle.edge)
            case Cmd.NAV_DELAY:
                pass
            case _:
                self._go_to(craft, craft.point_of(item, self._path.destination), self._corner_after(craft, item))

    def _go_to(self, craft: Aircraft, point: Vector, following: Vector | None = None) -> None:
        if self._path.reached and self._path.speed_mps == 0.0 and craft.body.ground_speed_mps > 1.0:
            self._path = PathFollower(craft.body.position, self._limits(craft), craft.body.velocity)
        self._path.limits = self._limits(craft)
        self._path.go_to(point, following)
        craft.yaw.track(craft.params.whole("WP_YAW_BEHAVIOR"))

    def _corner_after(self, craft: Aircraft, item: Item) -> Vector | None:
        if item.command != Cmd.NAV_WAYPOINT or item.params[0] > 0:
            return None
        onward = craft.mission.next_nav(craft.mission.nav_index + 1)
        if onward is None or craft.mission.items[onward].command not in WITH_ONWARD_LEG:
            return None
        here = craft.point_of(item, self._path.destination)
        return craft.point_of(craft.mission.items[onward], here)

    def _start_land(self, craft: Aircraft, item: Item) -> None:
        if item.has_place:
            north, east, _ = craft.point_of(item, craft.body.position)
            self._go_to(craft, (north, east, craft.body.up_m))
        else:
            self._descent = Descent(craft)

    def _start_do(self, craft: Aircraft, item: Item) -> None:
        p1, p2, p3, p4 = item.params
        match item.command:
            case Cmd.DO_CHANGE_SPEED if p2 > 0:
                self.set_speed(int(p1), p2)
            case Cmd.CONDITION_YAW:
                craft.yaw.turn_to(math.radians(p1), math.radians(p2), int(p3), p4 > 0, craft.body)
            case Cmd.DO_SET_HOME:
                craft.set_home_by_item(item)
            case Cmd.DO_SET_ROI | Cmd.DO_SET_ROI_LOCATION:
                craft.yaw.look_at(craft.point_of(item, craft.body.position) if item.has_place else None)
            case Cmd.DO_SET_ROI_NONE:
                craft.yaw.look_at(None)
            case Cmd.DO_FENCE_ENABLE:
                craft.fence.enable(bool(p1), 15, craft.params)
            case _:
                pass

    def item_done(self, index: int, item: Item) -> bool:
        """Whether an item is finished; see `Executor`."""
        craft = self._craft
        done = self._nav_done(craft, index, item) if item.is_nav else self._do_done(craft, index, item)
        if done and item.command not in SILENT_DO:
            craft.reached(index)
        return done

    def _nav_done(self, craft: Aircraft, index: int, item: Item) -> bool:
        match item.command:
            case Cmd.NAV_TAKEOFF | Cmd.NAV_VTOL_TAKEOFF:
                return self._takeoff is None or self._takeoff.complete
            case Cmd.NAV_LAND | Cmd.NAV_VTOL_LAND:
                return self._landed(craft)
            case Cmd.NAV_RETURN_TO_LAUNCH:
                return craft.land_complete and self._return is not None and self._return.landing
            case Cmd.NAV_LOITER_UNLIM:
                return False
            case Cmd.NAV_LOITER_TURNS:
                return self._circled(craft)
            case Cmd.NAV_DELAY:
                return self._waited(craft, index, item.params[0])
            case _:
                hold_s = item.params[0] if item.command != Cmd.NAV_LOITER_TO_ALT else 0.0
                if not self._arrived(craft) or not self._waited(craft, index, hold_s):
                    return False
                craft.say(Severity.INFO, f"Reached command #{index}")
                return True

    def _arrived(self, craft: Aircraft) -> bool:
        """A corner flown through counts at once; a stop counts within the waypoint radius."""
        if not self._path.reached:
            return False
        if self._path.speed_mps > 0.0:
            return True
        return math.dist(craft.body.position, self._path.destination) <= craft.params["WPNAV_RADIUS"] * 0.01

    def _waited(self, craft: Aircraft, index: int, seconds: float) -> bool:
        return craft.now_s - self._since_s.setdefault(index, craft.now_s) >= seconds

    def _landed(self, craft: Aircraft) -> bool:
        if self._descent is None:
            if self._arrived(craft):
                self._descent = Descent(craft)
                craft.yaw.hold()
            return False
        if not craft.land_complete:
            return False
        onward = craft.mission.next_nav(craft.mission.nav_index + 1)
        takeoff_next = onward is not None and craft.mission.items[onward].command == Cmd.NAV_TAKEOFF
        if takeoff_next or craft.params.whole("MIS_OPTIONS") & CONTINUE_AFTER_LAND:
            return True
        craft.disarm()
        return False

    def _circled(self, craft: Aircraft) -> bool:
        circle = self._circle
        if circle is None:
            return True
        if not circle.begun:
            circle.begun = self._arrived(craft)
            return False
        if circle.whole_turns != circle.announced:
            circle.announced = circle.whole_turns
            if circle.whole_turns < circle.turns:
                craft.say(Severity.INFO, f"Mission: starting circle {circle.whole_turns + 1}/{int(circle.turns)}")
        if circle.turned_rad < circle.turns * math.tau:
            return False
        self._path = PathFollower(craft.body.position, self._limits(craft), craft.body.velocity)
        return True

    def _do_done(self, craft: Aircraft, index: int, item: Item) -> bool:
        match item.command:
            case Cmd.CONDITION_DELAY:
                return self._waited(craft, index, item.params[0])
            case Cmd.CONDITION_DISTANCE:
                return math.dist(craft.body.position[:2], self._path.destination[:2]) < max(0.0, item.params[0])
            case Cmd.CONDITION_YAW:
                return craft.yaw.turned(craft.body)
            case _:
                return True

    def mission_over(self) -> None:
        """No item left: hold in the air, disarm on the ground."""
        craft = self._craft
        if craft.land_complete:
            craft.disarm()
            return
        self._takeoff = self._descent = self._return = self._circle = None
        self._path = PathFollower(craft.stopping_point(), self._limits(craft))


class _Circle:
    """LOITER_TURNS: a circle round a point at CIRCLE_RATE, as fast as lateral acceleration allows."""

    def __init__(self, craft: Aircraft, item: Item, centre: Vector) -> None:
        self.turns = item.params[0]
        self._radius = abs(item.params[2]) or craft.params["CIRCLE_RADIUS"] * 0.01
        self._sign = -1.0 if item.params[2] < 0 else 1.0
        self._centre = centre
        north, east, _ = craft.body.position
        self._angle = math.atan2(east - centre[1], north - centre[0])
        accel = craft.params["WPNAV_ACCEL"] * 0.01
        fastest = min(math.sqrt(accel * self._radius), craft.params["WPNAV_SPEED"] * 0.01)
        self._rate = min(math.radians(abs(craft.params["CIRCLE_RATE"])), fastest / self._radius)
        self._rate_now = 0.0
        self.begun = False
        self.turned_rad = 0.0
        self.announced = -1

    @property
    def whole_turns(self) -> int:
        """Turns completed."""
        return int(self.turned_rad / math.tau)

    @property
    def edge(self) -> Vector:
        """The nearest point of the circle when it began."""
        return self._at(self._angle)

    def _at(self, angle: float) -> Vector:
        north, east, up = self._centre
        return north + self._radius * math.cos(angle), east + self._radius * math.sin(angle), up

    def demand(self, dt: float) -> Demand:
        """The next point of the circle, nose towards the centre."""
        self._rate_now = min(self._rate, self._rate_now + 0.3 * dt)
        step = self._rate_now * dt
        self.turned_rad += step
        self._angle += self._sign * step
        at = self._at(self._angle)
        speed = self._rate_now * self._radius * self._sign
        velocity = (-speed * math.sin(self._angle), speed * math.cos(self._angle), 0.0)
        inward = -(self._rate_now**2) * self._radius
        accel = (inward * math.cos(self._angle), inward * math.sin(self._angle), 0.0)
        return Demand(velocity, at[:2], at[2], accel, wrap_pi(self._angle + math.pi))
