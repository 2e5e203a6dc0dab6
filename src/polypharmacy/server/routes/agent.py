"""`POST /agent/suggest`: the next step to consider."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Self

from fastapi import APIRouter, FastAPI, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from polypharmacy.agents.chat import Remote
from polypharmacy.env.openenv.models import PolypharmacyObservation
from polypharmacy.env.openenv.seen import view_of
from polypharmacy.env.view import View
from polypharmacy.knowledge import load
from polypharmacy.patients import InputError
from polypharmacy.server.journal.live import Conflict, ReadOnly, Reviews
from polypharmacy.server.journal.plays import PatientPlay, TaskPlay
from polypharmacy.server.next_step import next_step
from polypharmacy.server.settings import Settings
from polypharmacy.server.suggest import Suggester, Suggestion

log = logging.getLogger("polypharmacy.server")


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    # Made here: the model's client is slow to import, and nobody should wait for it.
    try:
        app.state.suggester = Suggester(load(), remote_of(settings), settings.model_timeout)
    except InputError as error:
        log.warning("suggestions come without a model: %s", error)
        app.state.suggester = Suggester(load(), None, settings.model_timeout)
    yield
    await app.state.suggester.close()


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
    Nothing is played. For a patient's review it is the next step of its plan. 409 when the episode or review has ended,
    422 for an observation that does not fit together.
    """
    suggester: Suggester = request.app.state.suggester
    if asked.observation is not None:
        seen = asked.observation
        if seen.done:
            raise HTTPException(409, "The episode has ended: reset it, there is nothing left to suggest.")
        try:
            view = view_of(seen, suggester.knowledge)
        except ValueError as error:
            raise HTTPException(422, f"The observation cannot be read: {error}.") from None
        return await suggester.suggest(view, [m.drug_id for m in seen.current_medications])
    found = await asyncio.to_thread(_of_review, request.app.state.reviews, str(asked.review_id))
    return found if isinstance(found, Suggestion) else await suggester.suggest(*found)


def _of_review(reviews: Reviews, review_id: str) -> Suggestion | tuple[View, list[str]]:
    """The next step of a patient's review; what an episode's shows now, and its ids. Raises NoReview, Conflict."""
    with reviews.reading(review_id) as live:
        if live.play is None:
            raise ReadOnly(str(live.problem))
        if live.play.done:
            raise Conflict("the review is finished: there is nothing left to suggest")
        if isinstance(live.play, PatientPlay):
            return next_step(live.play)
        assert isinstance(live.play, TaskPlay)
        return live.play.episode.view.still(), list(live.play.observer.ids)


def remote_of(settings: Settings) -> Remote | None:
    """The model that is set up; None unless its address, name and key all are."""
    if settings.api_base_url and settings.model_name and settings.model_key:
        return Remote(settings.api_base_url, settings.model_name, settings.model_key.get_secret_value())
    return None
