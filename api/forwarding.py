"""Forwarding rules at the door: made, changed and shown, their secrets going in and never coming out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from adapters.forwarding.vault import Vault
from core.clock import Clock
from core.errors import FieldError, InvalidRequest, NotFound
from operations.forwarding.addresses import same_door
from operations.forwarding.ports import RuleStore, Spool, Standing, State
from operations.forwarding.rules import Rule, RuleId, Secrets, check


@dataclass(frozen=True, slots=True)
class ForwardingDesk:
    """What the routes of forwarding work with."""

    rules: RuleStore
    spool: Spool
    vault: Vault
    clock: Clock

    async def all(self) -> Sequence[tuple[Rule, Standing]]:
        standings = await self.spool.standings()
        return [(rule, _shown(rule, standings)) for rule in await self.rules.rules()]

    async def one(self, rule_id: RuleId) -> tuple[Rule, Standing]:
        """Raises NotFound."""
        for rule, standing in await self.all():
            if rule.id == rule_id:
                return rule, standing
        raise NotFound("forwarding rule", rule_id)

    async def add(self, rule: Rule, secrets: Secrets) -> Rule:
        """Raises InvalidRequest, and Overloaded when there are too many."""
        if any(each.id == rule.id for each in await self.rules.rules()):
            raise InvalidRequest((FieldError("/id", f"there is a forwarding rule {rule.id!r} already"),))
        return await self._save(rule, secrets)

    async def change(self, changed: Rule, given: Mapping[str, str | None]) -> Rule:
        """Replaces the rule. `given`: secrets to store, or to forget (None); the others stay.

        Raises NotFound, StaleRevision, and InvalidRequest also where a stored secret would go to another host.
        """
        before, _ = await self.one(changed.id)
        stored = await self._secrets(before)
        _refuse_to_carry_over(before, changed, [name for name in stored.held if name not in given])
        return await self._save(changed, replace(stored, **given))

    async def remove(self, rule_id: RuleId) -> None:
        """Ends it, and forgets what waits for its target. Raises NotFound."""
        await self.rules.remove_rule(rule_id)
        await self.spool.forget([rule.id for rule in await self.rules.rules()])

    async def _secrets(self, rule: Rule) -> Secrets:
        locked = await self.rules.rule_secrets(rule.id)
        if locked is None:
            return Secrets()
        try:
            return self.vault.unlock(rule.id, locked)
        except ValueError:  # the key file was replaced: what it locked is gone, and the rule can be mended
            return Secrets()

    async def _save(self, rule: Rule, secrets: Secrets) -> Rule:
        rule = replace(rule, secrets=secrets.held)
        check(rule)
        return await self.rules.save_rule(rule, self.vault.lock(rule.id, secrets) if secrets.held else None)


def _shown(rule: Rule, standings: Mapping[RuleId, Standing]) -> Standing:
    """Paused is what it was asked to be, before a forwarder has noticed."""
    standing = standings.get(rule.id, Standing())
    return replace(standing, state=State.PAUSED) if rule.paused else standing


def _refuse_to_carry_over(before: Rule, changed: Rule, kept: Sequence[str]) -> None:
    """A stored secret stays with the host that it was given for: else whoever may edit a rule could read it there."""
    if kept and not same_door(before.target.url, changed.target.url):
        raise InvalidRequest(
            tuple(FieldError(f"/target/{name}", "give it again: the target is another host") for name in kept)
        )
