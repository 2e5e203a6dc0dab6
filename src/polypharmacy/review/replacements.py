"""What stands against a set of medicines, and which replacement each could be switched to."""

from collections.abc import Iterable, Iterator, Sequence

from polypharmacy.knowledge.substitute import Substitute
from polypharmacy.knowledge.vocabulary import Action, Kind, Severity
from polypharmacy.review.criteria import find_criteria
from polypharmacy.review.duplicates import find_duplicates, shares_class
from polypharmacy.review.facts import Facts
from polypharmacy.review.finding import Finding, NotEvaluated, merge_into
from polypharmacy.review.interactions import find_interactions
from polypharmacy.review.limits import find_limits
from polypharmacy.review.slot import Slot

MAX_OPTIONS = 2
"""Replacements weighed for one medicine before it is said to have none."""


def find_against(
    facts: Facts, slots: tuple[Slot, ...], pairs: Iterable[tuple[Slot, Slot]]
) -> tuple[list[Finding], list[NotEvaluated]]:
    """What stands against `slots` one by one and against `pairs`."""
    interactions, missing = find_interactions(facts, pairs)
    criteria, unanswered = find_criteria(facts, slots)
    limits, unmeasured = find_limits(facts, slots)
    return [*interactions, *criteria, *limits], [*missing, *unanswered, *unmeasured]


def merged(findings: list[Finding]) -> list[Finding]:
    """What an interaction tells is told once: a duplication of the same two drugs is left to it, and a criterion
    that asks for another medicine is merged into the interactions with it.
    """
    interactions = {f.mask: f for f in findings if f.kind is Kind.INTERACTION}
    out: list[Finding] = []
    for finding in findings:
        if finding.kind is Kind.INTERACTION or (finding.kind is Kind.DUPLICATE and finding.mask in interactions):
            continue
        same = [m for m in interactions if finding.mask & m and finding.partners & m]
        if same:
            for mask in same:
                interactions[mask] = merge_into(interactions[mask], finding)
        else:
            out.append(finding)
    return [*interactions.values(), *out]


def find_replacements(
    facts: Facts, slots: tuple[Slot, ...], findings: Iterable[Finding]
) -> tuple[list[Slot], dict[int, int], list[Finding]]:
    """A replacement for each slot that a rule at adjust or above proposes to switch, where the table has one.

    The first in the table's order that serves everything the medicine is taken for, that no allergy names, and that
    brings nothing at avoid or above with the other medicines. Returns the replacement slots, numbered after the
    patient's own; which slot each is for (slot index to replacement index); and the findings they bring.
    """
    wanted = {
        index
        for finding in findings
        for action, index in finding.actions
        if action is Action.SWITCH and finding.severity.rank >= Severity.ADJUST.rank
    }
    accepted: list[Slot] = []
    replacements: dict[int, int] = {}
    brought: list[Finding] = []
    for index in sorted(wanted):
        for option in options_for(facts, slots, slots[index], accepted):
            candidate = option._replace(index=len(slots) + len(accepted))
            others = [*(s for s in slots if s.index != index), *accepted]
            found = brought_by(candidate, others, facts)
            present = sum([s.bit for s in others if s.index < len(slots)]) | candidate.bit
            if all(f.severity.rank < Severity.AVOID.rank for f in found if not f.mask & ~present):
                replacements[index] = candidate.index
                accepted.append(candidate)
                brought += merged(found)
                break
    return accepted, replacements, brought


def brought_by(candidate: Slot, others: Sequence[Slot], facts: Facts) -> list[Finding]:
    """What stands against a replacement alone and beside each of `others`, not yet merged."""
    found, _ = find_against(facts, (candidate,), [(other, candidate) for other in others])
    for other in others:
        if shares_class(other, candidate, facts):
            found += find_duplicates(facts, (other, candidate))
    return found


def options_for(facts: Facts, slots: Sequence[Slot], slot: Slot, accepted: Sequence[Slot]) -> Iterator[Slot]:
    """The first few substitutes in the table's order that could serve a slot, once each, unnumbered."""
    knowledge = facts.knowledge
    barred = {s.drug for s in (*slots, *accepted)} | {d for a in facts.patient.allergies for d in a.ingredients}
    left = MAX_OPTIONS
    for row in knowledge.substitutes_for(slot.drug):
        if left and row.replacement not in barred and _suits(row, slot, facts):
            barred.add(row.replacement)
            left -= 1
            name = knowledge.ingredients[row.replacement].name
            yield Slot(0, row.replacement, row.route, (), None, None, slot.indication, name)


def _suits(row: Substitute, slot: Slot, facts: Facts) -> bool:
    """Whether a substitute serves everything that a slot is taken for, in this patient.

    A drug with a single use is taken to be for it when the record states no reason.
    """
    knowledge = facts.knowledge
    if not facts.conditions.isdisjoint(row.not_with):
        return False
    treats = knowledge.treats(slot.drug)
    if not slot.indication:
        return not row.indication or treats == {row.indication}
    if row.indication and row.indication not in slot.indication:
        return False
    serves = knowledge.treats(row.replacement) | {row.indication}
    return all(condition in serves for condition in slot.indication if condition in treats or not row.indication)
