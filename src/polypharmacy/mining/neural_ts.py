"""Neural Thompson sampling (Zhang, Zhou, Li and Gu 2021) with a diagonal U, as Larouche et al. (2023) use it."""

import numpy as np

from polypharmacy.mining.predictor import Member
from polypharmacy.mining.reward_network import RewardNetwork, Rows, Training


class NeuralTS:
    """A reward network and, for each of its parameters, how much of it has been seen (U, begun at `ridge`)."""

    def __init__(self, inputs: int, seed: int, width: int, layers: int, ridge: float, exploration: float) -> None:
        self._shuffle = np.random.default_rng([seed, 3])
        self._draw = np.random.default_rng([seed, 2])
        self.ridge, self.exploration = ridge, exploration
        self.network = RewardNetwork.start(inputs, width, layers, np.random.default_rng([seed, 4]))
        self.seen = np.full(len(self.network.values), ridge, np.float32)
        self._inverse = 1 / self.seen

    def predict(self, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
        """Mean and sigma = sqrt(ridge g' U^-1 g), float32 [rows] each."""
        mean, square = self.network.predict_uncertain(rows, self._inverse)
        return mean, np.sqrt(self.ridge * square)

    def sample(self, rows: Rows) -> np.ndarray:
        """Rewards drawn from normal(mean, exploration x sigma), float [rows]."""
        mean, sigma = self.predict(rows)
        return self._draw.normal(mean, self.exploration * sigma)

    def observe(self, rows: Rows) -> None:
        """Add the squared gradients at rows to U."""
        self.network.add_squared_gradients(rows, self.seen)
        np.divide(1, self.seen, out=self._inverse)

    def fit(self, rows: Rows, y: np.ndarray, how: Training, decay: float = 0.0) -> float:
        """Train on rewards y of rows, plus decay / 2 times the squared weights; the least mean squared error."""
        return self.network.train(rows, y, how, self._shuffle, decay)

    def restart(self, seen: np.ndarray, seed: list[int]) -> None:
        """Go on from U as it was, float32 [parameters], with samples of another seed."""
        self.seen[:] = seen
        np.divide(1, self.seen, out=self._inverse)
        self._draw = np.random.default_rng(seed)

    def frozen(self) -> Member:
        """A copy of network and U as they are now."""
        return Member(self.network.copy(), self.seen.copy())
