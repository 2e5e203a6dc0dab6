"""The step function against the same environment made of objects, and its laws."""

import random

import numpy as np
import pytest

from polypharmacy.env.bank import Bank
from polypharmacy.env.case import Compiled
from polypharmacy.env.layout import (
    ACTIONS,
    CRITICAL,
    DONE,
    DRUGS,
    EVIDENCE,
    FINISH,
    FLAGS,
    FOUND,
    INTERVENTIONS_LEFT,
    POINTS,
    QUERIES_LEFT,
    RESOLVED,
    SLOTS,
    STEPS_LEFT,
    TARGETED,
)
from polypharmacy.env.tasks import TASKS
from polypharmacy.env.vector import VectorEnv
from polypharmacy.knowledge import Knowledge
from tests.env.conftest import Cases
from tests.env.object_env import ObjectEnv

EPISODES = {"easy_screening": 5000, "budgeted_screening": 2500, "complex_tradeoff": 1800}
"""Enough that the three tasks together make more than 100,000 steps."""


def object_env(compiled: Compiled, task: str, knowledge: Knowledge) -> ObjectEnv:
    fact = compiled.case.facts
    return ObjectEnv(
        compiled,
        TASKS[task],
        knowledge.risk,
        flagged={i for i in range(SLOTS) if fact[FLAGS] >> i & 1},
        critical={i for i in range(SLOTS) if fact[CRITICAL] >> i & 1},
    )


def choose(draw: random.Random, mask: np.ndarray) -> int:
    """Mostly what is offered, sometimes anything at all, seldom the end."""
    if draw.random() < 0.15:
        return draw.randrange(-3, ACTIONS + 3)
    offered = [int(a) for a in np.flatnonzero(mask) if a != FINISH]
    return FINISH if not offered or draw.random() < 0.02 else draw.choice(offered)


@pytest.mark.parametrize("task", TASKS)
def test_the_object_environment_agrees_at_every_step(task: str, cases: Cases, shipped: Knowledge) -> None:
    compiled, bank = cases[task]
    draw = random.Random(task)
    env = VectorEnv(bank, len(compiled), autoreset=False)
    steps = played = 0
    while played < EPISODES[task]:
        buffers = env.reset()
        slow = [object_env(c, task, shipped) for c in compiled]
        while not buffers.dones.all():
            numbers = np.array([choose(draw, buffers.mask[e]) for e in range(len(slow))], dtype=np.int32)
            ended = buffers.dones.copy()
            buffers = env.step(numbers)
            for e, other in enumerate(slow):
                if ended[e]:
                    assert buffers.rewards[e] == 0
                    continue
                reward, done = other.step(int(numbers[e]))
                steps += 1
                assert (int(buffers.rewards[e]), bool(buffers.dones[e])) == (reward, done)
                state = buffers.state[e]
                assert state[POINTS] == other.points
                assert state[QUERIES_LEFT] == TASKS[task].queries - other.queries
                assert state[INTERVENTIONS_LEFT] == TASKS[task].interventions - len(other.plan)
                assert state[STEPS_LEFT] == TASKS[task].steps - other.steps
                assert (state[TARGETED], state[FOUND]) == (other.targeted, other.found)
                assert state[EVIDENCE] == sum(1 << i for i in other.evidence)
                assert bool(state[RESOLVED]) == other.resolved
                known = {p: int(w) for p, w in zip(PAIRS_IN_ORDER, buffers.known[e], strict=True) if w}
                assert known == other.learned
                if done:
                    assert buffers.grades[e] == other.grade()
                    played += 1
                else:
                    sample = [*draw.sample(range(ACTIONS), 12), int(numbers[e])]
                    assert [bool(buffers.mask[e, a]) for a in sample if 0 <= a < ACTIONS] == [
                        other.open(a) for a in sample if 0 <= a < ACTIONS
                    ]
        assert (buffers.state[:, DONE] > 0).all()
    assert steps > 25_000


PAIRS_IN_ORDER = [(i, j) for i in range(SLOTS) for j in range(i + 1, SLOTS)]


