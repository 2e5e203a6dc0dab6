"""`polypharmacy evaluate` and `polypharmacy play`."""

import io
import json
from collections.abc import Callable

import pytest

from polypharmacy.agents.llm import VARIABLES
from tests.agents.scripted_model import Reply, ScriptedModel, obedient
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


def test_a_language_model_is_evaluated_with_its_counts(polypharmacy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("evaluate", "--agent", "llm", "--task", "easy_screening", "--episodes", "6")
    with ScriptedModel(obedient) as model:
        for name, value in zip(VARIABLES.values(), model.remote, strict=True):
            monkeypatch.setenv(name, value)
        answer = json.loads(polypharmacy(*arguments, "--json").out)
        out = polypharmacy(*arguments).out
    assert (answer["agent"], answer["episodes"], answer["model"]["name"]) == ("llm", 6, "scripted")
    calls = answer["model"]["calls"]
    assert answer["model"]["decisions"] == calls == round(answer["steps"]["mean"] * 6)
    assert len(model.requests) == 2 * calls
    assert answer["model"]["fallbacks"] == 0
    assert f"scripted: {calls} decisions, {calls} calls, 0 repairs, 0 fallbacks" in " ".join(out.split())


def test_a_language_model_that_is_not_there(polypharmacy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("evaluate", "--agent", "llm", "--task", "easy_screening", "--episodes", "4")
    for name in VARIABLES.values():
        monkeypatch.delenv(name, raising=False)
    answer = polypharmacy(*arguments)
    assert (answer.code, len(answer.err.strip().splitlines())) == (2, 1)
    assert "API_BASE_URL and MODEL_NAME and HF_TOKEN are not set" in answer.err
    with ScriptedModel(lambda asked: Reply(b"", status=401)) as model:
        for name, value in zip(VARIABLES.values(), model.remote, strict=True):
            monkeypatch.setenv(name, value)
        answer = polypharmacy(*arguments)
    assert (answer.code, len(answer.err.strip().splitlines())) == (1, 1)
    assert "HTTP 401" in answer.err
    assert model.remote.key not in answer.err


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
