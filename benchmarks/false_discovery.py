"""Are injected signals found with the false-discovery rate held? All pairs of twenty simulated cohorts are screened.

The rate is the mean over cohorts of (called and not injected) / called; its interval is of that mean.
    python benchmarks/false_discovery.py [--json] [--quick] [--seeds 20]
"""

import argparse
import json
import platform
import time

import numpy as np

from polypharmacy.mining.cohort_simulator import simulate_cohort
from polypharmacy.mining.screening import screen

RATE = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="two smaller cohorts, within 45 s")
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    figures: dict[str, float] = {}
    spent = 0.0
    for adjust in (False, True):
        rows = []
        for seed in range(2 if options.quick else options.seeds):
            made = simulate_cohort(seed, patients=40_000 if options.quick else 200_000)
            begun = time.process_time()
            result = screen(made.cohort, "pairs", support=50, adjust=adjust)
            spent += time.process_time() - begun
            called = {tuple(result.combinations[int(row)].tolist()) for row in result.found(RATE)}
            kinds = [{tuple(p) for p in kind.tolist()} for kind in (made.signals, made.controls, made.confounded)]
            counts = [len(called & kind) for kind in kinds]
            others = len(called) - sum(counts)
            false = (len(called) - counts[0]) / max(len(called), 1)
            rows.append([*counts, others, false, len(result.combinations)])
            if not options.json:
                print(
                    f"adjusted {adjust}, seed {seed}: found, controls, confounded, others {*counts, others}", flush=True
                )
        held = np.array(rows, float)
        label = "adjusted" if adjust else "by_strata"
        names = (
            "signals_of_10",
            "controls_of_50",
            "confounded_of_24",
            "others",
            "false_discovery_rate",
            "pairs_tested",
        )
        figures |= {f"{label}_{name}_mean": float(held[:, k].mean()) for k, name in enumerate(names)}
        error = held[:, 4].std(ddof=1) / len(held) ** 0.5
        figures[f"{label}_false_discovery_rate_ci95_high"] = float(held[:, 4].mean() + 1.96 * error)
        figures[f"{label}_signals_least"] = float(held[:, 0].min())
    figures["cpu_s_a_screen"] = spent / (2 * len(rows))
    if options.json:
        machine = f"{platform.machine()} {platform.python_implementation()} {platform.python_version()}"
        print(json.dumps({"name": "false_discovery", "machine": machine, "figures": figures, "ratios": {}}))
        return
    for name, value in figures.items():
        print(f"{name}: {value:.4g}")


if __name__ == "__main__":
    main()
