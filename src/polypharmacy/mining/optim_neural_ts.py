"""OptimNeuralTS (Larouche, Durand, Khoury and Sirois 2023): NeuralTS whose action is found by differential evolution.

Each step evolves a population, begun at existing combinations, towards the highest sampled reward. U takes the gradient
at the member found; the nearest existing combination by Hamming distance is played. Every `look_every` steps the
network looks at the whole pool and flags where mean - sigmas x sigma exceeds the threshold; what was ever flagged stays
flagged.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from polypharmacy.mining.combinations import Combinations
from polypharmacy.mining.evolution import differential_evolution
from polypharmacy.mining.inverted_index import InvertedIndex
from polypharmacy.mining.neural_ts import NeuralTS
from polypharmacy.mining.predictor import Ensemble, Member
from polypharmacy.mining.queries import Queries
from polypharmacy.mining.reward_network import Rows, Training


@dataclass(frozen=True)
class Settings:
    """The paper's, as a preset."""

    width: int = 128
    layers: int = 1
    ridge: float = 1.0
    exploration: float = 1.0
    sigmas: float = 3.0
    warmup: int = 1000
    train_every: int = 10
    look_every: int = 200
    population: int = 32
    steps: int = 16
    weight: float = 1.0
    crossover: float = 0.9
    training: Training = field(default_factory=lambda: Training(patience=100))


@dataclass(frozen=True, eq=False)
class Mined:
    """flagged: bool [rows], the union of all looks; score: the last mean less sigmas x sigma, float [rows]."""

    flagged: np.ndarray
    score: np.ndarray
    ensemble: Ensemble
    trace: list[dict[str, float]]


def optim_neural_ts(
    queries: Queries,
    budget: int,
    seed: int,
    threshold: float = 1.1,
    settings: Settings | None = None,
    progress: Callable[[int], None] | None = None,
    watch: Callable[[np.ndarray, int], None] | None = None,
) -> Mined:
    """Play `budget` combinations, those of the warm-up included. A combination may be played again, as in the paper.

    `watch` is told of what is flagged after each look, bool [rows], and of the queries asked by then.
    """
    how = settings or Settings()
    pool = queries.pool.combinations
    draw = np.random.default_rng([seed, 0])
    agent = NeuralTS(pool.drugs, seed, how.width, how.layers, how.ridge, how.exploration)
    nearest = Nearest(pool)
    everything = Rows.of_combinations(pool)
    played = draw.integers(0, len(pool), min(how.warmup, budget))
    queries.ask(played)
    agent.observe(Rows.of_combinations(pool.take(played)))

    def learn() -> None:
        rows = Rows.of_combinations(pool.take(queries.rows))
        agent.fit(rows, queries.answers, how.training, how.ridge / len(rows))

    learn()
    flagged = np.zeros(len(pool), bool)
    score = np.full(len(pool), -np.inf)
    members: list[Member] = []
    trace: list[dict[str, float]] = []

    def look() -> None:
        mean, sigma = agent.predict(everything)
        score[:] = mean - how.sigmas * sigma
        fresh = (score > threshold) & ~flagged
        if fresh.any() or not members:
            members.append(agent.frozen())
        flagged[fresh] = True
        hits = int((queries.answers > threshold).sum())
        trace.append({"queries": len(queries.rows), "flagged": int(flagged.sum()), "hits": hits})
        if watch is not None:
            watch(flagged, len(queries.rows))

    look()
    for step in range(1, budget - len(played) + 1):
        population = pool.dense(draw.integers(0, len(pool), how.population))
        best, _ = differential_evolution(
            lambda x: agent.sample(Rows.of(x)), population, how.steps, draw, how.weight, how.crossover
        )
        agent.observe(Rows.of(best[None]))
        queries.ask(np.array([nearest.of(best)]))
        if step % how.train_every == 0:
            learn()
        if step % how.look_every == 0 or len(queries.rows) == budget:
            look()
        if progress is not None:
            progress(len(queries.rows))
    ensemble = Ensemble(members, queries.pool.names, threshold, how.sigmas, how.ridge)
    return Mined(flagged, score, ensemble, trace)


class Nearest:
    """The existing combination nearest to a vector by the sum of absolute differences (of 0 and 1: Hamming's)."""

    def __init__(self, pool: Combinations) -> None:
        self._sizes, self._index = pool.sizes.astype(np.float32), InvertedIndex.of(pool)

    def of(self, vector: np.ndarray) -> int:
        """Its row number, the first of equals. vector: float [drugs], 0 to 1.

        |v - c| sums to what v has, plus what c has, less twice what they share: rows that share no drug need no look.
        """
        distance = self._sizes.copy()
        for drug in np.flatnonzero(vector).tolist():
            distance[self._index[drug]] -= np.float32(2 * vector[drug])
        return int(distance.argmin())
