"""The next step for a reviewer to consider: the model's, else a trained policy's, else the heuristic's."""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, Field

from polypharmacy.agents.agent import Agent
from polypharmacy.agents.chat import ChatError, Remote, Unusable
from polypharmacy.agents.guardrails import Guardrail, GuardrailName, Illegal, guard
from polypharmacy.agents.heuristic import Heuristic
from polypharmacy.agents.llm import LanguageModel
from polypharmacy.agents.reasons import reason
from polypharmacy.agents.registry import AGENTS, make_agent
from polypharmacy.env.actions import FinishReview, QueryDdi, decode
from polypharmacy.env.bank import load_bank
from polypharmacy.env.layout import SLOTS
from polypharmacy.env.openenv.models import PolypharmacyAction
from polypharmacy.env.view import View
from polypharmacy.knowledge import Knowledge

POLICY = "trained"
"""The agent of the registry that is asked before the heuristic, where there is one of this name."""
AT_ONCE = 8
"""Suggestions that the model is asked for side by side; the rest wait, within their time."""

Source = Literal["llm", "policy", "heuristic"]


class GuardrailPassed(BaseModel):
    """A guardrail that a suggestion passed: whether it changed it, and what it found."""

    name: GuardrailName
    changed: bool
    note: str


class Suggestion(BaseModel):
    """One action to consider. `note` says why it does not come from a better source (null: it does)."""

    action: PolypharmacyAction
    rationale: str
    source: Source
    guardrails: list[GuardrailPassed]
    note: str | None = Field(default=None)


class Suggester:
    """Suggests from what is seen; `timeout` seconds at most are spent on the model."""

    def __init__(self, knowledge: Knowledge, remote: Remote | None, timeout: float, policy: str = POLICY) -> None:
        self.knowledge = knowledge
        self.timeout = timeout
        self._model = None if remote is None else LanguageModel(remote, knowledge, timeout=timeout, retries=0)
        self._policy = policy
        self._heuristic = Heuristic(knowledge)
        self._turn = asyncio.Semaphore(AT_ONCE)

    @property
    def counts(self) -> dict[str, int]:
        """What became of the model's decisions; empty without one."""
        return {} if self._model is None else self._model.counts.as_dict()

    async def suggest(self, view: View, ids: Sequence[str]) -> Suggestion:
        """A suggestion for an episode that shows `view` and calls its slots `ids`."""
        note = None
        if self._model is not None:
            try:
                async with asyncio.timeout(self.timeout), self._turn:
                    choice = await self._model.ask(view)
                return self._guarded(view, ids, choice.number, choice.rationale, "llm", None)
            except TimeoutError:
                note = f"the model did not answer within {self.timeout:g} s"
            except (ChatError, Unusable, Illegal) as error:
                note = str(error)
        policy = await asyncio.to_thread(_policy, self._policy, view.task.name) if self._policy in AGENTS else None
        if policy is not None:
            try:
                policy.begin(view, 0)
                return self._guarded(view, ids, policy.act(view), None, "policy", note)
            except Illegal as error:
                note = f"{note}; the policy: {error}" if note else f"the policy: {error}"
        return self._guarded(view, ids, self._heuristic.act(view), None, "heuristic", note)

    async def close(self) -> None:
        if self._model is not None:
            await self._model.close()

    def _guarded(
        self, view: View, ids: Sequence[str], number: int, rationale: str | None, source: Source, note: str | None
    ) -> Suggestion:
        guarded = guard(view, number, self.knowledge)
        if guarded.number != number or not rationale:
            rationale = reason(view, guarded.number, self.knowledge)
        return Suggestion(
            action=action_of(view, ids, guarded.number, rationale, self.knowledge),
            rationale=rationale,
            source=source,
            guardrails=passed(guarded.guardrails),
            note=note,
        )


def passed(guardrails: Sequence[Guardrail]) -> list[GuardrailPassed]:
    return [GuardrailPassed(**row._asdict()) for row in guardrails]


def action_of(view: View, ids: Sequence[str], number: int, rationale: str, knowledge: Knowledge) -> PolypharmacyAction:
    """Action `number`, 0 to 165, of an episode that calls its slots `ids`."""
    action = decode(number)
    if isinstance(action, FinishReview):
        return PolypharmacyAction(action_type="finish_review", rationale=rationale)
    if isinstance(action, QueryDdi):
        return PolypharmacyAction(
            action_type="query_ddi", drug_id_1=ids[action.first], drug_id_2=ids[action.second], rationale=rationale
        )
    new = list(knowledge.ingredients)[view.drug[SLOTS + action.slot]] if action.kind == "substitute" else None
    proposed: PolypharmacyAction = PolypharmacyAction.model_validate(
        {
            "action_type": "propose_intervention",
            "target_drug_id": ids[action.slot],
            "intervention_type": action.kind,
            "proposed_new_drug_id": new,
            "rationale": rationale,
        }
    )
    return proposed


@lru_cache(maxsize=6)
def _policy(name: str, task: str) -> Agent:
    return make_agent(name, load_bank(task, "train", 1), seed=0)
