"""What is exported plays as the network does, and what is shipped is playable."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from polypharmacy.agents.evaluate import play
from polypharmacy.agents.trained import CARD, GRAPH, SHIPPED, Trained
from polypharmacy.env.bank import load_bank
from polypharmacy.env.tasks import TASKS
from polypharmacy.knowledge import Knowledge
from polypharmacy.patients import InputError
from polypharmacy.training.export import export
from polypharmacy.training.play import greedy_grades
from polypharmacy.training.run import Run, Setup

MOST = 3_000_000
PATHS = (b"/usr", b"/home", b"/tmp", b"/root", b"/Users", b"site-packages", b".py", sys.prefix.encode())


def words_of(graph: bytes) -> bytes:
    """An ONNX graph without the numbers of its weights, in which three letters could meet by chance."""
    model = onnx.load_from_string(graph)
    for tensor in model.graph.initializer:
        tensor.ClearField("raw_data")
    return bytes(model.SerializeToString())


def test_an_exported_policy_plays_the_same_game(tmp_path: Path, shipped: Knowledge) -> None:
    setup = Setup(
        "ppo",
        ("budgeted_screening",),
        cases=64,
        validation=16,
        config={"steps": 4096, "horizon": 16, "batch_size": 256},
    )
    run = Run(setup, tmp_path)
    run.train(every=4)
    export(tmp_path, tmp_path / "out", "final")
    bank = load_bank("budgeted_screening", "test", 48)
    ours = greedy_grades(run.learner.policy, run.features, bank, 24)
    np.testing.assert_allclose(play(Trained(shipped, tmp_path / "out"), bank, range(24)).grade, ours)
    words = words_of((tmp_path / "out" / GRAPH).read_bytes())
    assert b"main_graph" in words
    assert [path for path in (*PATHS, bytes(tmp_path)) if path in words] == []


def test_a_policy_whose_inputs_meant_something_else_is_refused(tmp_path: Path, shipped: Knowledge) -> None:
    folder = tmp_path / "policy"
    shutil.copytree(SHIPPED, folder)
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps({**card, "inputs": "0123"}))
    with pytest.raises(InputError, match=r"train and export it anew"):
        Trained(shipped, folder)
    (folder / CARD).write_text("{}")
    with pytest.raises(InputError, match="not the card"):
        Trained(shipped, folder)
    (folder / GRAPH).unlink()
    for empty, missing in ((tmp_path, CARD), (folder, GRAPH)):
        with pytest.raises(InputError, match=rf"no policy there \({missing} is missing\)"):
            Trained(shipped, empty)


def test_the_shipped_policy_is_small_and_of_this_knowledge_base() -> None:
    """Where this fails after a change of the knowledge base: `make policy`."""
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < MOST
    from polypharmacy.knowledge import load

    Trained(load())
    words = words_of((SHIPPED / GRAPH).read_bytes()) + (SHIPPED / CARD).read_bytes()
    assert [path for path in PATHS if path in words] == []


@pytest.mark.parametrize("task", list(TASKS))
def test_the_shipped_policy_beats_the_heuristic(task: str, shipped: Knowledge) -> None:
    from polypharmacy.agents import make_agent

    bank = load_bank(task, "test", 48)
    ours, heuristic = (play(make_agent(name, bank, 0), bank, range(48)).grade for name in ("trained", "heuristic"))
    assert ours.mean() > heuristic.mean() + 0.03


def test_it_plays_without_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from polypharmacy.agents import make_agent\n"
        "from polypharmacy.agents.evaluate import play\n"
        "from polypharmacy.env.bank import load_bank\n"
        "bank = load_bank('easy_screening', 'test', 48)\n"
        "assert play(make_agent('trained', bank, 0), bank, range(4)).grade.min() > 0\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
