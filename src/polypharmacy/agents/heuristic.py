"""A hand-written reviewer: asks about the pairs that look dangerous, then acts where the most harm is known."""

from collections.abc import Iterable

from polypharmacy.env.actions import PAIR_SLOTS
from polypharmacy.env.layout import (
    BUDGETED_SCREENING,
    COMPLEX_TRADEOFF,
    EASY_SCREENING,
    FINISH,
    FIRST_INTERVENTION,
    INTERVENTIONS,
    MODERATE,
    MONITOR,
    REDUCE,
    SEVERE,
    SLOTS,
    STOP,
    SUBSTITUTE,
    pair_number,
)
from polypharmacy.env.view import View
from polypharmacy.knowledge import Knowledge
from polypharmacy.knowledge.ingredient import Ingredient

SHARED = ("bleeding", "sedative", "serotonergic", "hyperkalaemic", "hyponatraemic", "hypotensive", "nephrotoxic")
"""Properties of which two together are a pair to ask about."""
CHANGES, SUFFERS = ("inhibitor", "inducer"), ("substrate",)
CLEAR = ("strong", "moderate", "sensitive", "")
"""Strengths at which a role counts in full; the rest are weak."""
LIKELY = 1.0
"""The least suspicion at which a pair is worth a query where fruitless queries count against the review."""
HARM = {SEVERE: 30.0, MODERATE: 8.0}
FLAG_HARM = 15.0
SUSPECTED_HARM = 6.0
"""Rough points of a pair found severe or moderate, of a flag, and of each unit of suspicion not looked into."""
REPLACED_AT_MOST = 3
"""complex_tradeoff: stops and substitutes that come free."""


class Heuristic:
    """Knows drugs by their properties (what any pharmacist knows of one drug), not the interaction rules.

    Touches only medicines that show a flag or were found in an interaction, and never stops a critical one.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self._drugs = list(knowledge.ingredients.values())
        self._scores: dict[tuple[int, int], float] = {}

    def begin(self, view: View, episode: int) -> None:
        pass

    def act(self, view: View) -> int:
        if view.queries_left and not (view.task.number == EASY_SCREENING and SEVERE in view.known):
            ranked = [(self._suspicion(view, *PAIR_SLOTS[p]), -p) for p in range(len(PAIR_SLOTS)) if view.mask[p]]
            score, pair = max(ranked, default=(-1.0, 0))
            if score >= (LIKELY if view.task.number == BUDGETED_SCREENING else 0.0):
                return -pair
        best, chosen = 0.0, FINISH
        for slot in range(view.drugs):
            for kind in self._kinds(view, slot):
                action = FIRST_INTERVENTION + slot * INTERVENTIONS + kind
                if view.mask[action] and (gain := self._gain(view, slot, kind)) > best:
                    best, chosen = gain, action
        return chosen

    def _kinds(self, view: View, slot: int) -> Iterable[int]:
        """Interventions worth a thought for a slot."""
        if not (view.flagged | view.evidence) >> slot & 1:
            return
        yield from (REDUCE, MONITOR)
        full = (view.stopped | view.switched).bit_count() >= REPLACED_AT_MOST
        if view.task.number == COMPLEX_TRADEOFF and full:
            return
        yield SUBSTITUTE
        if not view.critical >> slot & 1:
            yield STOP

    def _gain(self, view: View, slot: int, kind: int) -> float:
        """Rough points that an intervention takes off."""
        found = {SEVERE: 0, MODERATE: 0}
        suspected = brought = 0.0
        for other in range(view.drugs):
            if other == slot or view.stopped >> other & 1:
                continue
            known = int(view.known[pair_number(min(slot, other), max(slot, other))])
            if known in found:
                found[known] += 1
            elif not known:
                suspected += self._suspicion(view, slot, other)
            if kind == SUBSTITUTE:
                new = self._between(int(view.drug[SLOTS + slot]), int(view.drug[view.candidate(other)]))
                # An alternative that shares the property behind an interaction is taken to share the interaction.
                alike = known in found and new >= self._suspicion(view, slot, other) > 0
                brought += HARM[known] if alike else SUSPECTED_HARM * new
        flags = FLAG_HARM * int(view.flag[view.candidate(slot)]).bit_count()
        if kind == MONITOR:
            return 0.4 * HARM[MODERATE] * found[MODERATE]
        if kind == REDUCE:
            return 0.3 * (HARM[MODERATE] * found[MODERATE] + HARM[SEVERE] * found[SEVERE] + flags) - 2.0
        gain = sum(HARM[word] * n for word, n in found.items()) + flags + SUSPECTED_HARM * suspected
        if kind == SUBSTITUTE:
            return gain - brought - FLAG_HARM * int(view.flag[SLOTS + slot]).bit_count()
        return gain - self._need(view, slot)

    @staticmethod
    def _need(view: View, slot: int) -> float:
        """Points of the needs that only this medicine meets."""
        return sum(int(points) for bits, points, _ in view.needs if int(bits) & ~view.stopped == 1 << slot)

    def _suspicion(self, view: View, i: int, j: int) -> float:
        return self._between(int(view.drug[view.candidate(i)]), int(view.drug[view.candidate(j)]))

    def _between(self, a: int, b: int) -> float:
        if (a, b) not in self._scores:
            self._scores[a, b] = self._scores[b, a] = suspicion(self._drugs[a], self._drugs[b])
        return self._scores[a, b]


def suspicion(a: Ingredient, b: Ingredient) -> float:
    """How much two drugs' own properties speak for an interaction; 0 when nothing does."""
    score = sum(1.5 if name == "bleeding" else 1.0 for name in SHARED if getattr(a, name) and getattr(b, name))
    if a.qt and b.qt:
        score += 1.5
    score += 0.4 * min(a.acb, b.acb)
    for one, other in ((a, b), (b, a)):
        if _proteins(one, CHANGES, CLEAR) & _proteins(other, SUFFERS, CLEAR):
            score += 2.0 if other.narrow_ti else 1.2
        elif _proteins(one, CHANGES) & _proteins(other, SUFFERS):
            score += 0.5
        if one.narrow_ti:
            score += 0.3
    return score


def _proteins(drug: Ingredient, actions: tuple[str, ...], strengths: tuple[str, ...] = (*CLEAR, "weak")) -> set[str]:
    return {p.protein for p in drug.pk if p.action in actions and p.strength in strengths}
