"""The mission list and the pointer that runs through it: navigation items in turn, do-items beside them."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

from simulator.flight.items import Item
from simulator.flight.kinds import Cmd

MAX_ITEMS = 650
"""As measured on an ArduCopter 4.7.0-dev SITL without an SD card."""
JUMP_FOREVER = -1
HOME_ITEM = Item(Cmd.NAV_WAYPOINT, 0, (0.0, 0.0, 0.0, 0.0))
LONGEST_JUMP_CHAIN = 64

ITEM_NAMES = {
    Cmd.NAV_WAYPOINT: "WP", Cmd.NAV_SPLINE_WAYPOINT: "SplineWP", Cmd.NAV_RETURN_TO_LAUNCH: "RTL",
    Cmd.NAV_LOITER_UNLIM: "LoitUnlim", Cmd.NAV_LOITER_TIME: "LoitTime", Cmd.NAV_LOITER_TURNS: "LoitTurns",
    Cmd.NAV_LOITER_TO_ALT: "LoitAltitude", Cmd.CONDITION_DELAY: "CondDelay", Cmd.CONDITION_DISTANCE: "CondDist",
    Cmd.DO_CHANGE_SPEED: "ChangeSpeed", Cmd.DO_SET_HOME: "SetHome", Cmd.DO_SET_SERVO: "SetServo",
    Cmd.DO_SET_RELAY: "SetRelay", Cmd.DO_DIGICAM_CONFIGURE: "DigiCamCfg", Cmd.DO_DIGICAM_CONTROL: "DigiCamCtrl",
    Cmd.DO_SET_CAM_TRIGG_DIST: "SetCamTrigDst", Cmd.DO_SET_ROI_LOCATION: "SetROILocation",
    Cmd.DO_SET_ROI_NONE: "SetROINone", Cmd.DO_SET_ROI: "SetROI", Cmd.NAV_TAKEOFF: "Takeoff", Cmd.NAV_LAND: "Land",
    Cmd.NAV_VTOL_TAKEOFF: "VTOLTakeoff", Cmd.NAV_VTOL_LAND: "VTOLLand", Cmd.DO_FENCE_ENABLE: "FenceEnable",
    Cmd.CONDITION_YAW: "CondYaw", Cmd.DO_RETURN_PATH_START: "ReturnPathStart", Cmd.DO_LAND_START: "LandStart",
    Cmd.NAV_DELAY: "Delay", Cmd.DO_MOUNT_CONTROL: "MountControl", Cmd.DO_JUMP: "Jump",
    Cmd.DO_PAUSE_CONTINUE: "PauseContinue", Cmd.DO_GIMBAL_MANAGER_PITCHYAW: "GimbalPitchYaw",
    Cmd.IMAGE_START_CAPTURE: "ImageStartCapture", Cmd.IMAGE_STOP_CAPTURE: "ImageStopCapture",
    Cmd.SET_CAMERA_ZOOM: "SetCameraZoom", Cmd.SET_CAMERA_FOCUS: "SetCameraFocus",
    Cmd.VIDEO_START_CAPTURE: "VideoStartCapture", Cmd.VIDEO_STOP_CAPTURE: "VideoStopCapture",
}  # fmt: skip
"""The words of the "Mission: 3 WP" status text."""


class MissionState(IntEnum):
    """MISSION_STATE of MISSION_CURRENT, as far as the list itself knows it."""

    NO_MISSION = 1
    NOT_STARTED = 2
    ACTIVE = 3
    PAUSED = 4
    COMPLETE = 5


class Executor(Protocol):
    """Who carries out items: the AUTO mode."""

    def start_item(self, index: int, item: Item) -> None:
        """Begin an item."""

    def item_done(self, index: int, item: Item) -> bool:
        """Whether a begun item is finished."""

    def mission_over(self) -> None:
        """No navigation item is left."""


class Mission:
    """The list as stored, and which of its items are being worked on.

    ``items[0]`` is a place holder: item 0 is home and belongs to the vehicle. ``nav_index`` 0 means none.
    """

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.state = MissionState.NOT_STARTED
        self.nav_index = 0
        self._do_index: int | None = None
        self._next_do = 0
        self._jumps_done: dict[int, int] = {}

    @property
    def present(self) -> bool:
        """Whether there is anything to fly."""
        return len(self.items) > 1

    @property
    def running(self) -> bool:
        """Whether the pointer moves."""
        return self.state is MissionState.ACTIVE

    @property
    def public_state(self) -> MissionState:
        """What MISSION_CURRENT says."""
        return self.state if self.present else MissionState.NO_MISSION

    def keep_home(self) -> None:
        """Make sure item 0 exists: the vehicle writes its home there."""
        if not self.items:
            self.items.append(HOME_ITEM)

    def truncate(self, count: int) -> None:
        """Shorten the list at once, as MISSION_COUNT does, whatever becomes of the upload that follows."""
        del self.items[count:]

    def clear(self, armed: bool) -> bool:
        """Empty the list; refused while armed and running."""
        if armed and self.running:
            return False
        self.truncate(0)
        self.nav_index = 0
        self._do_index = None
        self.state = MissionState.NOT_STARTED
        return True

    def reset(self) -> None:
        """Forget the pointer and the jump counters."""
        self.nav_index = 0
        self._do_index = None
        self._jumps_done.clear()

    def stop(self) -> None:
        """Leave AUTO: keep the pointer, stand still."""
        if self.running:
            self.state = MissionState.NOT_STARTED

    def start(self, executor: Executor) -> None:
        """Run from the first item."""
        self.reset()
        self.state = MissionState.ACTIVE
        self._advance(executor, 1)

    def start_or_resume(self, executor: Executor, restart: bool) -> None:
        """Run on from the current item, or from the first if there is none or the list was completed."""
        if restart or self.state is MissionState.COMPLETE or not 0 < self.nav_index < len(self.items):
            self.start(executor)
            return
        self.state = MissionState.ACTIVE
        # A do-item that had not run yet comes first; it lies before the navigation item (AP_Mission::resume).
        self._advance(executor, self.nav_index if self._do_index is None else self._do_index)

    def set_current(self, index: int, executor: Executor | None) -> bool:
        """Jump to an item; 0 means the first. False when there is no such item."""
        if index >= len(self.items) or len(self.items) == 1:
            return False
        if index == 0 or self.state is MissionState.COMPLETE:
            self._jumps_done.clear()
        index = max(1, index)
        if self.running and executor is not None:
            return self._advance(executor, index)
        at = self.next_nav(index)
        if at is None:
            return False
        first = self._resolve(index, dict(self._jumps_done))
        self.nav_index, self._do_index = at, first if first != at else None
        self.state = MissionState.NOT_STARTED
        return True

    def update(self, executor: Executor) -> None:
        """Look whether the current items are done and move on."""
        if not self.running:
            return
        if not 0 < self.nav_index < len(self.items):
            self._advance(executor, self.nav_index or 1)
            return
        if executor.item_done(self.nav_index, self.items[self.nav_index]):
            self._advance(executor, self.nav_index + 1)
            return
        do = self._do_index
        if do is not None and do < len(self.items) and executor.item_done(do, self.items[do]):
            self._start_next_do(executor)

    def next_nav(self, index: int) -> int | None:
        """The first navigation item from an index on, jumps followed but not counted."""
        counts = dict(self._jumps_done)
        for _ in range(len(self.items) + LONGEST_JUMP_CHAIN):
            at = self._resolve(index, counts)
            if at is None or self.items[at].is_nav:
                return at
            index = at + 1
        return None

    def starts_with_takeoff(self) -> bool:
        """Whether the first navigation item is a take-off (delays may come before it)."""
        at = self.next_nav(1)
        while at is not None and self.items[at].command == Cmd.NAV_DELAY and at < 16:
            at = self.next_nav(at + 1)
        return at is not None and self.items[at].command in (Cmd.NAV_TAKEOFF, Cmd.NAV_VTOL_TAKEOFF)

    def _advance(self, executor: Executor, index: int) -> bool:
        """Start the do-item in between, if any, and the next navigation item."""
        self._do_index = None
        first_do: int | None = None
        for _ in range(255):
            at = self._resolve(index, self._jumps_done)
            if at is None:
                self._complete(executor)
                return False
            if self.items[at].is_nav:
                self.nav_index = at
                if first_do is not None:
                    self._do_index = first_do
                executor.start_item(at, self.items[at])
                return True
            if first_do is None:
                first_do = at
                executor.start_item(at, self.items[at])
            index = at + 1
        self._complete(executor)
        return False

    def _start_next_do(self, executor: Executor) -> None:
        assert self._do_index is not None
        at = self._resolve(self._do_index + 1, dict(self._jumps_done))
        if at is None or self.items[at].is_nav:
            self._do_index = None
            return
        self._do_index = at
        executor.start_item(at, self.items[at])

    def _complete(self, executor: Executor) -> None:
        self.state = MissionState.COMPLETE
        executor.mission_over()

    def _resolve(self, index: int, counts: dict[int, int]) -> int | None:
        """The first item from an index on that is no jump; taken jumps are counted in ``counts``."""
        for _ in range(LONGEST_JUMP_CHAIN):
            if index >= len(self.items):
                return None
            item = self.items[index]
            if item.command != Cmd.DO_JUMP:
                return index
            target, times = int(item.params[0]), int(item.params[1])
            if not 0 < target < len(self.items):
                return None
            if times == JUMP_FOREVER or counts.get(index, 0) < times:
                counts[index] = counts.get(index, 0) + 1
                index = target
            else:
                counts[index] = 0
                index += 1
        return None
