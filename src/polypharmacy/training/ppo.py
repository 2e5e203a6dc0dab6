"""Proximal policy optimisation (Schulman et al. 2017) over vector environments of one task or all, in one file.

Each iteration plays `horizon` steps of every environment with the present policy, estimates advantages (GAE, Schulman
et al. 2016), and takes `epochs` passes of clipped updates over what was played. Tasks share the network, not a batch
shape: each has its own number of slots, and a minibatch holds a part of each task's steps.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from polypharmacy.agents.features import Observation
from polypharmacy.training.config import PpoConfig
from polypharmacy.training.network import Policy
from polypharmacy.training.stage import Stage


class Rollout(NamedTuple):
    """What was played of one task: [T * E, ...] in order of time, then environment."""

    observation: Observation
    action: np.ndarray
    log_prob: np.ndarray
    advantage: np.ndarray
    target: np.ndarray


class Ppo:
    """Trains `policy` on `stages`."""

    unit = "steps"

    def __init__(self, policy: Policy, stages: list[Stage], config: PpoConfig, seed: int, device: str = "cpu") -> None:
        self.policy, self.stages, self.config, self.device = policy.to(device), stages, config, device
        weights = self.policy.parameters()
        self.optimiser: torch.optim.Optimizer = torch.optim.Adam(weights, lr=config.lr, eps=1e-5, fused=True)
        self.draw = torch.Generator().manual_seed(seed)
        self.done, self.goal = 0, config.steps
        self._held = [stage.blank(stage.env.count * config.horizon) for stage in stages]

    def iteration(self) -> dict[str, float]:
        """Play, then learn. Raises FloatingPointError when the loss is not a number."""
        left = 1 - self.done / self.goal
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.lr * left
        metrics: dict[str, float] = {}
        rollouts = []
        with torch.no_grad(), self.policy.at_rest():
            for stage, held in zip(self.stages, self._held, strict=True):
                rollout, grades = self.play(stage, held)
                rollouts.append(rollout)
                if len(grades):
                    metrics[f"{stage.task.name}/train_grade"] = float(grades.mean())
        metrics |= self.learn(rollouts, self.config.entropy_coeff * left)
        self.done += sum(len(r.action) for r in rollouts)
        return metrics

    def play(self, stage: Stage, held: Observation) -> tuple[Rollout, np.ndarray]:
        """`horizon` steps of a stage's environments, and the grades of the episodes that ended."""
        count, horizon = stage.env.count, self.config.horizon
        actions = np.zeros((horizon, count), dtype=np.int64)
        log_probs, values, rewards = (np.zeros((horizon + 1, count), dtype=np.float32) for _ in range(3))
        dones = np.zeros((horizon, count), dtype=bool)
        finished = []
        for t in range(horizon + 1):
            part = Observation(*(a[t * count : (t + 1) * count] for a in held)) if t < horizon else None
            observation = stage.observe(part)
            logits, value = self.policy(*tensors(observation, self.device))
            values[t] = value.cpu().numpy()
            if t == horizon:
                break
            log_prob = torch.log_softmax(logits, 1).cpu()
            action = sample(log_prob, self.draw)
            log_probs[t] = log_prob.gather(1, action[:, None])[:, 0].numpy()
            actions[t] = action.numpy()
            rewards[t], dones[t], grades = stage.step(actions[t])
            finished.append(grades[dones[t]])
        advantage = np.zeros((horizon, count), dtype=np.float32)
        running = np.zeros(count, dtype=np.float32)
        for t in reversed(range(horizon)):
            goes_on = 1.0 - dones[t]
            error = rewards[t] + self.config.gamma * values[t + 1] * goes_on - values[t]
            running = error + self.config.gamma * self.config.gae_lambda * goes_on * running
            advantage[t] = running
        target = advantage + values[:-1]
        flat = (a.reshape(-1) for a in (actions, log_probs[:-1], advantage, target))
        return Rollout(held, *flat), np.concatenate(finished)

    def learn(self, rollouts: list[Rollout], entropy_coeff: float) -> dict[str, float]:
        """Passes over what was played, a window of time of all environments at once: parts of arrays, not copies."""
        config = self.config
        counts = [len(r.action) // config.horizon for r in rollouts]
        shares = [count / sum(counts) for count in counts]
        window = min(config.horizon, max(1, round(config.batch_size / sum(counts))))
        held = [[*tensors(r.observation, "cpu"), *(torch.from_numpy(a) for a in r[1:])] for r in rollouts]
        for one in held:
            one[7] = (one[7] - one[7].mean()) / (one[7].std() + 1e-6)
        sums = torch.zeros(4)
        updates = 0
        for _ in range(config.epochs):
            starts = torch.randperm(-(-config.horizon // window), generator=self.draw) * window
            for start in starts.tolist():
                loss = torch.zeros(())
                with self.policy.at_rest():
                    for one, count, share in zip(held, counts, shares, strict=True):
                        batch = [t[start * count : (start + window) * count].to(self.device) for t in one]
                        piece, told = self._loss(batch, entropy_coeff)
                        loss = loss + share * piece.cpu()
                        sums += share * told
                if not torch.isfinite(loss):
                    raise FloatingPointError(f"the loss is not a number after {self.done} steps")
                self.optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(self.policy.parameters(), config.max_grad_norm)
                self.optimiser.step()
                updates += 1
        names = ("policy_loss", "value_loss", "entropy", "kl")
        return dict(zip(names, (sums / updates).tolist(), strict=True))

    def _loss(self, batch: list[Tensor], entropy_coeff: float) -> tuple[Tensor, Tensor]:
        action, old_log_prob, advantage, target = batch[5:]
        logits, value = self.policy(*batch[:5])
        log_probs = torch.log_softmax(logits, 1)
        change = log_probs.gather(1, action[:, None])[:, 0] - old_log_prob
        ratio = change.exp()
        clipped = ratio.clamp(1 - self.config.clip, 1 + self.config.clip)
        policy_loss = -torch.minimum(ratio * advantage, clipped * advantage).mean()
        value_loss = (value - target).square().mean()
        log_probs = log_probs.clamp(min=-50)  # of closed actions; the exponential of what is far lower is slow
        entropy = -(log_probs.exp() * log_probs).sum(1).mean()
        loss = policy_loss + self.config.value_coeff * value_loss - entropy_coeff * entropy
        kl = (ratio - 1 - change).mean()
        return loss, torch.stack([policy_loss, value_loss, entropy, kl]).detach().cpu()


def tensors(observation: Observation, device: str) -> list[Tensor]:
    """An observation's arrays as tensors, sharing memory on the CPU."""
    return [torch.from_numpy(a).to(device) for a in observation]


def sample(log_prob: Tensor, draw: torch.Generator) -> Tensor:
    """One action of each row's distribution, int64 [E] (the largest of log-probabilities with Gumbel noise)."""
    uniform = torch.rand(log_prob.shape, generator=draw).clamp(min=1e-20)
    return (log_prob - (-uniform.log()).log()).argmax(1)
