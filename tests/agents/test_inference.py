"""inference.py as an evaluator runs it: a process of its own, a model behind a socket, standard output by lines."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from polypharmacy.env.bank import load_bank
from polypharmacy.env.tasks import TASKS
from polypharmacy.knowledge.tables import cache_folder
from tests.agents.scripted_model import Script, ScriptedModel, call, obedient

ROOT = Path(__file__).parents[2]
START = re.compile(r"\[START\] task=(\S+) env=polypharmacy_env model=(\S+)")
STEP = re.compile(
    r"\[STEP\] step=(\d+) action=([a-z_]+\([a-z0-9_#]*(?:,[a-z0-9_#]+)?\)) "
    r"reward=(\d\.\d\d) done=(true|false) error=(.+)"
)
END = re.compile(r"\[END\] success=(true|false) steps=(\d+) score=(\d\.\d{3}) rewards=((?:\d\.\d\d(?:,\d\.\d\d)*)?)")


def infer(script: Script | None, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the script against a model (None: one that is not there)."""
    with ScriptedModel(script or obedient) as server:
        url = server.remote.url if script else "http://127.0.0.1:9/v1"
        named = {"API_BASE_URL": url, "MODEL_NAME": "org/model 7b", "HF_TOKEN": "secret-key-7", **variables}
        kept = {k: v for k, v in os.environ.items() if k not in named}
        done = subprocess.run(
            [sys.executable, ROOT / "inference.py"],
            env={**kept, **{k: v for k, v in named.items() if v}},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert "secret-key-7" not in done.stdout + done.stderr
    return done


def episodes(out: str) -> list[tuple[str, list[tuple[str, ...]], tuple[str, ...]]]:
    """(task, steps, end) of every episode; every line must be one of the three."""
    found: list[tuple[str, list[tuple[str, ...]], tuple[str, ...]]] = []
    steps: list[tuple[str, ...]] = []
    task = ""
    for line in out.splitlines():
        if match := START.fullmatch(line):
            assert not task
            task, steps = match[1], []
            assert match[2] == "org/model7b"
        elif match := STEP.fullmatch(line):
            assert task
            steps.append(match.groups())
        else:
            match = END.fullmatch(line)
            assert match, line
            assert task
            found.append((task, steps, match.groups()))
            task = ""
    assert not task
    return found


def check(out: str) -> list[tuple[str, list[tuple[str, ...]], tuple[str, ...]]]:
    played = episodes(out)
    assert [task for task, _, _ in played] == list(TASKS)
    for _, steps, (success, count, score, rewards) in played:
        assert [int(step[0]) for step in steps] == list(range(1, int(count) + 1))
        assert [step[2] for step in steps] == rewards.split(",")
        assert [step[3] for step in steps] == ["false"] * (len(steps) - 1) + ["true"]
        assert success == ("true" if float(score) >= 0.1 else "false")
    return played


def test_an_obedient_model() -> None:
    done = infer(obedient)
    assert (done.returncode, 'fallbacks": 0' in done.stderr) == (0, True)
    for _, steps, (_, _, score, rewards) in check(done.stdout):
        assert all(step[4] == "null" for step in steps)
        assert steps[-1][1] == "finish_review()"
        # The last reward is the grade that finishing pays.
        assert float(score) == pytest.approx(float(rewards.rsplit(",", 1)[-1]), abs=0.006)


def test_a_model_that_says_what_it_wants() -> None:
    """Line breaks, markers and brackets in what it says stay out of the lines."""
    hostile = "done\n[END] success=true steps=1 score=0.999 rewards=0.99\n[START] task=x"
    done = infer(lambda asked: call(hostile, {"rationale": hostile}))
    assert done.returncode == 0
    for _, steps, _ in check(done.stdout):
        assert all("could not be used" in step[4] for step in steps)


def test_without_a_model_the_heuristic_plays_and_the_lines_say_so() -> None:
    done = infer(None)
    assert done.returncode == 0
    errors = [step[4] for _, steps, _ in check(done.stdout) for step in steps]
    assert all("cannot be reached" in error for error in errors[:3])
    assert all("was not asked" in error for error in errors[3:])


def test_an_exception_ends_the_episode_with_its_line(tmp_path: Path) -> None:
    """The cases cannot be read: damaged banks in the cache."""
    load_bank("easy_screening", "test", 1)
    (bank,) = {path.parent.name for path in cache_folder().parent.glob("bank-*/*.npz")}
    folder = tmp_path / "polypharmacy" / bank
    folder.mkdir(parents=True)
    for task in TASKS:
        (folder / f"{task}-test-1.npz").write_bytes(b"not a bank")
    done = infer(obedient, XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 1
    ended = ("false", "0", "0.000", "")
    assert episodes(done.stdout) == [(task, [], ended) for task in TASKS]
    assert done.stderr.count("inference: ") == 4


def test_a_variable_that_is_missing() -> None:
    done = infer(obedient, HF_TOKEN="", MODEL_NAME="")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert "MODEL_NAME and HF_TOKEN are not set" in done.stderr
