"""The settings of the two algorithms. Without torch, so that the command line can show them."""

from dataclasses import dataclass

HIDDEN_DIM = 32
"""Width of the set network."""


@dataclass(frozen=True, slots=True)
class PpoConfig:
    """`steps` in all; `horizon` steps of every environment are played, then learned from by `batch_size` or so."""

    steps: int = 5_000_000
    lr: float = 4e-3
    gamma: float = 1.0
    gae_lambda: float = 0.95
    clip: float = 0.2
    epochs: int = 1
    horizon: int = 32
    batch_size: int = 1152
    entropy_coeff: float = 0.005
    value_coeff: float = 0.5
    max_grad_norm: float = 0.5


@dataclass(frozen=True, slots=True)
class ReinforceConfig:
    """`episodes` of each task in all; `batch_size` episodes an update."""

    episodes: int = 20_000
    lr: float = 6e-3
    gamma: float = 1.0
    batch_size: int = 8
    entropy_coeff: float = 0.01
    value_coeff: float = 0.5
    max_grad_norm: float = 0.5
