"""How fast are exact counts? Side by side in one run, in CPU seconds, one thread.

100,000 combinations of two to four drugs with 20 strata: one pass over the patients, against DuckDB SQL and a NumPy
mask a combination (both on a few combinations, stated by the combination). Counts are compared with DuckDB's.
    python benchmarks/association.py [--json] [--quick] [--patients N]
"""

import argparse
import json
import platform
import resource
import time
from collections.abc import Callable

import duckdb
import numpy as np

from polypharmacy.mining.cohort import Cohort
from polypharmacy.mining.combinations import Combinations
from polypharmacy.mining.counts import count

DRUGS, STRATA, MEAN_DRUGS, COMBINATIONS = 500, 20, 8.7, 100_000


def cpu(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def make(patients: int) -> Cohort:
    """Patients of whom each takes each drug with the same probability; 5% have the outcome."""
    draw = np.random.default_rng(0)
    share, cells = MEAN_DRUGS / DRUGS, patients * DRUGS
    places = np.cumsum(draw.geometric(share, int(cells * share * 1.01) + 1000))
    places = places[: np.searchsorted(places, cells)]
    offsets = np.searchsorted(places, np.arange(patients + 1) * DRUGS).astype(np.int64)
    taken = Combinations(offsets, (places % DRUGS).astype(np.int16), DRUGS)
    names = tuple(f"drug_{d}" for d in range(DRUGS))
    return Cohort.of(taken, names, draw.random(patients) < 0.05, draw.integers(0, STRATA, patients))


def wanted(cohort: Cohort) -> Combinations:
    """Two to four drugs of a patient drawn at random: what patients do take together."""
    draw = np.random.default_rng(1)
    rows: list[list[int]] = []
    while len(rows) < COMBINATIONS:
        taken = cohort.taken[int(draw.integers(len(cohort)))]
        size = int(draw.integers(2, 5))
        if len(taken) >= size:
            rows.append(draw.choice(taken, size, replace=False).tolist())
    return Combinations.of(rows, DRUGS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="100,000 patients, within 45 s")
    parser.add_argument("--patients", type=int, default=1_000_000)
    options = parser.parse_args()
    patients = 100_000 if options.quick else options.patients
    cohort = make(patients)
    combinations = wanted(cohort)
    count(cohort, combinations.take([0]))  # compiled
    spent = min(cpu(lambda: count(cohort, combinations)) for _ in range(3))
    counts = count(cohort, combinations)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

    few = np.arange(5 if patients > 200_000 else 20)
    base = duckdb.connect(config={"threads": 1})
    people = {"stratum": cohort.stratum, "outcome": cohort.outcome, "patient": np.arange(patients)}
    taken = {"patient": np.repeat(np.arange(patients), cohort.taken.sizes), "drug": cohort.taken.members}
    for name, columns in (("people", people), ("taken", taken)):
        for column, values in columns.items():
            base.register(f"{name}_{column}", {column: values})
        joined = " POSITIONAL JOIN ".join(f"{name}_{column}" for column in columns)
        base.execute(f"CREATE TABLE {name} AS SELECT * FROM {joined}")
    found: list[list[tuple[int, int, int]]] = []

    def sql() -> None:
        for row in few:
            drugs = ", ".join(map(str, combinations[int(row)].tolist()))
            found.append(
                base.execute(
                    "SELECT stratum, count(*), count(*) FILTER (outcome) FROM people WHERE patient IN (SELECT patient "
                    f"FROM taken WHERE drug IN ({drugs}) GROUP BY patient "
                    f"HAVING count(*) = {len(combinations[int(row)])}) GROUP BY stratum"
                ).fetchall()
            )

    duck = cpu(sql) / len(few)
    same = all(
        counts.exposed[s, row] == exposed and counts.cases[s, row] == cases
        for row, answer in zip(few, found, strict=True)
        for s, exposed, cases in answer
    )
    same = same and all(counts.exposed[:, r].sum() == sum(n for _, n, _ in a) for r, a in zip(few, found, strict=True))
    needed = np.unique(combinations.take(few).members)  # a mask of every drug would be 5 GB at 10 million patients
    row_of = np.zeros(DRUGS, np.int64)
    row_of[needed] = np.arange(len(needed))
    mine = np.isin(cohort.taken.members, needed)
    table = np.zeros((len(needed), patients), bool)
    table[row_of[cohort.taken.members[mine]], np.repeat(np.arange(patients), cohort.taken.sizes)[mine]] = True
    stratum, outcome = cohort.stratum, cohort.outcome

    def masks() -> None:
        for row in few:
            exposed = table[row_of[combinations[int(row)]]].all(axis=0)
            np.bincount(stratum[exposed], minlength=STRATA)
            np.bincount(stratum[exposed & outcome], minlength=STRATA)

    numpy = cpu(masks) / len(few)
    figures = {
        "patients": patients,
        "combinations": COMBINATIONS,
        "strata": STRATA,
        "count_cpu_s": spent,
        "microseconds_a_combination": 1e6 * spent / COMBINATIONS,
        "duckdb_microseconds_a_combination": 1e6 * duck,
        "numpy_mask_microseconds_a_combination": 1e6 * numpy,
        "peak_memory_gb_cohort_made_and_counted": peak,
        "identical_to_duckdb": float(same),
    }
    ratios = {"duckdb_to_ours": duck * COMBINATIONS / spent, "numpy_mask_to_ours": numpy * COMBINATIONS / spent}
    if options.json:
        machine = f"{platform.machine()} {platform.python_implementation()} {platform.python_version()}"
        print(json.dumps({"name": "association", "machine": machine, "figures": figures, "ratios": ratios}))
        return
    for name, value in {**figures, **ratios}.items():
        print(f"{name}: {value:.4g}")


if __name__ == "__main__":
    main()
