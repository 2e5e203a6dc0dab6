"""kill -9 in the middle of a thousand actions, on a real server process: nothing that was acknowledged is lost."""

import json
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "crash_safety.py"


def test_every_acknowledged_action_survives_kill_9(database: str) -> None:
    rounds = 2 if database.startswith("sqlite") else 1
    command = [sys.executable, str(BENCHMARK), "--rounds", str(rounds), "--database", database, "--seed", "7", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads(done.stdout)["figures"]
    assert figures["rounds"] == rounds
    assert figures["sent"] > figures["acknowledged"] >= 100 * rounds  # killed with requests on their way
    assert figures["lost"] == 0
    assert figures["wrong_digests_or_order"] == 0
