"""Targets' secrets under lock, with the key that locks vehicles' signing keys as well."""

from __future__ import annotations

import msgspec

from adapters.keyring import KeyRing, KeyRingError
from core.ids import VehicleId
from operations.forwarding.rules import RuleId, Secrets


class Vault:
    """What was locked for a rule opens for that rule only."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def lock(self, rule_id: RuleId, secrets: Secrets) -> bytes:
        return self._ring.wrap(_owner(rule_id), msgspec.json.encode(secrets))

    def unlock(self, rule_id: RuleId, locked: bytes) -> Secrets:
        """Raises ValueError when the key is another one."""
        try:
            return msgspec.json.decode(self._ring.unwrap(_owner(rule_id), locked), type=Secrets)
        except KeyRingError as error:
            raise ValueError("its secrets do not open with the key file of this platform: give them again") from error


def _owner(rule_id: RuleId) -> VehicleId:
    """A name that no vehicle has: theirs hold no space."""
    return VehicleId(f"forwarding rule {rule_id}")
