"""The stream's contract: every message that a viewer and the service send each other (docs/asyncapi.json)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from core.errors import FieldError, InvalidRequest
from missions.model import CommandRecord
from operations.alarms import Alarm
from telemetry.messages import AirspaceReviewed, FleetEvent, LinksTick, TrafficConflict, TrafficNews

JSON = "bailu.v1+json"
MSGPACK = "bailu.v1+msgpack"

_AT = "The service's clock; on the stream of a replay the moment of the recording that the frame shows."
# [number, age of the last word in ms, age of the position in ms, then the fields of the table]; null: not known.
Row = list[int | None]
TrackPosition = tuple[float, float, float]


class Resume(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the viewer was: `epoch` and `seq` of the last snapshot or tick that it took."""

    epoch: Annotated[str, msgspec.Meta(max_length=64)]
    seq: Annotated[int, msgspec.Meta(ge=0)]


class Subscribe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="subscribe"):
    """What a viewer wants; said again at any time, and cheap where only area, sortie, rate or follow change.

    vehicles: ids, or "*" for all. units: of these only. area: west, south, east, north in degrees (west > east spans
    the antimeridian): rows of vehicles there only. sortie: rows of its vehicle only. fields: names or groups of the
    field table, null for all. follow: every update of this vehicle besides, as it comes. resume: go on from there.
    """

    vehicles: Literal["*"] | Annotated[list[str], msgspec.Meta(max_length=2_000)] = "*"
    units: Annotated[list[str], msgspec.Meta(max_length=200)] | None = None
    area: tuple[float, float, float, float] | None = None
    sortie: str | None = None
    fields: Annotated[list[str], msgspec.Meta(max_length=32)] | None = None
    rate_hz: Annotated[float, msgspec.Meta(ge=0.2, le=10.0)] = 5.0
    follow: str | None = None
    resume: Resume | None = None


class Gap(msgspec.Struct, frozen=True):
    """A resume that could not be granted: what lies between `seq` and this snapshot is not told.

    why: epoch (the service was restarted) · expired (longer ago than is kept) · future (never was) · units (a vehicle
    came to the viewer's units, or left them).
    """

    epoch: str
    seq: int
    why: Literal["epoch", "expired", "future", "units"]


class Frame(msgspec.Struct, frozen=True, tag_field="type"):
    """What every frame has. `seq` rises along ticks and news; ages are as of `at`."""

    epoch: str
    seq: int
    at: Annotated[str, msgspec.Meta(description=_AT, extra_json_schema={"format": "date-time"})]


class Snapshot(Frame, frozen=True, tag="snapshot"):
    """Everything of the subscription at one instant; forget what you had. It comes unasked when a vehicle came to the
    viewer's units, or left them.

    fields: name and scale of a row's numbers, from its fourth on. vehicles: whole slow records with their numbers.
    """

    fields: list[tuple[str, float]]
    vehicles: list[dict[str, Any]]
    rows: list[Row]
    sorties: list[dict[str, Any]]
    alarms: list[Alarm]
    commands: list[CommandRecord]
    traffic: list[TrafficConflict]
    tracks: dict[str, list[TrackPosition]]
    links: list[LinksTick]
    gap: Gap | None = None


class Resumed(Frame, frozen=True, tag="resumed"):
    """The resume is granted: the missed news come next in order, then one tick with all that changed."""

    fields: list[tuple[str, float]]


class Tick(Frame, frozen=True, tag="tick"):
    """What changed since the last snapshot or tick that this viewer got, however long ago that is.

    rows: whole rows. changed: the number and those slow fields that changed. gone: numbers that are no more.
    """

    rows: list[Row]
    changed: list[dict[str, Any]] = []
    gone: list[int] = []


class Update(Frame, frozen=True, tag="update"):
    """The followed vehicle as one packet just changed it; `number` counts on, a newer one replaces an older one."""

    number: int
    row: Row
    changed: dict[str, Any]


class SortieNews(Frame, frozen=True, tag="sortie"):
    """A sortie made a step. News are told in order, each once; after a resume drop those whose seq you had."""

    sortie: dict[str, Any]
    replayed: bool = False


class EventNews(Frame, frozen=True, tag="event"):
    """Something that a person should know now."""

    event: FleetEvent
    replayed: bool = False


class CommandNews(Frame, frozen=True, tag="command"):
    """A command to a vehicle was journalled (`issued`), or it ended: done, failed, expired or unknown, with the
    autopilot's own words. Told after it was stored; each ends once.
    """

    command: CommandRecord
    replayed: bool = False


class AlarmNews(Frame, frozen=True, tag="alarm"):
    """An alarm began, grew worse, was taken note of or ended."""

    alarm: Alarm
    replayed: bool = False


class LinksNews(Frame, frozen=True, tag="links"):
    """How the links of a gateway do; once a second."""

    links: LinksTick


class ReviewNews(Frame, frozen=True, tag="airspace-review"):
    """What a new airspace version means for missions."""

    review: AirspaceReviewed


class TrafficFrame(Frame, frozen=True, tag="traffic"):
    """Two of our own flights that come too near to each other, or no longer do."""

    traffic: TrafficNews


class Bye(Frame, frozen=True, tag="bye"):
    """The last frame. Close codes: 1001 the service goes · 1003 a bad message · 1013 too slow, or too many.

    retry_after_s: when to come back, different for every viewer; null: coming back as before will not help.
    """

    code: int
    retry_after_s: float | None = None
    problem: dict[str, Any] | None = None


AnyFrame = (
    Snapshot
    | Resumed
    | Tick
    | Update
    | SortieNews
    | EventNews
    | CommandNews
    | AlarmNews
    | LinksNews
    | ReviewNews
    | TrafficFrame
    | Bye
)

_from_json = msgspec.json.Decoder(Subscribe)
_from_msgpack = msgspec.msgpack.Decoder(Subscribe)


def read_subscribe(message: str | bytes) -> Subscribe:
    """A viewer's message: text is JSON, bytes are MessagePack. Raises InvalidRequest for anything else."""
    try:
        wants = _from_json.decode(message) if isinstance(message, str) else _from_msgpack.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest((FieldError(*_where(str(error))),)) from error
    if wants.area is not None:
        _check_area(wants.area)
    return wants


def _where(told: str) -> tuple[str, str]:
    """JSON pointer and sentence of msgspec's words, which end in "- at `$.area[0]`" where they know it."""
    sentence, _, path = told.partition(" - at `$")
    pointer = path.rstrip("`").replace("[", ".").replace("]", "").replace(".", "/")
    return pointer, sentence


def _check_area(area: tuple[float, float, float, float]) -> None:
    west, south, east, north = area
    if not (-180 <= west <= 180 and -180 <= east <= 180):
        raise InvalidRequest((FieldError("/area", "west and east are degrees from -180 to 180"),))
    if not -90 <= south <= north <= 90:
        raise InvalidRequest((FieldError("/area", "south and north are degrees from -90 to 90, south below north"),))
