"""A View made from an observation alone, so that an agent can advise on an episode that it does not hold."""

from collections.abc import Sequence

import numpy as np

from polypharmacy.env.actions import INTERVENTION_NAMES
from polypharmacy.env.case import FLAG_KINDS, PERSON
from polypharmacy.env.layout import (
    ACTIONS,
    CANDIDATES,
    FINISH,
    FIRST_INTERVENTION,
    INTERVENTIONS,
    MODERATE,
    NONE,
    PAIRS,
    SEVERE,
    SLOTS,
    SUBSTITUTE,
    pair_number,
)
from polypharmacy.env.openenv.models import PolypharmacyObservation
from polypharmacy.env.tasks import TASKS
from polypharmacy.env.view import View
from polypharmacy.knowledge import Knowledge, Severity
from polypharmacy.knowledge.vocabulary import Kind
from polypharmacy.patients.patient import ChildPugh, Patient, RecordedCondition
from polypharmacy.patients.synthetic.visible import KIDNEY_CATEGORIES
from polypharmacy.review.burdens import burdens_of
from polypharmacy.review.criteria import find_criteria
from polypharmacy.review.facts import Facts
from polypharmacy.review.limits import find_limits
from polypharmacy.review.needs import needs_of
from polypharmacy.review.slot import Slot

KIDNEY = ("G1-G2 or not known", "G3a", "G3b", "G4", "G5")
LIVER = ("not known", "Child-Pugh A", "Child-Pugh B", "Child-Pugh C")
CHILD_PUGH: tuple[ChildPugh | None, ...] = (None, "A", "B", "C")
SEVERITIES = ("none", "minor", "moderate", "severe")
STATUSES = ("stopped", "dose_reduced", "substituted", "monitored")
OLDEST = 130
MOST_MG = 1e6


def view_of(seen: PolypharmacyObservation, knowledge: Knowledge) -> View:
    """The View that an observation shows: ids and names that the knowledge base has, and nothing else of it.

    What an observation leaves out (what each medicine is taken for, routes) is taken as it usually is, so loads, needs
    and the flags of alternatives can differ from the episode's own. Raises ValueError, which says what does not fit.
    """
    return _Reading(seen, knowledge).view()


