"""The record of one sortie: each step stored before it is told, kept in the air until the store takes it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from core.clock import Clock
from core.errors import Overloaded
from core.ids import OperatorId
from missions.model import Sortie, SortieState
from missions.ports import SortieStore
from missions.sortie import advance, is_finished, is_flying, update
from telemetry.messages import CommandChanged, FleetEvent, SortieChanged

log = logging.getLogger("bailu.flight")

# Who made a step when neither an operator nor the vehicle did.
GATEWAY = OperatorId("gateway")
_STORE_AGAIN_S = 1.0

Publish = Callable[[SortieChanged | FleetEvent | CommandChanged], None]


class Logbook:
    """Sole writer of its sortie's row while the sortie is unfinished."""

    def __init__(self, sortie: Sortie, *, store: SortieStore, publish: Publish, clock: Clock) -> None:
        self.sortie = sortie
        self.distance_m = sortie.distance_m
        self._store = store
        self._publish = publish
        self._clock = clock
        self._writing = asyncio.Lock()

    @property
    def state(self) -> SortieState:
        return self.sortie.state

    @property
    def is_finished(self) -> bool:
        return is_finished(self.sortie.state)

    async def advance(self, to: SortieState, by: str, why: str, **changes: Any) -> None:
        """One transition, with what became known by it. Raises IllegalTransition, and what storing raises."""
        # Shielded: who is cancelled while it is stored must not leave a stored step that this record does not know.
        await asyncio.shield(self._advance(to, by, why, changes))

    async def _advance(self, to: SortieState, by: str, why: str, changes: dict[str, Any]) -> None:
        changes.setdefault("distance_m", round(self.distance_m, 1))
        async with self._writing:
            await self._save(advance(self.sortie, to, at=self._clock.now(), by=by, why=why, **changes))
        log.info("sortie %s: %s (%s: %s)", self.sortie.id, to, by, why)
        self._publish(SortieChanged(self.sortie))

    async def change(self, **changes: Any) -> None:
        """Something more is known; the state stays."""
        await asyncio.shield(self._change(changes))

    async def _change(self, changes: dict[str, Any]) -> None:
        changes.setdefault("distance_m", round(self.distance_m, 1))
        async with self._writing:
            await self._save(update(self.sortie, **changes))
        self._publish(SortieChanged(self.sortie))

    def event(self, severity: str, code: str, text: str) -> None:
        """Tells people something now, outside of the life cycle."""
        log.log(logging.INFO if severity == "info" else logging.WARNING, "%s: %s", self.sortie.vehicle_id, text)
        now = self._clock.now()
        self._publish(FleetEvent(now, severity, code, text, self.sortie.vehicle_id, self.sortie.id))

    async def _save(self, changed: Sortie) -> None:
        """Stores the next value; what is true in the air is kept until the store takes it.

        Raises Overloaded before take-off, when nothing is lost by refusing, and StaleRevision when the sortie was
        closed by somebody else.
        """
        complained = False
        while True:
            try:
                await self._store.save_sortie(changed)
            except Overloaded as error:
                if not (is_flying(changed.state) or is_finished(changed.state)):
                    raise
                if not complained:
                    log.error("sortie %s is not stored at the moment: %s", changed.id, error.detail)
                complained = True
                await asyncio.sleep(_STORE_AGAIN_S)
            else:
                self.sortie = changed
                return
