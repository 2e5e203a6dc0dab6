"""Environments of one task as a learner plays them: observations in, compact actions out, rewards of a chosen kind."""

from typing import Literal

import numpy as np

from polypharmacy.agents.features import Features, Observation, actions_of, blank, whole_width
from polypharmacy.env.bank import Bank
from polypharmacy.env.layout import (
    BUDGETED_SCREENING,
    CASE,
    CRITICAL_STOPS,
    EASY_SCREENING,
    FOUND,
    POINTS,
    QUERIES_LEFT,
    RESOLVED,
    SEVERE_PAIRS,
    START_POINTS,
    STOPPED,
    SWITCHED,
    TARGETED,
    UNTARGETED,
)
from polypharmacy.env.vector import VectorEnv, as_number

Reward = Literal["raw", "grade"]
REWARDS: tuple[Reward, ...] = ("raw", "grade")


class Stage:
    """`count` environments over a bank. Rewards are the environment's own ("raw") or the grade alone, paid at the end.

    With `shaping`, gamma * potential(after) - potential(before) is added, the potential of an end being 0: the sum of
    what is added does not depend on what is done, so the best policy stays the best (Ng, Harada and Russell 1999).
    """

    def __init__(
        self, bank: Bank, features: Features, count: int, *,
        reward: Reward = "grade", shaping: bool = True, gamma: float = 1.0, first: int = 0, autoreset: bool = True,
    ) -> None:  # fmt: skip
        self.bank, self.task, self.slots = bank, bank.task, bank.task.most_drugs
        self.features = features
        self.front = features.front(bank)
        self.width = whole_width(self.front)
        self.env = VectorEnv(bank, count, first_episode=first, autoreset=autoreset)
        self.actions = actions_of(self.slots).astype(np.int32)
        self.reward, self.shaping, self.gamma = reward, shaping, gamma
        self.restored()

    def reset(self, first_episode: int) -> None:
        """Begin episodes first_episode, first_episode + 1, ..."""
        self.env.reset(first_episode)
        self.restored()

    def restored(self) -> None:
        """The environments' arrays were written from outside."""
        self._potential = potential(self.env)

    def observe(self, out: Observation | None = None) -> Observation:
        """What the environments show now."""
        return self.features.observe(self.front, self.env.buffers, self.task, self.slots, out)

    def blank(self, count: int) -> Observation:
        """Arrays for `count` observations."""
        return blank(count, self.slots, self.width)

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Step by places in `actions_of(slots)`, int [E]: rewards float64 [E], dones bool [E], grades float64 [E] (of
        episodes that ended; else not to be read).
        """
        b = self.env.step(self.actions[actions])
        done, grade = b.dones != 0, as_number(b.grades)
        gained = as_number(b.rewards) if self.reward == "raw" else np.where(done, grade, 0.0)
        if self.shaping:
            after = potential(self.env)
            gained = gained + self.gamma * np.where(done, 0.0, after) - self._potential
            self._potential = after
        return gained, done, grade


def potential(env: VectorEnv) -> np.ndarray:
    """The grade that finishing now would give before it is held to 0.001 and 0.999, float64 [E]. Knows the chart: for
    rewards, never for observations.
    """
    state, fact = env.buffers.state, env.bank.tables.facts[env.buffers.state[:, CASE]]
    task = env.bank.task
    reduction = np.maximum(0, fact[:, START_POINTS] - state[:, POINTS]) / fact[:, START_POINTS]
    made = state[:, TARGETED] + state[:, UNTARGETED]
    if task.number == EASY_SCREENING:
        grade = 0.5 * reduction + 0.5 * state[:, RESOLVED]
    elif task.number == BUDGETED_SCREENING:
        severe, asked = fact[:, SEVERE_PAIRS], task.queries - state[:, QUERIES_LEFT]
        precision = state[:, TARGETED] / np.maximum(np.maximum(made, np.minimum(task.interventions, severe)), 1)
        efficiency = state[:, FOUND] / np.maximum(np.maximum(asked, np.minimum(task.queries, severe)), 1)
        grade = 0.5 * reduction + 0.3 * precision + 0.2 * efficiency
    else:
        replaced = np.bitwise_count((state[:, STOPPED] | state[:, SWITCHED]).astype(np.uint32))
        charged = np.maximum(0, replaced.astype(np.int64) - 3) + state[:, UNTARGETED] + 3 * state[:, CRITICAL_STOPS]
        grade = reduction - 0.1 * charged
    return np.asarray(grade, dtype=np.float64)
