"""What every suggestion must pass, whoever made it."""

from typing import Literal, NamedTuple

from polypharmacy.env.layout import FINISH, FIRST_INTERVENTION, INTERVENTIONS, MONITOR, STOP, SUBSTITUTE
from polypharmacy.env.view import View
from polypharmacy.knowledge import Knowledge

GuardrailName = Literal["known_drugs", "legal_actions", "critical_medicines", "taper"]


class Guardrail(NamedTuple):
    """A guardrail that looked at a suggestion: whether it changed it, and what it found."""

    name: GuardrailName
    changed: bool
    note: str


class Guarded(NamedTuple):
    """An action number that passed, and the guardrails it passed."""

    number: int
    guardrails: list[Guardrail]


class Illegal(ValueError):
    """An action that is not open: no guardrail mends that."""


def guard(view: View, number: int, knowledge: Knowledge) -> Guarded:
    """An action as it may be suggested. Raises Illegal where it is not open.

    A stop of a critical medicine that has no taper becomes its substitute where there is one, else monitoring.
    """
    if not (0 <= number < len(view.mask) and view.mask[number]):
        raise Illegal(f"action {number} is not open")
    passed = [
        Guardrail("known_drugs", False, f"only medicines that knowledge base {knowledge.version} knows are named"),
        Guardrail("legal_actions", False, "the action is open now"),
    ]
    if not FIRST_INTERVENTION <= number < FINISH:
        return Guarded(number, passed)
    slot, kind = divmod(number - FIRST_INTERVENTION, INTERVENTIONS)
    if kind not in (STOP, SUBSTITUTE):
        return Guarded(number, passed)
    row = list(knowledge.ingredients.values())[int(view.drug[view.candidate(slot)])]
    if kind == STOP:
        held = held_back(row.id, knowledge)
        if held is not None:
            first = FIRST_INTERVENTION + slot * INTERVENTIONS
            number = first + (SUBSTITUTE if view.mask[first + SUBSTITUTE] else MONITOR)
            if not view.mask[number]:
                raise Illegal(f"{held} and nothing gentler is open")
            passed.append(Guardrail("critical_medicines", True, held))
        else:
            passed.append(Guardrail("critical_medicines", False, f"{row.name} may be stopped"))
    if number - FIRST_INTERVENTION - slot * INTERVENTIONS != MONITOR:
        taper = taper_of(row.id, knowledge)
        if taper is not None:
            passed.append(Guardrail("taper", True, f"{row.name}: {taper}"))
    return Guarded(number, passed)


def held_back(drug: str, knowledge: Knowledge) -> str | None:
    """Why a medicine must not just be stopped: it is critical and the knowledge base has no taper for it."""
    if not knowledge.is_critical(drug) or taper_of(drug, knowledge) is not None:
        return None
    return f"{knowledge.ingredients[drug].name} is critical and has no taper: it is not stopped without a substitute"


def taper_of(drug: str, knowledge: Knowledge) -> str | None:
    """How to come off a medicine that needs to be tapered."""
    row = knowledge.deprescribing_of(drug)
    return f"{row.taper} {row.monitoring}" if row is not None and knowledge.ingredients[drug].needs_taper else None
