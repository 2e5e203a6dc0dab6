"""Neural Thompson sampling over pairs: which interaction to look up, by a network that has seen training cases."""

import numpy as np

from polypharmacy.agents.belief import Belief
from polypharmacy.agents.belief_greedy import BeliefGreedy
from polypharmacy.agents.heuristic import SHARED, suspicion
from polypharmacy.env.actions import PAIR_SLOTS
from polypharmacy.env.bank import Bank
from polypharmacy.env.layout import CANDIDATES, CODE, EASY_SCREENING, MODERATE, NONE, SEVERE, SLOTS
from polypharmacy.env.view import View
from polypharmacy.knowledge import Knowledge
from polypharmacy.mining.neural_ts import NeuralTS
from polypharmacy.mining.reward_network import Rows, Training

WORTH = {SEVERE: 1.0, MODERATE: 0.25}
"""Reward of a query by what it finds, in the reward of a severe pair (0.04)."""
COST = 0.125
"""What a query costs in the same unit (0.005)."""
WARMUP = 6000
"""Pairs of training cases that the network is trained on."""
WIDTH, EXPLORATION = 64, 1.0
TRAINING = Training(epochs=20)


class Pairs:
    """What two drugs' own classes and properties say, as sparse inputs of a network."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._drugs = list(knowledge.ingredients.values())
        names = sorted({name for drug in self._drugs for name in drug.classes})
        number = {name: place for place, name in enumerate(names)}
        self._of = [
            [number[name] for name in drug.classes]
            + [len(names) + k for k, name in enumerate(SHARED) if getattr(drug, name)]
            + ([len(names) + len(SHARED)] if drug.narrow_ti else [])
            for drug in self._drugs
        ]
        self.inputs = len(names) + len(SHARED) + 2
        self._rows: dict[tuple[int, int], dict[int, float]] = {}

    def rows(self, pairs: list[tuple[int, int]]) -> Rows:
        """Of pairs of drug numbers: counts of classes and properties (1, or 2 where both have it), and suspicion."""
        rows = [self._row(min(pair), max(pair)) for pair in pairs]
        offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        members = np.array([place for row in rows for place in row], np.int32)
        return Rows(offsets, members, np.array([value for row in rows for value in row.values()], np.float32))

    def _row(self, a: int, b: int) -> dict[int, float]:
        if (a, b) not in self._rows:
            row = {self.inputs - 1: suspicion(self._drugs[a], self._drugs[b])}
            for place in (*self._of[a], *self._of[b]):
                row[place] = row.get(place, 0.0) + 1.0
            self._rows[a, b] = row
        return self._rows[a, b]


class NeuralBandit(BeliefGreedy):
    """Asks about the pair whose sampled reward is highest, as long as it is worth a query; acts as belief_greedy does.

    The network is trained once, on pairs of training cases. What an episode asks is added to U for that episode alone,
    so that episodes do not hang on one another.
    """

    def __init__(self, belief: Belief, bank: Bank, knowledge: Knowledge, seed: int) -> None:
        super().__init__(belief)
        self._pairs, self._seed = Pairs(knowledge), seed
        pairs, rewards = asked(bank, belief, np.random.default_rng([seed, 1]))
        self._bandit = NeuralTS(self._pairs.inputs, seed, WIDTH, 1, 1.0, EXPLORATION)
        rows = self._pairs.rows(pairs)
        self._bandit.observe(rows)
        self._bandit.fit(rows, rewards, TRAINING)
        self._learned = self._bandit.seen.copy()

    def expected(self, pairs: list[tuple[int, int]]) -> np.ndarray:
        """What the network expects a query of each pair of drug numbers to pay, float32 [pairs]."""
        return self._bandit.predict(self._pairs.rows(pairs))[0]

    def begin(self, view: View, episode: int) -> None:
        super().begin(view, episode)
        self._bandit.restart(self._learned, [self._seed, 0, episode])

    def _query(self, view: View, drops: np.ndarray, total: float) -> int | None:
        if view.task.number == EASY_SCREENING and SEVERE in view.known:
            return None
        # A pair is worth asking about while one of its medicines may still be changed.
        free = ~view.touched
        open_ = [p for p in range(len(PAIR_SLOTS)) if view.mask[p] and any(free >> s & 1 for s in PAIR_SLOTS[p])]
        if not open_:
            return None
        held = [tuple(int(view.drug[view.candidate(slot)]) for slot in PAIR_SLOTS[p]) for p in open_]
        rows = self._pairs.rows([(a, b) for a, b in held])
        rewards = self._bandit.sample(rows)
        best = int(rewards.argmax())
        if rewards[best] <= COST:
            return None
        self._bandit.observe(self._pairs.rows([(held[best][0], held[best][1])]))
        return open_[best]


def asked(bank: Bank, belief: Belief, draw: np.random.Generator) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Pairs of drugs of training cases at random, and what asking about each would have paid."""
    pairs, rewards = [], []
    for case in draw.permutation(bank.size).tolist():
        drug = bank.seen.drug[case]
        cells = bank.compiled.pair[case].reshape(CANDIDATES, CANDIDATES)
        words = belief.word[(cells & CODE).astype(int) * 2] + NONE
        for a in range(SLOTS):
            for b in range(a + 1, SLOTS):
                if drug[a] >= 0 and drug[b] >= 0:
                    pairs.append((int(drug[a]), int(drug[b])))
                    rewards.append(WORTH.get(int(words[a, b]), 0.0))
        if len(pairs) >= WARMUP:
            break
    return pairs[:WARMUP], np.array(rewards[:WARMUP], np.float32)
