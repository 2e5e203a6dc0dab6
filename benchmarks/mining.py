"""How good is the search? Recall and realised precision of what it flags, with one fixed setting for all pools.

Simulated pools the setting was not chosen on (seeds 1000 on, neutral and protective), or pools given as .npz; beside it
random queries with ridge regression on the drugs, calibrated and cut in the same way.
    python benchmarks/mining.py [--json] [--quick] [--budgets 1000,3000] [--seeds 10] [--pool FILE ...] [--noise 0.1]
"""

import argparse
import json
import platform
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from polypharmacy.mining.calibration import Calibration
from polypharmacy.mining.metrics import grade
from polypharmacy.mining.pool import Pool, read_pool
from polypharmacy.mining.pool_search import FALSE_RATE, pool_search
from polypharmacy.mining.queries import Queries
from polypharmacy.mining.simulator import simulate

UNSEEN = 1000
FOLDS = 4


def ours(pool: Pool, budget: int, seed: int, noise: float) -> dict[str, Any]:
    queries = Queries(pool, seed, noise)
    begun = time.process_time()
    found = pool_search(queries, budget, seed)
    spent = time.process_time() - begun
    graded = grade(pool, found.flagged, queries.rows, found.score, 1.1)
    return graded | {"cpu_ms_per_query": 1e3 * spent / len(queries.rows)}


def ridge(pool: Pool, budget: int, seed: int, noise: float) -> dict[str, Any]:
    """Random queries, ridge regression on the drugs in four folds, the same calibration."""
    queries = Queries(pool, seed, noise)
    draw = np.random.default_rng(seed)
    rows = draw.permutation(len(pool))[:budget]
    begun = time.process_time()
    answers = queries.ask(rows)
    table = pool.combinations.dense()
    fold = draw.integers(0, FOLDS, len(pool))
    scores = []
    for f in range(FOLDS):
        seen = rows[fold[rows] != f]
        x, y = table[seen], answers[fold[rows] != f]
        weights = np.linalg.solve(x.T @ x + 3 * np.eye(x.shape[1]), x.T @ (y - y.mean()))
        error = (y - y.mean() - x @ weights).std()
        scores.append(1 / (1 + np.exp(-1.7 * (y.mean() + table @ weights - 1.1) / error)))
    each = np.stack(scores)
    calibration = Calibration.of(each[fold[rows], rows], answers > 1.1)
    score = each.mean(axis=0)
    asked = np.zeros(len(pool), bool)
    asked[rows] = True
    cut = calibration.cut(score[~asked], int((answers > 1.1).sum()), FALSE_RATE)
    flagged = ~asked & (score >= cut)
    flagged[rows[answers > 1.1]] = True
    spent = time.process_time() - begun
    return grade(pool, flagged, rows, score, 1.1) | {"cpu_ms_per_query": 1e3 * spent / budget}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="two small pools, within 45 s")
    parser.add_argument("--budgets", default="1000,3000")
    parser.add_argument("--seeds", type=int, default=10, help="unseen pools, or searches of each pool given")
    parser.add_argument("--pool", type=Path, action="append", default=[])
    parser.add_argument("--noise", type=float, default=0.0)
    options = parser.parse_args()
    budgets = [600] if options.quick else [int(b) for b in options.budgets.split(",")]
    seeds = 2 if options.quick else options.seeds
    size = 20_000 if options.quick else 100_000
    runs: list[tuple[str, int, int, str, dict[str, Any]]] = []
    given = {path.stem: read_pool(path) for path in options.pool}
    for seed in range(seeds):
        pools = given or {b: simulate(UNSEEN + seed, b, size) for b in ("neutral", "protective")}
        for name, pool in pools.items():
            for budget in budgets:
                for method in (ours, ridge):
                    graded = method(pool, budget, seed, options.noise)
                    runs.append((name, budget, seed, method.__name__, graded))
                    if not options.json:
                        shown = {k: round(v, 4) for k, v in graded.items() if v is not None}
                        print(name, budget, seed, method.__name__, shown, flush=True)
    figures: dict[str, float] = {}
    for key in dict.fromkeys((name, budget, method) for name, budget, _, method, _ in runs):
        held = [g for name, budget, _, method, g in runs if (name, budget, method) == key]
        label = "_".join(map(str, key))
        for what in ("recall", "precision", "recall_unqueried", "recall_at_p99", "cpu_ms_per_query"):
            figures[f"{label}_{what}_median"] = statistics.median(g[what] for g in held)
        figures[f"{label}_precision_least"] = min(g["precision"] for g in held)
        figures[f"{label}_share_of_runs_at_p99"] = sum(g["precision"] >= 0.99 for g in held) / len(held)
    if options.json:
        machine = f"{platform.machine()} {platform.python_implementation()} {platform.python_version()}"
        print(json.dumps({"name": "mining", "machine": machine, "figures": figures, "ratios": {}}))
        return
    for name, value in figures.items():
        print(f"{name}: {value:.4g}")


if __name__ == "__main__":
    main()
