"""Replays: a sortie or some hours of the whole fleet, played on a stream of their own."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from api.replays import Replays, Session
from api.rights import own_replay, own_sortie
from api.schemas.geojson import Strict
from api.services import Asker, Wired
from core.errors import FieldError, InvalidRequest
from core.ids import SortieId
from operations.recording.tracks import micros_of, time_of
from telemetry.replay import FASTEST, SLOWEST

router = APIRouter(tags=["replays"])

Speed = Annotated[float, Field(ge=SLOWEST, le=FASTEST, description="Seconds of the recording in one of ours.")]


class ReplayIn(Strict):
    """Either a sortie, or from when to when of all vehicles."""

    sortie_id: str | None = None
    from_at: AwareDatetime | None = Field(default=None, alias="from")
    to_at: AwareDatetime | None = Field(default=None, alias="to")
    speed: Speed = 1.0


class ReplayChange(Strict):
    """What is not named stays. `at`: the moment of the recording to go on from."""

    speed: Speed | None = None
    at: AwareDatetime | None = None
    playing: bool | None = None


class ReplayOut(BaseModel):
    """`stream`: where its ticks are told, as those of the fleet are. Without viewers it ends after a minute."""

    replay_id: str
    sortie_id: str | None
    from_at: datetime = Field(serialization_alias="from")
    to_at: datetime = Field(serialization_alias="to")
    at: datetime
    speed: float
    playing: bool
    over: bool
    stream: str

    @classmethod
    def of(cls, session: Session) -> ReplayOut:
        replay = session.replay
        return cls(
            replay_id=session.id,
            sortie_id=replay.reel.sortie_id,
            from_at=time_of(replay.reel.from_us),
            to_at=time_of(replay.reel.to_us),
            at=time_of(replay.at_us),
            speed=replay.speed,
            playing=replay.is_playing,
            over=replay.is_over,
            stream=f"/api/v1/stream?replay={session.id}",
        )


async def _replays(request: Request) -> Replays:
    replays = request.app.state.replays
    assert isinstance(replays, Replays)
    return replays


Running = Annotated[Replays, Depends(_replays)]


async def _session(replay_id: str, replays: Running, services: Wired, asker: Asker) -> Session:
    """The session of the path. Raises NotFound, also when it is not for the asker to know."""
    session = replays.session(replay_id)
    await own_replay(services, asker, session)
    return session


Played = Annotated[Session, Depends(_session)]


@router.post("/replays", status_code=201)
async def start_replay(
    asked: ReplayIn, replays: Running, services: Wired, asker: Asker, response: Response
) -> ReplayOut:
    """Begins to play; subscribe to `stream` to see it. Its vehicles are `replayed`: nobody commands them."""
    if asked.sortie_id is not None:
        await own_sortie(services, asker, SortieId(asked.sortie_id))
    session = await _started(asked, replays)
    response.headers["Location"] = f"/api/v1/replays/{session.id}"
    return ReplayOut.of(session)


async def _started(asked: ReplayIn, replays: Replays) -> Session:
    if asked.sortie_id is not None:
        if asked.from_at or asked.to_at:
            raise InvalidRequest((FieldError("/sortie_id", "excludes from and to"),))
        return await replays.of_sortie(SortieId(asked.sortie_id), asked.speed)
    if asked.from_at is None or asked.to_at is None:
        raise InvalidRequest((FieldError("/sortie_id", "is needed, or from and to"),))
    return await replays.of_fleet(asked.from_at, asked.to_at, asked.speed)


@router.get("/replays/{replay_id}")
async def one_replay(session: Played) -> ReplayOut:
    """Where it is now."""
    return ReplayOut.of(session)


@router.patch("/replays/{replay_id}")
async def change_replay(session: Played, asked: ReplayChange) -> ReplayOut:
    """Faster or slower, another moment, a pause or on again."""
    replay = session.replay
    if asked.speed is not None:
        replay.speed = asked.speed
    if asked.playing is not None:
        replay.is_playing = asked.playing
    if asked.at is not None:
        replay.seek(micros_of(asked.at))
    return ReplayOut.of(session)


@router.delete("/replays/{replay_id}", status_code=204)
async def end_replay(session: Played, replays: Running) -> Response:
    """Ends it and sends its viewers away."""
    await replays.end(session.id)
    return Response(status_code=204)
