"""Many environments of one task stepped together, on the CPU."""

from typing import NamedTuple

import numpy as np

from polypharmacy.env.backends import step_function
from polypharmacy.env.bank import Bank
from polypharmacy.env.layout import (
    ACTIONS,
    CASE,
    EPISODE,
    INTERVENTIONS_LEFT,
    MAX_INTERVENTIONS,
    MAX_QUERIES,
    MAX_STEPS,
    MICRO,
    PAIRS,
    POINTS,
    QUERIES_LEFT,
    START_POINTS,
    STATE_COLUMNS,
    STEPS_LEFT,
)
from polypharmacy.env.tables import first_mask


class Buffers(NamedTuple):
    """The mutable arrays of E environments: see `dynamics.step`. Under 500 bytes an environment."""

    state: np.ndarray
    known: np.ndarray
    mask: np.ndarray
    load: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    dones: np.ndarray
    grades: np.ndarray


class VectorEnv:
    """`count` environments; number e begins with episode `first_episode` + e.

    With `autoreset` an ended episode is followed by that `count` later, in the same step; otherwise it stays ended. The
    arrays of `buffers` are the observation: never copied, valid until the next step, and not to be written to.
    """

    def __init__(
        self, bank: Bank, count: int, *, first_episode: int = 0, autoreset: bool = True, backend: str = "numba"
    ) -> None:
        if count < 1 or first_episode < 0:
            raise ValueError("count must be at least 1 and first_episode at least 0")
        self.bank = bank
        self.count = count
        self.advance = count if autoreset else 0
        self._step = step_function(backend)
        burdens = bank.tables.burden.shape[0]
        self.buffers = Buffers(
            state=np.zeros((count, STATE_COLUMNS), dtype=np.int32),
            known=np.zeros((count, PAIRS), dtype=np.uint8),
            mask=np.zeros((count, ACTIONS), dtype=np.uint8),
            load=np.zeros((count, burdens), dtype=np.int32),
            actions=np.zeros(count, dtype=np.int32),
            rewards=np.zeros(count, dtype=np.int32),
            dones=np.zeros(count, dtype=np.uint8),
            grades=np.zeros(count, dtype=np.int32),
        )
        self._arguments = (*bank.tables, *self.buffers, self.advance, 0, 1)
        self.reset(first_episode)

    def reset(self, first_episode: int = 0) -> Buffers:
        """Begin episodes first_episode, first_episode + 1, ..."""
        tables, b = self.bank.tables, self.buffers
        episodes = np.arange(first_episode, first_episode + self.count)
        cases = episodes % self.bank.size
        b.state[:] = 0
        b.state[:, CASE] = cases
        b.state[:, EPISODE] = episodes
        b.state[:, POINTS] = tables.facts[cases, START_POINTS]
        b.state[:, QUERIES_LEFT] = tables.rules[MAX_QUERIES]
        b.state[:, INTERVENTIONS_LEFT] = tables.rules[MAX_INTERVENTIONS]
        b.state[:, STEPS_LEFT] = tables.rules[MAX_STEPS]
        b.known[:] = 0
        b.mask[:] = first_mask(tables, cases)
        b.load[:] = tables.first_load[cases]
        b.dones[:] = 0
        return b

    def step(self, actions: np.ndarray) -> Buffers:
        """One action (0 to 165) for each environment. `rewards` and `grades` are in millionths; a grade is that of the
        episode that ended with this step. Raises ValueError for another number of actions.
        """
        b = self.buffers
        if actions.shape != b.actions.shape:
            raise ValueError(f"{self.count} actions are needed, not an array of shape {actions.shape}")
        b.actions[:] = actions
        self._step(*self._arguments)
        return b

    def step_only(self, action: int) -> Buffers:
        """The same for the one environment there is, which takes any number."""
        self.buffers.actions[0] = action
        self._step(*self._arguments)
        return self.buffers


def as_number(millionths: np.ndarray | int) -> np.ndarray:
    """Rewards or grades as float64."""
    return np.asarray(millionths, dtype=np.float64) / MICRO
