"""The network that predicts rewards, and its training."""

import copy
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn


class RewardNetwork(nn.Module):
    """Drugs [rows, inputs] to one reward [rows]: `layers` hidden layers of `width` ReLUs."""

    def __init__(self, inputs: int, width: int = 128, layers: int = 1) -> None:
        super().__init__()
        sizes = [inputs, *[width] * layers]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.out = nn.Linear(sizes[-1], 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.hidden:
            x = torch.relu(layer(x))
        return self.out(x)[:, 0]  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Training:
    """Minibatches of `batch` for at most `epochs`, Adam at `rate`, a tenth of it when the loss over all rows has not
    fallen for `patience` / 2 epochs, an end when it has not for `patience`; the best weights seen are kept.
    """

    epochs: int = 100
    batch: int = 64
    rate: float = 0.01
    patience: int = 25


def train(network: RewardNetwork, x: torch.Tensor, y: torch.Tensor, how: Training, shuffle: torch.Generator) -> float:
    """Least squares on rows x [rows, inputs] and y [rows]; the lowest loss over all rows."""
    optimizer = torch.optim.Adam(network.parameters(), lr=how.rate)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=how.patience // 2)
    best, waited, kept = float("inf"), 0, copy.deepcopy(network.state_dict())
    for _ in range(how.epochs):
        for rows in torch.randperm(len(y), generator=shuffle).split(how.batch):  # type: ignore[no-untyped-call]
            optimizer.zero_grad()
            nn.functional.mse_loss(network(x[rows]), y[rows]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        with torch.no_grad():
            loss = float(nn.functional.mse_loss(network(x), y))
        plateau.step(loss)
        if loss < best:
            best, waited, kept = loss, 0, copy.deepcopy(network.state_dict())
        else:
            waited += 1
            if waited >= how.patience:
                break
    network.load_state_dict(kept)
    return best


def arrays(network: RewardNetwork) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights [outputs, inputs] and biases [outputs] of each layer, the last included, float32."""
    layers = [*network.hidden, network.out]
    return [(layer.weight.detach().numpy().copy(), layer.bias.detach().numpy().copy()) for layer in layers]
