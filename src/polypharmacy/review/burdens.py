"""Loads that many drugs add up to."""

from collections.abc import Sequence
from dataclasses import dataclass

from polypharmacy.knowledge.burden import BurdenRule
from polypharmacy.knowledge.vocabulary import Action, Kind
from polypharmacy.review.facts import Facts
from polypharmacy.review.finding import Finding
from polypharmacy.review.slot import Slot


@dataclass(frozen=True, slots=True)
class Burden:
    """A burden rule with what slots add to it: (slot bit, weight) of those that add anything."""

    rule: BurdenRule
    weights: tuple[tuple[int, int], ...]

    def units(self, active: int) -> int:
        """How many units at or over the threshold the slots in the mask `active` make; 0 below it."""
        over = 1 - self.rule.at_least
        for bit, weight in self.weights:
            if active & bit:
                over += weight
        return over if over > 0 else 0


def burdens_of(facts: Facts, slots: Sequence[Slot]) -> tuple[Burden, ...]:
    """The burdens that these slots could reach together."""
    out = []
    for rule in facts.knowledge.tables.burdens:
        weights = weights_of(rule, slots, facts)
        if sum([weight for _, weight in weights]) >= rule.at_least:
            out.append(Burden(rule, weights))
    return tuple(out)


def find_burdens(burdens: Sequence[Burden], slots: Sequence[Slot], active: int, facts: Facts) -> list[Finding]:
    """A finding for each burden that the active slots reach."""
    found = []
    for burden in burdens:
        units = burden.units(active)
        if units == 0:
            continue
        weights = dict(burden.weights)
        adding = [s for s in slots if s.bit in weights and active & s.bit]
        total = sum(weights[s.bit] for s in adding)
        names = ", ".join(s.name for s in adding)
        rule = burden.rule
        found.append(
            Finding(
                id=rule.id,
                kind=Kind.BURDEN,
                severity=rule.severity,
                drugs=tuple(s.drug for s in adding),
                message=f"{rule.message} ({total} counted): {names}",
                mechanism=rule.mechanism,
                management=rule.management,
                evidence=rule.evidence,
                sources=rule.sources,
                interrupts=False,
                harm=rule.harm,
                mask=sum(s.bit for s in adding),
                actions=tuple((a, s.index) for a in (Action.STOP, Action.SWITCH) for s in adding),
                units=units,
                reviewed=rule.review_status == "reviewed",
            )
        )
    return found


def weights_of(rule: BurdenRule, slots: Sequence[Slot], facts: Facts) -> tuple[tuple[int, int], ...]:
    """What slots add to a burden: (slot bit, weight) of those that add anything."""
    if rule.count is not None:
        members, counted = facts.knowledge.members(rule.count), rule.count
        return tuple([(s.bit, 1) for s in slots if s.drug in members and counted.admits(s.route)])
    scores = [(s.bit, facts.knowledge.ingredients[s.drug].acb) for s in slots if s.systemic]
    return tuple([(bit, score) for bit, score in scores if score])
