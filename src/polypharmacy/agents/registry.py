"""The agents by name."""

from collections.abc import Callable
from functools import lru_cache

from polypharmacy.agents.agent import Agent
from polypharmacy.agents.simple import DoNothing, Random
from polypharmacy.env.bank import Bank, load_bank
from polypharmacy.knowledge import load

AGENTS = (
    "do_nothing",
    "random",
    "heuristic",
    "belief_greedy",
    "neural_bandit",
    "planner",
    "planner_unasked",
    "trained",
    "full_knowledge",
    "oracle",
)
LLM = "llm"
"""A language model is no part of a table of all: it needs a server, and costs."""
TRAINING_CASES = 2048
"""Training cases that beliefs are learned from."""


def make_agent(name: str, bank: Bank, seed: int, progress: Callable[[int], None] | None = None) -> Agent:
    """An agent for one bank's task. Raises ValueError for a name that is not in AGENTS, and as `trained.Trained` does.

    `progress` is told of training cases compiled, where an agent learns from them and they are not cached.
    """
    if name == "do_nothing":
        return DoNothing()
    if name == "random":
        return Random(seed)
    if name == "heuristic":
        from polypharmacy.agents.heuristic import Heuristic

        return Heuristic(load())
    if name == "belief_greedy":
        from polypharmacy.agents.belief_greedy import BeliefGreedy

        return BeliefGreedy(_belief(bank.task.name))
    if name == "neural_bandit":
        bandit: Agent = _neural_bandit(bank.task.name, seed)
        return bandit
    if name in ("planner", "planner_unasked"):
        from polypharmacy.agents.planner import Planner

        return Planner(_belief(bank.task.name), bank.tables, seed, ask=name == "planner")
    if name == "trained":
        trained: Agent = _trained()
        return trained
    if name in ("full_knowledge", "oracle"):
        from polypharmacy.agents.privileged import FullKnowledge, Oracle

        return Oracle(bank) if name == "oracle" else FullKnowledge(bank)
    raise ValueError(f"agent {name!r} is not one of {', '.join(AGENTS)}")


@lru_cache(maxsize=3)
def _belief(task: str):  # type: ignore[no-untyped-def]
    from polypharmacy.agents.belief import Belief

    return Belief(load_bank(task, "train", TRAINING_CASES), load())


@lru_cache(maxsize=1)
def _trained():  # type: ignore[no-untyped-def]
    from polypharmacy.agents.trained import Trained

    return Trained(load())


@lru_cache(maxsize=3)
def _neural_bandit(task: str, seed: int):  # type: ignore[no-untyped-def]
    from polypharmacy.agents.neural_bandit import NeuralBandit

    return NeuralBandit(_belief(task), load_bank(task, "train", TRAINING_CASES), load(), seed)
