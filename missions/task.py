"""One request with all that bears on it: where it starts, when, in which airspace, over which ground."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from core.errors import FieldError, InvalidRequest
from core.geo import ground_distance_m
from geofence.frame import Array, LocalFrame
from geofence.onboard import ARDUCOPTER_LIMITS, FenceLimits
from geofence.scene import RETURN_MPS, margin_budget_m
from geofence.space import Ground, Space
from geofence.terrain import Terrain
from geofence.window import TimeWindow
from geofence.zones import Airspace
from missions.model import Airframe, Beginning, Dock, MissionRequest
from missions.patterns.draft import Piece

# Nearer to the poles and to the 180th meridian neighbours in degrees are none on the ground.
FARTHEST_LAT_DEG, FARTHEST_LON_DEG = 85.0, 179.5
# Farther from the dock nothing is worth planning: a proof goes to 30 km, and no battery as far.
FARTHEST_M = 100_000.0
# A plan may wait so long for its take-off before it is proven anew.
HOLDS_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a plan is made for: the departure when the request names none, the ground, and what the fence can hold.

    `terrain` None: flat ground, as far below home as the dock says; an altitude above ground is then refused.
    `quick`: a preview while somebody draws; an area's rows are then laid in one way only, not in the best of many.
    """

    now: datetime
    terrain: Terrain | None = None
    limits: FenceLimits = ARDUCOPTER_LIMITS
    quick: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What the planner works on. `space` holds the margins of a flight that returns straight.

    `begins_at`: where in the air it begins; None: with a take-off from the dock. `pieces`: what to fly instead of
    what the request's pattern draws.
    """

    request: MissionRequest
    dock: Dock
    airspace: Airspace
    airframe: Airframe
    conditions: Conditions
    departs_at: datetime
    frame: LocalFrame
    ground: Ground
    space: Space
    begins_at: Beginning | None = None
    pieces: tuple[Piece, ...] | None = None

    @property
    def begins_xyz(self) -> Array | None:
        """Where in the air it begins, (3,): metres from the dock."""
        if self.begins_at is None:
            return None
        return np.array([*self.frame.to_xy((self.begins_at.place,))[0], self.begins_at.alt_rel_m])


def task_of(
    request: MissionRequest,
    dock: Dock,
    airspace: Airspace,
    airframe: Airframe,
    conditions: Conditions,
    *,
    begins_at: Beginning | None = None,
    pieces: tuple[Piece, ...] | None = None,
) -> Task:
    """The task of `request`; zones count that are valid at any time of the longest flight from its departure on.

    Raises InvalidRequest for places where no plan can be proven.
    """
    _refuse_unprovable(request, dock)
    departs_at = request.departs_at or conditions.now
    # No battery lasts longer than it hovers: zones that begin later do not matter.
    longest = timedelta(hours=airframe.battery_wh / min(airframe.hover_w, airframe.cruise_w)) + HOLDS_FOR
    frame = LocalFrame(dock.place)
    ground = Ground(dock.alt_amsl_m, dock.height_agl_m, conditions.terrain)
    window = TimeWindow(departs_at, departs_at + longest)
    margin_m = margin_budget_m(max(request.speed_mps, RETURN_MPS))
    space = Space.of(airspace, frame, window, ground, margin_m=margin_m)
    return Task(request, dock, airspace, airframe, conditions, departs_at, frame, ground, space, begins_at, pieces)


def _refuse_unprovable(request: MissionRequest, dock: Dock) -> None:
    """Raises InvalidRequest for what a proof does not reach: far places, the poles and the 180th meridian."""
    for pointer, places in (
        ("/properties/dock_id", (dock.place,)),
        ("/geometry", (*request.line, *request.ring, *request.points)),
        ("/properties/rally", request.rally),
    ):
        for place in places:
            if abs(place.lat_deg) > FARTHEST_LAT_DEG or abs(place.lon_deg) > FARTHEST_LON_DEG:
                limits = f"{FARTHEST_LAT_DEG:g} degrees of latitude and {FARTHEST_LON_DEG:g} of longitude"
                detail = f"lies at {place.lat_deg:.4f}, {place.lon_deg:.4f}; plans are proven up to {limits}"
                raise InvalidRequest((FieldError(pointer, detail),))
            away_m = ground_distance_m(place, dock.place)
            if away_m > FARTHEST_M:
                detail = f"lies {away_m / 1000:.0f} km from the dock; plans reach up to {FARTHEST_M / 1000:g} km"
                raise InvalidRequest((FieldError(pointer, detail),))
