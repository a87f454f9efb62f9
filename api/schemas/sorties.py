"""Sorties, their tracks and commands."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.problems import TYPE_PREFIX
from api.schemas.geojson import PathGeometry, Strict
from core.errors import PreflightCheck
from missions.model import (
    BreakPoint,
    Cause,
    CommandKind,
    CommandRecord,
    Onboard,
    Outcome,
    ProofSummary,
    Sortie,
    SortieState,
    Transition,
)
from telemetry.messages import LinkState, SortieProgress, VehicleState


class LaunchIn(Strict):
    mission_id: str
    revision: int
    vehicle_id: str


class CommandIn(Strict):
    """`parameters`: `speed_mps` of a change-speed; the others have none. Plans in the air are diversions."""

    kind: CommandKind
    parameters: dict[str, float | str | bool] = Field(default_factory=dict)


class CommandList(BaseModel):
    items: list[CommandRecord]


class ProblemOut(BaseModel):
    """Why a sortie was refused: a problem document without an HTTP status."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    detail: str

    @classmethod
    def of(cls, problem: dict[str, Any]) -> ProblemOut:
        facts = {name: value for name, value in problem.items() if name != "slug"}
        slug = str(problem.get("slug", "internal"))
        return cls.model_validate({"type": TYPE_PREFIX + slug, "title": slug, "detail": slug} | facts)


class SortieOut(BaseModel):
    sortie_id: str
    mission_id: str
    revision: int
    mission_name: str
    vehicle_id: str
    state: SortieState
    created_at: datetime
    created_by: str
    outcome: Outcome | None
    problem: ProblemOut | None
    waypoints_total: int
    waypoints_reached: int
    upload_verified: bool
    mission_hash: str
    fence_hash: str
    breaches: int
    distance_m: float
    armed_at: datetime | None
    landed_at: datetime | None
    battery_start_pct: float | None
    battery_end_pct: float | None
    checks: list[PreflightCheck]
    transitions: list[Transition]
    proof: ProofSummary | None
    approved_by: str | None
    approved_at: datetime | None
    held: Cause | None
    break_point: BreakPoint | None
    continues: str | None
    diversion_id: str | None
    onboard: Onboard
    waypoints_skipped: int

    @classmethod
    def of(cls, sortie: Sortie) -> SortieOut:
        told = set(SortieOut.model_fields) - {"sortie_id", "problem"}
        same = {name: getattr(sortie, name) for name in told}
        problem = ProblemOut.of(sortie.problem) if sortie.problem else None
        return cls.model_validate({"sortie_id": sortie.id, "problem": problem} | same)


class SortieLive(BaseModel):
    """How a flight goes at this moment; what a vehicle has not told is null.

    `progress` is of what it flies now: the mission, or the diversion that replaced it. `fence`: of its autopilot.
    """

    link: LinkState
    heard_age_s: float | None
    mode: str | None
    battery_pct: float | None
    fence: Literal["inside", "breached", "off", "unknown"]
    progress: SortieProgress | None

    @classmethod
    def of(cls, vehicle: VehicleState) -> SortieLive:
        return cls(
            link=vehicle.link,
            heard_age_s=vehicle.heard_age_s,
            mode=vehicle.mode,
            battery_pct=vehicle.battery_pct,
            fence=_fence(vehicle),
            progress=vehicle.progress,
        )


def _fence(vehicle: VehicleState) -> Literal["inside", "breached", "off", "unknown"]:
    if vehicle.fence_breached:
        return "breached"
    if vehicle.fence_enabled is None:
        return "unknown"
    return "inside" if vehicle.fence_enabled else "off"


class SortieNow(SortieOut):
    """A sortie as it was last saved, and `live`: what its vehicle shows now, while it is unfinished."""

    live: SortieLive | None = None

    @classmethod
    def at(cls, sortie: Sortie, vehicle: VehicleState | None) -> SortieNow:
        flies = vehicle is not None and vehicle.sortie_id == sortie.id
        live = SortieLive.of(vehicle) if vehicle is not None and flies else None
        return cls.model_validate(SortieOut.of(sortie).model_dump() | {"live": live})


def sortie_json(sortie: Sortie) -> bytes:
    """A sortie exactly as an item of `GET /sorties`, for the stream."""
    return SortieOut.of(sortie).model_dump_json().encode()


class SortieList(BaseModel):
    items: list[SortieOut]


class TrackProperties(BaseModel):
    """One entry per position of the line."""

    sortie_id: str | None
    vehicle_id: str
    level: str
    times: list[datetime]


class TrackOut(BaseModel):
    """A recorded flight: [lon, lat, alt_amsl_m] in the order of recording."""

    type: Literal["Feature"] = "Feature"
    geometry: PathGeometry
    properties: TrackProperties
