"""An episode in words, for people and language models: what is seen, and what may be said."""

import re
from collections.abc import Sequence

from polypharmacy.env.actions import (
    INTERVENTION_NAMES,
    PAIR_SLOTS,
    Action,
    FinishReview,
    ProposeIntervention,
    QueryDdi,
    decode,
)
from polypharmacy.env.case import PERSON
from polypharmacy.env.layout import SLOTS
from polypharmacy.env.tasks import Task
from polypharmacy.env.view import View
from polypharmacy.knowledge import Knowledge
from polypharmacy.knowledge.ingredient import Ingredient

NOTHING = "Nothing asked yet."
WORDS = ("not asked", "no interaction found", "minor", "moderate", "severe")
SEXES = ("Man", "Woman", "Person")
FLAG_WORDS = ("Beers", "kidney", "liver")
KIDNEY = ("eGFR 60 or above or not known", "eGFR 45-59", "eGFR 30-44", "eGFR 15-29", "eGFR below 15")
COMMANDS = "query I J | stop S | dose_reduce S | substitute S | add_monitoring S | finish"

_COMMAND = re.compile(
    rf"^(query(?:_ddi)?|{'|'.join(INTERVENTION_NAMES)}|reduce|monitor|finish(?:_review)?)\b([\s,()\d]*)$"
)


def render(view: View, knowledge: Knowledge) -> str:
    """What a View shows, in lines of text."""
    drugs = list(knowledge.ingredients.values())
    known = [asked_line(view, p, drugs) for p in range(len(PAIR_SLOTS)) if view.known[p]]
    medicines = [medicine_line(view, slot, drugs) for slot in range(view.drugs)]
    counts = heading(view.task, view.queries_left, view.interventions_left, view.steps_left)
    return "\n".join(
        [counts, *person_lines(view, knowledge), *medicines, *(["Asked:", *known] if known else [NOTHING])]
    )


def heading(task: Task, queries: int, interventions: int, steps: int) -> str:
    """The first line: what is left of the budgets."""
    return f"{task.name}: {queries} queries, {interventions} interventions, {steps} steps left"


def person_lines(view: View, knowledge: Knowledge) -> list[str]:
    """Who it is, up to the line before the medicines."""
    female, age, kidney, liver = (int(x) for x in view.person[: len(PERSON)])
    organs = [KIDNEY[kidney], *([f"Child-Pugh {'ABC'[liver - 1]}"] if liver else [])]
    conditions = conditions_seen(view, knowledge)
    return [
        f"{SEXES[female]} of {age or 'unknown age'}, {', '.join(organs)}",
        f"Conditions: {', '.join(conditions) or 'none seen'}",
        "Medicines:",
    ]


def conditions_seen(view: View, knowledge: Knowledge) -> list[str]:
    """Names of the conditions that are seen."""
    return [c.name for c, here in zip(knowledge.conditions.values(), view.person[len(PERSON) :], strict=True) if here]


def medicine_line(view: View, slot: int, drugs: Sequence[Ingredient]) -> str:
    """A slot as it is now; `drugs` are the knowledge base's, in its order."""
    now = view.candidate(slot)
    dose = float(view.daily_mg[now])
    parts = [f"{slot:>3}  {drugs[int(view.drug[now])].name}" + (f" {dose:g} mg/day" if dose else "")]
    flags = [word for bit, word in enumerate(FLAG_WORDS) if view.flag[now] >> bit & 1]
    if flags:
        parts.append(f"flags: {', '.join(flags)}")
    if view.critical >> slot & 1:
        parts.append("critical")
    if view.alternatives >> slot & 1 and not view.switched >> slot & 1:
        parts.append(f"alternative: {drugs[int(view.drug[SLOTS + slot])].name}")
    parts += [f"[{word}]" for word, bits in _done(view) if bits >> slot & 1]
    return "; ".join(parts)


def asked_line(view: View, pair: int, drugs: Sequence[Ingredient]) -> str:
    """A pair that was asked, and what the chart said."""
    i, j = PAIR_SLOTS[pair]
    first, second = (drugs[int(view.drug[view.candidate(slot)])].name for slot in (i, j))
    return f"  {i} {first} + {j} {second}: {WORDS[view.known[pair]]}"


def _done(view: View) -> tuple[tuple[str, int], ...]:
    return (
        ("stopped", view.stopped),
        ("substituted", view.switched),
        ("dose reduced", view.reduced),
        ("monitored", view.monitored),
    )


def say(number: int) -> str:
    """An action number as the command that means it."""
    action = decode(number)
    if isinstance(action, FinishReview):
        return "finish"
    if isinstance(action, QueryDdi):
        return f"query {action.first} {action.second}"
    return f"{action.kind} {action.slot}"


def parse(text: str) -> Action:
    """The action that a command means. Raises ValueError that says what is understood."""
    match = _COMMAND.match(text.strip().lower())
    if match is None:
        raise ValueError(f"not understood: {text.strip()[:60]!r}; say one of: {COMMANDS}")
    verb, numbers = match[1], [int(n) for n in re.findall(r"\d+", match[2])]
    wanted = 2 if verb.startswith("query") else 0 if verb.startswith("finish") else 1
    if len(numbers) != wanted:
        raise ValueError(f"{verb} takes {wanted} slot number{'s' * (wanted != 1)}, not {len(numbers)}")
    if wanted == 2:
        return QueryDdi(*numbers)
    if wanted == 0:
        return FinishReview()
    return ProposeIntervention(numbers[0], {"reduce": "dose_reduce", "monitor": "add_monitoring"}.get(verb, verb))
