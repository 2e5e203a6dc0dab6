"""Agents to watch: who there is, their next step in a stored episode, whole runs, and the score after the end."""

from typing import Any

from fastapi import APIRouter, Request, Response

from polypharmacy.server.journal.live import BANK_TIMEOUT, Conflict, Live, ReadOnly, Reviews
from polypharmacy.server.journal.plays import TaskPlay
from polypharmacy.server.problem import Problem
from polypharmacy.server.review_models import ReviewView
from polypharmacy.server.review_views import review_view
from polypharmacy.server.routes.reviews import Expected, ReviewId
from polypharmacy.server.watched import (
    AgentRow,
    Agents,
    AskedRun,
    AskedStep,
    Run,
    Score,
    learns,
    next_action,
    run,
    score,
)

LEARNING_TIMEOUT = 5.0
"""Seconds that a request waits for an agent that is learning."""

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "there is no such review"},
    409: {"model": Problem, "description": "it does not fit where the review stands; nothing was recorded"},
    503: {"model": Problem, "description": "cases are being compiled, or the agent is learning; ask again"},
}
router = APIRouter(tags=["watch"], responses=_PROBLEMS)


@router.get("/agents")
def agents(request: Request) -> list[AgentRow]:
    """Agents that see what an agent may see. Those that know the chart are not among them."""
    return [AgentRow(name=name, learns=learns(name)) for name in _agents(request).names]


@router.post("/runs")
def play_run(request: Request, asked: AskedRun) -> Run:
    """A whole episode as an agent plays it. Nothing is stored: the same request gives the same run."""
    state = request.app.state
    bank = state.banks.load(asked.task_id, asked.split, asked.index, BANK_TIMEOUT)
    with _agents(request).playing(asked.agent, bank, asked.seed, LEARNING_TIMEOUT) as agent:
        return run(agent, asked, bank, state.knowledge)


@router.post("/reviews/{review_id}/agent", response_model=ReviewView)
def agent_step(request: Request, review_id: ReviewId, asked: AskedStep, expected_sequence: Expected = None) -> Response:
    """Let an agent take the next step of an episode's review; it is recorded as any other, with the agent's reason."""
    reviews: Reviews = request.app.state.reviews
    with reviews.reading(review_id) as live:
        play = _episode(live)
        if play.done:
            raise Conflict("the episode has ended and was graded: open another review")
        at = live.sequence
        made = [entry.action for entry in live.standing if entry.action is not None]
        bank = play.episode.bank
        play = play.fresh()
    if expected_sequence is not None and expected_sequence != at:
        raise Conflict(f"the review stands at action {at}, not {expected_sequence}: read it again, then decide anew")
    for action in made:
        play.act(action)
    with _agents(request).playing(asked.agent, bank, asked.seed, LEARNING_TIMEOUT) as agent:
        action = next_action(agent, play, made, reviews.knowledge)
    action = action.model_copy(update={"rationale": f"{asked.agent}: {action.rationale}"})
    with reviews.acting(review_id, action, expected=at) as live:
        return Response(review_view(live).model_dump_json(), media_type="application/json")


@router.get("/reviews/{review_id}/score")
def review_score(request: Request, review_id: ReviewId) -> Score:
    """The grade beside the best that there was; 409 until the episode has ended."""
    reviews: Reviews = request.app.state.reviews
    with reviews.reading(review_id) as live:
        play = _episode(live)
        if not play.done:
            raise Conflict("the episode has not ended: finish it first")
    return score(play)


def _episode(live: Live) -> TaskPlay:
    if live.play is None:
        raise ReadOnly(str(live.problem))
    if not isinstance(live.play, TaskPlay):
        raise Conflict("this is a patient's review: agents play episodes of a task")
    return live.play


def _agents(request: Request) -> Agents:
    agents: Agents = request.app.state.agents
    return agents
