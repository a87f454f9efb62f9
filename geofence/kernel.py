"""The router's inner loops, compiled: straight lines against a grid of edges, and A* along tangents.

See `geofence.compiled`: only what is about to search imports it.
"""

from __future__ import annotations

import math
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from geofence.compiled import compiled
from geofence.tables import Floats, Ints, Mask, Quest, Tree, Walls

# An edge is entered in every cell that it comes so near to: rounding never hides a crossing between two cells.
_NEAR_CELL_M = 1e-3
_NEAR_M = 1e-6  # how far from a line a place counts as on it
_SECTORS = 256
_SAME_M = 1e-5  # a step so short has no direction
_SHORTER_M = 1e-9
Waiting = list[tuple[float, int]]


@compiled
def _cell(along_m: float, origin_m: float, per_m: float, count: int) -> int:
    """The column or row of a coordinate; those beyond the grid belong to its border."""
    return min(max(math.floor((along_m - origin_m) * per_m), 0), count - 1)


@compiled
def enter(walls: Walls, first: int, used: int) -> int:
    """Enters the edges from `first` on in the cells, with `used` entries so far; the entries used then."""
    columns, rows = walls.head.shape
    x0, y0, per_m = walls.origin
    for edge in range(first, len(walls.edges)):
        ax, ay = walls.edges[edge, 0], walls.edges[edge, 1]
        bx, by = walls.edges[edge, 2], walls.edges[edge, 3]
        if ax > bx:
            ax, ay, bx, by = bx, by, ax, ay
        slope = (by - ay) / (bx - ax) if bx > ax else 0.0
        low, high = min(ay, by), max(ay, by)
        for column in range(
            _cell(ax - _NEAR_CELL_M, x0, per_m, columns), _cell(bx + _NEAR_CELL_M, x0, per_m, columns) + 1
        ):
            left = max(ax, x0 + column / per_m - _NEAR_CELL_M) if column > 0 else ax
            right = min(bx, x0 + (column + 1) / per_m + _NEAR_CELL_M) if column < columns - 1 else bx
            one, other = (ay + slope * (left - ax), ay + slope * (right - ax)) if bx > ax else (ay, by)
            bottom = max(low, min(one, other)) - _NEAR_CELL_M
            top = min(high, max(one, other)) + _NEAR_CELL_M
            for row in range(_cell(bottom, y0, per_m, rows), _cell(top, y0, per_m, rows) + 1):
                walls.entries[used, 0] = edge
                walls.entries[used, 1] = walls.head[column, row]
                walls.head[column, row] = used
                used += 1
    return used


@compiled
def meets(px: float, py: float, qx: float, qy: float, edge: Floats) -> bool:
    """Whether the straight line from p to q has a place in common with an edge (4,); ends count."""
    ax, ay, bx, by = edge[0], edge[1], edge[2], edge[3]
    dx, dy = qx - px, qy - py
    one, other = dx * (ay - py) - dy * (ax - px), dx * (by - py) - dy * (bx - px)
    if (one > 0.0 and other > 0.0) or (one < 0.0 and other < 0.0):
        return False
    ex, ey = bx - ax, by - ay
    begin, end = ex * (py - ay) - ey * (px - ax), ex * (qy - ay) - ey * (qx - ax)
    if (begin > 0.0 and end > 0.0) or (begin < 0.0 and end < 0.0):
        return False
    # On one line they meet only where their boxes do; otherwise their boxes do anyway.
    aside = max(min(px, qx), min(ax, bx)) > min(max(px, qx), max(ax, bx))
    return not (aside or max(min(py, qy), min(ay, by)) > min(max(py, qy), max(ay, by)))


