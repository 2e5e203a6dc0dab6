"""What does time cost and change? Dispensings of a year are read with their dates, and all combinations counted that
were taken at the same time, beside those taken at any time; in CPU seconds.

Each patient takes each drug with the same probability, from a random day on: one to four dispensings of 30 days, 0 to
20 days apart. Counts of a few pairs are compared with an SQL self-join over the dispensings.
    python benchmarks/overlap.py [--json] [--quick] [--patients N]
"""

import argparse
import json
import platform
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np

from polypharmacy.mining.cohort import Cohort
from polypharmacy.mining.combinations import Combinations
from polypharmacy.mining.counts import count
from polypharmacy.mining.readers import read_long
from polypharmacy.mining.screening import candidates

DRUGS, STRATA, MEAN_DRUGS, SUPPLY, COMPARED = 500, 20, 8.7, 30, 20


def cpu(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def write(folder: Path, patients: int) -> int:
    """Both files, Parquet; how many dispensings."""
    draw = np.random.default_rng(0)
    sizes = draw.binomial(DRUGS, MEAN_DRUGS / DRUGS, patients)
    refills = draw.integers(1, 5, sizes.sum())
    drug = np.repeat(draw.integers(0, DRUGS, len(refills)), refills)
    patient = np.repeat(np.repeat(np.arange(patients), sizes), refills)
    number = np.arange(len(drug)) - np.repeat(np.cumsum(refills) - refills, refills)
    start = np.repeat(draw.integers(0, 330, len(refills)), refills) + number * (
        SUPPLY + draw.integers(0, 21, len(drug))
    )
    base = duckdb.connect(config={"threads": 1})
    held = {"patient": patient, "drug": drug, "day": start}
    for name, values in held.items():
        base.register(f"column_{name}", {name: values})
    base.execute(
        f"COPY (SELECT patient, 'drug_' || drug AS drug, DATE '2024-01-01' + day::INTEGER AS start, "
        f"DATE '2024-01-01' + (day + {SUPPLY - 1})::INTEGER AS \"end\" "
        f"FROM {' POSITIONAL JOIN '.join(f'column_{name}' for name in held)}) TO '{folder}/dispensings.parquet'"
    )
    base.execute(
        f"COPY (SELECT range AS patient, CAST(range % 17 = 0 AS INTEGER) AS outcome, 'band_' || range % {STRATA} AS "
        f"stratum FROM range({patients})) TO '{folder}/people.parquet'"
    )
    return len(drug)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="20,000 patients, within 45 s")
    parser.add_argument("--patients", type=int, default=200_000)
    options = parser.parse_args()
    patients = 20_000 if options.quick else options.patients
    with tempfile.TemporaryDirectory() as name:
        dispensings, people = Path(name) / "dispensings.parquet", Path(name) / "people.parquet"
        write(Path(name), 1000)
        count(read_long(dispensings, people), Combinations.of([[0, 1]], DRUGS))  # compiled
        rows = write(Path(name), patients)
        read: list[Cohort] = []
        reading = cpu(lambda: read.append(read_long(dispensings, people)))
        together = read[0]
        ever = Cohort.of(together.taken, together.names, together.outcome, together.stratum)
        pairs = candidates(ever, "pairs", 1)
        counted = {
            kind: min(cpu(lambda cohort=cohort: count(cohort, pairs)) for _ in range(3))  # type: ignore[misc]
            for kind, cohort in (("together", together), ("ever", ever))
        }
        exposed = {kind: count(c, pairs).exposed.sum(axis=0) for kind, c in (("together", together), ("ever", ever))}
        few = np.random.default_rng(1).choice(len(pairs), COMPARED, replace=False)
        base = duckdb.connect(config={"threads": 1})
        found: list[int] = []

        def sql() -> None:
            for row in few:
                answer = base.execute(
                    "SELECT count(DISTINCT a.patient) FROM read_parquet($file) a JOIN read_parquet($file) b "
                    'ON a.patient = b.patient AND a.start <= b."end" AND b.start <= a."end" '
                    "WHERE a.drug = $one AND b.drug = $other",
                    {"file": str(dispensings), **dict(zip(("one", "other"), names(int(row)), strict=True))},
                ).fetchone()
                found.append(answer[0] if answer else -1)

        def names(row: int) -> list[str]:
            return [together.names[drug] for drug in pairs[row]]

        joined = cpu(sql)
    figures = {
        "patients": patients,
        "dispensings": rows,
        "regimens_a_patient": len(together.regimens) / patients,
        "read_cpu_s": reading,
        "pairs": len(pairs),
        "count_together_cpu_s": counted["together"],
        "count_ever_cpu_s": counted["ever"],
        "self_join_ms_a_pair": 1e3 * joined / COMPARED,
        "share_of_exposed_that_took_both_together": float(exposed["together"].sum() / exposed["ever"].sum()),
        "identical_to_the_self_join": float(found == exposed["together"][few].tolist()),
        "peak_memory_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }
    ratios = {"self_join_to_ours": joined / COMPARED * len(pairs) / counted["together"]}
    if options.json:
        machine = f"{platform.machine()} {platform.python_implementation()} {platform.python_version()}"
        print(json.dumps({"name": "overlap", "machine": machine, "figures": figures, "ratios": ratios}))
        return
    for name, value in {**figures, **ratios}.items():
        print(f"{name}: {value:.4g}")


if __name__ == "__main__":
    main()
