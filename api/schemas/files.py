"""What an imported file held, and what was changed on the way in or out."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from api.schemas.geojson import FeatureCollectionOut
from geofence.formats.crs import Crs
from geofence.formats.report import Change, Format


class NoteOut(BaseModel):
    """One change. `path` leads to the member of the file; `area_m2` is what a repair gained (+) or cost (-)."""

    path: str
    change: Change
    detail: str
    area_m2: float | None


class ReportOut(BaseModel):
    """`unsaid`: notes beyond those listed."""

    format: Format
    crs: Crs
    notes: list[NoteOut]
    unsaid: int


class RallyOut(BaseModel):
    lat_deg: float
    lon_deg: float
    alt_rel_m: float


class ImportOut(BaseModel):
    """`zones` as the airspace takes them; `mission` as a plan takes it, null when the file has none.

    A mission may lack what the file does not say, such as its altitude.
    """

    zones: FeatureCollectionOut
    mission: dict[str, Any] | None
    rally: list[RallyOut]
    report: ReportOut
