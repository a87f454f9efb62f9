"""Another plan in the air, as it is asked for and as it is told; a sortie that goes on with another one's rest."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.diversions import Asked
from api.schemas.geojson import Strict
from api.schemas.missions import PlanOut
from missions.manoeuvre import Diversion, DiversionState
from missions.model import CommandKind

Latitude = Annotated[float, Field(ge=-85, le=85)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


class _DiversionIn(Strict):
    execute: bool = Field(False, description="Hold, plan from there and fly it in one step, without a preview")

    def asked(self) -> Asked:
        """For the planner; what was left out stays out."""
        told = self.model_dump(exclude={"kind", "execute"}, exclude_none=True)
        return Asked(CommandKind(self.model_dump()["kind"]), told)


class GotoIn(_DiversionIn):
    """Go to a place, stay there for `hold_s`, look at `look_…`; then home, unless something else is asked for."""

    kind: Literal["goto"]
    lat_deg: Latitude
    lon_deg: Longitude
    alt_rel_m: float | None = Field(None, description="Above home. Absent: as high as it is")
    hold_s: float | None = None
    look_lat_deg: Latitude | None = None
    look_lon_deg: Longitude | None = None
    look_alt_rel_m: float | None = None
    speed_mps: float | None = None


class OrbitIn(_DiversionIn):
    """Circle a place, looking at it."""

    kind: Literal["orbit"]
    lat_deg: Latitude
    lon_deg: Longitude
    radius_m: float
    turns: float | None = None
    clockwise: bool | None = None
    alt_rel_m: float | None = Field(None, description="Above home. Absent: as high as it is")
    look_alt_rel_m: float | None = None
    speed_mps: float | None = None


class ChangeAltitudeIn(_DiversionIn):
    """What is left of what it flies, at another height: `alt_rel_m` is that of the next waypoint."""

    kind: Literal["change-altitude"]
    alt_rel_m: float


class ChangeSpeedIn(_DiversionIn):
    """What is left of what it flies, faster or slower, proven anew."""

    kind: Literal["change-speed"]
    speed_mps: float


class SkipIn(_DiversionIn):
    """The rest of the sortie's own mission, from `waypoint` (0…) on. Absent: from where it was left."""

    kind: Literal["skip"]
    waypoint: int | None = Field(None, ge=0)


class ReplaceIn(_DiversionIn):
    """Another stored mission, flown from here. `revision` absent: its newest."""

    kind: Literal["replace"]
    mission_id: str
    revision: int | None = Field(None, ge=1)


DiversionIn = Annotated[
    GotoIn | OrbitIn | ChangeAltitudeIn | ChangeSpeedIn | SkipIn | ReplaceIn, Field(discriminator="kind")
]


class DiversionOut(BaseModel):
    """A diversion with its plan, which begins in the air. `plan.conflicts`: why it cannot be flown."""

    diversion_id: str
    sortie_id: str
    kind: CommandKind
    parameters: dict[str, Any]
    state: DiversionState
    result: str
    resumes_at: int | None
    created_at: datetime
    created_by: str
    started_at: datetime | None
    finished_at: datetime | None
    plan: PlanOut

    @classmethod
    def of(cls, diversion: Diversion, dock_id: str) -> DiversionOut:
        told = set(DiversionOut.model_fields) - {"diversion_id", "plan"}
        same = {name: getattr(diversion, name) for name in told}
        plan = PlanOut.of(diversion.plan, dock_id)
        return cls.model_validate({"diversion_id": diversion.id, "plan": plan} | same)


class DiversionList(BaseModel):
    """In the order in which they were made."""

    items: list[DiversionOut]


class ContinueIn(Strict):
    """Which vehicle flies the rest; absent: the one that broke it off."""

    vehicle_id: str | None = None


class ContinuationOut(BaseModel):
    """What a sortie that goes on would fly: `name` of its mission and the plan. `plan.conflicts`: why it cannot."""

    vehicle_id: str
    name: str
    plan: PlanOut
