"""`POST /agent/suggest`: the next step to consider."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Self

from fastapi import APIRouter, FastAPI, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from polypharmacy.agents.chat import Remote
from polypharmacy.env.openenv.models import PolypharmacyObservation
from polypharmacy.env.openenv.seen import view_of
from polypharmacy.knowledge import load
from polypharmacy.server.settings import Settings
from polypharmacy.server.suggest import Suggester, Suggestion


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    suggester: Suggester | None = getattr(app.state, "suggester", None)
    if suggester is not None:
        await suggester.close()


router = APIRouter(tags=["agent"], lifespan=_lifespan)


class Asked(BaseModel):
    """An observation as the environment gave it, or the id of a stored review."""

    model_config = ConfigDict(extra="forbid")

    observation: PolypharmacyObservation | None = None
    review_id: Annotated[str, Field(min_length=1, max_length=100)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.observation is None) == (self.review_id is None):
            raise ValueError("send either an observation or a review_id")
        return self


@router.post("/agent/suggest")
async def suggest(request: Request, asked: Asked) -> Suggestion:
    """One action to consider next, with why, where it comes from, and the guardrails it passed.

    From the language model where one is set up and answers in time, else a trained policy, else the heuristic.
    Nothing is played. 409 when the episode has ended, 422 for an observation that does not fit together.
    """
    suggester = suggester_of(request.app)
    seen = asked.observation
    if seen is None:
        raise HTTPException(404, "Stored reviews get no suggestions yet: send the observation.")
    if seen.done:
        raise HTTPException(409, "The episode has ended: reset it, there is nothing left to suggest.")
    try:
        view = view_of(seen, suggester.knowledge)
    except ValueError as error:
        raise HTTPException(422, f"The observation cannot be read: {error}.") from None
    return await suggester.suggest(view, [m.drug_id for m in seen.current_medications])


def suggester_of(app: FastAPI) -> Suggester:
    """The app's one Suggester, made at first use from its settings."""
    held: Suggester | None = getattr(app.state, "suggester", None)
    if held is None:
        settings: Settings = app.state.settings
        held = app.state.suggester = Suggester(load(), remote_of(settings), settings.model_timeout)
    return held


def remote_of(settings: Settings) -> Remote | None:
    """The model that is set up; None unless its address, name and key all are."""
    if settings.api_base_url and settings.model_name and settings.model_key:
        return Remote(settings.api_base_url, settings.model_name, settings.model_key.get_secret_value())
    return None
