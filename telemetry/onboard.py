"""What a vehicle holds of a plan: put there, read back, compared; and the mission pointer put at its first item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import UploadMismatch, VehicleRejected
from missions.items import Kind, items_hash
from missions.model import MissionItem, Plan
from telemetry.exchange import download, upload
from telemetry.packets import Cmd, MissionType
from telemetry.safety import protect
from telemetry.vehicle import Vehicle

_KIND: dict[MissionType, Kind] = {
    MissionType.MISSION: "mission",
    MissionType.FENCE: "fence",
    MissionType.RALLY: "rally",
}
# MAV_CMD below 95 (NAV_LAST) is what the mission pointer stops at; NAV_DELAY is one of them.
_NAV_LAST = 95


@dataclass(frozen=True, slots=True)
class Held:
    """The hashes of what a vehicle holds; without rally points `rally` is ""."""

    mission: str
    fence: str
    rally: str

    def differs_from(self, wanted: Held) -> tuple[str, ...]:
        """What is not the same, in words; () when all is."""
        names = ("mission", "fence", "rally")
        return tuple(name for name in names if getattr(self, name) != getattr(wanted, name))


def wanted_by(plan: Plan) -> Held:
    """What a vehicle that flies `plan` must hold."""
    return Held(plan.hash, plan.fence_hash, plan.rally_hash)


async def read_back(vehicle: Vehicle) -> Held:
    """Everything that it holds, downloaded now. Raises VehicleRejected, LinkTimeout, VehicleOffline."""
    return Held(*[await _held(vehicle, kind) for kind in (MissionType.MISSION, MissionType.FENCE, MissionType.RALLY)])


async def load_in_flight(vehicle: Vehicle, plan: Plan) -> None:
    """Replaces fence, protection, rally points and mission of a vehicle that holds, each read back and compared.

    The old mission is cleared before the first item of the new one is sent: what an interruption leaves is nothing,
    or a beginning of the new mission, and never a mix of two (ArduPilot replaces items one by one). The fence comes
    first: it has room for where the vehicle holds, and for all that the new mission flies.
    Raises UploadMismatch, VehicleRejected, LinkTimeout, VehicleOffline.
    """
    await _put(vehicle, MissionType.FENCE, plan.fence_items, plan.fence_hash)
    await protect(vehicle, plan)
    await _put(vehicle, MissionType.RALLY, plan.rally_items, plan.rally_hash)
    await _clear(vehicle)
    await _put(vehicle, MissionType.MISSION, plan.items, plan.hash)


async def point_at(vehicle: Vehicle, seq: int) -> None:
    """Sets the item that AUTO goes on with, and waits until the vehicle shows it."""
    await vehicle.command(Cmd.DO_SET_MISSION_CURRENT, seq)
    await vehicle.until(lambda state: state.mission_seq == seq, what=f"mission item {seq}", within_s=5)


def first_nav_seq(items: Sequence[MissionItem], *, after: int = 0) -> int:
    """The first item behind `after` that is flown to, or the last item; do-items before it run when AUTO begins."""
    return next((item.seq for item in items[after + 1 :] if item.command < _NAV_LAST), items[-1].seq)


async def _held(vehicle: Vehicle, kind: MissionType) -> str:
    items = await download(vehicle, kind)
    return items_hash(items, kind=_KIND[kind]) if items or kind is MissionType.MISSION else ""


async def _put(vehicle: Vehicle, kind: MissionType, items: Sequence[MissionItem], expected: str) -> None:
    await upload(vehicle, kind, items)
    held = await _held(vehicle, kind)
    if held != expected:
        raise UploadMismatch(vehicle.id, _KIND[kind], expected, held)


async def _clear(vehicle: Vehicle) -> None:
    await upload(vehicle, MissionType.MISSION, ())
    # Item 0 is the vehicle's own home and may stay.
    if len(left := await download(vehicle, MissionType.MISSION)) > 1:
        raise VehicleRejected(vehicle.id, "clearing its mission", f"it keeps {len(left)} items")
