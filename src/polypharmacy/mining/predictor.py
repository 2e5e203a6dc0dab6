"""An ensemble of reward networks in plain NumPy: written to a file, read and asked without torch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from polypharmacy.mining.errors import ClaimsError

FORMAT = 1


@dataclass(frozen=True, eq=False)
class Member:
    """One network and what it has seen. layers: weights [outputs, inputs], biases [outputs]; uncertain: U of each."""

    layers: list[tuple[np.ndarray, np.ndarray]]
    uncertain: list[tuple[np.ndarray, np.ndarray]]

    def predict(self, x: np.ndarray, ridge: float) -> tuple[np.ndarray, np.ndarray]:
        """Mean and sigma = sqrt(ridge g' U^-1 g) of rows x float [rows, inputs]; float [rows] each.

        The gradient g of a layer's weights is the outer product of what flows back and what flowed in, so g' U^-1 g is
        a product of their squares with 1 / U: the gradients themselves are never written down.
        """
        inputs, outputs = [np.asarray(x, dtype=np.float32)], []
        for weights, biases in self.layers[:-1]:
            outputs.append(inputs[-1] @ weights.T + biases)
            inputs.append(np.maximum(outputs[-1], 0))
        mean = (inputs[-1] @ self.layers[-1][0].T + self.layers[-1][1])[:, 0]
        back = np.ones((len(mean), 1), np.float32)
        total = np.zeros(len(mean))
        for layer in range(len(self.layers) - 1, -1, -1):
            square, (u_weights, u_biases) = back**2, self.uncertain[layer]
            total += ((square @ (1 / u_weights)) * inputs[layer] ** 2).sum(axis=1) + square @ (1 / u_biases)
            if layer:
                back = (back @ self.layers[layer][0]) * (outputs[layer - 1] > 0)
        return mean, np.sqrt(ridge * total)


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Flags a combination when any member does: mean - sigmas x sigma > threshold.

    names: the drugs in the order of the networks' inputs.
    """

    members: list[Member]
    names: tuple[str, ...]
    threshold: float
    sigmas: float
    ridge: float

    def predict(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """mean, sigma and flagged of rows x float [rows, drugs]: those of the member with the highest lower bound."""
        each = [member.predict(x, self.ridge) for member in self.members]
        means, sigmas = (np.stack(part) for part in zip(*each, strict=True))
        low = means - self.sigmas * sigmas
        best = low.argmax(axis=0), np.arange(low.shape[1])
        return {"mean": means[best], "sigma": sigmas[best], "flagged": low[best] > self.threshold}

    def write(self, path: Path) -> None:
        """One .npz file, moved into place when whole."""
        held: dict[str, np.ndarray] = {
            "format": np.array(FORMAT),
            "names": np.array(self.names),
            "rule": np.array([self.threshold, self.sigmas, self.ridge]),
            "members": np.array(len(self.members)),
        }
        for m, member in enumerate(self.members):
            for kind, layers in (("layer", member.layers), ("u", member.uncertain)):
                for place, (weights, biases) in enumerate(layers):
                    held[f"{m}_{kind}_{place}_w"], held[f"{m}_{kind}_{place}_b"] = weights, biases
        partial = path.with_name(f".{path.name}.part")
        with partial.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **held)
        partial.replace(path)


def read_ensemble(path: Path) -> Ensemble:
    """Raises ClaimsError when the file is missing or is no ensemble."""
    if not path.is_file():
        raise ClaimsError(f"{path}: no such file")
    try:
        with np.load(path, allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
        if int(held["format"]) != FORMAT:
            raise ValueError("another format")
        members = []
        for m in range(int(held["members"])):
            parts = []
            for kind in ("layer", "u"):
                count = sum(f"{m}_{kind}_{place}_w" in held for place in range(100))
                parts.append([(held[f"{m}_{kind}_{p}_w"], held[f"{m}_{kind}_{p}_b"]) for p in range(count)])
            if not parts[0] or parts[0][0][0].shape[1] != len(held["names"]):
                raise ValueError("layers do not fit the drugs")
            members.append(Member(*parts))
        threshold, sigmas, ridge = map(float, held["rule"])
    except Exception as error:
        raise ClaimsError(f"{path}: not an exported ensemble; write one with `mine search --out`") from error
    return Ensemble(members, tuple(map(str, held["names"])), threshold, sigmas, ridge)
