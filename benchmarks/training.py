"""How fast does PPO learn, and where does its time go? What do 200 episodes of REINFORCE teach?

In CPU seconds of one core: steps of PPO on each task and on all (set network, and the classical one), and the shares of
the environment, the observations, acting and learning. Then greedy grades on test cases after 200 episodes, set and
classical network, median of seeds.
    python benchmarks/training.py [--seeds N] [--json] [--quick]
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from polypharmacy.env.bank import load_bank
from polypharmacy.env.tasks import TASKS
from polypharmacy.training.play import greedy_grades
from polypharmacy.training.ppo import Ppo
from polypharmacy.training.run import Run, Setup

EPISODES = 200


class Timed:
    """CPU seconds spent in what it is told to watch."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def watch(self, owner: Any, name: str, label: str) -> None:
        inner = getattr(owner, name)

        def timed(*given: Any) -> Any:
            begun = time.process_time()
            out = inner(*given)
            self.spent[label] = self.spent.get(label, 0.0) + time.process_time() - begun
            return out

        setattr(owner, name, timed)


def throughput(setup: Setup, iterations: int) -> dict[str, float]:
    """Steps a CPU second of whole iterations, and the shares of their time."""
    with tempfile.TemporaryDirectory() as folder:
        run = Run(setup, Path(folder))
        learner = run.learner
        assert isinstance(learner, Ppo)
        learner.iteration()
        clock = Timed()
        for stage in learner.stages:
            clock.watch(stage.env, "step", "environment")
            clock.watch(stage, "observe", "observations")
        clock.watch(learner, "learn", "learning")
        begun, before = time.process_time(), learner.done
        for _ in range(iterations):
            learner.iteration()
        total = time.process_time() - begun
    shares = {f"share_{name}": spent / total for name, spent in clock.spent.items()}
    shares["share_acting_and_rest"] = 1 - sum(shares.values())
    return {"steps_per_cpu_s": (learner.done - before) / total, **shares}


def two_hundred(task: str, network: str, seed: int, cases: int, episodes: int) -> float:
    """Mean greedy grade on test cases after 200 episodes of REINFORCE."""
    setup = Setup(
        "reinforce",
        (task,),
        seed=seed,
        network=network,  # type: ignore[arg-type]
        cases=cases,
        validation=16,
        config={"episodes": EPISODES},
    )
    with tempfile.TemporaryDirectory() as folder:
        run = Run(setup, Path(folder))
        run.train(every=EPISODES)
        return float(
            greedy_grades(run.learner.policy, run.features, load_bank(task, "test", episodes), episodes).mean()
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="easy_screening alone, few cases, within 45 s")
    options = parser.parse_args()
    torch.set_num_threads(1)
    tasks, cases, iterations, episodes = list(TASKS), 4096, 5, 1000
    if options.quick:
        tasks, cases, iterations, episodes, options.seeds = ["easy_screening"], 64, 3, 48, 1
    figures: dict[str, float] = {}
    for network in ("set", "classical"):
        for task in tasks:
            setup = Setup("ppo", (task,), network=network, cases=cases, validation=16)
            figures |= {f"ppo_{network}_{task}_{k}": v for k, v in throughput(setup, iterations).items()}
    if len(tasks) > 1:
        setup = Setup("ppo", tuple(tasks), cases=cases, validation=16)
        figures |= {f"ppo_set_all_{k}": v for k, v in throughput(setup, iterations).items()}
    for task in tasks:
        for network in ("set", "classical"):
            grades = [two_hundred(task, network, seed, cases, episodes) for seed in range(options.seeds)]
            figures[f"reinforce_{EPISODES}_{network}_{task}_median"] = statistics.median(grades)
            figures[f"reinforce_{EPISODES}_{network}_{task}_least"] = min(grades)
    ratios = {
        f"reinforce_{EPISODES}_set_to_classical_{t}": figures[f"reinforce_{EPISODES}_set_{t}_median"]
        / figures[f"reinforce_{EPISODES}_classical_{t}_median"]
        for t in tasks
    }
    if options.json:
        machine = f"{platform.machine()} {platform.python_implementation()} {platform.python_version()}"
        print(json.dumps({"name": "training", "machine": machine, "figures": figures, "ratios": ratios}))
        return
    for name, value in {**figures, **ratios}.items():
        print(f"{name}: {value:.4g}")


if __name__ == "__main__":
    main()
