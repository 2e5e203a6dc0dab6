"""What is known of a patient, and the answering of predicates: true, false, or unknown and what is needed."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from polypharmacy.knowledge import Knowledge
from polypharmacy.knowledge.predicate import Predicate
from polypharmacy.knowledge.selector import Selector
from polypharmacy.patients import Patient
from polypharmacy.review.slot import Slot

DIALYSIS_EGFR = 10.0
"""Read for a patient on dialysis whose record states no eGFR: below every limit's lowest band."""

_NUMBERS = frozenset({"age", "egfr", "crcl", "lab", "dose", "duration"})
_LAB_NAMES = {
    "qtc": "QTc",
    "inr": "INR",
    "hba1c": "HbA1c",
    "heart_rate": "heart rate",
    "systolic_bp": "blood pressure",
    "egfr": "eGFR",
}


class Facts:
    """A patient seen through the questions that rules ask."""

    def __init__(self, patient: Patient, slots: Sequence[Slot], knowledge: Knowledge) -> None:
        self.patient = patient
        self.slots = slots
        self.drugs = frozenset(s.drug for s in slots)
        self.knowledge = knowledge
        self.conditions = patient.condition_ids
        self.conditions_complete = patient.conditions_complete and all(c.ids for c in patient.conditions)
        self.egfr = patient.egfr if patient.egfr is not None else patient.crcl
        if self.egfr is None and "dialysis" in self.conditions:
            self.egfr = DIALYSIS_EGFR
        self.crcl = patient.crcl
        self.crcl_is_egfr = self.crcl is None and self.egfr is not None
        if self.crcl is None:
            self.crcl = self.egfr

    def rules_out(self, criterion: str) -> bool:
        """Whether a criterion asks for a condition that this patient is known not to have."""
        required = self.knowledge.required_conditions.get(criterion)
        return required is not None and self.conditions_complete and self.conditions.isdisjoint(required)

    def ask(
        self,
        question: Predicate,
        needs: list[str],
        subject: Slot | None = None,
        object_: Slot | None = None,
    ) -> bool | None:
        """Answer a predicate. When the answer is None, what would settle it is added to `needs`."""
        (kind,) = question.model_fields_set  # a predicate has exactly one key
        if kind == "condition" and question.condition is not None:
            return self._condition(question.condition, needs)
        if question.all_of is not None:
            return self._combine(question.all_of, False, needs, subject, object_)
        if question.any_of is not None:
            return self._combine(question.any_of, True, needs, subject, object_)
        if kind in _NUMBERS:
            return self._number(question, needs, subject, object_)
        if question.negated is not None:
            answer = self.ask(question.negated, needs, subject, object_)
            return None if answer is None else not answer
        if question.drug is not None:
            return self.takes(question.drug, subject, object_)
        if question.sex is not None:
            return self._known(self.patient.sex, "sex", needs, lambda sex: sex == question.sex)
        if question.liver is not None:
            allowed = question.liver
            return self._known(self.patient.child_pugh, "Child-Pugh class", needs, lambda c: c in allowed)
        if question.phenotype is not None:
            wanted = question.phenotype
            held = self.patient.phenotypes.get(wanted.gene)
            return self._known(held, f"{wanted.gene} phenotype", needs, lambda p: p.lower() in wanted.one_of)
        assert question.indication is not None
        slot = self._of(question.indication.of, subject, object_)
        if slot is None or not slot.indication:
            needs.append(f"what {self._name(slot)} is taken for")
            return None
        return not set(question.indication.one_of).isdisjoint(slot.indication)

    def phenotype(self, gene: str, slot: Slot) -> tuple[str | None, Slot | None]:
        """A gene's phenotype as another medicine leaves it (phenoconversion), and that medicine.

        Nothing is converted where the phenotype itself is not known: interactions tell of inhibitors then.
        """
        held = self.patient.phenotypes.get(gene)
        if held is None:
            return None, None
        held = held.lower()
        rows = [r for r in self.knowledge.tables.phenoconversions if r.gene == gene and r.from_phenotype == held]
        for row in sorted(rows, key=lambda r: r.inhibitor_strength, reverse=True):  # strong before moderate
            inhibitors = self.knowledge.select(row.inhibitors)
            for other in self.slots:
                if other.drug in inhibitors and other.drug != slot.drug and other.systemic:
                    return row.to_phenotype, other
        return held, None

    def takes(self, selector: Selector, *others: Slot | None) -> bool:
        """Whether another medicine than `others` is one the selector speaks of."""
        members = self.knowledge.members(selector)
        if self.drugs.isdisjoint(members):
            return False
        return next(iter(self.matching(selector, *others)), None) is not None

    def matching(self, selector: Selector, *others: Slot | None) -> Iterable[Slot]:
        members = self.knowledge.members(selector)
        return (s for s in self.slots if s.drug in members and selector.admits(s.route) and s not in others)

    def _combine(
        self,
        parts: tuple[Predicate, ...],
        decisive: bool,
        needs: list[str],
        subject: Slot | None,
        object_: Slot | None,
    ) -> bool | None:
        """any (decisive true) and all (decisive false): a decisive answer settles, else one unknown leaves it open."""
        mine: list[str] = []
        unknown = False
        for part in parts:
            answer = self.ask(part, mine, subject, object_)
            if answer is decisive:
                return decisive
            unknown = unknown or answer is None
        if unknown:
            needs += mine
            return None
        return not decisive

    def _condition(self, ids: tuple[str, ...], needs: list[str]) -> bool | None:
        if not self.conditions.isdisjoint(ids):
            return True
        if self.conditions_complete:
            return False
        names = [self.knowledge.conditions[c].name.lower() for c in ids]
        needs.append(f"problem list ({' or '.join(names[:3])}{' ...' if len(names) > 3 else ''})")
        return None

    def _number(self, question: Predicate, needs: list[str], subject: Slot | None, object_: Slot | None) -> bool | None:
        value: float | None
        if question.crcl is not None:
            value, bound, name = self.crcl, question.crcl, "creatinine clearance or eGFR"
        elif question.age is not None:
            value, bound, name = self.patient.age, question.age, "age"
        elif question.egfr is not None:
            value, bound, name = self.egfr, question.egfr, "eGFR"
        elif question.lab is not None:
            lab = self.patient.labs.get(question.lab.name)
            value, bound = (lab.value if lab else None), question.lab
            name = _LAB_NAMES.get(question.lab.name, question.lab.name)
        else:
            of = question.dose or question.duration
            assert of is not None
            slot = subject if of.of == "subject" else object_
            value = None if slot is None else slot.daily_mg if question.dose else slot.days
            if value is not None:
                return of.holds(value)
            drug = self._name(slot)
            needs.append(f"daily dose of {drug}" if question.dose else f"how long {drug} has been taken")
            return None
        if value is None:
            needs.append(name)
            return None
        return bound.holds(value)

    @staticmethod
    def _known(value: str | None, name: str, needs: list[str], test: Callable[[str], bool]) -> bool | None:
        if value is None:
            needs.append(name)
            return None
        return test(value)

    @staticmethod
    def _of(role: Literal["subject", "object"], subject: Slot | None, object_: Slot | None) -> Slot | None:
        return subject if role == "subject" else object_

    def _name(self, slot: Slot | None) -> str:
        return slot.name.lower() if slot else "the medicine"
