"""How good is each agent, on every task, on seen and unseen drugs? The table of the README.

Also whether asking pays: the paired difference of planner and planner_unasked.
    python benchmarks/agents.py [--episodes N] [--agents A,B] [--splits S,T] [--tasks T,U]
        [--markdown] [--json] [--quick]
"""

import argparse
import json
import platform
from typing import Any

from polypharmacy.agents.evaluate import Played, difference, oracle_grades, play_parallel, prepare, summary
from polypharmacy.agents.registry import AGENTS
from polypharmacy.env.tasks import TASKS

COMPARED = (
    ("planner", "planner_unasked"),
    ("planner", "belief_greedy"),
    ("belief_greedy", "heuristic"),
    ("trained", "belief_greedy"),
    ("trained", "planner"),
)
"""Whose grades are compared case by case."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--agents", default=",".join(AGENTS))
    parser.add_argument("--splits", default="test,unseen_drugs")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="20 episodes of easy_screening without what learns")
    options = parser.parse_args()
    agents, splits, tasks = options.agents.split(","), options.splits.split(","), options.tasks.split(",")
    if options.quick:
        agents = ["do_nothing", "random", "heuristic", "full_knowledge", "oracle"]
        options.episodes, splits, tasks = 20, ["test"], ["easy_screening"]
    rows: list[dict[str, Any]] = []
    gaps: dict[str, Any] = {}
    if options.markdown:
        print("| task | agent | " + " | ".join(f"{s}: grade | normalised | steps" for s in splits) + " |")
        print("|---" * (2 + 3 * len(splits)) + "|")
    for task in tasks:
        told: dict[str, list[str]] = {agent: [] for agent in agents}
        for split in splits:
            played: dict[str, Played] = {}
            for agent in agents:
                bank = prepare(task, split, agent, options.episodes, options.seed, None)
                oracle = oracle_grades(bank, options.episodes)
                played[agent] = play_parallel(task, split, agent, options.episodes, options.seed)
                rows.append(summary(bank, agent, played[agent], oracle, options.seed))
                told[agent] += cells(rows[-1])
                if not options.json and not options.markdown:
                    print("  ".join([task, split, agent, *cells(rows[-1])]), flush=True)
            for one, other in COMPARED:
                if one in played and other in played:
                    mean, interval = difference(played[one].grade, played[other].grade)
                    gaps[f"{one} - {other}, {task}, {split}"] = {"mean": mean, "ci95": interval}
        if options.markdown:
            for agent in agents:
                print("| " + " | ".join([task, agent, *told[agent]]) + " |", flush=True)
    if options.json:
        figures = {f"{r['agent']}, {r['task']}, {r['split']}": r for r in rows}
        machine = f"{platform.machine()} {platform.python_implementation()} {platform.python_version()}"
        print(json.dumps({"name": "agents", "machine": machine, "figures": figures, "ratios": gaps}))
        return
    for name, gap in gaps.items():
        print(f"{name}: {gap['mean']:+.3f} ({gap['ci95'][0]:+.3f} to {gap['ci95'][1]:+.3f})")


def cells(row: dict[str, Any]) -> list[str]:
    """Grade, normalised score (each with its 95% interval) and steps, as text."""
    grade, normal = row["grade"], row["normalised"]
    return [
        "{:.3f} ({:.3f} to {:.3f})".format(grade["mean"], *grade["ci95"]),
        "{:.3f} ({:.3f} to {:.3f})".format(normal["mean"], *normal["ci95"]),
        f"{row['steps']['mean']:.1f}",
    ]


if __name__ == "__main__":
    main()
