"""Playing episodes and saying how well it went, with intervals."""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from polypharmacy.agents.agent import Agent
from polypharmacy.agents.registry import LLM, make_agent
from polypharmacy.env.bank import SPLITS, Bank, load_bank
from polypharmacy.env.dynamics import LEAST_GRADE
from polypharmacy.env.layout import MICRO
from polypharmacy.env.oracle import best_plan
from polypharmacy.env.vector import VectorEnv, as_number
from polypharmacy.env.view import view
from polypharmacy.env.workers import process_pool

RESAMPLES = 2000
"""Bootstrap samples behind an interval."""
NOTHING = LEAST_GRADE / MICRO
"""The grade of finishing at once."""
CHUNK = 25


class Played(NamedTuple):
    """Of each episode in order: grade, undiscounted return and number of steps, float64 [N]."""

    grade: np.ndarray
    total: np.ndarray
    steps: np.ndarray


def play_episode(agent: Agent, env: VectorEnv, episode: int) -> tuple[float, float, int]:
    """Grade, return and steps of one episode in a one-environment VectorEnv without autoreset."""
    env.reset(episode)
    agent.begin(view(env, 0), episode)
    action = np.zeros(1, dtype=np.int32)
    total, steps = 0, 0
    while True:
        action[0] = agent.act(view(env, 0))
        buffers = env.step(action)
        total += int(buffers.rewards[0])
        steps += 1
        if buffers.dones[0]:
            return float(as_number(buffers.grades)[0]), float(as_number(total)), steps


def play(agent: Agent, bank: Bank, episodes: range) -> Played:
    """Play `episodes` one after the other."""
    env = VectorEnv(bank, 1, autoreset=False)
    return Played(*(np.array(column) for column in zip(*(play_episode(agent, env, k) for k in episodes), strict=True)))


def play_parallel(
    task: str, split: str, agent: str, episodes: int, seed: int, progress: Callable[[int], None] | None = None
) -> Played:
    """Episodes 0 to `episodes` - 1 over all cores; the same numbers whatever the number of cores.

    `progress` is told how many more are played. The bank and what the agent learns from must be cached already
    (`prepare`). Raises ValueError as `load_bank` and `make_agent` do.
    """
    chunks = [range(k, min(k + CHUNK, episodes)) for k in range(0, episodes, CHUNK)]
    workers = min(os.cpu_count() or 1, len(chunks))
    parts: list[Played] = []
    if workers == 1:
        for chunk in chunks:
            parts.append(_chunk(task, split, agent, episodes, seed, chunk))
            if progress is not None:
                progress(len(chunk))
    else:
        with process_pool(workers) as pool:
            jobs = [pool.submit(_chunk, task, split, agent, episodes, seed, chunk) for chunk in chunks]
            for chunk, job in zip(chunks, jobs, strict=True):
                parts.append(job.result())
                if progress is not None:
                    progress(len(chunk))
    return Played(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def prepare(
    task: str, split: str, agent: str, episodes: int, seed: int, progress: Callable[[int], None] | None
) -> Bank:
    """Compile and cache the cases that an evaluation plays, and those that the agent learns from."""
    size = min(episodes, SPLITS[split]) if split in SPLITS else episodes
    bank = load_bank(task, split, size, progress=progress)
    if agent != LLM:
        make_agent(agent, bank, seed)
    return bank


def _chunk(task: str, split: str, agent: str, episodes: int, seed: int, chunk: range) -> Played:
    bank = load_bank(task, split, min(episodes, SPLITS[split]))
    return play(make_agent(agent, bank, seed), bank, chunk)


def oracle_grades(bank: Bank, episodes: int) -> np.ndarray:
    """The best grade of each episode, float64 [N]."""
    by_case = as_number(np.array([best_plan(bank.tables, c).grade for c in range(min(bank.size, episodes))]))
    return by_case[np.arange(episodes) % bank.size]


def summary(bank: Bank, agent: str, played: Played, oracle: np.ndarray, seed: int) -> dict[str, Any]:
    """What `polypharmacy evaluate --json` prints, with `scores` seeded by `seed`."""
    return {
        "task": bank.task.name,
        "agent": agent,
        "split": bank.split,
        "episodes": len(played.grade),
        "seed": seed,
        **scores(played.grade, oracle, seed),
        "oracle": {"mean": float(oracle.mean())},
        "do_nothing": {"mean": NOTHING},
        "return": {"mean": float(played.total.mean())},
        "steps": {"mean": float(played.steps.mean())},
        "knowledge": {"version": bank.knowledge_version, "hash": bank.knowledge_hash},
    }


def scores(grades: np.ndarray, oracle: np.ndarray, seed: int = 0) -> dict[str, dict[str, Any]]:
    """Mean grade and normalised score of grades [N] beside the oracle's, with 95% bootstrap intervals over cases.

    The normalised score is a ratio of means, (agent - do_nothing) / (oracle - do_nothing), resampled pairwise.
    """
    picks = np.random.default_rng(seed).integers(0, len(oracle), (RESAMPLES, len(oracle)))
    grade, best = grades[picks].mean(axis=1), oracle[picks].mean(axis=1)
    return {
        "grade": {"mean": float(grades.mean()), "ci95": interval(grade)},
        "normalised": {
            "mean": float((grades.mean() - NOTHING) / (oracle.mean() - NOTHING)),
            "ci95": interval((grade - NOTHING) / (best - NOTHING)),
        },
    }


def difference(one: np.ndarray, other: np.ndarray, seed: int = 0) -> tuple[float, list[float]]:
    """Mean paired difference of two agents' grades over the same cases, and its 95% bootstrap interval."""
    gaps = one - other
    picks = np.random.default_rng(seed).integers(0, len(gaps), (RESAMPLES, len(gaps)))
    return float(gaps.mean()), interval(gaps[picks].mean(axis=1))


def interval(samples: np.ndarray) -> list[float]:
    low, high = np.quantile(samples, [0.025, 0.975])
    return [float(low), float(high)]
