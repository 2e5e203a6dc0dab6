"""From a checkpoint to what `agents.trained` plays: an ONNX graph, its card, and the prior it was trained with."""

import json
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from polypharmacy.agents.features import Observation, blank
from polypharmacy.agents.trained import CARD, GRAPH, INPUTS, PRIOR
from polypharmacy.env.layout import SLOTS
from polypharmacy.knowledge import load
from polypharmacy.training import checkpoint
from polypharmacy.training import run as training_run
from polypharmacy.training.network import SetPolicy
from polypharmacy.training.ppo import tensors

REMARKS = ("doc_string", "metadata_props", "producer_name", "producer_version")
"""Fields of ONNX messages that say where a graph comes from."""
TOLERANCE = 1e-3
"""How far a logit of the graph may be from the network's."""


def export(folder: Path, out: Path, name: str = checkpoint.BEST) -> None:
    """Write the graph of a run's checkpoint, for 15 slots and any number of environments, after comparing the two.

    Raises InputError where there is no such checkpoint, it is of another knowledge base, or not a set network's.
    """
    from polypharmacy.patients import InputError

    knowledge = load()
    card = checkpoint.read_card(folder, name, knowledge)
    setup = training_run.Setup.of_card(card)
    if setup.network != "set":
        raise InputError(f"{folder}: only the set network is exported, not {setup.network!r}")
    policy = training_run.make_policy(setup, card["width"], knowledge)
    assert isinstance(policy, SetPolicy)
    checkpoint.load_weights(folder, name, policy)
    out.mkdir(parents=True, exist_ok=True)
    graph = onnx_of(policy, card["width"])
    differ = _difference(policy, graph, card["width"])
    if not differ < TOLERANCE:
        raise ValueError(f"the exported graph differs from the network by {differ:g}")
    (out / PRIOR).write_bytes((folder / training_run.PRIOR).read_bytes())
    (out / GRAPH).write_bytes(graph)
    (out / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def onnx_of(policy: SetPolicy, width: int) -> bytes:
    """The network as an ONNX graph over `agents.trained.INPUTS`, what it makes of each drug worked out."""
    example = tuple(tensors(blank(2, SLOTS, width), "cpu"))
    batch = torch.export.Dim("environments", min=1, max=65536)
    with warnings.catch_warnings(), torch.no_grad(), policy.at_rest():
        warnings.simplefilter("ignore")  # the exporter's own: of torchvision, and of what it will rename
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            policy,
            example,
            dynamo=True,
            input_names=list(INPUTS),
            output_names=["logits", "value"],
            dynamic_shapes=tuple({0: batch} for _ in INPUTS),
            verbose=False,
        )
    assert program is not None
    proto = program.model_proto
    _strip(proto)
    return bytes(proto.SerializeToString())


def _strip(message: Any) -> None:
    """Clear, at every level of a graph, what does not decide what it computes: the exporter writes there the stack of
    every node, with the paths of the machine.
    """
    for field, value in message.ListFields():
        if field.name in REMARKS:
            message.ClearField(field.name)
        elif field.message_type is not None:
            for part in value if isinstance(value, Sequence) else (value,):
                _strip(part)


def _difference(policy: SetPolicy, graph: bytes, width: int) -> float:
    """The largest difference of logits over random observations."""
    from polypharmacy.agents.trained import session

    draw = np.random.default_rng(0)
    shape = blank(16, SLOTS, width)
    drugs = policy.drugs.shape[0]
    observation = Observation(
        slot=draw.random(shape.slot.shape, dtype=np.float32),
        drug=draw.integers(0, drugs, shape.drug.shape),
        pair=draw.random(shape.pair.shape, dtype=np.float32),
        whole=draw.random(shape.whole.shape, dtype=np.float32),
        mask=draw.random(shape.mask.shape) < 0.7,
    )
    logits, _ = session(graph).run(None, dict(zip(INPUTS, observation, strict=True)))
    with torch.no_grad():
        ours, _ = policy(*tensors(observation, "cpu"))
    return float(np.abs(ours.numpy() - logits).max())
