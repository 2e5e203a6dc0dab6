"""A training run: what it is made of, its loop, and what it leaves in its folder."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from polypharmacy.agents.features import Features, drug_table, inputs_hash
from polypharmacy.agents.prior import Counts, count, prior_of
from polypharmacy.env.bank import Bank, load_bank
from polypharmacy.env.tasks import TASKS
from polypharmacy.knowledge import Knowledge, load
from polypharmacy.training import checkpoint
from polypharmacy.training.checkpoint import BEST, FINAL, LAST, Card
from polypharmacy.training.config import HIDDEN_DIM, PpoConfig, ReinforceConfig
from polypharmacy.training.learner import Learner, restore, running_state
from polypharmacy.training.network import ClassicalPolicy, Policy, SetPolicy
from polypharmacy.training.play import greedy_grades
from polypharmacy.training.ppo import Ppo
from polypharmacy.training.reinforce import Reinforce
from polypharmacy.training.stage import Reward, Stage

Algorithm = Literal["ppo", "reinforce"]
NetworkKind = Literal["set", "classical"]
PRIOR, METRICS, CURVE = "prior.npz", "metrics.jsonl", "curve.png"
ENVIRONMENTS = {"easy_screening": 96, "budgeted_screening": 128, "complex_tradeoff": 160}
"""Environments of each task that PPO plays side by side."""


@dataclass(frozen=True, slots=True)
class Setup:
    """All that a run follows from. Of `cases` training cases a task the first half is played on, the prior is counted
    from the rest: counted from cases it plays on, a policy would learn to believe it more than is right elsewhere.
    """

    algorithm: Algorithm
    tasks: tuple[str, ...]
    seed: int = 0
    network: NetworkKind = "set"
    hidden_dim: int = HIDDEN_DIM
    cases: int = 4096
    validation: int = 512
    reward: Reward = "grade"
    shaping: bool = True
    config: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of_card(cls, card: Card) -> "Setup":
        held = card["setup"]
        return cls(**{**held, "tasks": tuple(held["tasks"])})


class Run:
    """One training run in `folder`. Raises InputError as `checkpoint` does where there is nothing to resume."""

    def __init__(
        self,
        setup: Setup,
        folder: Path,
        *,
        resume: bool = False,
        device: str = "cpu",
        compiled: Callable[[str, int], None] = lambda task, cases: None,
    ) -> None:
        self.knowledge = load()
        self.setup, self.folder, self.device = setup, folder, device
        self.best = -1.0
        folder.mkdir(parents=True, exist_ok=True)
        banks = [load_bank(t, "train", setup.cases, progress=lambda n, t=t: compiled(t, n)) for t in setup.tasks]  # type: ignore[misc]
        half = setup.cases // 2
        if resume:
            card = checkpoint.read_card(folder, LAST, self.knowledge)
            self.best = card["best"]
            self.counts = Counts.load(folder / PRIOR)
        else:
            self.counts = count(banks, len(self.knowledge.ingredients), half)
            self.counts.save(folder / PRIOR)
        self.features = make_features(self.counts, banks[0], self.knowledge)
        self.validation = [
            load_bank(t, "validation", setup.validation, progress=lambda n, t=t: compiled(t, n))  # type: ignore[misc]
            for t in setup.tasks
        ]
        played = [first_cases(bank, half) for bank in banks]
        self.learner = _learner(setup, played, self.features, self.knowledge, device)
        if resume:
            checkpoint.load_weights(folder, LAST, self.learner.policy)
            restore(self.learner, checkpoint.load_running(folder, LAST))

    def train(
        self,
        *,
        every: int = 10,
        stop: Callable[[], bool] = lambda: False,
        report: Callable[[dict[str, Any]], None] = lambda metrics: None,
    ) -> bool:
        """Learn to the end (True) or until `stop` says so (False), with a validation every `every` iterations; writes
        checkpoints and metrics. Raises FloatingPointError when the loss is not a number.
        """
        learner = self.learner
        board = _tensorboard(self.folder)
        began, spent = time.perf_counter(), time.process_time()
        with (self.folder / METRICS).open("a", encoding="utf-8") as lines:
            number = 0
            while learner.done < learner.goal and not stop():
                told: dict[str, Any] = {**learner.iteration(), learner.unit: learner.done}
                number += 1
                if number % every == 0 or learner.done >= learner.goal:
                    told |= self._validate()
                    self._save(LAST)
                told["seconds"] = round(time.perf_counter() - began, 2)
                told["cpu_seconds"] = round(time.process_time() - spent, 2)
                lines.write(json.dumps(told) + "\n")
                lines.flush()
                if board is not None:
                    for key, value in told.items():
                        board.add_scalar(key, value, learner.done)
                report(told)
        self._save(LAST)
        if learner.done < learner.goal:
            return False
        self._save(FINAL)
        return True

    def _validate(self) -> dict[str, float]:
        """Mean greedy grade of each task on validation cases; the best mean over tasks is kept."""
        found = {}
        for bank in self.validation:
            grades = greedy_grades(self.learner.policy, self.features, bank, bank.size, self.device)
            found[f"{bank.task.name}/validation_grade"] = float(grades.mean())
        mean = float(np.mean(list(found.values())))
        if mean > self.best:
            self.best = mean
            self._save(BEST)
        return {**found, "validation_grade": mean}

    def _save(self, name: str) -> None:
        running = running_state(self.learner) if name == LAST else None
        checkpoint.save(self.folder, name, self.learner.policy, self._card(), running)

    def _card(self) -> Card:
        knowledge = self.knowledge
        return {
            "knowledge": {"version": knowledge.version, "hash": knowledge.hash},
            "inputs": inputs_hash(knowledge),
            "width": self.learner.stages[0].width,
            "setup": asdict(self.setup),
            self.learner.unit: self.learner.done,
            "best": self.best,
        }


def _tensorboard(folder: Path) -> Any:
    """A writer of TensorBoard's, or None where that is not installed."""
    if find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder))


def first_cases(bank: Bank, size: int) -> Bank:
    """The same bank, of which only the first `size` cases are played."""
    return replace(bank, tables=bank.tables._replace(facts=bank.tables.facts[:size]))


def make_features(counts: Counts, bank: Bank, knowledge: Knowledge) -> Features:
    """Features over a prior; any bank has the two tables of points that it needs."""
    return Features(prior_of(counts, knowledge, bank.tables.left, bank.tables.word), counts.usual)


def make_policy(setup: Setup, width: int, knowledge: Knowledge) -> Policy:
    """The network of a setup, its first weights from the seed; `width` as `features.whole_width`."""
    torch.set_num_threads(1)  # two add up in an order that the load decides; so small a network gains nothing by them
    torch.manual_seed(setup.seed)
    if setup.network == "classical":
        return ClassicalPolicy(TASKS[setup.tasks[0]].most_drugs)
    return SetPolicy(drug_table(knowledge), width, setup.hidden_dim)


def _learner(setup: Setup, banks: list[Bank], features: Features, knowledge: Knowledge, device: str) -> Learner:
    ppo = setup.algorithm == "ppo"
    config: Any = (PpoConfig if ppo else ReinforceConfig)(**setup.config)
    stages = [
        Stage(
            bank,
            features,
            ENVIRONMENTS[bank.task.name] if ppo else config.batch_size,
            reward=setup.reward,
            shaping=setup.shaping,
            gamma=config.gamma,
            first=setup.seed * bank.size // 7,
            autoreset=ppo,
        )
        for bank in banks
    ]
    policy = make_policy(setup, stages[0].width, knowledge)
    return (Ppo if ppo else Reinforce)(policy, stages, config, setup.seed, device)
