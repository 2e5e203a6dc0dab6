"""`polypharmacy evaluate` and `polypharmacy play`."""

import io
import json
from collections.abc import Callable

import pytest

from tests.cli.conftest import Result

Run = Callable[..., Result]


def test_evaluate_prints_what_was_asked(polypharmacy: Run) -> None:
    arguments = ("evaluate", "--task", "easy_screening", "--agent", "heuristic", "--episodes", "30", "--seed", "4")
    answer = json.loads(polypharmacy(*arguments, "--json").out)
    assert (answer["task"], answer["agent"], answer["split"]) == ("easy_screening", "heuristic", "test")
    assert (answer["episodes"], answer["seed"]) == (30, 4)
    for key in ("grade", "normalised"):
        low, high = answer[key]["ci95"]
        assert low <= answer[key]["mean"] <= high
    assert answer["do_nothing"]["mean"] < answer["grade"]["mean"] < answer["oracle"]["mean"] < 1
    assert set(answer["knowledge"]) == {"version", "hash"}
    assert answer["steps"]["mean"] > 1
    again = json.loads(polypharmacy(*arguments, "--json").out)
    assert again == answer
    out = polypharmacy(*arguments).out
    assert "heuristic" in out
    assert f"{answer['grade']['mean']:.3f}" in out


def test_the_oracle_is_one_and_doing_nothing_is_nought(polypharmacy: Run) -> None:
    for agent, score in (("oracle", 1.0), ("do_nothing", 0.0)):
        arguments = ("evaluate", "--task", "easy_screening", "--agent", agent, "--episodes", "30", "--json")
        answer = json.loads(polypharmacy(*arguments).out)
        assert answer["normalised"]["mean"] == pytest.approx(score)


@pytest.mark.parametrize(
    ("option", "value"), [("--task", "hard"), ("--agent", "nobody"), ("--split", "all"), ("--episodes", "0")]
)
def test_a_word_that_is_not_known_is_bad_input(polypharmacy: Run, option: str, value: str) -> None:
    answer = polypharmacy("evaluate", option, value)
    assert answer.code == 2
    assert option in answer.err
    assert len(answer.err.strip().splitlines()) == 1


def test_play_to_the_end(polypharmacy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["query 0 1", "query 0 1", "nonsense", "stop 14", "", "add_monitoring 0", "finish"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    out = polypharmacy("play", "--task", "easy_screening", "--split", "train", "--episode", "2").out
    assert "not open now" in out
    assert "not understood" in out
    assert "[monitored]" in out
    assert "best possible" in out


def test_play_left_early(polypharmacy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("query 0 1\n"))
    answer = polypharmacy("play", "--episode", "2")
    assert (answer.code, "left unfinished" in answer.out) == (0, True)
    assert polypharmacy("play", "--episode", "9999").code == 2
