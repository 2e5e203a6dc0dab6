"""What to do next in a patient's review: the plan's next step that is still called for."""

from typing import Any

from polypharmacy.agents.guardrails import Guardrail, held_back, taper_of
from polypharmacy.env.openenv.models import InterventionType, PolypharmacyAction
from polypharmacy.knowledge.vocabulary import Action
from polypharmacy.review.plan import PlanStep
from polypharmacy.review.session import Refused
from polypharmacy.server.journal.plays import KINDS, PatientPlay
from polypharmacy.server.suggest import Suggestion, passed

_WORDS: dict[Action, InterventionType] = {action: word for word, action in KINDS.items()}
LONGEST = 3900
"""Characters of a rationale."""


def next_step(play: PatientPlay) -> Suggestion:
    """The first step of the plan whose medicine has no decision and whose findings still stand; else to finish.

    A stop that a guardrail holds back becomes the listed substitute, or monitoring where there is none.
    """
    decided = {decision.slot for decision in play.decisions}
    for step in play.session.review.plan:
        if step.index >= 0 and step.index not in decided and _stands(step, play):
            suggestion = _guarded(step, play)
            if suggestion is not None:
                return suggestion
    serious = [f.message for f in (*play.standing.findings, *play.standing.brought) if f.serious]
    starts = [step.reason for step in play.session.review.plan if step.action is Action.START]
    parts = ["Every step of the plan was decided or is no longer called for."]
    if serious:
        parts.append(f"Still standing, and serious: {'; '.join(serious)}.")
    if starts:
        parts.append(f"To consider starting, outside this review: {'; '.join(starts)}.")
    return _suggestion({"action_type": "finish_review"}, " ".join(parts), _first(play))


def _stands(step: PlanStep, play: PatientPlay) -> bool:
    return any(f.id in step.findings and f.mask >> step.index & 1 for f in play.standing.findings)


def _guarded(step: PlanStep, play: PatientPlay) -> Suggestion | None:
    """A step as it may be suggested; None where nothing of it is open."""
    knowledge = play.session.knowledge
    guardrails = _first(play)
    held = held_back(step.drug, knowledge) if step.action is Action.STOP else None
    wanted = [(step.action, step.replacement)]
    if held is not None:
        wanted = [(Action.SWITCH, None), (Action.MONITOR, None)]
        guardrails.append(Guardrail("critical_medicines", True, held))
    elif step.action is Action.STOP:
        name = knowledge.ingredients[step.drug].name
        guardrails.append(Guardrail("critical_medicines", False, f"{name} may be stopped"))
    elif step.action is Action.SWITCH and step.replacement is None:
        wanted.append((Action.MONITOR, None))
    target = play.session.ids(play.decisions)[step.index]
    for action, replacement in wanted:
        try:
            decision = play.session.decide(play.decisions, target, action, replacement)
        except Refused:
            continue
        fields = {
            "action_type": "propose_intervention",
            "target_drug_id": target,
            "intervention_type": _WORDS[action],
            "proposed_new_drug_id": decision.replacement,
        }
        reason = " ".join(filter(None, (f"{step.reason}.", step.how, f"Cost: {step.cost}")))
        if action is not step.action and held is None:
            reason = f"No substitute is listed that suits: ask for one, and watch until then. {reason}"
        taper = taper_of(step.drug, knowledge) if action in (Action.STOP, Action.SWITCH) else None
        if taper is not None:
            guardrails.append(Guardrail("taper", True, f"{knowledge.ingredients[step.drug].name}: {taper}"))
        return _suggestion(fields, reason, guardrails)
    return None


def _first(play: PatientPlay) -> list[Guardrail]:
    version = play.session.knowledge.version
    return [
        Guardrail("known_drugs", False, f"only medicines that knowledge base {version} knows are named"),
        Guardrail("legal_actions", False, "the action is open now"),
    ]


def _suggestion(fields: dict[str, Any], rationale: str, guardrails: list[Guardrail]) -> Suggestion:
    rationale = rationale[:LONGEST]
    action: PolypharmacyAction = PolypharmacyAction.model_validate({**fields, "rationale": rationale})
    return Suggestion(action=action, rationale=rationale, source="heuristic", guardrails=passed(guardrails))
