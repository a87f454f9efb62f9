"""Sorties, their tracks and commands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from api.problems import TYPE_PREFIX
from api.schemas.geojson import PathGeometry, Strict
from core.errors import PreflightCheck
from missions.model import (
    CommandKind,
    CommandRecord,
    Outcome,
    ProofSummary,
    Sortie,
    SortieState,
    TrackPoint,
    Transition,
)


class LaunchIn(Strict):
    mission_id: str
    revision: int
    vehicle_id: str


class CommandIn(Strict):
    kind: CommandKind


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

    @classmethod
    def of(cls, sortie: Sortie) -> SortieOut:
        same = {name: getattr(sortie, name) for name in cls.model_fields if name not in ("sortie_id", "problem")}
        problem = ProblemOut.of(sortie.problem) if sortie.problem else None
        return cls.model_validate({"sortie_id": sortie.id, "problem": problem} | same)


def sortie_json(sortie: Sortie) -> bytes:
    """A sortie exactly as `GET /sorties/{id}` gives it, for the stream."""
    return SortieOut.of(sortie).model_dump_json().encode()


class SortieList(BaseModel):
    items: list[SortieOut]


class TrackProperties(BaseModel):
    """One entry per position of the line."""

    sortie_id: str
    times: list[datetime]


class TrackOut(BaseModel):
    """A recorded flight: [lon, lat, alt_amsl_m] in the order of recording."""

    type: Literal["Feature"] = "Feature"
    geometry: PathGeometry
    properties: TrackProperties

    @classmethod
    def of(cls, sortie_id: str, points: Sequence[TrackPoint]) -> TrackOut:
        line = [[point.lon_deg, point.lat_deg, point.alt_amsl_m] for point in points]
        times = [point.at.astimezone(UTC) for point in points]
        return cls(
            geometry=PathGeometry(coordinates=line), properties=TrackProperties(sortie_id=sortie_id, times=times)
        )
