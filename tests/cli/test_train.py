"""`polypharmacy train`"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Result

Run = Callable[..., Result]
SMALL = ("--task", "easy_screening", "--cases", "64", "--validation", "16")


def test_ppo_leaves_what_it_says(polypharmacy: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = ("train", "ppo", *SMALL, "--steps", "2000", "--out", str(out), "--print-every", "1", "--json")
    answer = polypharmacy(*arguments)
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    assert told["finished"]
    assert told["steps"] >= 2000
    names = {path.name for path in out.iterdir()}
    for name in ("best", "final", "last"):
        assert {f"{name}.safetensors", f"{name}.json"} <= names
    assert {"metrics.jsonl", "prior.npz", "curve.png"} <= names
    assert polypharmacy(*arguments).code == 2  # a run stands there already
    exported = polypharmacy("train", "export", str(out), "--json")
    assert exported.code == 0, exported.err
    assert json.loads(exported.out)["bytes"] < 3_000_000
    assert (out / "export" / "policy.onnx").is_file()


def test_interrupted_it_saves_and_says_how_to_go_on(tmp_path: Path, polypharmacy: Run) -> None:
    out = tmp_path / "run"
    command = ["train", "reinforce", *SMALL, "--episodes", "1000000", "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-c", f"from polypharmacy.cli.main import main; main({command!r})"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ.copy(),
    )
    try:
        until = time.monotonic() + 240
        while not (out / "metrics.jsonl").exists() or not (out / "metrics.jsonl").read_text():
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            assert time.monotonic() < until
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1
    assert "--resume" in err
    assert str(out) in err
    assert "Traceback" not in err
    card = json.loads((out / "last.json").read_text())
    assert card["episodes"] > 0
    assert card["setup"]["config"]["episodes"] == 1_000_000


@pytest.mark.parametrize(
    ("option", "value"),
    [("--task", "hard"), ("--network", "wide"), ("--reward", "much"), ("--device", "abacus"), ("--steps", "0")],
)
def test_a_word_that_is_not_known_is_bad_input(polypharmacy: Run, tmp_path: Path, option: str, value: str) -> None:
    answer = polypharmacy("train", "ppo", option, value, "--out", str(tmp_path / "run"))
    assert answer.code == 2
    assert option in answer.err
    assert len(answer.err.strip().splitlines()) == 1


def test_nothing_to_resume_or_export_is_bad_input(polypharmacy: Run, tmp_path: Path) -> None:
    for arguments in (("ppo", "--resume", "--out", str(tmp_path)), ("export", str(tmp_path))):
        answer = polypharmacy("train", *arguments)
        assert answer.code == 2
        assert "no checkpoint" in answer.err
