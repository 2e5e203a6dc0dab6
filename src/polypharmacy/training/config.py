"""The settings of the two algorithms. Without torch, so that the command line can show them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PpoConfig:
    """`steps` in all; `batch_size` steps an update, `horizon` steps of each environment between updates."""

    steps: int = 2_500_000
    lr: float = 1.5e-3
    gamma: float = 1.0
    gae_lambda: float = 0.95
    clip: float = 0.2
    epochs: int = 2
    horizon: int = 32
    batch_size: int = 1024
    entropy_coeff: float = 0.005
    value_coeff: float = 0.5
    max_grad_norm: float = 0.5


@dataclass(frozen=True, slots=True)
class ReinforceConfig:
    """`episodes` of each task in all; `batch_size` episodes an update."""

    episodes: int = 20_000
    lr: float = 3e-3
    gamma: float = 1.0
    batch_size: int = 8
    entropy_coeff: float = 0.01
    value_coeff: float = 0.5
    max_grad_norm: float = 0.5
