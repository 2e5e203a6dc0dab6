"""Rewards: shaping pays the same sum whatever is done, and its potential is the grade."""

import numpy as np
import pytest

from polypharmacy.agents.features import Features
from polypharmacy.agents.prior import count, prior_of
from polypharmacy.env.bank import load_bank
from polypharmacy.env.layout import FINISH
from polypharmacy.env.tasks import TASKS
from polypharmacy.env.vector import as_number
from polypharmacy.knowledge import Knowledge
from polypharmacy.training.stage import Reward, Stage, potential

CASES = 48


@pytest.fixture(scope="module", params=list(TASKS))
def stage(request: pytest.FixtureRequest, shipped: Knowledge) -> Stage:
    bank = load_bank(request.param, "test", CASES)
    counts = count([bank], len(shipped.ingredients))
    prior = prior_of(counts, shipped, bank.tables.left, bank.tables.word)
    return Stage(bank, Features(prior, counts.usual), CASES, autoreset=False)


def random_open(stage: Stage, draw: np.random.Generator) -> np.ndarray:
    mask = stage.env.buffers.mask[:, stage.actions]
    chance = draw.random(mask.shape) * mask
    chance[:, -1] *= 0.3
    return np.asarray(chance.argmax(axis=1))


@pytest.mark.parametrize("reward", ["grade", "raw"])
def test_shaping_adds_the_same_sum_whatever_is_done(stage: Stage, reward: Reward) -> None:
    sums = []
    for shaping in (False, True):
        stage.reward, stage.shaping = reward, shaping
        stage.reset(0)
        begin = potential(stage.env)
        draw = np.random.default_rng(3)
        total, ended, last = np.zeros(CASES), np.zeros(CASES, dtype=bool), np.zeros(CASES)
        while not ended.all():
            gained, done, grades = stage.step(random_open(stage, draw))
            total += np.where(ended, 0, gained)
            last[done & ~ended] = grades[done & ~ended]
            ended = done
        sums.append(total)
        if reward == "grade":
            np.testing.assert_allclose(total, last - begin * shaping, atol=1e-9)
    np.testing.assert_allclose(sums[1], sums[0] - begin, atol=1e-9)


def test_the_potential_is_the_grade_of_finishing_now(stage: Stage) -> None:
    seen = []
    for steps in range(9):
        stage.reset(0)
        draw = np.random.default_rng(steps)
        for _ in range(steps):
            stage.step(random_open(stage, draw))
        running = stage.env.buffers.dones == 0
        expected = np.clip(potential(stage.env), 0.001, 0.999)[running]
        grades = as_number(stage.env.step(np.full(CASES, FINISH, dtype=np.int32)).grades)[running]
        np.testing.assert_allclose(grades, expected, atol=2e-6)
        seen.append(grades)
    assert np.concatenate(seen).max() > 0.2
