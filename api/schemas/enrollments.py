"""Enrolments and who is not enrolled; no key ever crosses this border."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from api.schemas.geojson import Strict
from api.settings import Id
from missions.enrollment import Category, Enrollment, SigningPolicy
from telemetry.messages import UnenrolledVehicle

Name = Annotated[str, Field(min_length=1, max_length=80)]
Uid = Annotated[str, Field(pattern=r"^[0-9a-f]{8,36}$")]
Links = Annotated[list[Id], Field(min_length=1, max_length=8)]
SystemId = Annotated[int, Field(ge=1, le=254)]
Registration = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")]


class EnrollmentIn(Strict):
    """A vehicle to enrol. Signing starts with a key, and a key comes with `bailu vehicle enroll` only."""

    id: Id
    name: Name
    links: Links
    system_id: SystemId
    dock_id: Id
    airframe: Id
    uid: Uid | None = None
    category: Category | None = None
    registration: Registration | None = None
    unit: Id = "default"


class EnrollmentChange(Strict):
    """What is to change; what is left out stays."""

    name: Name | None = None
    links: Links | None = None
    system_id: SystemId | None = None
    dock_id: Id | None = None
    airframe: Id | None = None
    uid: Uid | None = None
    signing: SigningPolicy | None = None
    category: Category | None = None
    registration: Registration | None = None
    unit: Id | None = None
    retired: bool | None = None


class EnrollmentOut(BaseModel):
    id: str
    name: str
    links: list[str]
    system_id: int
    dock_id: str
    airframe: str
    uid: str | None
    signing: SigningPolicy
    has_key: bool
    category: Category | None
    registration: str | None
    firmware: str | None
    unit: str
    enrolled_at: datetime
    retired_at: datetime | None
    revision: int

    @classmethod
    def of(cls, enrollment: Enrollment) -> EnrollmentOut:
        told = set(cls.model_fields) - {"revision"}
        same = {name: getattr(enrollment, name) for name in told}
        return cls.model_validate({"revision": enrollment.row_revision} | same)


class EnrollmentList(BaseModel):
    items: list[EnrollmentOut]


class UnenrolledOut(BaseModel):
    items: list[UnenrolledVehicle]
