"""Sleeves: the room round something, up to what it must keep off, as closed chains of doors that a ring runs through.

A triangulation of the room in between joins vertices of what must be inside with vertices of what must stay outside:
those edges are the doors, and the triangles between them, one after the other, close to a sleeve. Each sleeve parts
something inside from something outside, all of them together part everything. Source of the idea: the level sets of a
function that is 0 on one side and 1 on the other, linear on each triangle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Sleeve:
    """Doors in their order round, M ≥ 3: each from `near` (M, 2), on what is inside, to `far` (M, 2)."""

    near: Array
    far: Array

    def turned(self, first: int) -> Sleeve:
        """The same, from another door on."""
        return Sleeve(np.roll(self.near, -first, axis=0), np.roll(self.far, -first, axis=0))

    def widths_m(self) -> Array:
        """How wide each door is, (M,)."""
        return np.asarray(np.hypot(*(self.far - self.near).T))

    def middle(self) -> Array:
        """The ring through the middles of the doors, (M, 2), open."""
        return np.asarray((self.near + self.far) / 2.0)


def sleeves(inside: BaseGeometry, room: BaseGeometry) -> Iterator[Sleeve]:
    """The sleeves in `room`, an area that touches `inside` all round it and lies outside of it."""
    triangles = shapely.get_parts(shapely.constrained_delaunay_triangles(room))
    corners = shapely.get_coordinates(triangles).reshape(-1, 4, 2)[:, :3]
    places, number = np.unique(corners.reshape(-1, 2).view(np.complex128), return_inverse=True)
    edge_of = np.unique(shapely.get_coordinates(inside).view(np.complex128))
    is_near = np.isin(places.ravel(), edge_of)
    xy = places.view(np.float64).reshape(-1, 2)
    for doors in _chains(number.reshape(-1, 3), is_near):
        swap = ~is_near[doors[:, 0]]
        doors[swap] = doors[swap][:, ::-1]
        yield Sleeve(xy[doors[:, 0]], xy[doors[:, 1]])


def _chains(triangles: Indices, is_near: NDArray[np.bool_]) -> Iterator[Indices]:
    """The doors of each sleeve, (M, 2) numbers of places."""
    ends = triangles, np.roll(triangles, -1, axis=1)
    is_door = is_near[ends[0]] != is_near[ends[1]]
    # A door by one number, the lesser of its places first; a triangle has two doors or none.
    keys = (np.minimum(*ends) * len(is_near) + np.maximum(*ends))[is_door]
    doors, number = np.unique(keys, return_inverse=True)
    doors = np.column_stack(np.divmod(doors, len(is_near)))
    beyond: list[list[int]] = [[] for _ in doors]
    for one, other in number.reshape(-1, 2).tolist():
        beyond[one].append(other)
        beyond[other].append(one)
    left = set(range(len(doors)))
    while left:
        first = left.pop()
        chain = [first]
        while (following := next((door for door in beyond[chain[-1]] if door in left), None)) is not None:
            left.remove(following)
            chain.append(following)
        if len(chain) > 2 and first in beyond[chain[-1]]:
            yield doors[chain]