class _Reading:
    """One observation, checked as it is read."""

    def __init__(self, seen: PolypharmacyObservation, knowledge: Knowledge) -> None:
        self.seen = seen
        self.knowledge = knowledge
        self.places = {id_: place for place, id_ in enumerate(knowledge.ingredients)}
        self.medicines = seen.current_medications
        if seen.done:
            raise ValueError("the episode has ended: there is nothing left to suggest")
        if not 1 <= len(self.medicines) <= SLOTS:
            raise ValueError(f"current_medications has {len(self.medicines)} medicines; 1 to {SLOTS} can be advised on")
        if [m.slot for m in self.medicines] != list(range(len(self.medicines))):
            raise ValueError("current_medications: the slots must be 0, 1, 2, ... in this order")
        self.now = [m.drug_id for m in self.medicines]
        if len(set(self.now)) != len(self.now):
            raise ValueError("current_medications: a drug_id stands there twice")
        self.first = list(self.now)
        for made in reversed(seen.interventions):
            if made.intervention_type == "substitute" and made.new_drug_id in self.first:
                self.first[self.first.index(made.new_drug_id)] = made.target_drug_id

    def view(self) -> View:
        seen, n = self.seen, len(self.medicines)
        task = TASKS[seen.task_id]
        drug = np.full(CANDIDATES, -1, dtype=np.int16)
        daily_mg = np.zeros(CANDIDATES, dtype=np.float32)
        switched = self._bits("substituted")
        for slot, medicine in enumerate(self.medicines):
            replaced = switched >> slot & 1
            if replaced and self.first[slot] == self.now[slot]:
                raise ValueError(f"{self.now[slot]!r} is substituted, but no intervention says for what")
            drug[slot] = self._place(self.first[slot])
            if replaced or medicine.alternative is not None:
                drug[SLOTS + slot] = self._place(self.now[slot] if replaced else str(medicine.alternative))
            if medicine.daily_mg is not None:
                if not 0 <= medicine.daily_mg <= MOST_MG:
                    raise ValueError(f"{self.now[slot]!r}: daily_mg must be 0 to {MOST_MG:g}")
                daily_mg[slot + SLOTS * replaced] = medicine.daily_mg
        facts, slots = self._facts(drug, daily_mg)
        flag = _flags(facts, slots)
        for slot, medicine in enumerate(self.medicines):
            flag[slot + SLOTS * (switched >> slot & 1)] = _flag_bits(medicine.flags)
        weight = self._weights(facts, slots)
        stopped = self._bits("stopped")
        taken = [s + SLOTS * (switched >> s & 1) for s in range(n) if not stopped >> s & 1]
        known, evidence, found = self._asked()
        flagged = sum(1 << int(c) for c in np.flatnonzero(flag))
        touched = sum(self._bits(status) for status in STATUSES)
        targeted = ((evidence | flagged) & touched).bit_count()
        table = self.knowledge.risk.points[Kind.BURDEN]
        rules = self.knowledge.tables.burdens
        return View(
            task=task,
            drugs=n,
            alternatives=sum(1 << s for s in range(n) if drug[SLOTS + s] >= 0),
            critical=sum(1 << s for s in range(n) if self.knowledge.is_critical(slots[s].drug)),
            flagged=flagged,
            person=self._person(),
            drug=drug,
            daily_mg=daily_mg,
            flag=flag,
            weight=weight,
            burden=np.array([(table[b.severity], b.at_least) for b in rules], dtype=np.int32),
            needs=self._needs(slots[:n]),
            load=weight[taken].sum(axis=0, dtype=np.int32),
            known=known,
            mask=self._mask(drug, known, touched, stopped),
            stopped=stopped,
            switched=switched,
            reduced=self._bits("dose_reduced"),
            monitored=self._bits("monitored"),
            evidence=evidence,
            queries_left=min(seen.remaining_query_budget, task.queries),
            interventions_left=min(seen.remaining_intervention_budget, task.interventions),
            steps_left=min(seen.remaining_steps, task.steps),
            targeted=targeted,
            untargeted=touched.bit_count() - targeted,
            found=found,
        )

    def _bits(self, status: str) -> int:
        return sum(1 << slot for slot, medicine in enumerate(self.medicines) if medicine.status == status)

    def _place(self, id_: str) -> int:
        """The ingredient of an id, by its place in the knowledge base."""
        place = self.places.get(id_.partition("#")[0])
        if place is None:
            raise ValueError(f"{id_[:60]!r} is no medicine of knowledge base {self.knowledge.version}")
        return place

    def _slot(self, id_: str, ids: Sequence[str]) -> int:
        if id_ not in ids:
            raise ValueError(f"{id_[:60]!r} is none of current_medications")
        return ids.index(id_)

    def _conditions(self) -> frozenset[str]:
        names = {c.name: id_ for id_, c in self.knowledge.conditions.items()}
        unknown = [c for c in self.seen.conditions if c not in names and c not in self.knowledge.conditions]
        if unknown:
            raise ValueError(f"{unknown[0][:60]!r} is no condition of knowledge base {self.knowledge.version}")
        return frozenset(names.get(c, c) for c in self.seen.conditions)

    def _person(self) -> np.ndarray:
        seen, held = self.seen, self._conditions()
        age = seen.age or 0
        if not 0 <= age <= OLDEST:
            raise ValueError(f"age must be 0 to {OLDEST}")
        female = -1 if seen.sex is None else int(seen.sex == "female")
        first = [female, age, KIDNEY.index(seen.eGFR_category), LIVER.index(seen.liver_function_category)]
        assert len(first) == len(PERSON)
        return np.array([*first, *(c in held for c in self.knowledge.conditions)], dtype=np.int16)

    def _facts(self, drug: np.ndarray, daily_mg: np.ndarray) -> tuple[Facts, list[Slot]]:
        """The person as rules see them, and the candidates as slots: those of the list, then the alternatives."""
        held = self._conditions()
        kidney = KIDNEY.index(self.seen.eGFR_category)
        patient = Patient.model_construct(
            age=self.seen.age,
            sex=self.seen.sex,
            conditions=tuple(RecordedCondition(text=c, ids=(c,)) for c in sorted(held)),
            conditions_complete=False,
            measured_egfr=KIDNEY_CATEGORIES[kidney][1] if kidney else None,
            child_pugh=CHILD_PUGH[LIVER.index(self.seen.liver_function_category)],
            medications=(),
        )
        rows = list(self.knowledge.ingredients.values())
        slots: list[Slot] = []
        for candidate in np.flatnonzero(drug >= 0):
            row = rows[drug[candidate]]
            indication = tuple(sorted(self.knowledge.treats(row.id) & held))
            mg = float(daily_mg[candidate]) or None
            slots.append(Slot(int(candidate), row.id, row.route, (), mg, None, indication, row.name))
        return Facts(patient, slots[: len(self.medicines)], self.knowledge), slots

    def _weights(self, facts: Facts, slots: Sequence[Slot]) -> np.ndarray:
        rules = self.knowledge.tables.burdens
        weight = np.zeros((CANDIDATES, len(rules)), dtype=np.int16)
        for burden in burdens_of(facts, slots):
            for bit, amount in burden.weights:
                weight[bit.bit_length() - 1, rules.index(burden.rule)] = amount
        return weight

    def _needs(self, slots: Sequence[Slot]) -> np.ndarray:
        percent = self.knowledge.risk.need_reduced_percent
        rows = [(n.mask, n.points, n.points * percent // 100) for n in needs_of(slots, self.knowledge)]
        return np.array(rows, dtype=np.int32).reshape(-1, 3)

    def _asked(self) -> tuple[np.ndarray, int, int]:
        """What is known of each pair as it is held now, slots ever found in a moderate or severe one, and the number of
        severe pairs found among the first medicines.
        """
        known = np.zeros(PAIRS, dtype=np.uint8)
        evidence = 0
        severe: set[tuple[int, int]] = set()
        everyone = [*self.now, *self.first]
        for query in self.seen.interaction_queries:
            ids = query.drug_id_1, query.drug_id_2
            i, j = sorted(self._slot(id_, everyone) % len(self.now) for id_ in ids)
            if i == j:
                raise ValueError("interaction_queries: a query names one medicine twice")
            word = NONE + SEVERITIES.index(query.severity)
            if all(id_ in self.now for id_ in ids):
                known[pair_number(i, j)] = word
            if word >= MODERATE:
                evidence |= 1 << i | 1 << j
            if word == SEVERE and all(id_ in self.first for id_ in ids):
                severe.add((i, j))
        return known, evidence, len(severe)

    def _mask(self, drug: np.ndarray, known: np.ndarray, touched: int, stopped: int) -> np.ndarray:
        """What legal_actions lists, but for what this observation itself rules out."""
        seen, legal = self.seen, self.seen.legal_actions
        mask = np.zeros(ACTIONS, dtype=np.uint8)
        for one, others in legal.query_ddi.items():
            for other in others:
                i, j = sorted((self._slot(one, self.now), self._slot(other, self.now)))
                if i != j and seen.remaining_query_budget and not (stopped >> i | stopped >> j) & 1:
                    mask[pair_number(i, j)] = known[pair_number(i, j)] == 0
        for id_, kinds in legal.propose_intervention.items():
            slot = self._slot(id_, self.now)
            for kind in map(INTERVENTION_NAMES.index, kinds):
                held = kind != SUBSTITUTE or drug[SLOTS + slot] >= 0
                if held and seen.remaining_intervention_budget and not touched >> slot & 1:
                    mask[FIRST_INTERVENTION + slot * INTERVENTIONS + kind] = 1
        mask[FINISH] = 1
        return mask


def _flag_bits(flags: Sequence[str]) -> int:
    names = [kind.value for kind in FLAG_KINDS]
    return sum(1 << names.index(flag) for flag in set(flags))


def _flags(facts: Facts, slots: Sequence[Slot]) -> np.ndarray:
    """Flags as `case.compile_case` sets them; slots are numbered as candidates."""
    flags = np.zeros(CANDIDATES, dtype=np.uint8)
    criteria, _ = find_criteria(facts, tuple(slots))
    limits, _ = find_limits(facts, tuple(slots))
    for finding in (*criteria, *limits):
        if finding.kind in FLAG_KINDS and finding.severity.rank >= Severity.ADJUST.rank:
            flags[finding.mask.bit_length() - 1] |= 1 << FLAG_KINDS.index(finding.kind)
    return flags
