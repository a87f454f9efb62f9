"""One patrol over the public API: plan, store, wait for the vehicle, launch, follow it to the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from api.client import Platform, PlatformError
from core.ids import new_id

READY_DEADLINE_S = 180.0
LOOK_EVERY_S = 0.25
FINISHED = frozenset({"closed", "refused", "aborted", "lost"})
# A flight may be this much longer than its plan says, and so much more for arming, wind and the way down.
PATIENCE = 3.0
PATIENCE_S = 180.0
# How rules end that measure the flight's distance to zones (fence-… measure the fence's), and what is told of a line.
_ROOM_RULES = ("-exclusion", "-inclusion")
_ROOM_MEMBERS = ("rule", "gap_m", "needed_m", "zone_id")


class PlanRefused(Exception):
    """The plan has conflicts; nothing was stored."""

    def __init__(self, conflicts: list[dict[str, Any]]) -> None:
        super().__init__(f"The plan has {len(conflicts)} conflict(s).")
        self.conflicts = conflicts


@dataclass
class Progress:
    """What is known of the flight so far, for a progress bar and the summary."""

    sortie: dict[str, Any] = field(default_factory=dict)
    vehicle: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)


def read_feature(path: Path) -> object:
    """The GeoJSON in a file. Raises PlatformError that names the file and the place."""
    try:
        return msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise PlatformError(f"{path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise PlatformError(f"{path}: not JSON: {error}") from error


async def make_mission(platform: Platform, feature: object, file: Path) -> dict[str, Any]:
    """Plans and stores. Raises PlanRefused, and PlatformError with the pointer of what is wrong in the file."""
    try:
        plan = (await platform.post("/plans", feature))["plan"]
        if plan["conflicts"]:
            raise PlanRefused(plan["conflicts"])
        return await platform.post("/missions", feature)
    except PlatformError as error:
        if "errors" in error.problem:
            found = "; ".join(f"{each['pointer'] or '/'}: {each['detail']}" for each in error.problem["errors"])
            raise PlatformError(f"{file}: {found}", error.problem) from error
        raise


async def choose_vehicle(platform: Platform, dock_id: str, wanted: str | None) -> str:
    """The wanted vehicle, or the first one at the dock. Raises PlatformError."""
    if wanted is not None:
        return str((await platform.get(f"/vehicles/{wanted}"))["vehicle_id"])
    for dock in (await platform.get("/docks"))["items"]:
        if dock["dock_id"] == dock_id and dock["vehicle_ids"]:
            return str(dock["vehicle_ids"][0])
    raise PlatformError(f"No vehicle stands at {dock_id}.")


async def wait_ready(platform: Platform, vehicle_id: str) -> dict[str, Any]:
    """Waits until the vehicle is heard and says that it may arm. Raises PlatformError after a while."""
    vehicle: dict[str, Any] = {}
    try:
        async with asyncio.timeout(READY_DEADLINE_S):
            while not _is_ready(vehicle):
                await asyncio.sleep(LOOK_EVERY_S)
                vehicle = await platform.get(f"/vehicles/{vehicle_id}")
    except TimeoutError as error:
        said = " · ".join(vehicle.get("last_texts", [])) or "it said nothing"
        raise PlatformError(f"Vehicle {vehicle_id} is not ready ({vehicle.get('link')}): {said}") from error
    return vehicle


def _is_ready(vehicle: dict[str, Any]) -> bool:
    return bool(vehicle.get("ready")) and vehicle.get("battery_pct") is not None


async def launch(platform: Platform, mission: dict[str, Any], vehicle_id: str) -> dict[str, Any]:
    body = {"mission_id": mission["mission_id"], "revision": mission["revision"], "vehicle_id": vehicle_id}
    return await platform.post("/sorties", body, {"Idempotency-Key": new_id("patrol")})


async def follow(
    platform: Platform, progress: Progress, *, deadline_s: float, show: Callable[[Progress], None]
) -> dict[str, Any]:
    """Follows the sortie in `progress` until it is finished and gives it. Raises PlatformError at the deadline."""
    sortie_id = progress.sortie["sortie_id"]
    try:
        async with asyncio.timeout(deadline_s):
            async for frame in platform.frames(vehicles=[progress.sortie["vehicle_id"]], rate_hz=5.0):
                _take(progress, frame, sortie_id)
                show(progress)
                if progress.sortie["state"] in FINISHED:
                    break
    except TimeoutError as error:
        state = progress.sortie["state"]
        raise PlatformError(f"Sortie {sortie_id} is still {state} after {deadline_s:.0f} s.") from error
    return await platform.get(f"/sorties/{sortie_id}")


def _take(progress: Progress, frame: dict[str, Any], sortie_id: str) -> None:
    for sortie in [*frame.get("sorties", []), *([frame["sortie"]] if frame["type"] == "sortie" else [])]:
        if sortie["sortie_id"] == sortie_id:
            progress.sortie = sortie
    for vehicle in frame.get("vehicles", []):
        progress.vehicle = vehicle
    if frame["type"] == "event" and frame["event"]["sortie_id"] == sortie_id:
        progress.events.append(frame["event"])


def deadline_s(plan: dict[str, Any], speedup: float) -> float:
    """How long to wait for the end: generous, but not for ever."""
    return PATIENCE * float(plan["duration_s"]) / speedup + PATIENCE_S


def proof(plan: dict[str, Any]) -> dict[str, Any] | None:
    """The verdict on a plan in short; None: it has none.

    `least_room`: the line that comes nearest to a zone or to the edge of what may be flown in; None: nothing is near.
    """
    told = plan.get("proof")
    if told is None:
        return None
    near = [each for each in told["checks"] if _is_of_zones(each["rule"]) and each["gap_m"] is not None]
    closest = min(near, key=lambda each: float(each["gap_m"]), default=None)
    return {
        "valid": told["valid"],
        "checks": len(told["checks"]),
        "failed": sum(1 for each in told["checks"] if not each["ok"]),
        "airspace_version": told["airspace_version"],
        "least_room": {name: closest[name] for name in _ROOM_MEMBERS} if closest else None,
    }


def _is_of_zones(rule: str) -> bool:
    return rule.endswith(_ROOM_RULES) and not rule.startswith("fence-")


def proof_line(found: dict[str, Any] | None) -> str:
    """`proof` as one line for people."""
    if found is None:
        return "Proof: none"
    if not found["valid"]:
        return f"Proof: not valid, {found['failed']} of {found['checks']} checks fail"
    room = found["least_room"]
    nearest = ""
    if room is not None:
        to = f" to {room['zone_id']}" if room["zone_id"] else ""
        nearest = f", least room {room['gap_m']:.1f} m{to} ({room['needed_m']:g} m needed)"
    return f"Proof: valid, {found['checks']} checks{nearest}"


def summary(
    sortie: dict[str, Any], mission: dict[str, Any], vehicle: dict[str, Any], speedup: float
) -> dict[str, Any]:
    """What the flight came to. `duration_s` is the vehicle's time from arming to disarming."""
    plan = mission["latest"]["plan"]
    wall_s = _seconds(sortie["armed_at"], sortie["landed_at"])
    start_pct, end_pct = sortie["battery_start_pct"], sortie["battery_end_pct"]
    return {
        "outcome": sortie["outcome"],
        "state": sortie["state"],
        "upload_verified": sortie["upload_verified"],
        "breaches": sortie["breaches"],
        "waypoints_reached": sortie["waypoints_reached"],
        "waypoints_total": sortie["waypoints_total"],
        "mission_id": mission["mission_id"],
        "revision": mission["revision"],
        "sortie_id": sortie["sortie_id"],
        "vehicle_id": sortie["vehicle_id"],
        "autopilot": vehicle.get("firmware"),
        "duration_s": None if wall_s is None else round(wall_s * speedup, 1),
        "planned_duration_s": round(plan["duration_s"], 1),
        "distance_m": round(sortie["distance_m"], 1),
        "planned_distance_m": round(plan["length_m"], 1),
        "battery_used_pct": None if start_pct is None or end_pct is None else round(start_pct - end_pct, 1),
        "battery_needed_pct": round(plan["battery_needed_pct"], 1),
        "mission_hash": sortie["mission_hash"],
        "fence_hash": sortie["fence_hash"],
        "proof": proof(plan),
        "speedup": speedup,
        "problem": sortie["problem"],
    }


def _seconds(start: str | None, end: str | None) -> float | None:
    if start is None or end is None:
        return None
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
