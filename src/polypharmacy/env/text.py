"""An episode in words, for people and language models: what is seen, and what may be said."""

import re
from collections.abc import Sequence
from itertools import compress

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
from polypharmacy.env.view import View
from polypharmacy.knowledge import Knowledge

NOTHING = "Nothing asked yet."
WORDS = ("not asked", "no interaction found", "minor", "moderate", "severe")
DONE_WORDS = ("stopped", "dose reduced", "substituted", "monitored")
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
    names = [drugs[int(view.drug[view.candidate(slot)])].name for slot in range(view.drugs)]
    medicines = []
    for slot, name in enumerate(names):
        now = view.candidate(slot)
        has_other = view.alternatives >> slot & 1 and not view.switched >> slot & 1
        medicines.append(
            medicine_line(
                slot,
                name,
                float(view.daily_mg[now]),
                int(view.flag[now]),
                bool(view.critical >> slot & 1),
                drugs[int(view.drug[SLOTS + slot])].name if has_other else None,
                next((kind for kind, bits in enumerate(_done(view)) if bits >> slot & 1), None),
            )
        )
    known = [
        asked_line(i, names[i], j, names[j], int(view.known[p])) for p, (i, j) in enumerate(PAIR_SLOTS) if view.known[p]
    ]
    counts = heading(view.task.name, view.queries_left, view.interventions_left, view.steps_left)
    person = person_lines(view.person.tolist(), conditions_seen(view.person.tolist(), knowledge))
    return "\n".join([counts, *person, *medicines, *(["Asked:", *known] if known else [NOTHING])])


def heading(task: str, queries: int, interventions: int, steps: int) -> str:
    """The first line: what is left of the budgets."""
    return f"{task}: {queries} queries, {interventions} interventions, {steps} steps left"


def person_lines(person: Sequence[int], conditions: Sequence[str]) -> list[str]:
    """Who it is (`person` as in View), up to the line before the medicines."""
    female, age, kidney, liver = person[: len(PERSON)]
    organs = KIDNEY[kidney] + (f", Child-Pugh {'ABC'[liver - 1]}" if liver else "")
    return [
        f"{SEXES[female]} of {age or 'unknown age'}, {organs}",
        f"Conditions: {', '.join(conditions) or 'none seen'}",
        "Medicines:",
    ]


def conditions_seen(person: Sequence[int], knowledge: Knowledge) -> list[str]:
    """Names of the conditions that are seen."""
    return [c.name for c in compress(knowledge.conditions.values(), person[len(PERSON) :])]


def medicine_line(
    slot: int, name: str, daily_mg: float, flags: int, critical: bool, alternative: str | None, done: int | None
) -> str:
    """A slot as it is now: bits of `flags` as in View, `done` the intervention it had."""
    line = f"{slot:>3}  {name} {daily_mg:g} mg/day" if daily_mg else f"{slot:>3}  {name}"
    if flags:
        line += f"; flags: {', '.join(word for bit, word in enumerate(FLAG_WORDS) if flags >> bit & 1)}"
    if critical:
        line += "; critical"
    if alternative is not None:
        line += f"; alternative: {alternative}"
    return line if done is None else f"{line}; [{DONE_WORDS[done]}]"


def asked_line(i: int, first: str, j: int, second: str, known: int) -> str:
    """A pair that was asked, and what the chart said."""
    return f"  {i} {first} + {j} {second}: {WORDS[known]}"


def _done(view: View) -> tuple[int, ...]:
    """Bits of slots by the intervention they had, in the order of layout.STOP ..."""
    return (view.stopped, view.reduced, view.switched, view.monitored)


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
