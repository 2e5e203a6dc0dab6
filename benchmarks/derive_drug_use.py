"""Which medicines do older people take for what? Counts from a survey, as the table the generator draws from.

Reads NHANES 2013-14 prescription medicines of people of 65 and over (the file is not part of the project) and writes
patients/synthetic/data/drug_use.yaml: aggregated counts only, and one number fitted, the spread of comorbidity.
    python benchmarks/derive_drug_use.py [--reference DIR]
"""

import argparse
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import yaml

from polypharmacy.knowledge import Knowledge, load
from polypharmacy.patients import Medication, Patient
from polypharmacy.patients.readers import read_people
from polypharmacy.patients.synthetic import Elders, drug_use

REFERENCE = Path(__file__).parents[1].parent / "shared" / "reference"
SURVEY = Path("nhanes_2013_14") / "nhanes_2013_14_elders65_medications.csv"
FEWEST = 3
"""A drug is listed for a reason that at least this many people gave; rarer ones are left to the classes that treat it.
"""
GROUPS = [f"{sex}_{band}" for sex in ("female", "male") for band in drug_use.AGE_BANDS]


def reason(medicine: Medication, conditions: Counter[str], knowledge: Knowledge, present: frozenset[str]) -> str | None:
    """The condition a medicine is counted for: the first it is stated for, else the commonest that it treats."""
    if medicine.indication:
        return str(medicine.indication[0])
    treats = knowledge.treats(medicine.ingredient)
    options = treats & present or treats & conditions.keys()
    return max(sorted(options), key=lambda c: conditions[c], default=None)


def count(people: list[Patient], knowledge: Knowledge) -> dict[str, object]:
    """The table without its fitted number."""
    conditions = Counter(c for p in people for c in {m.indication[0] for m in p.medications if m.indication})
    groups = Counter(drug_use.group(p.sex, p.age) for p in people)
    treated: dict[str, Counter[str]] = defaultdict(Counter)
    numbers: dict[str, Counter[int]] = defaultdict(Counter)
    drugs: dict[str, Counter[str]] = defaultdict(Counter)
    for person in people:
        taken: dict[str, set[str]] = defaultdict(set)
        for medicine in person.medications:
            condition = reason(medicine, conditions, knowledge, person.condition_ids) or drug_use.UNSTATED
            usual = knowledge.ingredients[medicine.ingredient].route
            name = medicine.ingredient if medicine.route == usual else f"{medicine.ingredient}@{medicine.route.value}"
            taken[condition].add(name)
        for condition, names in taken.items():
            treated[condition][drug_use.group(person.sex, person.age)] += 1
            numbers[condition][len(names)] += 1
            drugs[condition].update(names)
    table = {}
    for condition in sorted(treated, key=lambda c: (-treated[c].total(), c)):
        listed = {d: n for d, n in sorted(drugs[condition].items(), key=lambda x: (-x[1], x[0])) if n >= FEWEST}
        if not listed:
            continue
        table[condition] = {
            "treated": {g: round((treated[condition][g] + 0.25) / (groups[g] + 1), 4) for g in GROUPS},
            "number": [numbers[condition][n] for n in range(1, max(numbers[condition]) + 1)],
            "drugs": listed,
            "others": drugs[condition].total() - sum(listed.values()),
        }
    days = sorted(m.days for p in people for m in p.medications if m.days is not None)
    quantiles = [round(float(q)) for q in np.quantile(days, np.linspace(0, 1, 21))]
    shares = {g: round(groups[g] / len(people), 4) for g in GROUPS}
    ages = {
        band: sorted(Counter(p.age for p in people if drug_use.band(p.age) == band).items())
        for band in drug_use.AGE_BANDS
    }
    return {
        "source": "NHANES 2013-2014 (CDC/NCHS), RXQ_RX_H and DEMO_H, people of 65 and over, unweighted counts.",
        "people": len(people),
        "groups": shares,
        "ages": {band: {int(a or 0): n for a, n in rows} for band, rows in ages.items()},
        "days": quantiles,
        "conditions": table,
    }


def fit_comorbidity(table: dict[str, object], sizes: list[int], knowledge: Knowledge) -> float:
    """The spread at which the number of medicines is distributed most like the survey's (least Kolmogorov distance)."""
    grid = [round(0.3 + 0.05 * i, 2) for i in range(15)]
    real = np.bincount(np.minimum(sizes, 20), minlength=21).cumsum() / len(sizes)
    best = {}
    for spread in grid:
        use = drug_use.DrugUse.model_validate({**table, "comorbidity": spread})
        elders = Elders(knowledge, 1, use)
        drawn = [len(elders.drugs(i)) for i in range(3000)]
        best[spread] = float(abs(np.bincount(np.minimum(drawn, 20), minlength=21).cumsum() / len(drawn) - real).max())
    return min(best, key=best.__getitem__)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, default=REFERENCE)
    options = parser.parse_args()
    knowledge = load()
    people = list(read_people(str(options.reference / SURVEY), knowledge))
    table = count(people, knowledge)
    sizes = [len({m.ingredient for m in p.medications}) for p in people]
    table["comorbidity"] = fit_comorbidity(table, sizes, knowledge)
    drug_use.PATH.write_text(
        "# Counted by benchmarks/derive_drug_use.py; do not edit by hand.\n"
        + yaml.safe_dump(table, sort_keys=False, default_flow_style=None, width=120),
        encoding="utf-8",
    )
    print(f"{drug_use.PATH.name}: {len(table['conditions'])} conditions, comorbidity {table['comorbidity']}")  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
