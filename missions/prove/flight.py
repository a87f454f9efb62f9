"""What a vehicle will fly, read from its mission items alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from missions.model import Beginning, MissionItem
from missions.prove.facts import Autopilot
from missions.prove.planes import Array
from missions.prove.rules import Rule

# MAV_CMD (MAVLink common.xml).
_WAYPOINT, _RETURN, _LAND, _TAKEOFF = 16, 20, 21, 22
_GLOBAL, _RELATIVE = (0, 5), (3, 6)
_GROUND_SPEEDS = (0.0, 1.0)
# Items are rounded to the centimetre, and a millimetre is added where float32 would cut one off.
_ALT_TOLERANCE_M = 0.0062


class NotFlyable(Exception):
    """The items are no flight that the proof can follow; the text says which one, `rule` what it breaks."""

    def __init__(self, detail: str, rule: Rule = Rule.ITEMS) -> None:
        super().__init__(detail)
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Flight:
    """home → points → home. `points` (P, 3): lon, lat, metres above home; P = N + 2.

    Point 0 is above home after the take-off, points 1…N are the waypoints, the last one is over the landing place.
    A flight that begins in the air begins at waypoint 1: leg 0 is not flown, but `behind` (K ≥ 2, 3) lies behind it,
    from over home to waypoint 1; None: it takes off.
    `speeds_mps` and `filming` (P − 1,): of the leg that begins at each point; `photo` (P,): pictures taken there.
    `hold_s` (P,); `climbs`: the way home is flown by RTL, which climbs first and may choose a rally point.
    """

    home_amsl_m: float
    points: Array
    speeds_mps: Array
    filming: NDArray[np.bool_]
    photo: NDArray[np.bool_]
    hold_s: Array
    climbs: bool
    behind: Array | None = None

    @property
    def first_leg(self) -> int:
        """The first leg that is still to be flown."""
        return 0 if self.behind is None else 1

    @property
    def home(self) -> Array:
        """lon, lat (2,)."""
        return np.asarray(self.points[0, :2])

    @property
    def waypoints(self) -> int:
        """N."""
        return len(self.points) - 2


def read_flight(items: Sequence[MissionItem], autopilot: Autopilot, begins_at: Beginning | None = None) -> Flight:
    """The flight of mission items. Raises NotFlyable naming the item that is out of order or not understood.

    `begins_at`: where the vehicle holds, in the air; None: the items take off.
    """
    if not items:
        raise NotFlyable("The plan has no mission items.")
    for place, item in enumerate(items):
        if item.seq != place:
            raise NotFlyable(f"Item {place} has the number {item.seq}.")
    home = items[0]
    if home.command != _WAYPOINT or home.frame not in _GLOBAL:
        raise NotFlyable("Item 0 is not the home position.")
    reader = _Reader(autopilot.speed_mps, home)
    if begins_at is not None:
        reader.begin_in_air(begins_at, items[1:2])
    for item in items[1:]:
        reader.read(item)
    return reader.flight()


@dataclass(slots=True)
class _Reader:
    """Goes through the items in their order, with the speed and the cameras as they are."""

    speed_mps: float
    home: MissionItem
    by_distance: bool = False
    in_series: bool = False
    on_video: bool = False
    points: list[tuple[float, float, float]] = field(default_factory=list)
    speeds: list[float] = field(default_factory=list)
    filming: list[bool] = field(default_factory=list)
    photo: list[bool] = field(default_factory=list)
    hold: list[float] = field(default_factory=list)
    ended_by: int | None = None
    behind: Array | None = None

    def begin_in_air(self, at: Beginning, first: Sequence[MissionItem]) -> None:
        """It holds, with cameras that may run; the first item must be where it is, or it would fly there first."""
        place = (round(at.place.lat_deg * 1e7), round(at.place.lon_deg * 1e7))
        here = [item for item in first if item.command == _WAYPOINT and (item.x_e7, item.y_e7) == place]
        if not here or abs(_height(here[0]) - at.alt_rel_m) > _ALT_TOLERANCE_M:
            raise NotFlyable("Item 1 is not the waypoint at which the vehicle holds.")
        corners = [(step.place.lon_deg, step.place.lat_deg, step.alt_rel_m) for step in at.flown]
        corners.append((at.place.lon_deg, at.place.lat_deg, at.alt_rel_m))
        if not all(math.isfinite(value) for corner in corners for value in corner):
            raise NotFlyable("The path flown so far has a place or a height that is no number.")
        home = (self.home.y_e7 / 1e7, self.home.x_e7 / 1e7, corners[0][2])
        self.behind = np.array([home, *corners])
        self._arrive(self.home.x_e7, self.home.y_e7, at.alt_rel_m, 0.0)
        self.by_distance = self.on_video = True

    def read(self, item: MissionItem) -> None:
        if not all(math.isfinite(value) for value in (*item.params[:2], item.z_m)):
            raise NotFlyable(f"Item {item.seq} has a value that is no number.")
        if self.ended_by is not None:
            raise NotFlyable(f"Item {item.seq} comes after the end of the mission.")
        if item.command == _TAKEOFF:
            self._take_off(item)
        elif item.command in (_WAYPOINT, _LAND, _RETURN):
            self._navigate(item)
        else:
            self._do(item)

    def _take_off(self, item: MissionItem) -> None:
        if self.points:
            again = "in the air" if self.behind is not None else "a second time"
            raise NotFlyable(f"Item {item.seq} takes off {again}.")
        # ArduCopter climbs where it stands and ignores the place; one that is not home tells of a mix-up.
        if (item.x_e7, item.y_e7) != (self.home.x_e7, self.home.y_e7):
            raise NotFlyable(f"Item {item.seq} takes off somewhere else than at home.")
        self._arrive(item.x_e7, item.y_e7, _height(item), 0.0)

    def _navigate(self, item: MissionItem) -> None:
        if not self.points:
            raise NotFlyable(f"Item {item.seq} comes before the take-off.")
        self._depart()
        if item.command == _WAYPOINT:
            if item.x_e7 == 0 and item.y_e7 == 0:
                raise NotFlyable(
                    f"Item {item.seq} is at latitude 0, longitude 0, which the autopilot takes as “here”."
                )
            self._arrive(item.x_e7, item.y_e7, _height(item), item.params[0])
            return
        self.ended_by = item.command
        here = item.command == _LAND and item.x_e7 == 0 and item.y_e7 == 0
        last = self.points[-1]
        if here:
            self.points.append(last)
        elif item.command == _LAND:
            self.points.append((item.y_e7 / 1e7, item.x_e7 / 1e7, last[2]))
        else:
            self.points.append((self.home.y_e7 / 1e7, self.home.x_e7 / 1e7, last[2]))
        self.photo.append(False)
        self.hold.append(0.0)

    def _arrive(self, x_e7: int, y_e7: int, alt_rel_m: float, hold_s: float) -> None:
        self.points.append((y_e7 / 1e7, x_e7 / 1e7, alt_rel_m))
        self.photo.append(False)
        self.hold.append(hold_s)

    def _depart(self) -> None:
        self.speeds.append(self.speed_mps)
        self.filming.append(self.by_distance or self.in_series or self.on_video)

    def _do(self, item: MissionItem) -> None:
        one, two, three, _ = item.params
        match item.command:
            case 178 if one in _GROUND_SPEEDS and two > 0.0:  # DO_CHANGE_SPEED
                self.speed_mps = two
            case 178:
                raise NotFlyable(f"Item {item.seq} sets a speed that is no ground speed above zero.")
            case 93 if self.points and one >= 0.0:  # NAV_DELAY
                self.hold[-1] += one
            case 115 | 195 | 197 | 201 | 205 | 1000:  # yaw, regions of interest, mount, gimbal: they move nothing
                pass
            case 203 | 206 | 2000 | 2001 | 2500 | 2501:
                self._camera(item.command, one, three)
            case command:
                raise NotFlyable(f"Item {item.seq} is command {command}, which the proof does not know.")

    def _camera(self, command: int, one: float, three: float) -> None:
        match command:
            case 206:  # DO_SET_CAM_TRIGG_DIST: metres between pictures; param3 takes one at once
                self.by_distance = one > 0.0
            case 2000:  # IMAGE_START_CAPTURE: param3 is how many, 0 for ever
                self.in_series = three != 1.0
            case 2001:  # IMAGE_STOP_CAPTURE
                self.in_series = False
            case 2500 | 2501:  # VIDEO_START_CAPTURE, VIDEO_STOP_CAPTURE
                self.on_video = command == 2500
        self._snap(command in (203, 2000, 2500) or (command == 206 and (one > 0.0 or three == 1.0)))

    def _snap(self, taken: bool) -> None:
        if self.points and taken:
            self.photo[-1] = True

    def flight(self) -> Flight:
        if self.ended_by is None:
            raise NotFlyable("The mission neither returns nor lands at its end.")
        if len(self.points) < 3:
            raise NotFlyable("The mission has no waypoint.")
        return Flight(
            home_amsl_m=self.home.z_m,
            points=np.array(self.points, dtype=np.float64),
            speeds_mps=np.array(self.speeds, dtype=np.float64),
            filming=np.array([False, *self.filming[1:]] if self.behind is not None else self.filming, dtype=np.bool_),
            photo=np.array(self.photo, dtype=np.bool_),
            hold_s=np.array(self.hold, dtype=np.float64),
            climbs=self.ended_by == _RETURN,
            behind=self.behind,
        )


def _height(item: MissionItem) -> float:
    """Metres above home, to the centimetre that the autopilot stores."""
    if item.frame not in _RELATIVE:
        raise NotFlyable(f"Item {item.seq} counts its height in frame {item.frame}, not from home.")
    # ArduCopter takes 0 as “the height that I have”; below home there is no flight to follow.
    if item.z_m < 0.01:
        raise NotFlyable(f"Item {item.seq} is at {item.z_m:g} m above home, which is no height to fly at.")
    return item.z_m


def read_rally(items: Sequence[MissionItem]) -> Array:
    """Rally points (R, 3): lon, lat, metres above home, rounded up since the autopilot keeps whole metres.

    Raises NotFlyable for anything else than NAV_RALLY_POINT above home.
    """
    found = []
    for place, item in enumerate(items):
        if item.command != 5100 or item.seq != place or item.frame not in _RELATIVE:
            raise NotFlyable(f"Rally item {place} is no rally point above home.")
        if not math.isfinite(item.z_m) or (item.x_e7 == 0 and item.y_e7 == 0):
            raise NotFlyable(f"Rally item {place} has no place or no height.")
        found.append((item.y_e7 / 1e7, item.x_e7 / 1e7, math.ceil(item.z_m)))
    return np.array(found, dtype=np.float64).reshape(-1, 3)
