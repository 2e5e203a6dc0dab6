"""Do the baseline agents play over a real server as they play in process?

    python benchmarks/baselines_served.py [--episodes 50] [--quick] [--json]

A server is started, do_nothing, random and heuristic play the first test cases of every task through OpenEnv's generic
client, and the same agents play them in process. The grades must be the same: exits with 1 where they are not.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from polypharmacy.agents.evaluate import play
from polypharmacy.agents.registry import make_agent
from polypharmacy.env.actions import FinishReview, ProposeIntervention, decode
from polypharmacy.env.bank import load_bank
from polypharmacy.env.episode import Episode
from polypharmacy.env.tasks import TASKS

AGENTS = ("do_nothing", "random", "heuristic")


def served(url: str, task: str, agent_name: str, episodes: int) -> list[float]:
    """Grades over the socket. The agent sees an episode that is played beside the served one, and what is served must
    tell the same of it.
    """
    from openenv.core.generic_client import GenericEnvClient

    bank = load_bank(task, "test", episodes)
    agent = make_agent(agent_name, bank, 0)
    grades = []
    with GenericEnvClient(base_url=url).sync() as env:
        for index in range(episodes):
            result = env.reset(task_id=task, split="test", index=index)
            beside = Episode(bank, index)
            agent.begin(beside.view, index)
            while not result.done:
                number = agent.act(beside.view)
                ids = [m["drug_id"] for m in result.observation["current_medications"]]
                result = env.step(_message(number, ids))
                told, reward = result.metadata or {}, beside.step(number).reward
                if told["error"] or abs(told["raw_reward"] - reward) > 1e-9:
                    raise SystemExit(f"{task} {index}: served {told}, in process {reward}")
            grades.append((result.metadata or {})["grade"])
    return grades


def _message(number: int, ids: list[str]) -> dict[str, Any]:
    action = decode(number)
    if isinstance(action, FinishReview):
        return {"action_type": "finish_review"}
    if isinstance(action, ProposeIntervention):
        target = ids[action.slot]
        return {"action_type": "propose_intervention", "target_drug_id": target, "intervention_type": action.kind}
    return {"action_type": "query_ddi", "drug_id_1": ids[action.first], "drug_id_2": ids[action.second]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=50, help="of each task and agent")
    parser.add_argument("--quick", action="store_true", help="10 of each")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    episodes = 10 if arguments.quick else arguments.episodes
    figures: dict[str, float] = {}
    for task in TASKS:
        load_bank(task, "test", 64)  # as the server will ask for them
    with tempfile.TemporaryDirectory() as folder:
        command = [str(Path(sys.executable).parent / "polypharmacy"), "serve", "--port", "0", "--json"]
        command += ["--database", f"sqlite:///{folder}/reviews.sqlite"]
        given = {**os.environ, "POLYPHARMACY_WARM": "false"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=given) as process:
            try:
                assert process.stdout is not None
                url = json.loads(process.stdout.readline())["url"]
                _wait(url)
                for task in TASKS:
                    for agent in AGENTS:
                        grades = served(url, task, agent, episodes)
                        bank = load_bank(task, "test", episodes)
                        here = play(make_agent(agent, bank, 0), bank, range(episodes)).grade.tolist()
                        if grades != here:
                            raise SystemExit(f"{task}, {agent}: served {grades}, in process {here}")
                        figures[f"{task}_{agent}_grade"] = sum(grades) / len(grades)
            finally:
                process.terminate()
    result = {
        "name": "baselines_served",
        "machine": {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()},
        "figures": {**figures, "episodes": episodes},
        "ratios": {},
    }
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    for key, value in figures.items():
        print(f"{key:<45} {value:.4f}")
    print(f"the same over the server and in process, {episodes} episodes each")


def _wait(url: str) -> None:
    import httpx

    until = time.monotonic() + 180
    while True:
        try:
            httpx.get(f"{url}/health", timeout=5)
            return
        except httpx.HTTPError:
            if time.monotonic() > until:
                raise SystemExit("the server did not start") from None
            time.sleep(0.1)


if __name__ == "__main__":
    main()
