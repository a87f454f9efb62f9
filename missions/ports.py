"""What missions and sorties need of a store; adapters implement it, one contract suite tests them all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.ids import DiversionId, MissionId, SortieId, VehicleId
from geofence.publication import AirspaceSummary
from geofence.zones import Airspace
from missions.enrollment import Enrollment, SigningMemory, WrappedKeys
from missions.manoeuvre import Diversion
from missions.model import CommandRecord, Mission, Revision, Sortie, TrackPoint
from missions.verdicts import AirspaceReview


class MissionStore(Protocol):
    """Missions and their immutable revisions."""

    async def add_mission(self, mission: Mission, first: Revision) -> None: ...

    async def add_revision(self, revision: Revision, *, based_on: int) -> Mission:
        """Raises NotFound, and StaleRevision when the newest one is not `based_on`."""
        ...

    async def mission(self, mission_id: MissionId) -> Mission: ...

    async def revision(self, mission_id: MissionId, revision: int) -> Revision: ...

    async def missions(self, *, limit: int) -> Sequence[Mission]:
        """Newest first."""
        ...


class SortieStore(Protocol):
    """Sorties; what it acknowledged survives a power cut."""

    async def add_sortie(self, sortie: Sortie, *, idempotency_key: str, request_digest: str) -> Sortie:
        """Stores a new sortie, or returns the one that the same key and digest made before.

        Raises IdempotencyKeyReused when the key came with another digest, and VehicleBusy when the vehicle has an
        unfinished sortie (one transaction decides both).
        """
        ...

    async def save_sortie(self, sortie: Sortie) -> None:
        """Replaces the row when its stored revision is `row_revision - 1`; raises StaleRevision otherwise."""
        ...

    async def sortie(self, sortie_id: SortieId) -> Sortie: ...

    async def sorties(self, *, limit: int, unfinished_only: bool = False) -> Sequence[Sortie]:
        """Newest first."""
        ...


class DiversionStore(Protocol):
    """Plans that replaced a sortie's in the air, or were to."""

    async def add_diversion(self, diversion: Diversion) -> None: ...

    async def save_diversion(self, diversion: Diversion) -> None:
        """Replaces the row when its stored revision is `row_revision - 1`; raises StaleRevision otherwise."""
        ...

    async def diversion(self, diversion_id: DiversionId) -> Diversion:
        """Raises NotFound."""
        ...

    async def diversions(self, sortie_id: SortieId) -> Sequence[Diversion]:
        """In the order in which they were made."""
        ...


class TrackStore(Protocol):
    """Recorded positions of a sortie; `operations.recording` writes them."""

    async def track(self, sortie_id: SortieId) -> Sequence[TrackPoint]:
        """In the order of recording; empty when nothing was recorded."""
        ...


class AirspaceStore(Protocol):
    """Airspace versions, immutable once published."""

    async def publish_airspace(self, airspace: Airspace) -> Airspace:
        """Stores it under the next version number, whatever number it carries, and returns it so."""
        ...

    async def publish_airspaces(
        self, airspaces: Sequence[Airspace], *, based_on: int | None = None
    ) -> Sequence[Airspace]:
        """As `publish_airspace`, all of them or none, in their order.

        Raises StaleRevision when the newest version is not `based_on`; None: whatever it is.
        """
        ...

    async def airspace(self, version: int | None = None) -> Airspace:
        """A version, or the one published last, which may take effect later. Raises NotFound."""
        ...

    async def airspace_at(self, at: datetime) -> Airspace:
        """The version in force at a time (`geofence.publication.in_force`). Raises NotFound before the first."""
        ...

    async def airspace_versions(self) -> Sequence[AirspaceSummary]:
        """Newest first."""
        ...


class ReviewStore(Protocol):
    """Reviews of airspace versions, and the missions that are reviewed."""

    async def save_review(self, review: AirspaceReview) -> None:
        """Replaces an earlier review of the same version."""
        ...

    async def review(self, version: int) -> AirspaceReview:
        """Raises NotFound while there is none."""
        ...

    async def revisions(self, wanted: Sequence[tuple[MissionId, int]]) -> Sequence[Revision]:
        """Those that there are, in the order asked for."""
        ...

    async def newest_revisions(self, *, limit: int) -> Sequence[Revision]:
        """The newest revision of each mission, newest mission first."""
        ...

    async def mission_count(self) -> int: ...


class TrafficStore(Protocol):
    """What keeps flights apart: who is to depart, and who was first."""

    async def departing(self, *, after: datetime, limit: int) -> Sequence[tuple[MissionId, int]]:
        """The newest revisions that depart later than `after`, the soonest first."""
        ...

    async def sorties_before(self, sortie_id: SortieId) -> Sequence[Sortie]:
        """The unfinished sorties that were stored before this one, whatever their clocks said."""
        ...


class CommandJournal(Protocol):
    """Commands before their first byte and after their last."""

    async def begin_command(self, command: CommandRecord, *, idempotency_key: str | None) -> CommandRecord:
        """Commits it, or returns the one that the key made before.

        Raises IdempotencyKeyReused when that was another command or another vehicle's.
        """
        ...

    async def finish_command(self, command: CommandRecord) -> None: ...

    async def commands(self, vehicle_id: VehicleId, *, limit: int) -> Sequence[CommandRecord]:
        """Newest first."""
        ...


class CommandHistory(Protocol):
    """Commands to all vehicles."""

    async def newest_commands(self, *, limit: int) -> Sequence[CommandRecord]:
        """Of all vehicles, newest first."""
        ...


class EnrollmentStore(Protocol):
    """Who the vehicles are, and their keys under lock."""

    async def enrollments(self, *, retired: bool = False, unit: str | None = None) -> Sequence[Enrollment]:
        """In the order of their ids; with the retired ones if `retired`, of one unit if `unit`."""
        ...

    async def save_enrollment(self, enrollment: Enrollment, keys: WrappedKeys | None = None) -> Enrollment:
        """Stores it, or replaces the row whose revision is `row_revision - 1`; keys stay as they are without `keys`.

        Raises StaleRevision, InvalidRequest when it does not fit the others (`missions.enrollment.fits`), and
        VehicleBusy when a vehicle on a sortie would be heard elsewhere, or not at all (one transaction decides both).
        """
        ...

    async def enrollment_keys(self, vehicle_id: VehicleId) -> WrappedKeys: ...

    async def enrollments_version(self) -> int:
        """Grows with every change of any of them."""
        ...


class SigningStore(Protocol):
    """What signing may not forget; writers of several processes add to it and never take back."""

    async def signing_memory(self) -> SigningMemory: ...

    async def remember_signing(self, memory: SigningMemory) -> None:
        """Times only ever rise; a link id that is stored stays."""
        ...


class Store(
    MissionStore,
    SortieStore,
    DiversionStore,
    TrackStore,
    AirspaceStore,
    ReviewStore,
    TrafficStore,
    CommandJournal,
    CommandHistory,
    Protocol,
):
    """All of it in one, as the embedded default has it."""
