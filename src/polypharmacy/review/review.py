"""patient + knowledge -> findings, regimen risk and one ranked plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from polypharmacy.knowledge import Knowledge
from polypharmacy.knowledge.vocabulary import Kind
from polypharmacy.patients import Patient
from polypharmacy.review.burdens import burdens_of, find_burdens
from polypharmacy.review.criteria import find_omissions
from polypharmacy.review.duplicates import find_duplicates, find_repeats
from polypharmacy.review.facts import Facts
from polypharmacy.review.finding import Finding, NotEvaluated
from polypharmacy.review.layers import with_layers
from polypharmacy.review.needs import needs_of
from polypharmacy.review.plan import PlanStep, make_plan
from polypharmacy.review.regimen import Regimen
from polypharmacy.review.replacements import find_against, find_replacements, merged
from polypharmacy.review.slot import Slot, slots_of


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
    regimen: Regimen
    """What the risk is counted over: the medicines, and a replacement of each that a rule would switch."""

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
        """What a reader must see first."""
        return tuple(f for f in self.findings if f.serious)

    @property
    def interrupting(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.interrupts)


def review(patient: Patient, knowledge: Knowledge) -> Review:
    """Review one patient's medicines. Pure: the same patient and knowledge give the same review."""
    slots = slots_of(patient, knowledge)
    facts = Facts(patient, slots, knowledge)
    initial = (1 << len(slots)) - 1

    alone, missing = find_against(facts, slots, combinations(slots, 2))
    findings = merged([*alone, *find_duplicates(facts, slots), *find_repeats(facts, slots)])
    omissions, unmet = find_omissions(facts)
    candidates, replacements, brought = find_replacements(facts, slots, findings)
    everyone = (*slots, *candidates)
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
        regimen=regimen,
    )


def _allergies(patient: Patient, slots: tuple[Slot, ...]) -> tuple[AllergyConflict, ...]:
    return tuple(
        AllergyConflict(allergy.text, slot.drug, allergy.reaction)
        for allergy in patient.allergies
        for slot in slots
        if slot.drug in allergy.ingredients
    )


def _order(finding: Finding) -> tuple[bool, int, int, str, tuple[str, ...]]:
    """Serious first, then by severity; interactions before criteria of the same rank."""
    return (
        not finding.serious,
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
        if facts.rules_out(criterion.id) or (criterion.when is not None and facts.ask(criterion.when, []) is False):
            continue
        needs.setdefault(criterion.id, {}).update(dict.fromkeys(criterion.needs))
    return tuple(NotEvaluated(id_, tuple(n)) for id_, n in needs.items())
