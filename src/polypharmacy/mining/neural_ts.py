"""Neural Thompson sampling (Zhang, Zhou, Li and Gu 2021) with a diagonal U, as Larouche et al. (2023) use it."""

import numpy as np
import torch

from polypharmacy.mining.predictor import Member
from polypharmacy.mining.reward_network import RewardNetwork, Training, arrays, train


class NeuralTS:
    """A reward network and, for each of its parameters, how much of it has been seen (U, begun at `ridge`)."""

    def __init__(self, inputs: int, seed: int, width: int, layers: int, ridge: float, exploration: float) -> None:
        torch.manual_seed(seed)
        self.network = RewardNetwork(inputs, width, layers)
        self.ridge, self.exploration = ridge, exploration
        self._shuffle = torch.Generator().manual_seed(seed)
        self._draw = np.random.default_rng([seed, 2])
        held = arrays(self.network)
        self.uncertain = [(np.full_like(w, ridge), np.full_like(b, ridge)) for w, b in held]
        self._member = Member(held, self.uncertain)

    def predict(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and sigma = sqrt(ridge g' U^-1 g), float [rows] each, of rows x float [rows, inputs]."""
        return self._member.predict(x, self.ridge)

    def sample(self, x: np.ndarray) -> np.ndarray:
        """Rewards drawn from normal(mean, sqrt(exploration) sigma), float [rows]."""
        mean, sigma = self.predict(x)
        return self._draw.normal(mean, np.sqrt(self.exploration) * sigma)

    def observe(self, x: np.ndarray) -> None:
        """Add the squared gradients at rows x to U."""
        inputs, outputs = [np.asarray(x, dtype=np.float32)], []
        layers = self._member.layers
        for weights, biases in layers[:-1]:
            outputs.append(inputs[-1] @ weights.T + biases)
            inputs.append(np.maximum(outputs[-1], 0))
        back = np.ones((len(x), 1), np.float32)
        for layer in range(len(layers) - 1, -1, -1):
            square = back**2
            self.uncertain[layer][0][...] += square.T @ inputs[layer] ** 2
            self.uncertain[layer][1][...] += square.sum(axis=0)
            if layer:
                back = (back @ layers[layer][0]) * (outputs[layer - 1] > 0)

    def fit(self, x: np.ndarray, y: np.ndarray, how: Training) -> float:
        """Train on all rows seen; the lowest loss."""
        rows = torch.from_numpy(np.asarray(x, np.float32)), torch.from_numpy(np.asarray(y, np.float32))
        loss = train(self.network, *rows, how, self._shuffle)
        self._member = Member(arrays(self.network), self.uncertain)
        return loss

    def frozen(self) -> Member:
        """A copy of network and U as they are now, in plain NumPy."""
        return Member(
            [(w.copy(), b.copy()) for w, b in self._member.layers], [(w.copy(), b.copy()) for w, b in self.uncertain]
        )
