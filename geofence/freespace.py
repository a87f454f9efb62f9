"""Where a path may go at one height: inside the inclusions, clear of the exclusions, by their margins; in metres."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array
from geofence.maze import Maze
from geofence.obstacles import Indices, Shapes, Zones, meeting
from geofence.rooms import Room, rooms_of
from geofence.search import Search
from geofence.zones import Combination


@dataclass(frozen=True, slots=True, eq=False)
class Seeking:
    """A search for the shortest way, to be asked for ever longer ones; no search where an end is not free."""

    search: Search | None
    held: Indices
    zones: int

    def way(self, longest_m: float = math.inf) -> Array | None:
        """The shortest way, (N ≥ 2, 2); None when there is none up to `longest_m`. Raises SearchTooLarge."""
        return None if self.search is None else self.search.way(longest_m)

    def is_over(self) -> bool:
        """Whether there is no way at all."""
        return self.search is None or self.search.is_over()

    def shaped_by(self) -> Indices:
        """The numbers of the exclusions that made the answer what it is: without the others it is the same."""
        shaping = self.held if self.search is None else self.search.shaped_by()
        return shaping[shaping < self.zones]


class FreeSpace:
    """What is free of a maze among some of its zones; only zones that a query comes near are ever widened."""

    def __init__(self, maze: Maze, chosen: Indices) -> None:
        self._maze = maze
        self._counts = maze.counting(chosen)
        self._zones_count = self._counts[: len(maze.zones)]

    @classmethod
    def of(
        cls,
        inclusions: Sequence[tuple[BaseGeometry, float]],
        exclusions: Sequence[BaseGeometry] | Shapes,
        margins_m: Array,
        *,
        combination: Combination = Combination.INTERSECTION,
    ) -> FreeSpace:
        """`inclusions`: area and margin each; `exclusions`: polygons (N,) with `margins_m` (N,).

        Without an inclusion nothing is free.
        """
        shapes: Shapes = np.array(exclusions, dtype=np.object_).reshape(-1)
        zones = Zones(shapes, np.asarray(margins_m, dtype=np.float64))
        return cls(Maze(rooms_of(inclusions, combination), zones), np.arange(len(zones)))

    def way(self, start: Array, end: Array) -> Array | None:
        """The shortest path between two places (2,) as (N ≥ 2, 2) with both; None when there is none.

        Its distance from every zone and from the inclusions' edge is the margin at least. Raises SearchTooLarge.
        """
        return self.seeking(start, end).way()

    def seeking(self, start: Array, end: Array) -> Seeking:
        """The search for a way between two places (2,)."""
        zones = len(self._maze.zones)
        room = self._room_of(start)
        if room is None or room is not self._room_of(end):
            return Seeking(None, np.empty(0, dtype=np.intp), zones)
        held = np.concatenate((self._holding(start), self._holding(end)))
        if len(held):
            return Seeking(None, held, zones)
        ends = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
        return Seeking(Search(self._maze, self._counts, *ends), held, zones)

    def held_by(self, at: Array) -> Indices:
        """The numbers of the exclusions that hold the place `at` (2,), which lies in a room; none outside of all."""
        return self._holding(at) if self._room_of(at) is not None else np.empty(0, dtype=np.intp)

    def clear(self, starts: Array, ends: Array) -> NDArray[np.bool_]:
        """Which straight lines, from `starts` to `ends` (N, 2) each, lie in the free space with all their points."""
        clear = np.zeros(len(starts), dtype=np.bool_)
        for room in self._maze.rooms:
            inside = shapely.contains_xy(room.grown, starts) & shapely.contains_xy(room.grown, ends)
            places, place = np.unique(starts[inside], axis=0, return_inverse=True)
            inside[inside] = np.array([not len(self._holding(at)) for at in places], dtype=np.bool_)[place]
            clear[inside] = self._maze.clear(starts[inside], ends[inside], self._counts)
        return clear

    def part_of(self, area: BaseGeometry) -> BaseGeometry:
        """What of an area is free."""
        zones = self._maze.zones
        allowed = shapely.union_all([shapely.intersection(room.area, area) for room in self._maze.rooms])
        near = np.flatnonzero(self._zones_count & meeting(zones.boxes, shapely.bounds(allowed)))
        return shapely.difference(allowed, shapely.union_all(zones.outlines(near)))

    def _holding(self, at: Array) -> Indices:
        return self._maze.zones.holding(at, self._zones_count)

    def _room_of(self, at: Array) -> Room | None:
        """The room that holds a place; None outside of all."""
        return next((room for room in self._maze.rooms if shapely.contains_xy(room.grown, at[0], at[1])), None)


def warm_up() -> None:
    """Compiles the kernel or loads it from disk, so that no plan waits for that: seconds the very first time."""
    hall = FreeSpace.of(
        [(shapely.box(-10.0, -10.0, 10.0, 10.0), 0.0)], [shapely.box(-1.0, -1.0, 1.0, 1.0)], np.zeros(1)
    )
    ends = np.array([[-5.0, 0.0], [5.0, 0.0]])
    hall.way(*ends)
    hall.clear(ends[:1], ends[1:])
