"""Weights and what else a run needs to go on, with a card that says what they were trained on.

NAME.safetensors holds the policy, NAME.json its card; NAME.run.safetensors optimiser, random numbers and environments.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from polypharmacy.knowledge import Knowledge
from polypharmacy.patients import InputError
from polypharmacy.training.network import Policy

Card = dict[str, Any]
BEST, FINAL, LAST = "best", "final", "last"


def save(folder: Path, name: str, policy: Policy, card: Card, running: dict[str, Tensor] | None = None) -> None:
    """Write a checkpoint; each file appears whole or not at all, the card last."""
    weights = {key: value.detach().cpu().contiguous() for key, value in policy.state_dict().items()}
    _write(folder / f"{name}.safetensors", weights)
    if running is not None:
        _write(folder / f"{name}.run.safetensors", running)
    partial = folder / f".{name}.json"
    partial.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    partial.replace(folder / f"{name}.json")


def read_card(folder: Path, name: str, knowledge: Knowledge) -> Card:
    """The card of a checkpoint. Raises InputError where there is none, or it is of another knowledge base."""
    path = folder / f"{name}.json"
    try:
        card: Card = json.loads(path.read_text(encoding="utf-8"))
        held = card["knowledge"]["hash"], card["knowledge"]["version"]
    except FileNotFoundError:
        raise InputError(f"{folder}: no checkpoint {name!r} there ({path.name} is missing)") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: not the card of a checkpoint") from None
    if held[0] != knowledge.hash:
        raise InputError(
            f"{path}: trained on knowledge base {held[1]} ({held[0]}), this is {knowledge.version} ({knowledge.hash}); "
            "its cases and drugs are others: train anew"
        )
    return card


def load_weights(folder: Path, name: str, policy: Policy) -> None:
    """Put a checkpoint's weights into a policy. Raises InputError where they do not fit it."""
    path = folder / f"{name}.safetensors"
    try:
        policy.load_state_dict(load_file(path))
    except FileNotFoundError:
        raise InputError(f"{path}: missing") from None
    except Exception as error:  # safetensors and torch raise their own kinds
        raise InputError(f"{path}: not weights of this network ({str(error).splitlines()[0]})") from None


def load_running(folder: Path, name: str) -> dict[str, Tensor]:
    """What `save` was given as `running`. Raises InputError where there is none."""
    path = folder / f"{name}.run.safetensors"
    try:
        return load_file(path)
    except FileNotFoundError:
        raise InputError(f"{path}: missing, so the run cannot go on") from None
    except Exception as error:
        raise InputError(f"{path}: cannot be read ({str(error).splitlines()[0]})") from None


def optimiser_state(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Adam's moments by number of parameter."""
    held = optimiser.state_dict()["state"]
    return {f"optimiser/{n}/{key}": torch.as_tensor(v).cpu() for n, row in held.items() for key, v in row.items()}


def restore_optimiser(optimiser: torch.optim.Optimizer, running: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in running.items():
        if key.startswith("optimiser/"):
            _, number, name = key.split("/")
            state.setdefault(int(number), {})[name] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})


def _write(path: Path, tensors: dict[str, Tensor]) -> None:
    partial = path.with_name(f".{path.name}")
    save_file(tensors, partial)
    partial.replace(path)
