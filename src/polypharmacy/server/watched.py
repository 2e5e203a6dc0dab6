"""Agents that are watched at work: at their next step in a stored episode, or over a whole one."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from threading import Lock

from pydantic import BaseModel, ConfigDict, Field

from polypharmacy.agents.agent import Agent
from polypharmacy.agents.chat import Remote
from polypharmacy.agents.evaluate import NOTHING
from polypharmacy.agents.llm import LanguageModel
from polypharmacy.agents.reasons import reason
from polypharmacy.agents.registry import AGENTS, LLM, make_agent
from polypharmacy.env.bank import Bank
from polypharmacy.env.layout import MICRO
from polypharmacy.env.openenv.banks import BankNotReady
from polypharmacy.env.openenv.environment import within
from polypharmacy.env.openenv.models import (
    PolypharmacyAction,
    PolypharmacyObservation,
    SeverityWord,
    SplitName,
    TaskId,
)
from polypharmacy.env.oracle import best_plan
from polypharmacy.knowledge import Knowledge
from polypharmacy.patients import InputError
from polypharmacy.server.journal.plays import Outcome, TaskPlay
from polypharmacy.server.suggest import action_of

PRIVILEGED = ("full_knowledge", "oracle")
"""They know the chart: watching them would show what was not asked."""
WATCHED = tuple(name for name in AGENTS if name not in PRIVILEGED)


class AgentRow(BaseModel):
    """An agent that can be watched. `learns` says that it is not ready at once the first time."""

    name: str
    learns: bool


class RunStep(BaseModel):
    """One step of a run. `parts` sum to the raw reward; `observation` is what is seen after it."""

    sequence: int
    action: PolypharmacyAction
    reward: float
    parts: dict[str, float]
    found: SeverityWord | None
    error: str | None
    observation: PolypharmacyObservation


class Score(BaseModel):
    """A grade beside the best that anybody could reach on this case, and that of finishing at once."""

    grade: float
    oracle: float
    do_nothing: float = NOTHING


class Run(BaseModel):
    """An episode as an agent played it: the same for the same agent, seed, knowledge and episode."""

    task_id: TaskId
    split: SplitName
    index: int
    agent: str
    seed: int
    knowledge_version: str
    knowledge_hash: str
    start: PolypharmacyObservation
    steps: list[RunStep]
    raw_return: float
    score: Score


class AskedRun(BaseModel):
    """Which episode, and who plays it."""

    model_config = ConfigDict(extra="forbid")

    task_id: TaskId
    split: SplitName = "train"
    index: int = Field(ge=0, le=1_000_000)
    agent: str = Field(min_length=1, max_length=60)
    seed: int = Field(default=0, ge=0, le=2**32 - 1)


class AskedStep(BaseModel):
    """Who takes the next step."""

    model_config = ConfigDict(extra="forbid")

    agent: str = Field(min_length=1, max_length=60)
    seed: int = Field(default=0, ge=0, le=2**32 - 1)


class Agents:
    """Agents by name; one that learns does so once, off the caller's thread. `llm` is among them where a model is set
    up. `close` when the server stops.
    """

    def __init__(self, knowledge: Knowledge, remote: Remote | None, model_timeout: float) -> None:
        self.names = WATCHED if remote is None else (*WATCHED, LLM)
        self._knowledge = knowledge
        self._remote = remote
        self._model_timeout = model_timeout
        self._lock = Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="agent")
        self._learning: dict[tuple[str, str], Future[Agent]] = {}

    @contextmanager
    def playing(self, name: str, bank: Bank, seed: int, timeout: float) -> Iterator[Agent]:
        """A new agent. Raises InputError for one that cannot be watched, BankNotReady while it is learning for more
        than `timeout` seconds.
        """
        if name not in self.names:
            raise InputError(f"agent {name[:60]!r} is not one of {', '.join(self.names)}")
        if name == LLM:
            assert self._remote is not None
            with LanguageModel(self._remote, self._knowledge, timeout=self._model_timeout, retries=0) as model:
                yield model
            return
        if learns(name):
            # What belief learns is the same for all the others.
            teacher = name if name == "neural_bandit" else "belief_greedy"
            key = (teacher, bank.task.name)
            with self._lock:
                coming = self._learning.get(key)
                if coming is None or (coming.done() and coming.exception() is not None):
                    coming = self._learning[key] = self._thread.submit(make_agent, teacher, bank, seed)
            wait_for([coming], timeout)
            if not coming.done():
                raise BankNotReady(
                    f"{name} learns from the training cases of {bank.task.name} first: a minute or two, once; ask again"
                )
            coming.result()
        yield make_agent(name, bank, seed)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


def learns(name: str) -> bool:
    return name in ("belief_greedy", "neural_bandit", "planner", "planner_unasked")


def next_action(
    agent: Agent, play: TaskPlay, made: Sequence[PolypharmacyAction], knowledge: Knowledge
) -> PolypharmacyAction:
    """What an agent does where a stored episode stands, after the actions `made`. Those may be others' than its own; it
    is asked at each of them, so that its random numbers and memory are where they would be. A language model has no
    memory, and is asked once.
    """
    if isinstance(agent, LanguageModel):
        agent.begin(play.episode.view, play.index)
        return _chosen(agent, play, knowledge)
    again = play.fresh()
    agent.begin(again.episode.view, again.index)
    for action in made:
        agent.act(again.episode.view)
        again.act(action)
    return _chosen(agent, again, knowledge)


def run(agent: Agent, asked: AskedRun, bank: Bank, knowledge: Knowledge) -> Run:
    """Play a whole episode."""
    play = TaskPlay(bank, asked.split, asked.index, f"{asked.agent}-{asked.seed}", knowledge)
    agent.begin(play.episode.view, asked.index)
    start = _observation(play)
    steps: list[RunStep] = []
    while not play.done:
        action = _chosen(agent, play, knowledge)
        outcome = play.act(action)
        steps.append(
            RunStep(
                sequence=len(steps) + 1,
                action=action,
                reward=outcome.reward or 0.0,
                parts=dict(outcome.parts),
                found=outcome.found,
                error=outcome.problem,
                observation=_observation(play, outcome),
            )
        )
    assert play.grade is not None
    return Run(
        task_id=asked.task_id,
        split=asked.split,
        index=asked.index,
        agent=asked.agent,
        seed=asked.seed,
        knowledge_version=bank.knowledge_version,
        knowledge_hash=bank.knowledge_hash,
        start=start,
        steps=steps,
        raw_return=round(play.total, 6),
        score=score(play),
    )


def score(play: TaskPlay) -> Score:
    """The score of an episode that has ended."""
    assert play.grade is not None
    bank = play.episode.bank
    return Score(grade=play.grade, oracle=best_plan(bank.tables, play.index % bank.size).grade / MICRO)


def _chosen(agent: Agent, play: TaskPlay, knowledge: Knowledge) -> PolypharmacyAction:
    view = play.episode.view
    number = agent.act(view)
    return action_of(view, play.observer.ids, number, reason(view, number, knowledge), knowledge)


def _observation(play: TaskPlay, outcome: Outcome | None = None) -> PolypharmacyObservation:
    seen = play.observation()
    reward = None if outcome is None or outcome.reward is None else within(outcome.reward)
    seen["reward"] = seen["shaped_reward"] = reward
    seen["done"] = play.done
    observation: PolypharmacyObservation = PolypharmacyObservation.model_validate(seen)
    return observation
