"""How good are trained policies? Each run's best checkpoint on held-out cases, beside belief_greedy case by case.

Several seeds of one recipe are told together: the mean over seeds, the least and the most, and the 95% interval over
cases of the seeds' mean paired difference from belief_greedy (and planner, where --planner plays it: slow). Without RUN
it is the shipped policy that plays.
    python benchmarks/trained.py [RUN...] [--episodes N] [--splits S,T] [--tasks T,U] [--planner]
        [--markdown] [--json] [--quick]
"""

import argparse
import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch

from polypharmacy.agents.evaluate import difference, oracle_grades, play_parallel, prepare, scores
from polypharmacy.agents.prior import Counts
from polypharmacy.env.bank import Bank, load_bank
from polypharmacy.env.tasks import TASKS
from polypharmacy.knowledge import load
from polypharmacy.training import checkpoint
from polypharmacy.training.play import greedy_grades
from polypharmacy.training.run import PRIOR, Setup, make_features, make_policy


def grades_of(run: Path, bank: Bank, episodes: int) -> np.ndarray:
    """Greedy grades of a run's best checkpoint, float64 [N]."""
    knowledge = load()
    card = checkpoint.read_card(run, checkpoint.BEST, knowledge)
    policy = make_policy(Setup.of_card(card), card["width"], knowledge)
    checkpoint.load_weights(run, checkpoint.BEST, policy)
    return greedy_grades(policy, make_features(Counts.load(run / PRIOR), bank, knowledge), bank, episodes)


def told(runs: np.ndarray, oracle: np.ndarray) -> dict[str, Any]:
    """Of grades [seeds, N]: the mean with its interval over cases, normalised score, the least and the most seed."""
    seeds = runs.mean(axis=1)
    return {**scores(runs.mean(axis=0), oracle), "least_seed": float(seeds.min()), "most_seed": float(seeds.max())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--splits", default="test,unseen_drugs")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--planner", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="40 episodes of easy_screening with the shipped policy")
    options = parser.parse_args()
    torch.set_num_threads(1)
    splits, tasks, episodes = options.splits.split(","), options.tasks.split(","), options.episodes
    if options.quick:
        splits, tasks, episodes = ["test"], ["easy_screening"], 40
    others = ["belief_greedy", *(["planner"] if options.planner else [])]
    figures: dict[str, Any] = {}
    ratios: dict[str, Any] = {}
    for split in splits:
        for task in tasks:
            bank = load_bank(task, split, episodes)
            oracle = oracle_grades(bank, episodes)
            if options.runs:
                grades = np.stack([grades_of(run, bank, episodes) for run in options.runs])
            else:
                grades = play_parallel(task, split, "trained", episodes, 0).grade[None]
            name = f"{task}, {split}"
            figures[name] = told(grades, oracle)
            if not options.quick:
                for other in others:
                    prepare(task, split, other, episodes, 0, None)
                    played = play_parallel(task, split, other, episodes, 0).grade
                    mean, ci95 = difference(grades.mean(axis=0), played)
                    ratios[f"trained - {other}, {name}"] = {"mean": mean, "ci95": ci95, other: float(played.mean())}
            if not options.json:
                show(name, figures[name], {k: v for k, v in ratios.items() if k.endswith(name)}, options.markdown)
    if options.json:
        machine = f"{platform.machine()} {platform.python_implementation()} {platform.python_version()}"
        print(json.dumps({"name": "trained", "machine": machine, "figures": figures, "ratios": ratios}))


def show(name: str, row: dict[str, Any], gaps: dict[str, Any], markdown: bool) -> None:
    cells = [
        name,
        "{:.3f} ({:.3f} to {:.3f})".format(row["grade"]["mean"], *row["grade"]["ci95"]),
        "{:.3f} ({:.3f} to {:.3f})".format(row["normalised"]["mean"], *row["normalised"]["ci95"]),
        f"{row['least_seed']:.3f} to {row['most_seed']:.3f}",
        *("{:+.3f} ({:+.3f} to {:+.3f})".format(gap["mean"], *gap["ci95"]) for gap in gaps.values()),
    ]
    print("| " + " | ".join(cells) + " |" if markdown else "  ".join(cells), flush=True)


if __name__ == "__main__":
    main()
