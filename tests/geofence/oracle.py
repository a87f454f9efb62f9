"""A full visibility graph: slow, plain, and the measure of the router."""

from __future__ import annotations

import networkx as nx
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geofence.frame import Array
from geofence.obstacles import kept_m, widened
from tests.fields import Field

_TOUCH_M = 1e-3


def free_area(field: Field) -> BaseGeometry:
    """Independent of rooms and mazes: everything widened, everything subtracted."""
    inner: BaseGeometry = widened(np.array([field.inside]), -kept_m(np.array([field.inside_margin_m])))[0]
    return inner - shapely.union_all(widened(np.array(field.shapes()), kept_m(field.margins_m())))


def shortest_m(free: BaseGeometry, start: Array, end: Array) -> float | None:
    """The length of the shortest path inside an area with holes; None when its parts separate the two places."""
    grown = shapely.buffer(free, _TOUCH_M, join_style="mitre")
    shapely.prepare(grown)
    places = np.concatenate(([start, end], np.unique(shapely.get_coordinates(free), axis=0)))
    one, other = np.triu_indices(len(places), 1)
    lines = shapely.linestrings(np.stack((places[one], places[other]), axis=1))
    seen = np.asarray(shapely.covers(grown, lines))
    lengths = np.asarray(shapely.length(lines))
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from((0, 1))
    graph.add_weighted_edges_from(zip(one[seen].tolist(), other[seen].tolist(), lengths[seen].tolist(), strict=True))
    return float(nx.dijkstra_path_length(graph, 0, 1)) if nx.has_path(graph, 0, 1) else None
