"""The next step for a reviewer to consider: the model's, else the shipped policy's, else the heuristic's."""

import asyncio
from collections.abc import Sequence
from threading import Lock
from typing import Literal

from pydantic import BaseModel, Field

from polypharmacy.agents.chat import ChatError, Remote, Unusable
from polypharmacy.agents.guardrails import Guardrail, GuardrailName, Illegal, guard
from polypharmacy.agents.heuristic import Heuristic
from polypharmacy.agents.llm import LanguageModel
from polypharmacy.agents.reasons import reason
from polypharmacy.agents.trained import Trained
from polypharmacy.env.actions import FinishReview, QueryDdi, decode
from polypharmacy.env.layout import SLOTS
from polypharmacy.env.openenv.models import PolypharmacyAction
from polypharmacy.env.view import View
from polypharmacy.knowledge import Knowledge
from polypharmacy.patients import InputError

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

    def __init__(self, knowledge: Knowledge, remote: Remote | None, timeout: float) -> None:
        self.knowledge = knowledge
        self.timeout = timeout
        self._model = None if remote is None else LanguageModel(remote, knowledge, timeout=timeout, retries=0)
        self._policy: Trained | None = None
        self._making = Lock()
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
        try:
            number = await asyncio.to_thread(self._advice, view)
            return self._guarded(view, ids, number, None, "policy", note)
        except (InputError, Illegal) as error:
            note = f"{note}; the policy: {error}" if note else f"the policy: {error}"
        return self._guarded(view, ids, self._heuristic.act(view), None, "heuristic", note)

    async def close(self) -> None:
        if self._model is not None:
            await self._model.close()

    def _advice(self, view: View) -> int:
        """The shipped policy's action. Raises InputError where it cannot be played."""
        with self._making:
            if self._policy is None:  # a suggestion takes it some milliseconds, and nobody waits for a compiler
                self._policy = Trained(self.knowledge, backend="python")
        return self._policy.act(view)

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
