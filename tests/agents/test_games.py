"""What knows no drug and heeds no answer does not pay, and the mask keeps its word."""

import numpy as np
import pytest

from polypharmacy.agents import make_agent
from polypharmacy.agents.evaluate import play
from polypharmacy.agents.simple import GAMES
from polypharmacy.env.bank import Bank, load_bank
from polypharmacy.env.layout import FINISH, INTERVENTIONS_LEFT, PAIRS, QUERIES_LEFT
from polypharmacy.env.tasks import TASKS
from polypharmacy.env.vector import VectorEnv
from polypharmacy.env.view import view

CASES = 48
"""The nearest game is 0.2 below the heuristic; the mean difference over as many cases has a standard error of 0.05."""


@pytest.fixture(scope="module", params=list(TASKS))
def bank(request: pytest.FixtureRequest) -> Bank:
    return load_bank(request.param, "test", CASES)


def test_no_game_comes_near_the_heuristic(bank: Bank) -> None:
    heuristic = play(make_agent("heuristic", bank, 0), bank, range(CASES)).grade.mean()
    grades = {name: play(make(0), bank, range(CASES)).grade.mean() for name, make in GAMES.items()}
    assert {name: grade for name, grade in grades.items() if grade > heuristic - 0.05} == {}


def test_what_a_random_policy_draws_from_the_mask_is_never_invalid(bank: Bank) -> None:
    """Open queries and interventions use their budget, an open finish ends the episode; invalid actions do neither."""
    env = VectorEnv(bank, CASES, autoreset=False)
    agents = [GAMES["random"](seed) for seed in range(CASES)]
    for e, agent in enumerate(agents):
        agent.begin(view(env, e), e)
    budgets = [QUERIES_LEFT, INTERVENTIONS_LEFT]
    acted = 0
    while not env.buffers.dones.all():
        running = env.buffers.dones == 0
        before = env.buffers.state[:, budgets].copy()
        actions = np.array([agent.act(view(env, e)) for e, agent in enumerate(agents)], dtype=np.int32)
        env.step(actions)
        used = before - env.buffers.state[:, budgets]
        assert (used[running & (actions < PAIRS)] == [1, 0]).all()
        assert (used[running & (actions >= PAIRS) & (actions < FINISH)] == [0, 1]).all()
        assert (env.buffers.dones[running & (actions == FINISH)] == 1).all()
        assert (env.buffers.rewards[running & (actions == FINISH)] > 0).all()
        acted += int((running & (actions < FINISH)).sum())
    assert acted > CASES
