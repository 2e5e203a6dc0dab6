"""Synthetic elders: reproducible, possible, and near the survey they are drawn from."""

import hashlib
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from statistics import mean

import pytest

import polypharmacy
from polypharmacy.knowledge import Knowledge, Route
from polypharmacy.patients import Patient
from polypharmacy.patients.measurements import POSSIBLE
from polypharmacy.patients.synthetic import Elders, visible_patient
from polypharmacy.patients.synthetic.chart import FOLDER, load_chart, load_doses
from polypharmacy.patients.synthetic.drug_use import UNSTATED, load_drug_use
from polypharmacy.patients.synthetic.visible import KIDNEY_CATEGORIES, kidney_category
from polypharmacy.review.slot import slots_of
from tests.patients.synthetic.twin import twin

PEOPLE = 1500


@pytest.fixture(scope="module")
def people(shipped: Knowledge) -> list[Patient]:
    elders = Elders(shipped, 1)
    return [elders.patient(index) for index in range(PEOPLE)]


def digest(people: list[Patient]) -> str:
    return hashlib.sha256("".join(p.model_dump_json() for p in people).encode()).hexdigest()


def test_another_process_draws_the_same_people(people: list[Patient]) -> None:
    code = (
        "from polypharmacy.knowledge import load; from polypharmacy.patients.synthetic import Elders;"
        "from tests.patients.synthetic.test_elders import digest;"
        "elders = Elders(load(), 1); print(digest([elders.patient(i) for i in range(60)]))"
    )
    paths = os.pathsep.join([str(Path(polypharmacy.__file__).parents[1]), str(Path(__file__).parents[3])])
    env = os.environ | {"PYTHONHASHSEED": "1", "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest(people[:60])


def test_people_can_be_drawn_in_any_order_and_seeds_differ(people: list[Patient], shipped: Knowledge) -> None:
    elders = Elders(shipped, 1)
    assert [elders.patient(index) for index in (40, 3, 17)] == [people[index] for index in (40, 3, 17)]
    assert elders.drugs(17) == {m.ingredient for m in people[17].medications}
    assert people[17].id == "1-17"
    assert Elders(shipped, 2).patient(17) != people[17]


def test_a_wanted_patient_is_the_patient(people: list[Patient], shipped: Knowledge) -> None:
    elders = Elders(shipped, 1)
    wanted = [elders.patient_if(index, lambda m: len(m) > 5) for index in range(100)]
    assert wanted == [p if len(p.medications) > 5 else None for p in people[:100]]


def test_people_are_valid_patients(people: list[Patient]) -> None:
    """They are made unchecked, for speed; checking them changes nothing."""
    for patient in people[:300]:
        assert Patient.model_validate_json(patient.model_dump_json()) == patient


def test_everything_is_possible(people: list[Patient], shipped: Knowledge) -> None:
    chart = load_chart()
    for patient in people:
        assert patient.age is not None
        assert 65 <= patient.age <= 99
        assert patient.measured_egfr is not None
        assert chart.egfr.low <= patient.measured_egfr <= chart.egfr.high
        assert patient.weight is not None
        assert chart.weight.low <= patient.weight <= chart.weight.high
        for name, lab in patient.labs.items():
            assert chart.labs[name].low <= lab.value <= chart.labs[name].high
        held = {c for row in patient.conditions for c in row.ids}
        assert held <= set(shipped.conditions)
        assert (patient.child_pugh is not None) == ("liver_disease" in held)
        assert patient.mentions == len(patient.medications) == len(slots_of(patient, shipped))
        for medicine in patient.medications:
            assert medicine.ingredient in shipped.ingredients
            assert set(medicine.indication) <= held
            assert medicine.days is not None
            assert medicine.days > 0
            assert (medicine.dose is None) == (medicine.per_day is None) == (medicine.unit is None)
            doses = load_doses().get(medicine.ingredient)
            if medicine.daily_mg is not None:
                assert doses is not None
                assert doses.low * 0.999 <= medicine.daily_mg <= doses.high * 1.001
                assert medicine.daily_mg > 0
    seen = [
        *(p.sex for p in people),
        *(p.child_pugh for p in people),
        *(f"age {p.age}" for p in people),
        *(name for p in people for name in p.labs),
        *(gene for p in people for gene in p.phenotypes),
    ]
    assert {"female", "male", "A", "B", "age 65", *chart.labs, *chart.phenotypes} <= set(seen)


def test_lab_bounds_are_possible_values() -> None:
    chart = load_chart()
    bounds = {name: (row.low, row.high) for name, row in chart.labs.items()}
    bounds |= {"egfr": (chart.egfr.low, chart.egfr.high), "weight": (chart.weight.low, chart.weight.high)}
    for name, (low, high) in bounds.items():
        assert POSSIBLE[name][0] <= low < high <= POSSIBLE[name][1]


def test_shares_are_near_the_survey(people: list[Patient]) -> None:
    use = load_drug_use()
    implied = sum(
        share * t.treated[who] * sum((i + 1) * n for i, n in enumerate(t.number)) / sum(t.number)
        for who, share in use.groups.items()
        for t in use.conditions.values()
    )
    assert implied == pytest.approx(4.6, abs=0.1)
    assert mean(len(p.medications) for p in people) == pytest.approx(implied, rel=0.1)

    surveyed: Counter[str] = Counter()
    for treatment in use.conditions.values():
        for key, n in treatment.drugs.items():
            surveyed[key.partition("@")[0]] += n
    drawn = Counter(d for p in people for d in {m.ingredient for m in p.medications})
    assert drawn.most_common(1)[0][0] in [d for d, _ in surveyed.most_common(5)]
    assert len({d for d, _ in drawn.most_common(10)} & {d for d, _ in surveyed.most_common(10)}) >= 8

    women = use.groups["female_65"] + use.groups["female_75"]
    assert mean(p.sex == "female" for p in people) == pytest.approx(women, abs=0.04)
    older = use.groups["female_75"] + use.groups["male_75"]
    assert mean((p.age or 0) >= 75 for p in people) == pytest.approx(older, abs=0.04)
    for condition in ("hypertension", "hyperlipidaemia", "type_2_diabetes"):
        treated = sum(share * use.conditions[condition].treated[who] for who, share in use.groups.items())
        shown = mean(any(condition in m.indication for m in p.medications) for p in people)
        assert shown == pytest.approx(treated, abs=0.05)


def test_what_is_hidden_is_taken_out(people: list[Patient]) -> None:
    hidden = load_chart().hidden_conditions
    bare = [p for p in people if any(not hidden.isdisjoint(c.ids) for c in p.conditions)]
    assert len(bare) > PEOPLE // 5
    for patient in people:
        seen = visible_patient(patient)
        assert (seen.labs, seen.phenotypes, seen.weight, seen.id) == ({}, {}, None, None)
        assert (seen.creatinine, seen.measured_crcl, seen.height) == (None, None, None)
        assert hidden.isdisjoint(c for row in seen.conditions for c in row.ids)
        assert not seen.conditions_complete
        assert all((m.days, m.since) == (None, None) for m in seen.medications)
        assert seen.measured_egfr in {middle for _, middle in KIDNEY_CATEGORIES}
        assert kidney_category(seen.egfr) == kidney_category(patient.egfr)
        kept = [c for c in patient.conditions if hidden.isdisjoint(c.ids)]
        assert (seen.age, seen.sex, list(seen.conditions)) == (patient.age, patient.sex, kept)
        taken = [(m.ingredient, m.route, m.daily_mg, m.indication) for m in patient.medications]
        assert [(m.ingredient, m.route, m.daily_mg, m.indication) for m in seen.medications] == taken


def test_people_who_differ_in_what_is_hidden_look_the_same(people: list[Patient]) -> None:
    draw = random.Random(6)
    for patient in people[:200]:
        other = twin(patient, draw)
        assert other != patient
        assert visible_patient(other) == visible_patient(patient)


@pytest.mark.parametrize(
    ("egfr", "category"),
    [(None, 0), (60, 0), (59.9, 1), (45, 1), (44.9, 2), (30, 2), (29.9, 3), (15, 3), (14.9, 4), (1, 4)],
)
def test_kidney_categories_begin_where_kdigo_says(egfr: float | None, category: int) -> None:
    assert kidney_category(egfr) == category


def test_the_chart_speaks_of_what_the_knowledge_base_has(shipped: Knowledge) -> None:
    chart = load_chart()
    conditions = {c.id for c in chart.conditions}
    conditions |= {c for row in chart.conditions for c in row.raised_by}
    conditions |= {c for row in chart.labs.values() for c in row.conditions}
    conditions |= {c for those in chart.prescribers.values() for c in those}
    assert conditions <= set(shipped.conditions)
    for row in chart.labs.values():
        for token in row.drugs:
            assert shipped.select(token) & set(shipped.ingredients), token
    of_gene: dict[str, set[str]] = {}
    for limit in shipped.tables.gene_limits:
        of_gene.setdefault(limit.gene, set()).update(limit.phenotypes)
    for gene, shares in chart.phenotypes.items():
        assert sum(shares.values()) == pytest.approx(1.0)
        assert of_gene[gene] & set(shares)
    assert sum(chart.child_pugh.values()) == pytest.approx(1.0)
    assert sum(chart.dose_shares) == pytest.approx(1.0)


def test_drug_use_speaks_of_what_the_knowledge_base_has(shipped: Knowledge) -> None:
    use = load_drug_use()
    assert set(use.conditions) - {UNSTATED} <= set(shipped.conditions)
    for treatment in use.conditions.values():
        assert set(treatment.treated) == set(use.groups)
        for key in treatment.drugs:
            drug, _, route = key.partition("@")
            assert drug in shipped.ingredients
            assert not route or Route(route)
    assert sum(use.groups.values()) == pytest.approx(1.0, abs=0.001)
    assert list(use.days) == sorted(use.days)


def test_doses_are_of_known_drugs_and_in_order(shipped: Knowledge) -> None:
    doses = load_doses()
    assert set(doses) <= set(shipped.ingredients)
    lines = (FOLDER / "doses.csv").read_text(encoding="utf-8").splitlines()
    assert len(doses) == len(lines) - 1  # no drug twice
    for drug, row in doses.items():
        assert 0 < row.low <= row.usual <= row.high, drug
        assert 0 < row.per_day <= 24, drug
