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
    for split in splits:
        for task in tasks:
            played: dict[str, Played] = {}
            for agent in agents:
                bank = prepare(task, split, agent, options.episodes, options.seed, None)
                oracle = oracle_grades(bank, options.episodes)
                played[agent] = play_parallel(task, split, agent, options.episodes, options.seed)
                rows.append(summary(bank, agent, played[agent], oracle, options.seed))
                if not options.json:
                    show(rows[-1], options.markdown)
            for one, other in (
                ("planner", "planner_unasked"),
                ("planner", "belief_greedy"),
                ("belief_greedy", "heuristic"),
            ):
                if one in played and other in played:
                    mean, interval = difference(played[one].grade, played[other].grade)
                    gaps[f"{one} - {other}, {task}, {split}"] = {"mean": mean, "ci95": interval}
    if options.json:
        figures = {f"{r['agent']}, {r['task']}, {r['split']}": r for r in rows}
        machine = f"{platform.machine()} {platform.python_implementation()} {platform.python_version()}"
        print(json.dumps({"name": "agents", "machine": machine, "figures": figures, "ratios": gaps}))
        return
    for name, gap in gaps.items():
        print(f"{name}: {gap['mean']:+.3f} ({gap['ci95'][0]:+.3f} to {gap['ci95'][1]:+.3f})")


def show(row: dict[str, Any], markdown: bool) -> None:
    grade, normal = row["grade"], row["normalised"]
    cells = [
        row["task"],
        row["split"],
        row["agent"],
        "{:.3f} ({:.3f} to {:.3f})".format(grade["mean"], *grade["ci95"]),
        "{:.3f} ({:.3f} to {:.3f})".format(normal["mean"], *normal["ci95"]),
        f"{row['steps']['mean']:.1f}",
    ]
    print("| " + " | ".join(cells) + " |" if markdown else "  ".join(cells), flush=True)


if __name__ == "__main__":
    main()
