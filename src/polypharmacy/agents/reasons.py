"""Why an action may make sense, in a sentence, from what is seen: for agents that do not say so themselves."""

from polypharmacy.agents.heuristic import SHARED
from polypharmacy.env.actions import FinishReview, QueryDdi, decode
from polypharmacy.env.layout import MODERATE, SEVERE, SLOTS, pair_number
from polypharmacy.env.text import FLAG_WORDS, WORDS
from polypharmacy.env.view import View
from polypharmacy.knowledge import Knowledge
from polypharmacy.knowledge.ingredient import Ingredient

_VERBS = {
    "stop": "stop it",
    "dose_reduce": "reduce its dose",
    "substitute": "replace it by {alternative}",
    "add_monitoring": "watch it",
}


def reason(view: View, number: int, knowledge: Knowledge) -> str:
    """What of the view speaks for action `number`, 0 to 165."""
    drugs = list(knowledge.ingredients.values())
    held = [drugs[int(view.drug[view.candidate(slot)])] for slot in range(view.drugs)]
    action = decode(number)
    if isinstance(action, FinishReview):
        return "Nothing that is open is expected to lower the risk further."
    if isinstance(action, QueryDdi):
        a, b = held[action.first], held[action.second]
        shared = _shared(a, b)
        if not shared:
            return f"{a.name} and {b.name} have not been looked up together yet."
        return f"{a.name} and {b.name} may interact: {', '.join(shared)}."
    found = []
    for other in range(view.drugs):
        if other != action.slot and not view.stopped >> other & 1:
            known = int(view.known[pair_number(min(action.slot, other), max(action.slot, other))])
            if known in (MODERATE, SEVERE):
                found.append((-known, f"{WORDS[known]} with {held[other].name}"))
    flags = [w for bit, w in enumerate(FLAG_WORDS) if view.flag[view.candidate(action.slot)] >> bit & 1]
    grounds = [text for _, text in sorted(found)] + ([f"flagged ({', '.join(flags)})"] if flags else [])
    alternative = view.drug[SLOTS + action.slot]
    verb = _VERBS[action.kind].format(alternative=drugs[alternative].name if alternative >= 0 else "another")
    return f"{held[action.slot].name}: {'; '.join(grounds) or 'no finding yet speaks against it'}; {verb}."


def _shared(a: Ingredient, b: Ingredient) -> list[str]:
    """Properties of two drugs that meet."""
    out = [f"both {name.replace('_', ' ')}" for name in SHARED if getattr(a, name) and getattr(b, name)]
    if a.qt and b.qt:
        out.append("both lengthen the QT interval")
    if a.acb and b.acb:
        out.append("both anticholinergic")
    for one, other in ((a, b), (b, a)):
        met = {p.protein for p in one.pk if p.action != "substrate"} & {
            p.protein for p in other.pk if p.action == "substrate"
        }
        if met:
            out.append(f"{one.name} acts on {', '.join(sorted(met)).upper()}, which clears {other.name}")
    return out
