"""Simulated claims: combinations of drugs, each with a relative risk that goes by its nearest dangerous pattern.

After Larouche, Durand, Khoury and Sirois, "Neural Bandits for Data Mining: Searching for Dangerous Polypharmacy"
(2023). There are ten hidden patterns with relative risks U(2, 3). A combination's nearest pattern is that at the least
Hamming distance; if it shares no drug with it, its risk is drawn about the background, else about the pattern's risk
less a penalty.
"""

from dataclasses import dataclass

import numpy as np

from polypharmacy.mining.combinations import Combinations
from polypharmacy.mining.pool import Pool

INTERSECTING_SD = 0.1
CHUNK = 200_000


@dataclass(frozen=True)
class Background:
    """Relative risk of combinations that share nothing with their nearest pattern: normal, held at 0 from below."""

    mean: float
    sd: float


BACKGROUNDS = {"neutral": Background(1.0, 0.05), "protective": Background(0.15, 0.1)}


def simulate(
    seed: int,
    background: str = "neutral",
    combinations: int = 100_000,
    drugs: int = 500,
    patterns: int = 10,
    mean_drugs: float = 8.7,
    similarity: float = 0.0,
) -> Pool:
    """A pool with known relative risks, the same for the same arguments.

    Sizes are binomial about `mean_drugs`, rows distinct and never empty. A pattern's penalty is distance / total drugs
    of the combination of the pattern's number, nearly always 1: so it is in the published instances, which charge each
    pattern one constant. `similarity` above 0 charges each combination `similarity` x its own distance / total instead.
    """
    draw = np.random.default_rng(seed)
    hidden = _distinct(draw, patterns, drugs, mean_drugs)
    risks = draw.uniform(2, 3, patterns)
    pool = _distinct(draw, combinations, drugs, mean_drugs)
    nearest, distance, total = _nearest(pool, hidden)
    share = distance / total
    away = distance == total
    penalty = similarity * share if similarity > 0 else share[nearest % combinations]
    base = BACKGROUNDS[background]
    mean = np.where(away, base.mean, risks[nearest] - penalty)
    risk = draw.normal(mean, np.where(away, base.sd, INTERSECTING_SD))
    risk = np.where(distance == 0, risks[nearest], risk).clip(min=0).astype(np.float32)
    names = tuple(f"drug_{d}" for d in range(drugs))
    return Pool(pool, names, risk, hidden, risks)


def _distinct(draw: np.random.Generator, rows: int, drugs: int, mean_drugs: float) -> Combinations:
    """Distinct rows, none empty; every drug is there with probability mean_drugs / drugs."""
    made = Combinations(np.zeros(1, np.int64), np.empty(0, np.int16), drugs)
    for _ in range(1000):
        fresh = _rows(draw, rows - len(made) + 16, drugs, mean_drugs)
        fresh = fresh.take(np.flatnonzero(fresh.sizes))
        made = made.join(fresh)
        _, first = np.unique(made.keys(), return_index=True)
        made = made.take(np.sort(first)[:rows])
        if len(made) == rows:
            return made
    raise ValueError(f"there are not {rows} distinct combinations of about {mean_drugs} of {drugs} drugs")


def _rows(draw: np.random.Generator, rows: int, drugs: int, mean_drugs: float) -> Combinations:
    """Every drug in every row with the same probability: the gaps between drugs taken are geometric."""
    share, cells = mean_drugs / drugs, rows * drugs
    places = np.empty(0, np.int64)
    while not len(places) or places[-1] < cells:
        missing = cells - (places[-1] if len(places) else 0)
        gaps = draw.geometric(share, int(missing * share * 1.01) + 100)
        places = np.concatenate([places, (places[-1] if len(places) else -1) + np.cumsum(gaps)])
    places = places[: np.searchsorted(places, cells)]
    offsets = np.searchsorted(places, np.arange(rows + 1) * drugs)
    return Combinations(offsets.astype(np.int64), (places % drugs).astype(np.int16), drugs)


def _nearest(pool: Combinations, hidden: Combinations) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number of the nearest pattern (the last of equals), Hamming distance to it, drugs of both together; [rows]."""
    sizes, lengths = pool.sizes, hidden.sizes
    inside = hidden.dense(dtype=np.int16).T
    nearest = np.empty(len(pool), np.int64)
    distance = np.empty(len(pool), np.int64)
    for start in range(0, len(pool), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(pool)))
        part = pool.take(rows)
        shared = np.add.reduceat(inside[part.members], part.offsets[:-1], axis=0).astype(np.int64)
        away = sizes[rows, None] + lengths - 2 * shared
        nearest[rows] = len(hidden) - 1 - away[:, ::-1].argmin(axis=1)
        distance[rows] = away[np.arange(len(rows)), nearest[rows]]
    return nearest, distance, sizes + lengths[nearest]