@compiled
def blocker(px: float, py: float, qx: float, qy: float, walls: Walls, counts: Mask) -> int:  # noqa: PLR0917
    """An edge that the straight line from p to q meets, of an obstacle that `counts` (N,); -1 if there is none."""
    columns, rows = walls.head.shape
    x0, y0, per_m = walls.origin
    first, last = _cell(px, x0, per_m, columns), _cell(qx, x0, per_m, columns)
    slope = (qy - py) / (qx - px) if first != last else 0.0
    step = 1 if last >= first else -1
    row = _cell(py, y0, per_m, rows)
    for column in range(first, last + step, step):
        border = x0 + (column + (step > 0)) / per_m
        to_row = _cell(qy if column == last else py + slope * (border - px), y0, per_m, rows)
        up = 1 if to_row >= row else -1
        for each in range(row, to_row + up, up):
            entry = walls.head[column, each]
            while entry >= 0:
                edge = walls.entries[entry, 0]
                if counts[walls.owner[edge]] and meets(px, py, qx, qy, walls.edges[edge]):
                    return int(edge)
                entry = walls.entries[entry, 1]
        row = to_row
    return -1


@compiled
def clear(lines: Floats, walls: Walls, counts: Mask) -> Mask:
    """Which straight lines (N, 4) meet no edge."""
    found = np.empty(len(lines), dtype=np.bool_)
    for line in range(len(lines)):
        px, py, qx, qy = lines[line, 0], lines[line, 1], lines[line, 2], lines[line, 3]
        found[line] = blocker(px, py, qx, qy, walls, counts) < 0
    return found


class Tip(NamedTuple):
    """A place that a shortest way leads to, and the directions in which it can go on.

    `cone`: three vectors, x, y each, that such a direction lies to the left of, or along; all zero: it may be any.
    """

    place: int
    x: float
    y: float
    length_m: float
    cone: tuple[float, float, float, float, float, float]


@compiled
def search(quest: Quest, tree: Tree, most_lines: int) -> int:
    """Grows the tree until it has the shortest way from the start to the end, or all ways within the limit.

    Returns how many lines it looked at; when they are more than `most_lines` it has given up.
    """
    start, end = len(tree.at) - 2, len(tree.at) - 1
    clumps = _within_reach(quest, tree.at[start])
    waiting = [(0.0, start)]
    lines = 0
    while len(waiting) > 0 and lines <= most_lines:
        _, place = heappop(waiting)
        if place == end:
            break
        if not tree.settled[place]:
            tree.settled[place] = True
            lines += _grow(_tip(place, tree), quest, tree, clumps, waiting)
    return lines


@compiled
def _within_reach(quest: Quest, start: Floats) -> Ints:
    """The clumps that a way from the start (≥ 2,) can come to."""
    found = np.empty(len(quest.discs), dtype=np.int64)
    count = 0
    for clump in range(len(quest.discs)):
        x, y, radius = quest.discs[clump, 0], quest.discs[clump, 1], quest.discs[clump, 2]
        least_m = _over(start[0], start[1], x, y, quest) - 2.0 * radius
        if quest.counts[quest.spans[clump, 2]] and least_m <= quest.limit_m:
            found[count] = clump
            count += 1
    return found[:count]


@compiled
def _grow(tip: Tip, quest: Quest, tree: Tree, clumps: Ints, waiting: Waiting) -> int:
    """Notes the places that are best reached straight from the tip, as far as known; how many lines that took."""
    at, length_m, discs, spans, edges = tree.at, tree.length_m, quest.discs, quest.spans, quest.walls.edges
    shadows = np.full(_SECTORS, -1)  # for each sector the edge that blocked a line last
    lines = 0
    for clump in clumps:
        x, y, most_m = discs[clump, 0], discs[clump, 1], min(quest.limit_m, length_m[-1])
        if _least_m(tip, x, y, discs[clump, 2], quest) > most_m:
            continue
        for place in range(spans[clump, 0], spans[clump, 1]):
            x, y = at[place, 0], at[place, 1]
            if _leads(tip, place, at, length_m) and _least_m(tip, x, y, 0.0, quest) <= most_m:
                sector = _sector(x - tip.x, y - tip.y)
                wall = shadows[sector]
                if wall < 0 or not meets(tip.x, tip.y, x, y, edges[wall]):
                    blocking = _note(tip, place, quest, tree, waiting)
                    shadows[sector] = blocking if blocking >= 0 else wall
                    lines += 1
    return lines


