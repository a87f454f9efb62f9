"""How viewers are closed: some at a time, for many are cut by the same news."""

from __future__ import annotations

import asyncio
from collections import deque

from telemetry.stream.viewer import Cut, Viewer

# To close a connection takes half a millisecond: five hundred at once would hold up what must not wait.
ENDS_AT_ONCE, ENDS_EVERY_S = 8, 0.01


class Endings:
    """Who is served, and whose turn to be closed has come."""

    def __init__(self) -> None:
        self._turns: dict[Viewer, asyncio.Event] = {}
        self._ending: deque[Viewer] = deque()  # cut, and not closed yet

    def begin(self, viewer: Viewer) -> asyncio.Event:
        """Is set when the viewer is to be closed."""
        turn = self._turns[viewer] = asyncio.Event()
        return turn

    def forget(self, viewer: Viewer) -> None:
        self._turns.pop(viewer, None)

    def end(self, viewer: Viewer, cut: Cut) -> None:
        """Tells the viewer nothing more; its connection is closed in its turn."""
        viewer.end(cut)
        self._ending.append(viewer)
        if len(self._ending) == 1:
            asyncio.get_running_loop().call_soon(self._close_some)

    def close_all(self) -> None:
        self._close(len(self._ending))

    def _close_some(self) -> None:
        self._close(ENDS_AT_ONCE)
        if self._ending:
            asyncio.get_running_loop().call_later(ENDS_EVERY_S, self._close_some)

    def _close(self, most: int) -> None:
        for _ in range(min(most, len(self._ending))):
            turn = self._turns.get(self._ending.popleft())
            if turn is not None:
                turn.set()
