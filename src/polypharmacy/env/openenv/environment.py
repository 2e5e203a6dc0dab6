"""The environment as OpenEnv knows it: reset, step and state of one episode at a time."""

import random
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import orjson
from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import EnvironmentMetadata
from pydantic import ValidationError

import polypharmacy
from polypharmacy.env.bank import Bank
from polypharmacy.env.episode import Episode, Played, reward_parts
from polypharmacy.env.layout import MICRO
from polypharmacy.env.openenv.banks import DRAWN, Banks, shared_banks
from polypharmacy.env.openenv.given_patient import GivenPatient
from polypharmacy.env.openenv.models import (
    PolypharmacyAction,
    PolypharmacyObservation,
    PolypharmacyState,
    ResetOptions,
)
from polypharmacy.env.openenv.observer import NOT_OPEN, Observer
from polypharmacy.env.openenv.task_provider import Tasks, locate
from polypharmacy.knowledge import Knowledge, load

NAME = "polypharmacy_env"
LEAST_REWARD, MOST_REWARD = 0.001, 0.999


class CallReset(RuntimeError):
    """A step where there is no episode to step."""


class PolypharmacyEnvironment(Tasks, Environment[PolypharmacyAction, PolypharmacyObservation, PolypharmacyState]):
    """One session: an episode after the other.

    `reset_payload` and `step_payload` give what goes over the wire ({"observation", "reward", "done", "metadata"} as
    JSON), `reset` and `step` the same as a model.
    """

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self, banks: Banks | None = None, bank_timeout: float | None = None) -> None:
        super().__init__()
        self._banks = banks or shared_banks()
        self._bank_timeout = bank_timeout
        self._knowledge: Knowledge | None = None
        self._given: GivenPatient | None = None
        self.episode: Episode | None = None
        """What is played now; None before the first reset."""

    # What OpenEnv calls

    def reset(
        self,
        seed: int | None = None,
        episode_id: str | None = None,
        task_id: str | None = None,
        split: str | None = None,
        index: int | None = None,
        patient: dict[str, Any] | str | None = None,
        **kw: Any,
    ) -> PolypharmacyObservation:
        """Begin an episode: see ResetOptions.

        Raises ValueError for what cannot be played, InputError for a patient that cannot be read, BankNotReady for
        cases that are still being compiled.
        """
        given = {"task_id": task_id, "split": split, "index": index, "patient": patient}
        return observation_of(self.reset_payload(options_of(seed=seed, episode_id=episode_id, **given, **kw)))

    async def reset_async(self, seed: int | None = None, episode_id: str | None = None, **kw: Any) -> Any:
        """The same; compiling does not hold up the event loop."""
        payload = await self.reset_payload_async(options_of(seed=seed, episode_id=episode_id, **kw))
        return observation_of(payload)

    def step(self, action: PolypharmacyAction, timeout_s: float | None = None, **kw: Any) -> PolypharmacyObservation:
        """Play one action. One that is not open now costs a step and 0.05. Raises CallReset before a reset and after
        the end.
        """
        return observation_of(self.step_payload(action))

    async def step_async(
        self, action: PolypharmacyAction, timeout_s: float | None = None, **kw: Any
    ) -> PolypharmacyObservation:
        """The same: a step takes microseconds."""
        return observation_of(self.step_payload(action))

    @property
    def state(self) -> PolypharmacyState:
        episode = self.episode
        if episode is None:
            return PolypharmacyState()
        queries, interventions, steps = episode.left
        return PolypharmacyState.model_validate(
            {
                **self._place,
                "step_count": episode.steps,
                "task_id": episode.bank.task.name,
                "done": episode.done,
                "raw_return": self._return / MICRO,
                "grade": self._grade,
                "remaining_query_budget": queries,
                "remaining_intervention_budget": interventions,
                "remaining_steps": steps,
                "knowledge_version": episode.bank.knowledge_version,
                "knowledge_hash": episode.bank.knowledge_hash,
            }
        )

    def get_metadata(self) -> EnvironmentMetadata:
        return EnvironmentMetadata(
            name=NAME,
            description="Review the medicines of an older person: ask what interacts, intervene, finish.",
            version=polypharmacy.__version__,
        )

    def close(self) -> None:
        self.episode = self._given = None

    # The same as JSON

    def reset_payload(self, options: ResetOptions) -> bytes:
        """Begin an episode; its first observation as JSON. Raises as `reset` does."""
        if options.patient is not None:
            return self._begin_given(options)
        task, split, index = self._locate(options)
        return self._begin(options, task, split, index, self._banks.load(task, split, index, self._bank_timeout))

    async def reset_payload_async(self, options: ResetOptions) -> bytes:
        """The same without holding up the event loop."""
        payload = self.reset_at_once(options)
        if payload is not None:
            return payload
        if options.patient is not None:
            import asyncio

            return await asyncio.to_thread(self._begin_given, options)
        task, split, index = self._locate(options)
        bank = await self._banks.load_async(task, split, index, self._bank_timeout)
        return self._begin(options, task, split, index, bank)

    def reset_at_once(self, options: ResetOptions) -> bytes | None:
        """The same where nothing has to be waited for; None where a patient is to be read or cases to be compiled."""
        if options.patient is not None:
            return None
        task, split, index = self._locate(options)
        bank = self._banks.held(task, split, index)
        return None if bank is None else self._begin(options, task, split, index, bank)

    def step_payload(self, action: PolypharmacyAction) -> bytes:
        """Play one action; what it brought as JSON. Raises CallReset."""
        episode = self.episode
        if episode is None:
            raise CallReset("no episode is open: call reset")
        if episode.done:
            raise CallReset("the episode has ended: call reset for another")
        if self._given is not None and action.proposed_new_drug_id is not None:
            refused = self._compile_in(action, self._given)
            number, problem = (NOT_OPEN, refused) if refused else self._observer.number(action)
        else:
            number, problem = self._observer.number(action)
        played = self._play(number)
        if problem is None:
            problem = played.problem
        raw, parts = reward_parts(played)
        self._return += raw
        self._grade = played.grade
        metadata = {"raw_reward": raw / MICRO, "reward_parts": parts, "error": problem}
        if played.done:
            metadata["grade"] = played.grade
        reward = within(raw / MICRO)
        return self._observer.payload(orjson.dumps(metadata), orjson.dumps(reward))

    def _play(self, number: int) -> Played:
        assert self.episode is not None
        played = self.episode.step(number)
        self._numbers.append(number)
        self._observer.played(number, played)
        return played

    def _locate(self, options: ResetOptions) -> tuple[str, str, int]:
        """Task, split and index of the case that is asked for."""
        split = options.split or "train"
        if options.index is None:
            drawn = random.randrange(DRAWN) if options.seed is None else random.Random(options.seed).randrange(DRAWN)
            return options.task_id or "easy_screening", split, drawn
        if options.task_id is not None:
            return options.task_id, split, options.index
        try:
            task, case = locate(split, options.index)
        except IndexError as error:
            raise ValueError(str(error)) from None
        return task, split, case

    def _begin(self, options: ResetOptions, task: str, split: str, index: int, bank: Bank) -> bytes:
        self._given = None
        return self._open(options, Episode(bank, index), split, index, {})

    def _begin_given(self, options: ResetOptions) -> bytes:
        self._knowledge = knowledge = self._knowledge or load()
        assert options.patient is not None
        given = GivenPatient(options.patient, options.task_id, knowledge)
        payload = self._open(options, given.episode(), "given", None, given.unread(), given.lines())
        self._given = given
        return payload

    def _open(
        self,
        options: ResetOptions,
        episode: Episode,
        split: str,
        index: int | None,
        metadata: dict[str, Any],
        lines: tuple[str, ...] = (),
    ) -> bytes:
        self._knowledge = self._knowledge or load()
        episode_id = options.episode_id or str(uuid4())
        self.episode, self._lines = episode, lines
        self._observer = Observer(episode, episode_id, self._knowledge, lines)
        self._numbers: list[int] = []
        self._return, self._grade = 0, None
        self._place = {"episode_id": episode_id, "split": split, "index": index}
        if options.model_extra:
            names = [name[:60].encode("utf-8", "replace").decode() for name in sorted(options.model_extra)[:20]]
            metadata = {"ignored": names, **metadata}
        return self._observer.payload(orjson.dumps(metadata), b"null")

    def _compile_in(self, action: PolypharmacyAction, given: GivenPatient) -> str | None:
        """Make the proposed drug the alternative of its slot, all else as it was; why not, if it cannot be."""
        assert self.episode is not None
        assert action.proposed_new_drug_id is not None
        if action.target_drug_id not in self._observer.ids:
            return None  # the observer says so
        slot = self._observer.ids.index(action.target_drug_id)
        seen = self.episode.view
        if seen.touched >> slot & 1 or not seen.interventions_left:
            return None
        refused = given.choose(slot, action.proposed_new_drug_id, seen)
        if refused is None:
            numbers, self._numbers = self._numbers, []
            self.episode = given.episode()
            self._observer = Observer(self.episode, str(self._place["episode_id"]), given.knowledge, self._lines)
            for number in numbers:
                self._play(number)
        return refused


def within(reward: float) -> float:
    """A raw reward as OpenEnv's observations hold it: no less than LEAST_REWARD, no more than MOST_REWARD."""
    return min(max(reward, LEAST_REWARD), MOST_REWARD)


def options_of(**given: Any) -> ResetOptions:
    """Reset's keywords checked. Raises ValueError with one line that says what is wrong."""
    try:
        return ResetOptions.model_validate(given)
    except ValidationError as error:
        raise ValueError(problem_of(error.errors())) from None


def problem_of(errors: Sequence[Any]) -> str:
    """What a validation found (pydantic's `errors()`), in one line, without the input."""
    problems = []
    for row in errors:
        where = ".".join(str(part)[:60] for part in row["loc"])
        message = row["msg"].removeprefix("Value error, ")
        problems.append(f"{where}: {message}" if where else message)
    return "; ".join(dict.fromkeys(problems[:5]))


def observation_of(payload: bytes) -> PolypharmacyObservation:
    """The model of what goes over the wire."""
    data = orjson.loads(payload)
    return PolypharmacyObservation(**data["observation"], reward=data["reward"], done=data["done"])
