"""An ensemble of reward networks: written to a file, read, and asked."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from polypharmacy.mining.combinations import Combinations
from polypharmacy.mining.errors import ClaimsError
from polypharmacy.mining.reward_network import RewardNetwork, Rows

FORMAT = 2


@dataclass(frozen=True, eq=False)
class Member:
    """One network, and U: how much of each parameter it has seen, float32 [parameters]."""

    network: RewardNetwork
    seen: np.ndarray

    def predict(self, rows: Rows, ridge: float) -> tuple[np.ndarray, np.ndarray]:
        """Mean and sigma = sqrt(ridge g' U^-1 g), float32 [rows] each."""
        mean, square = self.network.predict_uncertain(rows, 1 / self.seen)
        return mean, np.sqrt(ridge * square)


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

    def predict(self, combinations: Combinations) -> dict[str, np.ndarray]:
        """mean, sigma and flagged, [rows] each: those of the member with the highest lower bound."""
        rows = Rows.of_combinations(combinations)
        each = [member.predict(rows, self.ridge) for member in self.members]
        means, sigmas = (np.stack(part) for part in zip(*each, strict=True))
        low = means - self.sigmas * sigmas
        best = low.argmax(axis=0), np.arange(low.shape[1])
        return {"mean": means[best], "sigma": sigmas[best], "flagged": low[best] > self.threshold}

    def write(self, path: Path) -> None:
        """One .npz file, moved into place when whole."""
        networks = [member.network for member in self.members]
        held = {
            "format": np.array(FORMAT),
            "names": np.array(self.names),
            "rule": np.array([self.threshold, self.sigmas, self.ridge]),
            "width_layers": np.array([networks[0].width, networks[0].layers]),
            "values": np.stack([network.values for network in networks]),
            "seen": np.stack([member.seen for member in self.members]),
        }
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
        width, layers = map(int, held["width_layers"])
        values, seen = held["values"].astype(np.float32), held["seen"].astype(np.float32)
        like = RewardNetwork.start(len(held["names"]), width, layers, np.random.default_rng(0))
        if not len(values) or values.shape != seen.shape or values.shape[1:] != like.values.shape:
            raise ValueError("the networks do not fit the drugs")
        if not (np.isfinite(values).all() and (seen > 0).all()):
            raise ValueError("numbers that no network has")
        members = [Member(RewardNetwork(like.inputs, width, layers, v), u) for v, u in zip(values, seen, strict=True)]
        threshold, sigmas, ridge = map(float, held["rule"])
    except Exception as error:
        raise ClaimsError(f"{path}: not an exported ensemble; write one with `mine search --out`") from error
    return Ensemble(members, tuple(map(str, held["names"])), threshold, sigmas, ridge)
