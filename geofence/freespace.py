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
from geofence.obstacles import Indices, Shapes, Zones
from geofence.rooms import Room, rooms_of
from geofence.search import Search
from geofence.zones import Combination, Role


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why a place is not free: outside of what may be flown in, or in (or too near) the exclusion number `index`."""

    role: Role
    index: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Seeking:
    """A search for the shortest way, to be asked for ever longer ones; no search where an end is not free."""

    search: Search | None
    chosen: Indices
    held: Indices

    def way(self, longest_m: float = math.inf) -> Array | None:
        """The shortest way, (N ≥ 2, 2); None when there is none up to `longest_m`. Raises SearchTooLarge."""
        return None if self.search is None else self.search.way(longest_m)

    def is_over(self) -> bool:
        """Whether there is no way at all."""
        return self.search is None or self.search.is_over()

    def shaped_by(self) -> Indices:
        """The numbers of the exclusions that made the answer what it is: without the others it is the same."""
        return _exclusions(self.held if self.search is None else self.search.joined(), self.chosen)


def _exclusions(obstacles: Indices, chosen: Indices) -> Indices:
    """The numbers of the exclusions among obstacles of a maze."""
    return chosen[obstacles[obstacles < len(chosen)]]


class FreeSpace:
    """Built from rooms and zones; only zones that a query comes near are ever widened."""

    def __init__(self, rooms: tuple[Room, ...], zones: Zones, chosen: Indices | None = None) -> None:
        self._rooms = rooms
        self._zones = zones
        self._chosen: Indices = np.arange(len(zones)) if chosen is None else chosen
        self._mazes: dict[int, Maze] = {}

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
        return cls(rooms_of(inclusions, combination), Zones(shapes, np.asarray(margins_m, dtype=np.float64)))

    def way(self, start: Array, end: Array) -> Array | None:
        """The shortest path between two places (2,) as (N ≥ 2, 2) with both; None when there is none.

        Its distance from every zone and from the inclusions' edge is the margin at least. Raises SearchTooLarge.
        """
        return self.shaped_way(start, end)[0]

    def shaped_way(self, start: Array, end: Array) -> tuple[Array | None, Indices]:
        """As `way`, with the numbers of the exclusions that made it what it is: without the others it is the same."""
        seeking = self.seeking(start, end)
        return seeking.way(), seeking.shaped_by()

    def seeking(self, start: Array, end: Array) -> Seeking:
        """The search for a way between two places (2,)."""
        maze = self._maze_of(start)
        if maze is None or maze is not self._maze_of(end):
            return Seeking(None, self._chosen, self._chosen[:0])
        held = np.concatenate((maze.holders(start), maze.holders(end)))
        if len(held):
            return Seeking(None, self._chosen, held)
        search = Search(maze, np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64))
        return Seeking(search, self._chosen, self._chosen[:0])

    def held_by(self, at: Array) -> Indices:
        """The numbers of the exclusions that hold the place `at` (2,), which lies in a room; none outside of all."""
        maze = self._maze_of(at)
        return self._chosen[:0] if maze is None else self._exclusions(maze.holders(at))

    def why_not(self, at: Array) -> Hindrance | None:
        """What holds the place `at` (2,); None when it is free. The index is that of the given exclusions."""
        maze = self._maze_of(at)
        if maze is None:
            return Hindrance(Role.INCLUSION)
        held = self._exclusions(maze.holders(at))
        return Hindrance(Role.EXCLUSION, int(held[0])) if len(held) else None

    def clear(self, starts: Array, ends: Array) -> NDArray[np.bool_]:
        """Which straight lines, from `starts` to `ends` (N, 2) each, lie in the free space with all their points."""
        clear = np.zeros(len(starts), dtype=np.bool_)
        for index, room in enumerate(self._rooms):
            inside = shapely.contains_xy(room.grown, starts) & shapely.contains_xy(room.grown, ends)
            here = np.flatnonzero(inside)
            clear[here] = self._maze(index).free(starts[here], ends[here])
        return clear

    def part_of(self, area: BaseGeometry) -> BaseGeometry:
        """What of an area is free."""
        allowed = shapely.union_all([shapely.intersection(room.area, area) for room in self._rooms])
        boxes = self._zones.boxes[self._chosen]
        west, south, east, north = shapely.bounds(allowed)
        meets = (boxes[:, 0] <= east) & (boxes[:, 2] >= west) & (boxes[:, 1] <= north) & (boxes[:, 3] >= south)
        blocked = shapely.union_all(self._zones.outlines(self._chosen[meets]))
        return shapely.difference(allowed, blocked)

    def _exclusions(self, obstacles: Indices) -> Indices:
        return _exclusions(obstacles, self._chosen)

    def _maze(self, index: int) -> Maze:
        if index not in self._mazes:
            self._mazes[index] = Maze(self._rooms[index], self._zones, self._chosen)
        return self._mazes[index]

    def _maze_of(self, at: Array) -> Maze | None:
        """The maze of the room that holds a place; None outside of all."""
        for index, room in enumerate(self._rooms):
            if shapely.contains_xy(room.grown, at[0], at[1]):
                return self._maze(index)
        return None
