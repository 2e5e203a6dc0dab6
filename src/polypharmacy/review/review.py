"""patient + knowledge -> findings, regimen risk and one ranked plan."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from polypharmacy.knowledge import Knowledge
from polypharmacy.knowledge.substitute import Substitute
from polypharmacy.knowledge.vocabulary import Action, Kind, Severity
from polypharmacy.patients import Patient
from polypharmacy.review.burdens import burdens_of, find_burdens
from polypharmacy.review.criteria import find_criteria, find_omissions
from polypharmacy.review.duplicates import find_duplicates, find_repeats
from polypharmacy.review.facts import Facts
from polypharmacy.review.finding import Finding, NotEvaluated, merge_into
from polypharmacy.review.interactions import find_interactions
from polypharmacy.review.layers import with_layers
from polypharmacy.review.limits import find_limits
from polypharmacy.review.needs import needs_of
from polypharmacy.review.plan import PlanStep, make_plan
from polypharmacy.review.regimen import Regimen
from polypharmacy.review.slot import Slot, slots_of

MAX_CANDIDATES = 2
"""Replacements weighed for one medicine."""


@dataclass(frozen=True, slots=True)
class AllergyConflict:
    """A medicine taken that a recorded allergy names."""

    allergy: str
    drug: str
    reaction: str | None


@dataclass(frozen=True, slots=True)
class Review:
    """The review of one patient. Points are integers; `displayed_risk` and `displayed_after` are 0 to 1."""

    patient: Patient
    knowledge: Knowledge
    slots: tuple[Slot, ...]
    findings: tuple[Finding, ...]
    plan: tuple[PlanStep, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    allergy_conflicts: tuple[AllergyConflict, ...]
    components: dict[str, int]
    components_after: dict[str, int]

    @property
    def points(self) -> int:
        return sum(self.components.values())

    @property
    def points_after(self) -> int:
        return sum(self.components_after.values())

    @property
    def displayed_risk(self) -> float:
        return self.knowledge.risk.displayed(self.points, len(self.slots))

    @property
    def displayed_after(self) -> float:
        return self.knowledge.risk.displayed(self.points_after, len(self.slots))

    @property
    def serious(self) -> tuple[Finding, ...]:
        """What a reader must see first: what interrupts, and whatever is contraindicated."""
        return tuple(f for f in self.findings if f.interrupts or f.severity is Severity.CONTRAINDICATED)

    @property
    def interrupting(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.interrupts)


def review(patient: Patient, knowledge: Knowledge) -> Review:
    """Review one patient's medicines. Pure: the same patient and knowledge give the same review."""
    slots = slots_of(patient, knowledge)
    facts = Facts(patient, slots, knowledge)
    initial = (1 << len(slots)) - 1

    alone, missing = _find(facts, slots, combinations(slots, 2))
    findings = _merged([*alone, *find_duplicates(facts, slots), *find_repeats(facts, slots)])
    omissions, unmet = find_omissions(facts)
    candidates, groups = _candidates(facts, slots, findings)
    everyone = (*slots, *candidates)
    new_pairs = [*product(slots, candidates), *combinations(candidates, 2)]
    brought, _ = _find(facts, tuple(candidates), new_pairs)
    beyond = ~initial
    duplicates = [f for f in find_duplicates(facts, everyone) if f.mask & beyond] if candidates else []
    brought = _merged([*brought, *duplicates])
    replacements = _best(groups, brought, initial, knowledge)
    kept = sum(1 << c for c in replacements.values())
    brought = [f for f in brought if not f.mask & ~(initial | kept) and _concerns(f, replacements)]
    burdens = burdens_of(facts, everyone)
    shown = [*findings, *find_burdens(burdens, slots, initial, facts)]
    listed = with_layers(shown, facts, slots) if knowledge.layers else shown
    regimen = Regimen(
        risk=knowledge.risk,
        size=len(slots),
        findings=(*findings, *brought),
        burdens=burdens,
        needs=needs_of(slots, knowledge),
    )
    plan, interventions = make_plan(regimen, everyone, shown, omissions, replacements, knowledge)
    return Review(
        patient=patient,
        knowledge=knowledge,
        slots=slots,
        findings=tuple(sorted([*listed, *omissions], key=_order)),
        plan=tuple(plan),
        not_evaluated=_once([*missing, *unmet], slots, facts),
        allergy_conflicts=_allergies(patient, slots),
        components=regimen.components(),
        components_after=regimen.components(interventions),
    )


def _find(
    facts: Facts, slots: tuple[Slot, ...], pairs: Iterable[tuple[Slot, Slot]]
) -> tuple[list[Finding], list[NotEvaluated]]:
    """What stands against `slots` one by one and against `pairs`."""
    interactions, missing = find_interactions(facts, pairs)
    criteria, unanswered = find_criteria(facts, slots)
    limits, unmeasured = find_limits(facts, slots)
    return [*interactions, *criteria, *limits], [*missing, *unanswered, *unmeasured]


