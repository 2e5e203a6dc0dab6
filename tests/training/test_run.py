"""Runs: they learn, repeat themselves, go on where they stopped, and refuse what is not theirs."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from polypharmacy.env.bank import load_bank
from polypharmacy.patients import InputError
from polypharmacy.training.play import greedy_grades
from polypharmacy.training.run import Run, Setup

CASES = 64
PPO = {"steps": 4_000, "horizon": 8, "batch_size": 256}
EASY = Setup("ppo", ("easy_screening",), cases=CASES, validation=16, config=PPO)
BY_EPISODE = Setup(
    "reinforce", ("easy_screening",), cases=CASES, validation=16, config={"episodes": 48, "batch_size": 8}
)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "final.safetensors")


@pytest.mark.parametrize("setup", [EASY, BY_EPISODE], ids=["ppo", "reinforce"])
def test_a_seed_gives_the_same_weights_also_when_interrupted(setup: Setup, tmp_path: Path) -> None:
    assert Run(setup, tmp_path / "a").train(every=2)
    stopping = iter([False, False, False, True])
    assert not Run(setup, tmp_path / "b").train(every=2, stop=lambda: next(stopping))
    assert not (tmp_path / "b" / "final.json").exists()
    assert Run(setup, tmp_path / "b", resume=True).train(every=2)
    assert Run(dataclasses.replace(setup, seed=1), tmp_path / "c").train(every=2)
    whole, resumed, other = (weights(tmp_path / name) for name in "abc")
    for key in whole:
        torch.testing.assert_close(whole[key], resumed[key], rtol=0, atol=0)
    assert any(not torch.equal(whole[key], other[key]) for key in whole)
    card = json.loads((tmp_path / "a" / "final.json").read_text())
    assert card["knowledge"]["hash"]
    assert card["setup"]["seed"] == 0
    lines = [json.loads(line) for line in (tmp_path / "a" / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["validation_grade"] > 0


@pytest.mark.parametrize("setup", [EASY, BY_EPISODE], ids=["ppo", "reinforce"])
def test_a_loss_that_is_not_a_number_stops_the_run(setup: Setup, tmp_path: Path) -> None:
    run = Run(setup, tmp_path)
    with torch.no_grad():
        next(p for n, p in run.learner.policy.named_parameters() if n == "value.weight").fill_(float("nan"))
    with pytest.raises(FloatingPointError, match=r"not a number after 0 (steps|episodes)"):
        run.train()


def test_a_checkpoint_of_another_knowledge_base_is_refused(tmp_path: Path) -> None:
    Run(EASY, tmp_path).train(stop=lambda: True)
    path = tmp_path / "last.json"
    card = json.loads(path.read_text())
    card["knowledge"]["hash"] = "0123"
    path.write_text(json.dumps(card))
    with pytest.raises(InputError, match=r"trained on knowledge base .*0123"):
        Run(EASY, tmp_path, resume=True)


def test_broken_checkpoints_are_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no checkpoint"):
        Run(EASY, tmp_path, resume=True)
    Run(EASY, tmp_path).train(stop=lambda: True)
    (tmp_path / "last.safetensors").write_bytes(b"not weights")
    with pytest.raises(InputError, match="not weights"):
        Run(EASY, tmp_path, resume=True)
    (tmp_path / "last.json").write_text("[]")
    with pytest.raises(InputError, match="not the card"):
        Run(EASY, tmp_path, resume=True)


@pytest.mark.parametrize(
    ("task", "least"), [("easy_screening", 0.698), ("budgeted_screening", 0.195), ("complex_tradeoff", 0.040)]
)
def test_200_episodes_of_reinforce_beat_sixteen_numbers(task: str, least: float, tmp_path: Path) -> None:
    """Greedy on test cases, against what REINFORCE with as many episodes taught a perceptron that sees 16 numbers."""
    setup = Setup("reinforce", (task,), cases=CASES, validation=16, config={"episodes": 200})
    run = Run(setup, tmp_path)
    run.train(every=100)
    assert run.learner.done == 200
    assert greedy_grades(run.learner.policy, run.features, load_bank(task, "test", 48), 48).mean() > least + 0.03


def test_ppo_learns(tmp_path: Path) -> None:
    """Within seconds the policy it plays with is graded 0.12 higher than at first (its first guess 0.73, a random one
    0.2, the heuristic 0.86)."""
    setup = dataclasses.replace(EASY, config={"steps": 40_000, "horizon": 32, "batch_size": 256})
    run = Run(setup, tmp_path)
    first = run.learner.iteration()["easy_screening/train_grade"]
    run.train(every=100)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    last = sum(line["easy_screening/train_grade"] for line in lines[-5:]) / 5
    assert last > first + 0.12
    assert last > 0.85
