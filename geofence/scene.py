"""A flight among the zones that matter for it, in metres: what `evaluate` and `onboard` both look at."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiLineString, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from core.altitude import Altitude, AltitudeBand, Datum
from core.geo import LatLon
from geofence.frame import Array, LocalFrame, densified, lonlat_array
from geofence.zones import Airspace, Combination, Role, Zone

# Height error that a plan allows for: barometer drift and terrain that is not quite flat (domain guide, section 7.1
# asks for 5 to 10 m below the legal ceiling).
VERTICAL_MARGIN_M = 5.0
# ArduCopter climbs to RTL_ALT before it returns when it is lower (default 1500 cm).
RETURN_ALT_M = 15.0


@dataclass(frozen=True, slots=True)
class FlightPath:
    """home → points → home at `alt_rel_m` above a pad that is `pad_agl_m` above flat ground. `points`: N ≥ 1."""

    home: LatLon
    points: tuple[LatLon, ...]
    alt_rel_m: float
    pad_agl_m: float = 0.0
    pad_amsl_m: float = 0.0

    @property
    def places(self) -> tuple[LatLon, ...]:
        """The whole path, N + 2 places; index 0 and the last are home."""
        return (self.home, *self.points, self.home)

    @property
    def top_rel_m(self) -> float:
        """The height that the flight needs, margin and climb before return included."""
        return max(self.alt_rel_m, RETURN_ALT_M) + VERTICAL_MARGIN_M

    def above_home(self, altitude: Altitude) -> float:
        """An altitude in metres above home."""
        match altitude.datum:
            case Datum.REL:
                return altitude.alt_m
            case Datum.AGL:
                return altitude.alt_m - self.pad_agl_m
            case Datum.AMSL:
                return altitude.alt_m - self.pad_amsl_m

    def meets(self, band: AltitudeBand, *, on_the_way_up: bool = False) -> bool:
        """Whether the flight at its altitude, or its return, comes within the vertical margin of the band.

        With `on_the_way_up` the heights from the pad up to there count too.
        """
        lowest_m = 0.0 if on_the_way_up else self.alt_rel_m - VERTICAL_MARGIN_M
        low = -math.inf if band.floor is None else self.above_home(band.floor)
        high = math.inf if band.ceiling is None else self.above_home(band.ceiling)
        return low <= self.top_rel_m and high >= lowest_m


@dataclass(frozen=True, slots=True)
class Placed:
    """A zone and its area in the plane."""

    zone: Zone
    shape: Polygon


@dataclass(frozen=True, slots=True)
class Scene:
    """A flight in the plane, home at (0, 0). Pieces are legs cut to at most 2 km.

    `pieces` (M, 2, 2): both ends of each; `leg_of` (M,): the leg it belongs to, 0 from home to the first point;
    `sweeps` (M,): the triangles that the straight returns from each piece sweep; a line where home is in line.
    `corners` (M, 3, 2): theirs, home last.
    `exclusions`: those whose band the flight meets; `under_flight`: others whose band it passes when it climbs.
    """

    flight: FlightPath
    frame: LocalFrame
    pieces: Array
    leg_of: NDArray[np.intp]
    corners: Array
    sweeps: NDArray[np.object_] = field(repr=False)
    inclusions: tuple[Placed, ...]
    exclusions: tuple[Placed, ...]
    under_flight: tuple[Placed, ...]
    combination: Combination

    def lines(self) -> NDArray[np.object_]:
        """The pieces as lines, (M,)."""
        return np.asarray(shapely.linestrings(self.pieces))

    def star(self) -> BaseGeometry:
        """Roughly all that the flight and its returns sweep, for drawing a fence round it; proofs look at `sweeps`.

        A sweep whose corners are almost in line is a sliver, which a union may drop: outlines of 10 cm keep it.
        """
        outlines = MultiLineString(self.corners[:, [0, 1, 2, 0]].tolist())
        return shapely.union_all([*self.sweeps, outlines.buffer(0.05, quad_segs=1)])

    def gap_m(self, shape: BaseGeometry) -> float:
        """The least distance of anything swept from `shape`; 0 where it meets it."""
        return float(shapely.distance(shape, self.sweeps).min())

    def allowed(self) -> BaseGeometry:
        """Where flying is allowed by the combined inclusions; empty when there is none."""
        shapes = [placed.shape for placed in self.inclusions]
        if not shapes:
            return MultiPolygon()
        union = self.combination is Combination.UNION
        return shapely.union_all(shapes) if union else shapely.intersection_all(shapes)


def lay_out(flight: FlightPath, airspace: Airspace, frame: LocalFrame) -> Scene:
    """Projects a flight and the zones that matter for it. `frame` is centred on the flight's home."""
    pieces, leg_of = _pieces(flight, frame)
    home = frame.to_xy((flight.home,))
    corners = np.concatenate((pieces, np.broadcast_to(home, (len(pieces), 1, 2))), axis=1)
    counted = (Role.INCLUSION, Role.EXCLUSION)
    placed = [Placed(zone, frame.shape_of(zone)) for zone in airspace.zones if zone.role in counted]
    exclusions = [one for one in placed if one.zone.role is Role.EXCLUSION]
    met = tuple(one for one in exclusions if flight.meets(one.zone.band))
    climbed = (one for one in exclusions if flight.meets(one.zone.band, on_the_way_up=True))
    return Scene(
        flight=flight,
        frame=frame,
        pieces=pieces,
        leg_of=leg_of,
        corners=corners,
        sweeps=np.asarray(shapely.convex_hull(shapely.multipoints(corners))),
        inclusions=tuple(one for one in placed if one.zone.role is Role.INCLUSION),
        exclusions=met,
        under_flight=tuple(one for one in climbed if one not in met),
        combination=airspace.combination,
    )


def _pieces(flight: FlightPath, frame: LocalFrame) -> tuple[Array, NDArray[np.intp]]:
    """Ends of the pieces (M, 2, 2) in metres and the leg of each (M,)."""
    lonlat = lonlat_array(flight.places)
    cut = [densified(lonlat[leg : leg + 2]) for leg in range(len(lonlat) - 1)]
    pieces = [np.stack((frame.project(leg[:-1]), frame.project(leg[1:])), axis=1) for leg in cut]
    return np.concatenate(pieces), np.repeat(np.arange(len(cut)), [len(leg) - 1 for leg in cut])
