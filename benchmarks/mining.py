"""How good is the search? Recall and realised precision of what it flags, with one fixed setting for all pools.

Simulated pools the setting was not chosen on (seeds 4000 on, neutral and protective), or pools given as .npz. Beside it
random queries with ridge regression or gradient boosting on the drugs, calibrated and cut in the same way, the
paper's method (`paper`: some 20 ms a query), and `limit`: what could be flagged knowing each row's class. Times are of
CPU, one thread. `original` is the paper's method as its authors ran it, the slow oracle of tests/mining.
    python benchmarks/mining.py [--json] [--quick] [--methods pool_search,ridge,boosting,paper,original,limit]
        [--budgets 1000,3000] [--seeds 10] [--backgrounds neutral,protective] [--size 100000] [--pool FILE ...]
        [--noise 0.1]
"""

import argparse
import json
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from polypharmacy.mining.calibration import Calibration
from polypharmacy.mining.metrics import grade
from polypharmacy.mining.optim_neural_ts import Settings, optim_neural_ts
from polypharmacy.mining.pool import read_pool
from polypharmacy.mining.pool_search import FALSE_RATE, pool_search
from polypharmacy.mining.queries import Queries
from polypharmacy.mining.simulator import simulate

UNSEEN = 4000
FOLDS = 4
THRESHOLD = 1.1
Graded = dict[str, Any]


def ours(queries: Queries, budget: int, seed: int) -> Graded:
    found = pool_search(queries, budget, seed)
    return grade(queries.pool, found.flagged, queries.rows, found.score, THRESHOLD)


def paper(queries: Queries, budget: int, seed: int) -> Graded:
    """Also the CPU of a step after the warm-up, and how often those plays hit."""
    times = [0.0]
    mined = optim_neural_ts(queries, budget, seed, progress=lambda _: times.append(time.process_time()))
    plays = len(times) - 1
    graded = grade(queries.pool, mined.flagged, queries.rows, mined.score, THRESHOLD)
    if plays > 1:
        graded["ms_a_step"] = 1e3 * (times[-1] - times[1]) / (plays - 1)
        graded["plays"] = plays
        graded["hits_per_play"] = float((queries.pool.relative_risk[queries.rows[-plays:]] > THRESHOLD).mean())
    return graded


def original(queries: Queries, budget: int, seed: int) -> Graded:
    """Its plays alone, for it flags nothing here; the CPU of a step holds a share of the warm-up's."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from tests.mining.original_optim_neural_ts import Original

    pool, plays = queries.pool, budget - Settings().warmup
    if plays < 1:
        raise SystemExit(f"original needs a budget above its warm-up, {Settings().warmup}")
    bandit = Original(pool.combinations.dense(), pool.relative_risk, seed)
    begun = time.process_time()
    queries.ask(bandit.play(budget - plays, plays, queries.noise))
    graded = grade(pool, np.zeros(len(pool), bool), queries.rows, np.zeros(len(pool)), THRESHOLD)
    graded |= {"ms_a_step": 1e3 * (time.process_time() - begun) / plays, "plays": plays}
    return graded | {"hits_per_play": float((pool.relative_risk[queries.rows] > THRESHOLD).mean())}


def ridge(queries: Queries, budget: int, seed: int) -> Graded:
    def fit(x: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        weights = np.linalg.solve(x.T @ x + 3 * np.eye(x.shape[1]), x.T @ (y - y.mean()))
        error = (y - y.mean() - x @ weights).std()
        return lambda table: 1 / (1 + np.exp(-1.7 * (y.mean() + table @ weights - THRESHOLD) / error))

    return _at_random(queries, budget, seed, fit)


def boosting(queries: Queries, budget: int, seed: int) -> Graded:
    from sklearn.ensemble import HistGradientBoostingClassifier

    def fit(x: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        model = HistGradientBoostingClassifier(max_iter=200, early_stopping=False, random_state=seed)
        model.fit(x, y > THRESHOLD)
        return lambda table: np.asarray(model.predict_proba(table)[:, 1])

    return _at_random(queries, budget, seed, fit)


def _at_random(
    queries: Queries,
    budget: int,
    seed: int,
    fit: Callable[[np.ndarray, np.ndarray], Callable[[np.ndarray], np.ndarray]],
) -> Graded:
    """Random queries, a model of the drugs in four folds, the same calibration."""
    pool = queries.pool
    draw = np.random.default_rng(seed)
    rows = draw.permutation(len(pool))[:budget]
    answers = queries.ask(rows)
    table = pool.combinations.dense()
    fold = draw.integers(0, FOLDS, len(pool))
    models = [fit(table[rows[fold[rows] != f]], answers[fold[rows] != f]) for f in range(FOLDS)]
    each = np.stack([model(table) for model in models])
    right = answers > THRESHOLD
    calibration = Calibration.of(each[fold[rows], rows], right.astype(float), np.ones(len(rows)))
    score = each.mean(axis=0)
    asked = np.zeros(len(pool), bool)
    asked[rows] = True
    cut = calibration.cut(score[~asked], int(right.sum()), FALSE_RATE)
    flagged = ~asked & (score >= cut)
    flagged[rows[right]] = True
    return grade(pool, flagged, rows, score, THRESHOLD)


def limit(queries: Queries, budget: int, seed: int) -> Graded:
    """Knowing the patterns, and how often a row is at risk by its nearest one: flag the surest rows, ask the next."""
    pool = queries.pool
    if pool.patterns is None:
        raise SystemExit("limit needs a pool with its patterns")
    part = pool.combinations
    shared = np.add.reduceat(pool.patterns.dense(dtype=np.int16).T[part.members], part.offsets[:-1], axis=0)
    away = part.sizes[:, None] + pool.patterns.sizes - 2 * shared.astype(int)
    nearest = len(pool.patterns) - 1 - away[:, ::-1].argmin(axis=1)
    kind = np.where(shared[np.arange(len(part)), nearest] > 0, nearest, len(pool.patterns))
    truth = pool.relative_risk > THRESHOLD
    chance = (np.bincount(kind, truth) / np.maximum(np.bincount(kind), 1))[kind]
    order = np.argsort(-chance, kind="stable")
    right = np.concatenate([[0], np.cumsum(truth[order])])
    unasked = np.arange(0, len(order) - budget)
    found = right[unasked + budget] - right[unasked]
    fit = np.flatnonzero(unasked - right[unasked] <= FALSE_RATE * (unasked + found))
    most = int(fit[np.argmax(right[fit] + found[fit])])
    rows = order[most : most + budget]
    flagged = np.zeros(len(order), bool)
    flagged[order[:most]] = True
    flagged[rows[queries.ask(rows) > THRESHOLD]] = True
    return grade(pool, flagged, rows, chance, THRESHOLD)


def _interval(share: float, count: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share of `count`."""
    z = 1.96
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * (share * (1 - share) / count + z**2 / (4 * count**2)) ** 0.5 / (1 + z**2 / count)
    return middle - half, middle + half