@compiled
def _least_m(tip: Tip, x: float, y: float, radius: float, quest: Quest) -> float:
    """How long a way to the end over the tip and some place of a disc is at least; infinite outside of the cone."""
    if not _holds(tip, x, y, max(radius, _NEAR_M)):
        return math.inf
    return tip.length_m + _over(tip.x, tip.y, x, y, quest) - 2.0 * radius


@compiled
def _leads(tip: Tip, place: int, at: Floats, length_m: Floats) -> bool:
    """Whether the way straight to a place is the shortest known and passes the obstacle there."""
    dx, dy = at[place, 0] - tip.x, at[place, 1] - tip.y
    step_m = math.sqrt(dx * dx + dy * dy)
    before, after = dx * at[place, 3] - dy * at[place, 2], dx * at[place, 5] - dy * at[place, 4]
    near = _NEAR_M * step_m  # it touches the obstacle only if both edges lie on one side of it
    passes = min(before, after) >= -near or max(before, after) <= near
    return bool(passes and tip.length_m + step_m < length_m[place] - _SHORTER_M)


@compiled
def _note(tip: Tip, place: int, quest: Quest, tree: Tree, waiting: Waiting) -> int:
    """Notes the way straight to a place unless an edge blocks it; that edge, or -1."""
    x, y = tree.at[place, 0], tree.at[place, 1]
    wall = blocker(tip.x, tip.y, x, y, quest.walls, quest.counts)
    if wall >= 0:
        quest.shaping[quest.walls.owner[wall]] = True
        return wall
    dx, dy = x - tip.x, y - tip.y
    tree.length_m[place], tree.before[place] = tip.length_m + math.sqrt(dx * dx + dy * dy), tip.place
    heappush(waiting, (tip.length_m + _over(tip.x, tip.y, x, y, quest), place))
    return wall


@compiled
def _over(px: float, py: float, qx: float, qy: float, quest: Quest) -> float:
    """How long a way from p over q to the end is at least."""
    dx, dy, rest_x, rest_y = qx - px, qy - py, quest.x - qx, quest.y - qy
    return math.sqrt(dx * dx + dy * dy) + math.sqrt(rest_x * rest_x + rest_y * rest_y)


@compiled
def _sector(dx: float, dy: float) -> int:
    """The number of the sector that a direction falls in; they are somewhat narrower towards the diagonals."""
    along = dx / (abs(dx) + abs(dy) + _NEAR_M)
    return int((1.0 + along if dy >= 0.0 else 3.0 - along) * (_SECTORS // 4))


@compiled
def _tip(place: int, tree: Tree) -> Tip:
    """From a place on a way goes straight on or turns round the obstacle, and does not enter it at either edge."""
    at, before = tree.at[place], tree.at[tree.before[place]]
    x, y = at[0] - before[0], at[1] - before[1]
    came_m = math.sqrt(x * x + y * y)
    turn = x * (at[3] + at[5]) - y * (at[2] + at[4])
    if came_m <= _SAME_M or turn == 0.0:
        return Tip(place, at[0], at[1], tree.length_m[place], (0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    side = 1.0 if turn > 0.0 else -1.0  # 1: the obstacle lies on the left of the way there
    x, y = side * x / came_m, side * y / came_m
    cone = (x, y, -side * at[2], -side * at[3], -side * at[4], -side * at[5])
    return Tip(place, at[0], at[1], tree.length_m[place], cone)


@compiled
def _holds(tip: Tip, x: float, y: float, slack_m: float) -> bool:
    """Whether the cone of a tip reaches so near to a place."""
    dx, dy = x - tip.x, y - tip.y
    first = tip.cone[0] * dy - tip.cone[1] * dx >= -slack_m
    second = tip.cone[2] * dy - tip.cone[3] * dx >= -slack_m
    return first and second and tip.cone[4] * dy - tip.cone[5] * dx >= -slack_m
