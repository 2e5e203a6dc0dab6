"""An episode in words, for people and language models: what is seen, and what may be said."""

import re

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

WORDS = ("not asked", "no interaction found", "minor", "moderate", "severe")
FLAG_WORDS = ("Beers", "kidney", "liver")
KIDNEY = ("eGFR 60 or above or not known", "eGFR 45-59", "eGFR 30-44", "eGFR 15-29", "eGFR below 15")
COMMANDS = "query I J | stop S | dose_reduce S | substitute S | add_monitoring S | finish"

_COMMAND = re.compile(
    rf"^(query(?:_ddi)?|{'|'.join(INTERVENTION_NAMES)}|reduce|monitor|finish(?:_review)?)\b([\s,()\d]*)$"
)


def render(view: View, knowledge: Knowledge) -> str:
    """What a View shows, in lines of text."""
    drugs = list(knowledge.ingredients.values())
    conditions = [
        c.name for c, here in zip(knowledge.conditions.values(), view.person[len(PERSON) :], strict=True) if here
    ]
    female, age, kidney, liver = (int(x) for x in view.person[: len(PERSON)])
    organs = [KIDNEY[kidney], *([f"Child-Pugh {'ABC'[liver - 1]}"] if liver else [])]
    lines = [
        f"{view.task.name}: {view.queries_left} queries, {view.interventions_left} interventions, "
        f"{view.steps_left} steps left",
        f"{'Woman' if female else 'Man'} of {age}, {', '.join(organs)}",
        f"Conditions: {', '.join(conditions) or 'none seen'}",
        "Medicines:",
    ]
    for slot in range(view.drugs):
        now = view.candidate(slot)
        name = drugs[int(view.drug[now])].name
        dose = float(view.daily_mg[now])
        parts = [f"{slot:>3}  {name}" + (f" {dose:g} mg/day" if dose else "")]
        flags = [word for bit, word in enumerate(FLAG_WORDS) if view.flag[now] >> bit & 1]
        if flags:
            parts.append(f"flags: {', '.join(flags)}")
        if view.critical >> slot & 1:
            parts.append("critical")
        if view.alternatives >> slot & 1 and not view.switched >> slot & 1:
            parts.append(f"alternative: {drugs[int(view.drug[SLOTS + slot])].name}")
        done = [w for w, bits in _done(view) if bits >> slot & 1]
        parts += [f"[{word}]" for word in done]
        lines.append("; ".join(parts))
    known = [
        f"  {i} {drugs[int(view.drug[view.candidate(i)])].name} + {j} {drugs[int(view.drug[view.candidate(j)])].name}: "
        f"{WORDS[view.known[p]]}"
        for p, (i, j) in enumerate(PAIR_SLOTS)
        if view.known[p]
    ]
    lines += ["Asked:", *known] if known else ["Nothing asked yet."]
    return "\n".join(lines)


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
