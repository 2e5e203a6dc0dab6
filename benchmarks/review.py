"""How long is one review of a patient on 15 medicines, knowledge already loaded, and where does the time go?

Prints medians over random patients of the shipped knowledge base, wall and CPU. Their medicines are drawn from the
45 commonest of survey elders, once by how common they are (a drug's weight falls with its rank) and once evenly, which
gives regimens with a third more findings: the hard case.
    python benchmarks/review.py [--quick] [--json]
"""

import argparse
import json
import platform
import random
import statistics
import time
from collections.abc import Callable
from itertools import combinations

from polypharmacy.knowledge import Knowledge, load
from polypharmacy.knowledge.tables import read_tables
from polypharmacy.patients import Medication, Patient
from polypharmacy.patients.patient import RecordedCondition
from polypharmacy.review import review
from polypharmacy.review.facts import Facts
from polypharmacy.review.interactions import find_interactions
from polypharmacy.review.slot import slots_of

MEDICINES = 15
COMMON = [
    "lisinopril", "hydrochlorothiazide", "simvastatin", "amlodipine", "metformin", "atorvastatin",
    "metoprolol", "levothyroxine", "omeprazole", "losartan", "furosemide", "atenolol", "potassium_chloride",
    "carvedilol", "rosuvastatin", "clopidogrel", "salbutamol", "warfarin", "paracetamol", "tamsulosin",
    "hydrocodone", "gabapentin", "insulin_glargine", "glipizide", "sertraline", "citalopram", "allopurinol",
    "tramadol", "diltiazem", "spironolactone", "aspirin", "alprazolam", "zolpidem", "trazodone", "meloxicam",
    "prednisone", "clonidine", "digoxin", "ibuprofen", "oxybutynin", "donepezil", "lorazepam", "apixaban",
    "empagliflozin", "amitriptyline",
]  # fmt: skip


def patients(knowledge: Knowledge, count: int, seed: int, *, even: bool = False) -> list[Patient]:
    """Elders on 15 of the commonest ingredients, with conditions that they treat and organ function."""
    rng = random.Random(seed)
    out = []
    for _ in range(count):
        weights = {drug: 1.0 if even else 1 / (rank + 5) for rank, drug in enumerate(COMMON)}
        drugs: list[str] = []
        while len(drugs) < MEDICINES:
            (drug,) = rng.choices(list(weights), list(weights.values()))
            drugs.append(drug)
            del weights[drug]
        treated = sorted({c for d in drugs for c in knowledge.treats(d)})
        conditions = rng.sample(treated, min(8, len(treated)))
        out.append(
            Patient(
                age=rng.randint(65, 95),
                sex=rng.choice(("female", "male")),
                conditions=tuple(RecordedCondition(text=c, ids=(c,)) for c in conditions),
                conditions_complete=True,
                measured_egfr=rng.uniform(15, 90),
                medications=tuple(
                    Medication(
                        text=d, ingredient=d, route=knowledge.ingredients[d].route, dose=10, unit="mg", per_day=1
                    )
                    for d in drugs
                ),
                mentions=MEDICINES,
            )
        )
    return out


def median_ms(work: Callable[[Patient], object], people: list[Patient], clock: Callable[[], float]) -> float:
    times = []
    for person in people:
        start = clock()
        work(person)
        times.append(clock() - start)
    return 1000 * statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="end within 45 s")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    start = time.perf_counter()
    read_tables(cache=False)
    parse = time.perf_counter() - start
    start = time.perf_counter()
    knowledge = load()
    loading = time.perf_counter() - start

    count = 200 if options.quick else 2000
    people = patients(knowledge, count, options.seed)
    hard = patients(knowledge, count, options.seed, even=True)

    def interactions(person: Patient) -> None:
        slots = slots_of(person, knowledge)
        find_interactions(Facts(person, slots, knowledge), combinations(slots, 2))

    for person in people[:20]:
        review(person, knowledge)
    figures = {
        "review_median_ms": median_ms(lambda p: review(p, knowledge), people, time.perf_counter),
        "review_median_cpu_ms": median_ms(lambda p: review(p, knowledge), people, time.process_time),
        "hard_review_median_ms": median_ms(lambda p: review(p, knowledge), hard, time.perf_counter),
        "hard_findings_median": statistics.median(len(review(p, knowledge).findings) for p in hard[:200]),
        "interactions_alone_median_ms": median_ms(interactions, people, time.perf_counter),
        "knowledge_parse_s": parse,
        "knowledge_load_from_cache_s": loading,
        "findings_median": statistics.median(len(review(p, knowledge).findings) for p in people[:200]),
        "patients": len(people),
        "medicines_each": MEDICINES,
        "seed": options.seed,
    }
    ratios = {"review_over_interactions_alone": figures["review_median_ms"] / figures["interactions_alone_median_ms"]}
    if options.json:
        machine = f"{platform.machine()} {platform.python_implementation()} {platform.python_version()}"
        print(json.dumps({"name": "review", "machine": machine, "figures": figures, "ratios": ratios}))
        return
    for name, value in {**figures, **ratios}.items():
        print(f"{name}: {value:.3f}" if isinstance(value, float) else f"{name}: {value}")


if __name__ == "__main__":
    main()
