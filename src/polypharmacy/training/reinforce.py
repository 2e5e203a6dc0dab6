"""REINFORCE (Williams 1992) with a learned baseline, an entropy bonus and gradient clipping, in one file.

Each iteration plays `batch_size` whole episodes of one task and takes one step along the gradient of the
log-probability of what was done times the return from there on, less the value the critic expected. Tasks take turns.
"""

import numpy as np
import torch
from torch import nn

from polypharmacy.agents.features import Observation
from polypharmacy.training.config import ReinforceConfig
from polypharmacy.training.network import Policy
from polypharmacy.training.ppo import sample, tensors
from polypharmacy.training.stage import Stage


class Reinforce:
    """Trains `policy` on `stages`, each of `batch_size` environments."""

    unit = "episodes"

    def __init__(
        self, policy: Policy, stages: list[Stage], config: ReinforceConfig, seed: int, device: str = "cpu"
    ) -> None:
        self.policy, self.stages, self.config, self.device = policy.to(device), stages, config, device
        self.optimiser: torch.optim.Optimizer = torch.optim.Adam(policy.parameters(), lr=config.lr)
        self.draw = torch.Generator().manual_seed(seed)
        self.done, self.goal = 0, config.episodes * len(stages)

    def iteration(self) -> dict[str, float]:
        """Play a batch of one task, then take one step. Raises FloatingPointError when the loss is not a number."""
        config = self.config
        turn = self.done // config.batch_size
        stage = self.stages[turn % len(self.stages)]
        stage.reset(turn // len(self.stages) * config.batch_size)
        played: list[Observation] = []
        actions, rewards, alive, grade = [], [], [], np.zeros(config.batch_size)
        ended = np.zeros(config.batch_size, dtype=bool)
        while not ended.all():
            played.append(stage.observe())
            with torch.no_grad():
                logits, _ = self.policy(*tensors(played[-1], self.device))
            actions.append(sample(torch.log_softmax(logits, 1).cpu(), self.draw).numpy())
            gained, done, grades = stage.step(actions[-1])
            rewards.append(np.where(ended, 0.0, gained))
            alive.append(~ended)
            grade[done & ~ended] = grades[done & ~ended]
            ended = done
        returns = np.zeros((len(rewards) + 1, config.batch_size))
        for t in reversed(range(len(rewards))):
            returns[t] = rewards[t] + config.gamma * returns[t + 1]

        kept = np.concatenate(alive)
        whole = Observation(*(np.concatenate(arrays)[kept] for arrays in zip(*played, strict=True)))
        action = torch.from_numpy(np.concatenate(actions)[kept]).to(self.device)
        target = torch.from_numpy(returns[:-1].reshape(-1)[kept].astype(np.float32)).to(self.device)
        logits, value = self.policy(*tensors(whole, self.device))
        log_probs = torch.log_softmax(logits, 1)
        advantage = target - value.detach()
        advantage = advantage / (advantage.std() + 1e-6)
        policy_loss = -(log_probs.gather(1, action[:, None])[:, 0] * advantage).mean()
        value_loss = (value - target).square().mean()
        entropy = -(log_probs.exp() * log_probs.clamp(min=-50)).sum(1).mean()
        loss = policy_loss + config.value_coeff * value_loss - config.entropy_coeff * entropy
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the loss is not a number after {self.done} episodes")
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.policy.parameters(), config.max_grad_norm)
        self.optimiser.step()
        self.done += config.batch_size
        return {
            f"{stage.task.name}/train_grade": float(grade.mean()),
            "policy_loss": policy_loss.item(),
            "value_loss": value_loss.item(),
            "entropy": entropy.item(),
        }
