"""The shipped policy: an ONNX graph run by onnxruntime, without torch."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from polypharmacy.agents.features import Features, actions_of, inputs_hash
from polypharmacy.agents.prior import Counts, prior_of
from polypharmacy.env.case import code_tables
from polypharmacy.env.layout import SLOTS
from polypharmacy.env.view import View
from polypharmacy.knowledge import Knowledge
from polypharmacy.patients import InputError

if TYPE_CHECKING:
    import onnxruntime

SHIPPED = Path(__file__).parent / "data"
GRAPH, CARD, PRIOR = "policy.onnx", "policy.json", "prior.npz"
INPUTS = ("slot", "drug", "pair", "whole", "mask")
"""Inputs of the graph: the arrays of `features.Observation` for 15 slots."""


class Trained:
    """Plays a policy's likeliest action. `card` says what it was trained on; `backend` as in `features.Features`.

    Raises InputError where the folder holds no policy, or one whose inputs meant something else, or where onnxruntime
    is not installed.
    """

    def __init__(self, knowledge: Knowledge, folder: Path = SHIPPED, backend: str = "numba") -> None:
        self.card = read_card(folder, knowledge)
        self._session = session((folder / GRAPH).read_bytes())
        counts = Counts.load(folder / PRIOR)
        left, word = code_tables(knowledge.risk)
        self._features = Features(prior_of(counts, knowledge, left, word), counts.usual, backend)
        self._actions = actions_of(SLOTS)

    def begin(self, view: View, episode: int) -> None:
        """Nothing is carried over from step to step."""

    def act(self, view: View) -> int:
        return int(self._actions[self.chances(view).argmax()])

    def chances(self, view: View) -> np.ndarray:
        """The probability of every action, float32 [166], 0 where it is not open."""
        observation = self._features.of_view(view, SLOTS)
        logits = self._session.run(["logits"], dict(zip(INPUTS, observation, strict=True)))[0][0]
        odds = np.exp(logits - logits.max())
        return np.asarray(odds / odds.sum(), dtype=np.float32)


def read_card(folder: Path, knowledge: Knowledge) -> dict[str, Any]:
    """The card of an exported policy. Raises InputError where it is missing, or its inputs meant something else; no
    message names a path, for a server tells it to its clients.
    """
    path = folder / CARD
    for name in (CARD, GRAPH, PRIOR):
        if not (folder / name).is_file():
            raise InputError(f"there is no policy there ({name} is missing)")
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        inputs, version = card["inputs"], card["knowledge"]["version"]
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{CARD}: not the card of a policy") from None
    if inputs != inputs_hash(knowledge):
        raise InputError(
            f"{CARD}: trained on knowledge base {version}, in which drugs, classes, conditions or points were others "
            f"than in {knowledge.version} (inputs {inputs}, now {inputs_hash(knowledge)}); train and export it anew"
        )
    return card


def session(graph: bytes) -> "onnxruntime.InferenceSession":
    """A session in the calling thread alone, so that a process with one may be forked."""
    try:
        import onnxruntime
    except ImportError:
        raise InputError("the trained policy needs onnxruntime: install polypharmacy-env[server]") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
