"""What the two algorithms have in common: a policy, its stages, an optimiser, random numbers, and how far they are."""

from typing import Protocol

import torch
from torch import Tensor

from polypharmacy.training.checkpoint import optimiser_state, restore_optimiser
from polypharmacy.training.network import Policy
from polypharmacy.training.stage import Stage


class Learner(Protocol):
    """One `iteration` plays and learns; `done` of `goal` counts in the algorithm's own unit (steps, episodes)."""

    policy: Policy
    stages: list[Stage]
    optimiser: torch.optim.Optimizer
    draw: torch.Generator
    unit: str
    goal: int
    done: int

    def iteration(self) -> dict[str, float]:
        """Metrics of one. Raises FloatingPointError when the loss is not a number."""
        ...


def running_state(learner: Learner) -> dict[str, Tensor]:
    """All that a run needs to go on as if it had not stopped."""
    out = {"done": torch.tensor(learner.done), "draw": learner.draw.get_state(), **optimiser_state(learner.optimiser)}
    for number, stage in enumerate(learner.stages):
        for name, array in stage.env.buffers._asdict().items():
            out[f"stage/{number}/{name}"] = torch.from_numpy(array.copy())
    return out


def restore(learner: Learner, running: dict[str, Tensor]) -> None:
    """Put a run back where `running_state` found it."""
    learner.done = int(running["done"])
    learner.draw.set_state(running["draw"])
    restore_optimiser(learner.optimiser, running)
    for number, stage in enumerate(learner.stages):
        for name, array in stage.env.buffers._asdict().items():
            array[:] = running[f"stage/{number}/{name}"].numpy()
        stage.restored()
