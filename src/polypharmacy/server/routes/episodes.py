"""OpenEnv over plain HTTP: an episode goes on from request to request."""

from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from polypharmacy.env.openenv.environment import PolypharmacyEnvironment
from polypharmacy.env.openenv.models import (
    PolypharmacyAction,
    PolypharmacyState,
    ResetOptions,
)
from polypharmacy.patients import InputError
from polypharmacy.server.sessions import Session, Sessions

router = APIRouter(tags=["Environment Control"])
HTTP = "http:"
"""Before the episode_id of every session that plain HTTP plays."""


class Observed(BaseModel):
    """An observation as OpenEnv sends it; `reward`, `done` and `metadata` stand beside it."""

    observation: dict[str, Any] = Field(description="a PolypharmacyObservation without reward and done")
    reward: float | None
    done: bool
    metadata: dict[str, Any] | None = None


class StepRequest(BaseModel):
    """An action for the open episode `episode_id`; while a single one is open it may be left out."""

    model_config = ConfigDict(extra="allow")

    action: PolypharmacyAction
    episode_id: str | None = Field(default=None, max_length=255)


@router.post("/reset", response_model=Observed)
async def reset(request: Request, options: ResetOptions | None = None) -> Response:
    """Begin an episode. Its episode_id stands in the observation; one that is open under the same id begins anew."""
    options = options or ResetOptions()
    sessions: Sessions = request.app.state.sessions
    id_ = options.episode_id or str(uuid4())
    session = Session(PolypharmacyEnvironment(request.app.state.banks, request.app.state.settings.reset_wait))
    fresh = sessions.get(HTTP + id_) is None
    if fresh:
        sessions.add(HTTP + id_, session)  # the place is taken before anything is compiled
    try:
        payload = await session.environment.reset_payload_async(options.model_copy(update={"episode_id": id_}))
    except BaseException as error:
        if fresh:
            sessions.drop(HTTP + id_, session)
        if isinstance(error, ValueError) and not isinstance(error, InputError):
            raise HTTPException(422, str(error)) from None
        raise
    if not fresh:
        sessions.drop(HTTP + id_)
        sessions.add(HTTP + id_, session)
    session.touch()
    return Response(payload, media_type="application/json")


@router.post("/step", response_model=Observed)
async def step(request: Request, body: StepRequest) -> Response:
    """Play one action. 409 before a reset and after the end."""
    session = _session(request, body.episode_id)
    return Response(session.environment.step_payload(body.action), media_type="application/json")


@router.get("/state", tags=["State Management"])
async def state(request: Request, episode_id: str | None = None) -> PolypharmacyState:
    """Where an episode stands."""
    return _session(request, episode_id).environment.state


def _session(request: Request, episode_id: str | None) -> Session:
    """The episode of that id; without one, the only one that has not ended, else the only one there is."""
    sessions: Sessions = request.app.state.sessions
    if episode_id is not None:
        found = sessions.get(HTTP + episode_id)
        if found is None or found.environment.episode is None:
            raise HTTPException(409, "no episode of that id is open here (never, or idle for too long): call /reset")
    else:
        held = [(s, s.environment.episode) for id_, s in sessions if id_.startswith(HTTP)]
        begun = [(session, episode.done) for session, episode in held if episode is not None]
        going = [session for session, ended in begun if not ended]
        if not begun:
            raise HTTPException(409, "no episode is open: call /reset")
        if len(going) != 1 and len(begun) > 1:
            raise HTTPException(409, f"{len(begun)} episodes are held: send the episode_id of the one you mean")
        found = going[0] if going else begun[0][0]
    found.touch()
    return found
