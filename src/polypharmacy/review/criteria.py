"""Explicit criteria (Beers, STOPP, START) over a patient's medicines."""

from polypharmacy.knowledge.criterion import Criterion
from polypharmacy.knowledge.vocabulary import Action
from polypharmacy.review.facts import Facts
from polypharmacy.review.finding import Finding, NotEvaluated, merge
from polypharmacy.review.slot import Slot

APPLIES_FROM_AGE = 65
"""Beers and STOPP/START are written for people of 65 and over."""


def find_criteria(facts: Facts, slots: tuple[Slot, ...]) -> tuple[list[Finding], list[NotEvaluated]]:
    """Criteria that hold, one finding a slot and harm, and those that lack what they need.

    Nothing is found for a patient known to be younger than 65.
    """
    missing: list[NotEvaluated] = []
    if facts.patient.age is not None and facts.patient.age < APPLIES_FROM_AGE:
        return [], missing
    found: list[Finding] = []
    for slot in slots:
        by_harm: dict[str, list[Finding]] = {}
        for row in facts.knowledge.criteria_by_drug.get(slot.drug, ()):
            if facts.rules_out(row.id):
                continue
            finding = _apply(row, slot, facts, missing)
            if finding is not None:
                by_harm.setdefault(row.harm, []).append(finding)
        found += [merge(hits) for hits in by_harm.values()]
    return found, missing


def find_omissions(facts: Facts) -> tuple[list[Finding], list[NotEvaluated]]:
    """START criteria: what should be there and is not."""
    found: list[Finding] = []
    missing: list[NotEvaluated] = []
    if facts.patient.age is not None and facts.patient.age < APPLIES_FROM_AGE:
        return found, missing
    for row in facts.knowledge.start_criteria:
        assert row.missing is not None
        assert row.when is not None
        if facts.rules_out(row.id) or facts.takes(row.missing):
            continue
        finding = _apply(row, None, facts, missing)
        if finding is not None:
            found.append(finding)
    return found, missing


def _apply(row: Criterion, slot: Slot | None, facts: Facts, missing: list[NotEvaluated]) -> Finding | None:
    if slot is not None and row.drugs is not None and not row.drugs.admits(slot.route):
        return None
    needs: list[str] = []
    met = True if row.when is None else facts.ask(row.when, needs, slot)
    if met is False:
        return None
    exceptions: list[str] = []
    if row.unless is not None and facts.ask(row.unless, exceptions, slot):
        return None
    if met is None:
        missing.append(NotEvaluated(row.id, tuple(dict.fromkeys(needs))))
        return None
    drug = slot.drug if slot is not None else row.start
    name = facts.knowledge.ingredients[drug].name if drug else ""
    return Finding(
        id=row.id,
        kind=row.kind,
        severity=row.severity,
        drugs=(drug,) if drug else (),
        message=row.message if slot is None or row.message.startswith(name) else f"{name}: {row.message}",
        mechanism=row.mechanism,
        management=row.management,
        evidence=row.evidence,
        sources=row.sources,
        interrupts=row.high_harm and row.when is not None,
        harm=row.harm,
        mask=slot.bit if slot is not None else 0,
        actions=tuple((a, slot.index) for a in row.actions if a is not Action.START) if slot is not None else (),
        dose_matters=slot.bit if slot is not None and row.dose_matters else 0,
        would_change=tuple(dict.fromkeys(exceptions)),
        reviewed=row.review_status == "reviewed",
        start=row.start,
        partners=_partners(row, slot, facts),
    )


def _partners(row: Criterion, slot: Slot | None, facts: Facts) -> int:
    if row.when is None or slot is None:
        return 0
    return sum({s.bit for selector in row.when.other_drugs() for s in facts.matching(selector, slot)})
