"""GeoJSON (RFC 7946) as far as the API speaks it; positions are [lon, lat] or [lon, lat, altitude]."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_VERTICES = 2_000

Finite = Annotated[float, Field(allow_inf_nan=False)]
Position = Annotated[list[Finite], Field(min_length=2, max_length=3)]
Ring = Annotated[list[Position], Field(min_length=4, max_length=MAX_VERTICES)]


class Strict(BaseModel):
    """What comes in: a member that we do not know is an error, not a guess."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PointGeometry(Strict):
    type: Literal["Point"]
    coordinates: Position


class MultiPointGeometry(Strict):
    type: Literal["MultiPoint"]
    coordinates: Annotated[list[Position], Field(min_length=1, max_length=MAX_VERTICES)]


class LineStringGeometry(Strict):
    type: Literal["LineString"]
    coordinates: Annotated[list[Position], Field(min_length=2, max_length=MAX_VERTICES)]


class PolygonGeometry(Strict):
    """The first ring is the outer one; rings are closed (the last position repeats the first)."""

    type: Literal["Polygon"]
    coordinates: Annotated[list[Ring], Field(min_length=1, max_length=50)]


class PathGeometry(BaseModel):
    """A line that we made; it may be empty when nothing could be planned or recorded."""

    type: Literal["LineString"] = "LineString"
    coordinates: list[list[float]]


class FeatureCollectionOut(BaseModel):
    """Features as they are, for a map."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[dict[str, Any]]
    notice: str | None = None
