"""The neural bandit: what its network learned, and that episodes do not hang on one another."""

import numpy as np
import pytest

from polypharmacy.agents.agent import Agent
from polypharmacy.agents.belief import Belief
from polypharmacy.agents.evaluate import play
from polypharmacy.agents.neural_bandit import NeuralBandit, Pairs, asked
from polypharmacy.agents.simple import DoNothing, Random
from polypharmacy.env.bank import Bank, load_bank
from polypharmacy.knowledge import load

TASK, CASES, EPISODES = "budgeted_screening", 48, 24


@pytest.fixture(scope="module")
def train() -> Bank:
    return load_bank(TASK, "train", CASES)


@pytest.fixture(scope="module")
def test() -> Bank:
    return load_bank(TASK, "test", CASES)


@pytest.fixture(scope="module")
def agent(train: Bank) -> NeuralBandit:
    return NeuralBandit(Belief(train, load()), train, load(), 0)


def test_pairs_are_symmetric_and_count_what_both_have() -> None:
    pairs, drugs = Pairs(load()), list(load().ingredients)
    a, b = drugs.index("warfarin"), drugs.index("naproxen")
    rows = pairs.rows([(a, b), (b, a), (a, a)])
    one, other, same = (
        dict(zip(rows.members[s:e].tolist(), rows.values[s:e].tolist(), strict=True))
        for s, e in zip(rows.offsets[:-1], rows.offsets[1:], strict=True)
    )
    assert one == other
    assert max(rows.members) == pairs.inputs - 1
    assert {value for place, value in same.items() if place < pairs.inputs - 1} == {2.0}


def test_it_expects_more_of_pairs_that_pay_in_cases_it_has_not_seen(agent: NeuralBandit, test: Bank) -> None:
    held, rewards = asked(test, agent.belief, np.random.default_rng(0))
    mean = agent.expected(held)
    assert mean[rewards == 1].mean() > mean[rewards == 0].mean() + 0.15


def test_it_asks_within_its_budget_and_reviews_better_than_chance(agent: NeuralBandit, test: Bank) -> None:
    players: dict[str, Agent] = {"bandit": agent, "random": Random(0), "nothing": DoNothing()}
    grades = {name: play(one, test, range(EPISODES)).grade.mean() for name, one in players.items()}
    assert grades["bandit"] > grades["random"] + 0.2 > grades["nothing"] + 0.2


def test_an_episode_is_the_same_whatever_was_played_before(agent: Agent, test: Bank) -> None:
    alone = play(agent, test, range(7, 8))
    after = play(agent, test, range(4, 8))
    assert (after.grade[3], after.total[3], after.steps[3]) == (alone.grade[0], alone.total[0], alone.steps[0])
    assert after.steps.min() > 1
