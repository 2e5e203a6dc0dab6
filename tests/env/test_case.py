"""A compiled case: the points that a review counts, the severities it finds, and nothing hidden in what is seen."""

import random
from itertools import combinations

import numpy as np
import pytest

from polypharmacy.env.bank import bank_of
from polypharmacy.env.case import PAIR_KINDS, Case, TooManyMedicines, code_of, code_tables, compile_case
from polypharmacy.env.layout import (
    ALTERNATIVES,
    CANDIDATES,
    CODE,
    CRITICAL,
    DRUGS,
    FLAGS,
    MODERATE,
    NONE,
    SEVERE,
    SEVERE_PAIR,
    SEVERE_PAIRS,
    SLOTS,
    START_POINTS,
)
from polypharmacy.knowledge import Knowledge
from polypharmacy.patients import Medication, Patient
from polypharmacy.patients.patient import Lab
from polypharmacy.patients.synthetic import Elders
from polypharmacy.review import review
from tests.env.conftest import Cases
from tests.env.scrambled import points_at_start
from tests.patients.synthetic.twin import twin

SEEN = ("person", "drug", "daily_mg", "flag", "seen_need", "weight")
"""Fields of a case that an agent is shown."""
SEEN_FACTS = (DRUGS, ALTERNATIVES, CRITICAL, FLAGS)


@pytest.fixture(scope="module")
def elders(shipped: Knowledge) -> list[Patient]:
    """Sixty people who take 3 to 15 medicines."""
    people = Elders(shipped, 21)
    drawn = (people.patient_if(index, lambda m: 3 <= len(m) <= SLOTS) for index in range(200))
    return [p for p in drawn if p is not None][:60]


def a_patient(knowledge: Knowledge, *drugs: str, potassium: float = 4.2) -> Patient:
    return Patient(
        age=80,
        sex="female",
        conditions_complete=True,
        measured_egfr=70,
        labs={"potassium": Lab(value=potassium)},
        medications=tuple(Medication(text=d, ingredient=d, route=knowledge.ingredients[d].route) for d in drugs),
    )


def table(case: Case) -> np.ndarray:
    return case.pair.reshape(CANDIDATES, CANDIDATES)


def test_points_are_those_of_the_regimen(cases: Cases) -> None:
    for compiled, bank in cases.values():
        for one in compiled:
            assert one.case.facts[START_POINTS] == one.regimen.points() == points_at_start(one.case, bank.tables)


def test_points_and_severities_are_those_of_the_review(elders: list[Patient], shipped: Knowledge) -> None:
    pairs_found = 0
    for patient in elders:
        reviewed, case = review(patient, shipped), compile_case(patient, shipped).case
        assert case.facts[START_POINTS] == reviewed.points
        assert case.facts[DRUGS] == len(reviewed.slots)
        codes = table(case) & CODE
        found = {f.mask: f for f in reviewed.findings if f.kind in PAIR_KINDS}
        for i, j in combinations(range(len(reviewed.slots)), 2):
            finding = found.get(1 << i | 1 << j)
            assert codes[i, j] == codes[j, i] == (0 if finding is None else code_of(finding.kind, finding.severity))
            pairs_found += finding is not None
        severe = [
            f for m, f in found.items() if m.bit_count() == 2 and f.severity.value in ("avoid", "contraindicated")
        ]
        assert case.facts[SEVERE_PAIRS] == len(severe)
        assert (case.facts[SEVERE_PAIR] >= 0) == (len(severe) == 1)
        assert case.facts[CRITICAL] == sum(s.bit for s in reviewed.slots if shipped.is_critical(s.drug))
    assert pairs_found > 100


def test_what_is_seen_does_not_depend_on_what_is_hidden(elders: list[Patient], shipped: Knowledge) -> None:
    draw = random.Random(4)
    others = [twin(patient, draw) for patient in elders]
    cases = [compile_case(p, shipped).case for p in elders]
    twins = [compile_case(p, shipped).case for p in others]
    for one, other in zip(cases, twins, strict=True):
        for name in SEEN:
            assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name
        assert one.facts[list(SEEN_FACTS)].tolist() == other.facts[list(SEEN_FACTS)].tolist()
    one_seen, other_seen = (bank_of(c, "easy_screening", shipped).seen for c in (cases, twins))
    for name, mine, theirs in zip(one_seen._fields, one_seen, other_seen, strict=True):
        assert mine.tobytes() == theirs.tobytes(), name
    differing = sum(a.pair.tobytes() != b.pair.tobytes() for a, b in zip(cases, twins, strict=True))
    assert differing > len(cases) // 4  # else there would be nothing to ask


def test_potassium_decides_what_a_query_finds(shipped: Knowledge) -> None:
    cases = [
        compile_case(a_patient(shipped, "lisinopril", "spironolactone", "omeprazole", potassium=k), shipped).case
        for k in (4.2, 5.9)
    ]
    _, word = code_tables(shipped.risk)
    assert [NONE + word[(table(c)[0, 1] & CODE) * 2] for c in cases] == [MODERATE, SEVERE]
    assert [c.facts[SEVERE_PAIRS] for c in cases] == [0, 1]
    for name in SEEN:
        assert getattr(cases[0], name).tobytes() == getattr(cases[1], name).tobytes(), name


def test_sixteen_medicines_are_refused(shipped: Knowledge) -> None:
    drugs = sorted(shipped.ingredients)[:16]
    assert compile_case(a_patient(shipped, *drugs[:15]), shipped).case.facts[DRUGS] == 15
    with pytest.raises(TooManyMedicines, match="16 medicines; the environment holds at most 15"):
        compile_case(a_patient(shipped, *drugs), shipped)


def test_the_same_medicine_twice_takes_one_slot(shipped: Knowledge) -> None:
    drugs = sorted(shipped.ingredients)[:15]
    assert compile_case(a_patient(shipped, *drugs, drugs[0]), shipped).case.facts[DRUGS] == 15


def test_barred_drugs_are_no_alternatives(elders: list[Patient], shipped: Knowledge) -> None:
    for patient in elders[:20]:
        free = compile_case(patient, shipped)
        offered = {a.drug for a in free.alternatives if a is not None}
        barred = compile_case(patient, shipped, offered)
        assert offered.isdisjoint(a.drug for a in barred.alternatives if a is not None)
        assert barred.case.facts[START_POINTS] == free.case.facts[START_POINTS]
