"""Search of a pool that can be listed: in batches, calibrated, with one fixed setting.

Four models of regimen classes, each fitted to three quarters of the answers. A batch is made of: an audit, a random
share of what would be flagged now; some rows at random; rows that share a pair of drugs with answers that no model
expected; and for the rest Thompson sampling, each model's likeliest rows that are not already as good as certain. At
the end of the budget the likeliest rows go first. Flagged is what was found above the threshold, and what the
calibration lets pass. Of a pool of more than LOOK rows a batch is chosen among a fresh sample, which stands for the
pool, and proposals put together from what the models learned; all are read once, at the end.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np

from polypharmacy.mining.calibration import Calibration
from polypharmacy.mining.combinations import Combinations
from polypharmacy.mining.inverted_index import InvertedIndex
from polypharmacy.mining.proposals import propose
from polypharmacy.mining.queries import Queries
from polypharmacy.mining.regimen_classes import FIRST_ITERATIONS, ITERATIONS, RegimenClasses

FIRST_BATCH = 300
MODELS = 4
CLASSES_USED = 16
GROWTH = 1.25
AUDIT, RANDOM, PAIRS = 0.2, 0.1, 0.1
CERTAIN = 0.9
ENDGAME = 0.85
FALSE_RATE = 0.01
"""Share of what is flagged that may be false."""
PER_PAIR = 6
SOUGHT = 0.1
"""What an answer that was sought out counts for in the calibration, one drawn at random counting 1."""
LOOK = 400_000
"""Rows of a pool that is listed, at most; of a larger one SAMPLE stand for it."""
SAMPLE = 100_000
PROPOSALS = 20
"""Proposed for each query to come, of a pool that is not listed."""


@dataclass(frozen=True, eq=False)
class Found:
    """What a search knows when it stops.

    flagged: bool [rows]; score: P(risk > threshold) by the models, float32 [rows]; cut: the lowest score flagged
    unasked.
    trace: one dict a refit (queries, found, flagged, cut).
    """

    flagged: np.ndarray
    score: np.ndarray
    cut: float
    models: list[RegimenClasses]
    calibration: Calibration
    trace: list[dict[str, float]]


def pool_search(
    queries: Queries,
    budget: int,
    seed: int,
    threshold: float = 1.1,
    warmup: int = FIRST_BATCH,
    progress: Callable[[int], None] | None = None,
    watch: Callable[[np.ndarray, int], None] | None = None,
) -> Found:
    """Ask at most `budget` queries and flag. The same for the same seed.

    `watch` is told of what would be flagged after each refit, bool [rows] (of a pool of more than LOOK rows among those
    looked at, until all are), and of the queries asked by then.
    """
    pool = queries.pool.combinations
    budget = min(budget, len(pool))
    draw = np.random.default_rng([seed, 0])
    fold = draw.integers(0, MODELS, len(pool)).astype(np.int8)
    index = InvertedIndex.of(pool) if len(pool) > LOOK else None
    asked = np.zeros(len(pool), bool)
    batch = draw.permutation(len(pool))[: min(warmup, budget)]
    weight = np.ones(len(batch))
    models: list[RegimenClasses] = []
    trace: list[dict[str, float]] = []
    while True:
        queries.ask(batch)
        asked[batch] = True
        if progress is not None:
            progress(len(queries.rows))
        rows, answers = queries.rows, queries.answers
        models = _fit(models, pool, rows, answers, fold, seed)
        held_out, sure = np.empty(len(rows), np.float32), np.empty(len(rows))
        for number, model in enumerate(models):
            own = fold[rows] == number
            held_out[own] = model.chance(pool, rows[own], threshold, queries.noise)
            sure[own] = model.chance_given(pool, rows[own], answers[own], threshold, queries.noise)
        right = sure > 1 - FALSE_RATE
        calibration = Calibration.of(held_out, sure, weight)
        done = len(rows) >= budget
        size = min(max(int(len(rows) * GROWTH), len(rows) + 1), budget) - len(rows)
        if index is None or done:
            looked = np.flatnonzero(~asked)
            fair = np.ones(len(looked), bool)  # what stands for the pool
        else:
            sample = draw.integers(0, len(pool), SAMPLE)
            proposed = [propose(m, pool, index, PROPOSALS * size // MODELS, threshold, draw) for m in models]
            looked = np.unique(np.concatenate([sample, *proposed]))
            looked = looked[~asked[looked]]
            fair = np.isin(looked, sample)
        chances = np.stack([m.chance(pool, looked, threshold, queries.noise) for m in models])
        score = chances.mean(axis=0)
        part = fair.sum() / max(len(pool) - len(rows), 1)
        cut = calibration.cut(score[fair], part * right.sum(), FALSE_RATE, part * (1 - sure[right]).sum())
        would = score >= cut
        flagged = np.zeros(len(pool), bool)
        flagged[looked[would]] = True
        flagged[rows[right]] = True
        trace.append({"queries": len(rows), "found": int(right.sum()), "flagged": int(flagged.sum()), "cut": cut})
        if watch is not None:
            watch(flagged, len(rows))
        if done:
            everywhere = np.empty(len(pool), np.float32)
            everywhere[looked] = score
            everywhere[rows] = np.mean([m.chance(pool, rows, threshold, queries.noise) for m in models], axis=0)
            return Found(flagged, everywhere, cut, models, calibration, trace)
        ending = len(rows) >= ENDGAME * budget
        chosen = Choice(looked, draw)
        chosen.some(would & fair, int(AUDIT * size))
        if not ending:
            chosen.some(fair, int(RANDOM * size))
        drawn = len(chosen)
        if not ending:
            hopeful = _unexpected(models, pool, rows, answers, fold, held_out, threshold)
            places = np.flatnonzero(chosen.free & (score < 0.5))
            chosen.add(places[_pairs(pool, rows, hopeful, looked[places], int(PAIRS * size), draw)])
        certain = would if ending else would | (calibration.chance(score) > CERTAIN)
        left = size - len(chosen)
        for number in range(MODELS):
            share = left // MODELS + (number < left % MODELS)
            chosen.best((score if ending else chances[number]) - 10 * certain, share)
        batch = chosen.rows()
        weight = np.concatenate([weight, np.where(np.arange(len(batch)) < drawn, 1.0, SOUGHT)])


class Choice:
    """The next batch, each row once: places among the rows looked at."""

    def __init__(self, looked: np.ndarray, draw: np.random.Generator) -> None:
        self.free, self._draw, self._parts = np.ones(len(looked), bool), draw, [np.empty(0, np.int64)]
        self._looked = looked

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def rows(self) -> np.ndarray:
        """Row numbers."""
        return self._looked[np.concatenate(self._parts)]

    def add(self, places: np.ndarray) -> None:
        self.free[places] = False
        self._parts.append(places)

    def some(self, among: np.ndarray, count: int) -> None:
        """At random among the places marked."""
        places = np.flatnonzero(among & self.free)
        self.add(self._draw.choice(places, min(count, len(places)), replace=False))

    def best(self, score: np.ndarray, count: int) -> None:
        """The highest, ties at random."""
        places = np.flatnonzero(self.free)
        if count >= len(places):
            self.add(places)
        elif count > 0:
            order = score[places] + 1e-6 * self._draw.random(len(places))
            self.add(places[np.argpartition(-order, count)[:count]])


def _fit(
    models: list[RegimenClasses], pool: Combinations, rows: np.ndarray, answers: np.ndarray, fold: np.ndarray, seed: int
) -> list[RegimenClasses]:
    """Each model on the answers outside its fold, going on from where it stands."""
    fresh = not models
    if fresh:
        models = [RegimenClasses.start(pool.drugs, answers, [seed, m], CLASSES_USED) for m in range(MODELS)]
    for number, model in enumerate(models):
        seen = fold[rows] != number
        model.fit(pool, rows[seen], answers[seen], FIRST_ITERATIONS if fresh else ITERATIONS)
    return models


def _unexpected(
    models: list[RegimenClasses],
    pool: Combinations,
    rows: np.ndarray,
    answers: np.ndarray,
    fold: np.ndarray,
    held_out: np.ndarray,
    threshold: float,
) -> np.ndarray:
    """How surely each answer is high for a reason that no model knows, 0 to 1 [rows asked]."""
    out = np.zeros(len(rows))
    for number, model in enumerate(models):
        own = np.flatnonzero((fold[rows] == number) & (answers > threshold) & (held_out < 0.5))
        if len(own):
            out[own] = model.surprising(pool, rows[own], answers[own], threshold)
    return out


def _pairs(
    pool: Combinations, rows: np.ndarray, weight: np.ndarray, among: np.ndarray, count: int, draw: np.random.Generator
) -> np.ndarray:
    """Places among the rows `among` whose best pair of drugs was oftenest in unexpectedly high answers; few for each
    pair.
    """
    if not count or not weight.any() or not len(among):
        return np.empty(0, np.int64)
    high = np.zeros((pool.drugs, pool.drugs), np.float32)
    times = np.zeros((pool.drugs, pool.drugs), np.float32)
    _tally(pool.offsets, pool.members, rows, weight, high, times)
    value, pair = _best_pair(pool.offsets, pool.members, among, high, times)
    order = np.argsort(-(value + 1e-3 * draw.random(len(among))))
    order = order[pair[order] >= 0]
    taken: dict[int, int] = {}
    out: list[int] = []
    for place in order[: 50 * count].tolist():
        key = int(pair[place])
        if taken.get(key, 0) < (PER_PAIR if value[place] > 0.6 else 1):
            taken[key] = taken.get(key, 0) + 1
            out.append(place)
            if len(out) == count:
                break
    return np.array(out, np.int64)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _tally(
    offsets: np.ndarray, members: np.ndarray, rows: np.ndarray, weight: np.ndarray, high: np.ndarray, times: np.ndarray
) -> None:
    for q in range(len(rows)):
        for a in range(offsets[rows[q]], offsets[rows[q] + 1]):
            for b in range(a + 1, offsets[rows[q] + 1]):
                high[members[a], members[b]] += weight[q]
                times[members[a], members[b]] += 1


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _best_pair(
    offsets: np.ndarray, members: np.ndarray, rows: np.ndarray, high: np.ndarray, times: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    value, pair = np.zeros(len(rows)), np.full(len(rows), -1, np.int64)
    for q in range(len(rows)):
        for a in range(offsets[rows[q]], offsets[rows[q] + 1]):
            for b in range(a + 1, offsets[rows[q] + 1]):
                found = high[members[a], members[b]]
                if found > 0:
                    share = found / (times[members[a], members[b]] + 1)
                    if share > value[q]:
                        value[q] = share
                        pair[q] = np.int64(members[a]) * high.shape[0] + members[b]
    return value, pair