@pytest.mark.parametrize("task", TASKS)
def test_whole_masks_agree(task: str, cases: Cases, shipped: Knowledge) -> None:
    compiled, bank = cases[task]
    draw = random.Random(1)
    env = VectorEnv(bank, len(compiled), autoreset=False)
    slow = [object_env(c, task, shipped) for c in compiled]
    buffers = env.reset()
    for _ in range(TASKS[task].steps - 1):
        for e, other in enumerate(slow):
            if not other.ended:
                assert buffers.mask[e].tolist() == [int(other.open(a)) for a in range(ACTIONS)]
        numbers = np.array([choose(draw, buffers.mask[e]) for e in range(len(slow))], dtype=np.int32)
        buffers = env.step(numbers)
        for e, other in enumerate(slow):
            if not other.ended:
                other.step(int(numbers[e]))


@pytest.mark.parametrize("task", TASKS)
def test_python_and_numba_give_the_same_bytes(task: str, cases: Cases) -> None:
    _, bank = cases[task]
    envs = [VectorEnv(bank, 16, backend=backend) for backend in ("python", "numba")]
    draw = random.Random(2)
    for _ in range(150):
        numbers = np.array([choose(draw, envs[1].buffers.mask[e]) for e in range(16)], dtype=np.int32)
        one, two = (env.step(numbers) for env in envs)
        for name, a, b in zip(one._fields, one, two, strict=True):
            assert a.tobytes() == b.tobytes(), name


@pytest.mark.parametrize("task", TASKS)
def test_an_offered_action_is_never_punished_and_budgets_hold(task: str, cases: Cases) -> None:
    _, bank = cases[task]
    env = VectorEnv(bank, 64)
    draw = random.Random(3)
    ends = 0
    for _ in range(400):
        b = env.buffers
        numbers = np.array([draw.choice(np.flatnonzero(m)) for m in b.mask], dtype=np.int32)
        before = b.state[:, [QUERIES_LEFT, INTERVENTIONS_LEFT, STEPS_LEFT]].copy()
        b = env.step(numbers)
        assert (b.state[:, [QUERIES_LEFT, INTERVENTIONS_LEFT, STEPS_LEFT]] >= 0).all()
        assert (before[:, 2] > 0).all()
        goes_on = b.dones == 0
        spent = before[:, 0] - b.state[:, QUERIES_LEFT] + before[:, 1] - b.state[:, INTERVENTIONS_LEFT]
        assert (spent[goes_on] == 1).all()  # an invalid action would have spent nothing
        ended = b.grades[b.dones == 1]
        assert ((ended >= 1_000) & (ended <= 999_000)).all()
        ends += len(ended)
    assert ends > 200


def test_every_episode_ends(cases: Cases) -> None:
    for task in TASKS:
        _, bank = cases[task]
        env = VectorEnv(bank, 8, autoreset=False)
        for _ in range(TASKS[task].steps):
            b = env.step(np.full(8, -1, dtype=np.int32))
        assert (b.state[:, DONE] == 2).all()
        assert (b.rewards == -150_000).all()  # the last invalid action, out of time


def test_an_ended_environment_goes_on_with_the_episode_count_later(cases: Cases) -> None:
    _, bank = cases["easy_screening"]
    env = VectorEnv(bank, 3, first_episode=38)
    later = VectorEnv(bank, 3, first_episode=41)
    b = env.step(np.full(3, FINISH, dtype=np.int32))
    for name in ("state", "known", "mask", "load"):
        assert getattr(b, name).tolist() == getattr(later.buffers, name).tolist()


def test_state_is_small() -> None:
    sizes = {"state": 17 * 4, "known": 105, "mask": ACTIONS, "load": 5 * 4, "out": 4 * 4}
    assert sum(sizes.values()) < 1000


def test_bank_slots_match(cases: Cases) -> None:
    compiled, bank = cases["complex_tradeoff"]
    assert isinstance(bank, Bank)
    assert bank.tables.facts[:, DRUGS].tolist() == [len(c.slots) for c in compiled]
