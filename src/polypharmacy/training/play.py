"""How good a policy is when it takes its likeliest action."""

import numpy as np
import torch

from polypharmacy.agents.features import Features
from polypharmacy.env.bank import Bank
from polypharmacy.training.network import Policy
from polypharmacy.training.ppo import tensors
from polypharmacy.training.stage import Stage


def greedy_grades(policy: Policy, features: Features, bank: Bank, episodes: int, device: str = "cpu") -> np.ndarray:
    """Grades float64 [N] of episodes 0 to N - 1, all played side by side."""
    stage = Stage(bank, features, episodes, shaping=False, autoreset=False)
    out = np.zeros(episodes)
    with torch.inference_mode(), policy.at_rest():
        while True:
            logits, _ = policy(*tensors(stage.observe(), device))
            ended = stage.env.buffers.dones != 0
            _, done, grades = stage.step(logits.argmax(1).cpu().numpy())
            out[done & ~ended] = grades[done & ~ended]
            if done.all():
                return out
