"""The command journal as people hear of it: what is stored is told, after it was stored and in that order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.errors import NotFound, Overloaded
from core.ids import VehicleId
from missions.model import CommandRecord
from missions.ports import CommandJournal
from telemetry.messages import CommandChanged


class ToldJournal:
    """A `CommandJournal` that tells of each entry and of how it ended; `publish` never waits."""

    def __init__(self, journal: CommandJournal, publish: Callable[[CommandChanged], None]) -> None:
        self._journal = journal
        self._publish = publish

    async def begin_command(self, command: CommandRecord, *, idempotency_key: str | None) -> CommandRecord:
        """Tells of it unless the key made it before: that one was told then."""
        begun = await self._journal.begin_command(command, idempotency_key=idempotency_key)
        if begun.id == command.id:
            self._publish(CommandChanged(begun))
        return begun

    async def finish_command(self, command: CommandRecord) -> None:
        """Tells how it ended, also when the journal does not take that: it happened, and somebody waits for it."""
        try:
            await self._journal.finish_command(command)
        except (Overloaded, NotFound):
            self._publish(CommandChanged(command))
            raise
        self._publish(CommandChanged(command))

    async def commands(self, vehicle_id: VehicleId, *, limit: int) -> Sequence[CommandRecord]:
        return await self._journal.commands(vehicle_id, limit=limit)