def _merged(findings: list[Finding]) -> list[Finding]:
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


def _candidates(
    facts: Facts, slots: tuple[Slot, ...], findings: Iterable[Finding]
) -> tuple[list[Slot], dict[int, tuple[int, ...]]]:
    """Replacement slots, numbered after the patient's own, for the slots that a rule proposes to switch."""
    knowledge = facts.knowledge
    taken = {s.drug for s in slots}
    allergic = {d for a in facts.patient.allergies for d in a.ingredients}
    wanted: dict[int, list[Finding]] = {}
    for finding in findings:
        for action, index in finding.actions:
            if action is Action.SWITCH and finding.severity.rank >= Severity.ADJUST.rank:
                wanted.setdefault(index, []).append(finding)
    out: list[Slot] = []
    groups: dict[int, tuple[int, ...]] = {}
    for index in sorted(wanted):
        slot = slots[index]
        options: dict[str, Slot] = {}
        for row in knowledge.substitutes_for(slot.drug):
            if not _suits(row, slot, facts):
                continue
            if row.replacement not in taken and row.replacement not in allergic:
                options.setdefault(
                    row.replacement,
                    Slot(0, row.replacement, row.route, (), None, None, slot.indication),
                )
        indices = []
        for option in list(options.values())[:MAX_CANDIDATES]:
            position = len(slots) + len(out)
            out.append(Slot(position, option.drug, option.route, (), None, None, option.indication))
            indices.append(position)
        groups[index] = tuple(indices)
    return out, groups


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


def _best(
    groups: dict[int, tuple[int, ...]], brought: Sequence[Finding], initial: int, knowledge: Knowledge
) -> dict[int, int]:
    """Of each slot's candidates the one whose findings with the other medicines weigh least, the first of equals;
    none that brings a finding at avoid or above.
    """
    points = knowledge.risk.points
    best: dict[int, int] = {}
    for index, candidates in groups.items():
        others = initial & ~(1 << index)

        weights: dict[int, int] = {}
        for candidate in candidates:
            allowed = others | 1 << candidate
            found = [f for f in brought if f.mask >> candidate & 1 and not f.mask & ~allowed]
            if all(f.severity.rank < Severity.AVOID.rank for f in found):
                weights[candidate] = sum(points[f.kind][f.severity] for f in found)
        if weights:
            best[index] = min(weights, key=weights.__getitem__)
    return best


def _concerns(finding: Finding, replacements: dict[int, int]) -> bool:
    """Leave out findings between a candidate and the very slot it would replace."""
    return not any(finding.mask >> i & 1 and finding.mask >> c & 1 for i, c in replacements.items())


def _allergies(patient: Patient, slots: tuple[Slot, ...]) -> tuple[AllergyConflict, ...]:
    return tuple(
        AllergyConflict(allergy.text, slot.drug, allergy.reaction)
        for allergy in patient.allergies
        for slot in slots
        if slot.drug in allergy.ingredients
    )


def _order(finding: Finding) -> tuple[bool, int, int, str, tuple[str, ...]]:
    """Interrupting first, then by severity; interactions before criteria of the same rank."""
    return (
        not (finding.interrupts or finding.severity is Severity.CONTRAINDICATED),
        -finding.severity.rank,
        _KIND_ORDER[finding.kind],
        finding.id,
        finding.drugs,
    )


_KIND_ORDER = {
    kind: i
    for i, kind in enumerate(
        (
            Kind.INTERACTION,
            Kind.RENAL,
            Kind.HEPATIC,
            Kind.PGX,
            Kind.BEERS,
            Kind.STOPP,
            Kind.DUPLICATE,
            Kind.BURDEN,
            Kind.START,
        )
    )
}


def _once(rows: list[NotEvaluated], slots: Sequence[Slot], facts: Facts) -> tuple[NotEvaluated, ...]:
    """Each rule once, with the criteria no record can answer that concern this patient."""
    knowledge = facts.knowledge
    needs: dict[str, dict[str, None]] = {}
    for row in rows:
        needs.setdefault(row.id, {}).update(dict.fromkeys(row.needs))
    taken = {s.drug for s in slots}
    for criterion in knowledge.unanswerable:
        if criterion.drugs is not None and taken.isdisjoint(knowledge.members(criterion.drugs)):
            continue
        if criterion.when is not None and facts.ask(criterion.when, []) is False:
            continue
        needs.setdefault(criterion.id, {}).update(dict.fromkeys(criterion.needs))
    return tuple(NotEvaluated(id_, tuple(n)) for id_, n in needs.items())
