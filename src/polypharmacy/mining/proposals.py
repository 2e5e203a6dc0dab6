"""Combinations put together from what a model learned, for a pool too large to list: an estimation of distribution.

A class of regimens makes its drugs likelier. Given the class, and drugs independent but for it, a drug's odds are those
it has in the pool times exp(weight): combinations are drawn from that product of distributions, over classes above the
threshold alike, and those that the model itself thinks likelier at risk than not are kept. Such a combination hardly
ever exists, so each is mapped to a near one that does: of rows that hold one of the drugs that the class brought in,
SCAN are looked at and the nearest is taken, a drug in which they differ counting as much as its weight says. The work
goes by the proposals asked for, not by the pool.
"""

import numba
import numpy as np

from polypharmacy.mining.combinations import Combinations
from polypharmacy.mining.inverted_index import InvertedIndex
from polypharmacy.mining.regimen_classes import RegimenClasses

SCAN = 256
"""Rows looked at for one proposal."""
CELLS = 20_000_000
"""Combinations drawn times drugs, at most: 80 MB."""


def propose(
    model: RegimenClasses,
    pool: Combinations,
    index: InvertedIndex,
    count: int,
    threshold: float,
    draw: np.random.Generator,
) -> np.ndarray:
    """Row numbers, each once, ascending: of `count` combinations drawn, for those that the model thinks likely."""
    high = np.flatnonzero((model.means > threshold) & (model.weights.max(axis=0) > 0))
    if not len(high):
        return np.empty(0, np.int64)
    share = np.minimum(np.diff(index.bounds) / len(pool), 1 - 1e-6)
    weights = np.ascontiguousarray(model.weights[:, high].T)
    odds = share / (1 - share) * np.exp(weights)
    chance = odds / (1 + odds)
    of = draw.integers(0, len(high), min(count, CELLS // pool.drugs))
    vectors = draw.random((len(of), pool.drugs), np.float32) < chance[of]
    made = Combinations.from_dense(vectors)
    likely = model.chance(made, np.arange(len(made)), threshold) > 0.5
    vectors, of = vectors[likely], of[likely]
    brought = np.maximum(1 - share / np.maximum(chance, 1e-12), 0)[of]  # P(by the class | it is there)
    anchor = np.where(vectors, brought, 0) * draw.random(vectors.shape, np.float32)
    anchors = anchor.argmax(axis=1)
    known = anchor[np.arange(len(of)), anchors] > 0
    vectors, of, anchors = vectors[known], of[known], anchors[known]
    held = index.bounds[anchors + 1] - index.bounds[anchors]
    start = (draw.random(len(of)) * held).astype(np.int64)
    return np.unique(
        _nearest(
            pool.offsets, pool.members, index.rows, index.bounds, vectors, np.abs(weights), of, anchors, start
        )
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _nearest(
    offsets: np.ndarray,
    members: np.ndarray,
    rows: np.ndarray,
    bounds: np.ndarray,
    vectors: np.ndarray,
    weights: np.ndarray,
    of: np.ndarray,
    anchors: np.ndarray,
    start: np.ndarray,
) -> np.ndarray:
    """For each vector the nearest of SCAN rows that hold its anchor, from place `start` of them on, round and round."""
    found = np.empty(len(anchors), np.int64)
    for number in range(len(anchors)):
        first = bounds[anchors[number]]
        held = bounds[anchors[number] + 1] - first
        vector, weight = vectors[number], weights[of[number]]
        least = np.float32(np.inf)
        for step in range(min(SCAN, held)):
            row = rows[first + (start[number] + step) % held]
            away = np.float32(0)  # less what the vector alone weighs
            for place in range(offsets[row], offsets[row + 1]):
                drug = members[place]
                away += -weight[drug] if vector[drug] else weight[drug]
            if away < least:
                least, found[number] = away, row
    return found