METHODS: dict[str, Callable[[Queries, int, int], Graded]] = {
    "pool_search": ours,
    "ridge": ridge,
    "boosting": boosting,
    "paper": paper,
    "original": original,
    "limit": limit,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="two small pools, pool_search and ridge, within 45 s")
    parser.add_argument("--methods", default="pool_search,ridge")
    parser.add_argument("--budgets", default="1000,3000")
    parser.add_argument("--seeds", type=int, default=10, help="unseen pools, or searches of each pool given")
    parser.add_argument("--backgrounds", default="neutral,protective")
    parser.add_argument("--size", type=int, default=100_000, help="combinations of a simulated pool")
    parser.add_argument("--pool", type=Path, action="append", default=[])
    parser.add_argument("--noise", type=float, default=0.0)
    options = parser.parse_args()
    budgets = [600] if options.quick else [int(b) for b in options.budgets.split(",")]
    methods = ["pool_search", "ridge"] if options.quick else options.methods.split(",")
    seeds = 1 if options.quick else options.seeds
    size = 20_000 if options.quick else options.size
    runs: list[tuple[str, int, int, str, Graded]] = []
    given = {path.stem: read_pool(path) for path in options.pool}
    for seed in range(seeds):
        pools = given or {b: simulate(UNSEEN + seed, b, size) for b in options.backgrounds.split(",")}
        for name, pool in pools.items():
            for budget in budgets:
                for method in methods:
                    queries = Queries(pool, seed, options.noise)
                    begun = time.process_time()
                    graded = METHODS[method](queries, budget, seed)
                    graded["ms_per_query"] = 1e3 * (time.process_time() - begun) / budget
                    graded["hits_per_query"] = float((pool.relative_risk[queries.rows] > THRESHOLD).mean())
                    graded["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
                    runs.append((name, budget, seed, method, graded))
                    if not options.json:
                        shown = {k: round(v, 4) for k, v in graded.items() if v is not None}
                        print(name, budget, seed, method, shown, flush=True)
    figures: dict[str, float] = {}
    for name, budget, method in dict.fromkeys((name, budget, method) for name, budget, _, method, _ in runs):
        held = [g for n, b, _, m, g in runs if (n, b, m) == (name, budget, method)]
        label = f"{name}_{budget}_{method}"
        for what in ("recall", "precision", "recall_unqueried", "recall_at_p99", "ms_per_query", "hits_per_query"):
            figures[f"{label}_{what}_median"] = statistics.median(g[what] for g in held)
        figures[f"{label}_precision_least"] = min(g["precision"] for g in held)
        if "plays" in held[0]:
            share = statistics.fmean(g["hits_per_play"] for g in held)
            low, high = _interval(share, sum(g["plays"] for g in held))
            figures |= {f"{label}_hits_per_play": share, f"{label}_hits_low": low, f"{label}_hits_high": high}
        figures[f"{label}_share_of_runs_at_p99"] = sum(g["precision"] >= 0.99 for g in held) / len(held)
    if options.json:
        machine = f"{platform.machine()} {platform.python_implementation()} {platform.python_version()}"
        print(json.dumps({"name": "mining", "machine": machine, "figures": figures, "ratios": {}}))
        return
    for name, value in figures.items():
        print(f"{name}: {value:.4g}")


if __name__ == "__main__":
    main()
