"""What people should know of who speaks: forged frames, two under one name, a reboot in flight; each told once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from core.ids import VehicleId
from telemetry.identity import Identity
from telemetry.messages import Landed
from telemetry.packets import GlobalPosition, Inbound, SystemTime
from telemetry.reboot import BootNews, BootWatch
from telemetry.signing import Verdict
from telemetry.vehicle import Vehicle

# The same thing is told again after so long at the earliest.
_AGAIN_S = 60.0
# A reboot tells of no flight any more by the time it is seen: who was armed so long ago was in the air.
_WAS_ARMED_S = 10.0
_FAR_AHEAD_S = 60.0
_MAX_SAID = 64
_REFUSED = (Verdict.FORGED, Verdict.REPLAYED, Verdict.LATE)

Tell = Callable[[str, str, str, VehicleId | None], None]


@dataclass(slots=True)
class _Known:
    """What was seen of a vehicle, and what was said of it and when."""

    boot: BootWatch = field(default_factory=BootWatch)
    armed_s: float | None = None
    refused: int = 0
    said_s: dict[str, float] = field(default_factory=dict)


class Notices:
    """Watches for what is wrong with an identity. `tell`: severity, code, text, vehicle."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._known: dict[VehicleId, _Known] = {}
        self._now_s = 0.0

    def forget(self, vehicle_id: VehicleId) -> None:
        self._known.pop(vehicle_id, None)

    def once(self, vehicle_id: VehicleId, key: str, severity: str, code: str, text: str) -> None:
        """Tells unless the same was told within the last minute; of ever other things, 64 a minute."""
        known = self._of(vehicle_id)
        known.said_s = {each: at_s for each, at_s in known.said_s.items() if self._now_s - at_s < _AGAIN_S}
        if key not in known.said_s and len(known.said_s) < _MAX_SAID:
            known.said_s[key] = self._now_s
            self._tell(severity, code, text, vehicle_id)

    def hear(self, identity: Identity, vehicle: Vehicle, packet: Inbound | None, now_s: float) -> None:
        """Takes a frame of a vehicle before its record does."""
        known = self._of(vehicle.id)
        self._now_s = now_s
        if vehicle.slow.armed and vehicle.slow.landed is not Landed.ON_GROUND:
            known.armed_s = now_s
        if isinstance(packet, GlobalPosition | SystemTime):
            self._booted(identity, vehicle, known, packet.boot_ms)

    def hear_boot(self, identity: Identity, vehicle: Vehicle, boot_ms: int, now_s: float) -> None:
        """`hear` of a position that is not read yet. What changes whether it flies is always told to `hear`."""
        known, slow = self._known.get(vehicle.id) or self._of(vehicle.id), vehicle.slow
        self._now_s = now_s
        if slow.armed and slow.landed is not Landed.ON_GROUND:
            known.armed_s = now_s
        self._booted(identity, vehicle, known, boot_ms)

    def _booted(self, identity: Identity, vehicle: Vehicle, known: _Known, boot_ms: int) -> None:
        known.boot.catch_up(vehicle.boot_ms)
        news = known.boot.take(boot_ms)
        vehicle.boot_ms = known.boot.plain_ms
        if news is BootNews.REBOOTED:
            self._rebooted(vehicle, known)
        elif news is BootNews.TWO:
            identity.rivals["unknown"] = self._now_s

    def _rebooted(self, vehicle: Vehicle, known: _Known) -> None:
        name = vehicle.config.name
        armed_s = max(vehicle.flew_s, -math.inf if known.armed_s is None else known.armed_s)
        if self._now_s - armed_s <= _WAS_ARMED_S:
            text = f"{name}: the autopilot restarted in flight. Nothing is done by itself: look at it, then decide."
            self._tell("critical", "reboot-in-flight", text, vehicle.id)
        else:
            self._tell("info", "rebooted", f"{name}: the autopilot restarted.", vehicle.id)
        known.armed_s, vehicle.flew_s = None, -math.inf

    def look(self, identity: Identity, now_s: float) -> None:
        """What its paths and its seal tell, at each tick."""
        known, name = self._of(identity.id), identity.config.name
        self._now_s = now_s
        self._signatures(identity, known, name)
        if identity.is_ambiguous(now_s):
            uids = ", ".join(sorted({identity.uid or "unknown", *identity.rivals}))
            text = f"More than one autopilot speaks as {name} ({uids}): nothing is sent to either until one is gone."
            self.once(identity.id, f"ambiguous {uids}", "critical", "duplicate-system-id", text)
        elif doubled := identity.doubled(now_s):
            places = ", ".join(f"{host}:{port}" for _, (host, port) in sorted(path.place for path in doubled))
            text = f"{name} speaks from several addresses of one link ({places}): the first one is believed."
            self.once(identity.id, f"doubled {places}", "critical", "duplicate-system-id", text)

    def _signatures(self, identity: Identity, known: _Known, name: str) -> None:
        counts = identity.seal.counts
        refused = {verdict: counts[verdict] for verdict in _REFUSED if counts[verdict]}
        if sum(refused.values()) > known.refused:
            text = ", ".join(f"{count} {verdict}" for verdict, count in refused.items())
            self.once(
                identity.id, "signatures", "warning", "bad-signatures", f"{name}: frames refused so far: {text}."
            )
            known.refused = sum(refused.values())
        if identity.seal.far_ahead_s > _FAR_AHEAD_S:
            ahead = f"{identity.seal.far_ahead_s:.0f} s"
            text = f"{name}: its signing time is {ahead} ahead of ours; is its GPS spoofed, or our clock wrong?"
            self.once(identity.id, "ahead", "warning", "signing-time", text)

    def _of(self, vehicle_id: VehicleId) -> _Known:
        return self._known.setdefault(vehicle_id, _Known())
