"""The combinations that a search may query, and what a query answers."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from polypharmacy.mining.combinations import Combinations
from polypharmacy.mining.errors import ClaimsError


@dataclass(frozen=True, eq=False)
class Pool:
    """Combinations with their relative risks.

    names: the drugs' names, one each.
    relative_risk: float32 [rows], at least 0. A search sees a row's only by querying it.
    patterns, pattern_relative_risk: what a simulator hid, float [patterns]; None for real claims.
    """

    combinations: Combinations
    names: tuple[str, ...]
    relative_risk: np.ndarray
    patterns: Combinations | None = None
    pattern_relative_risk: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.combinations)

    def write(self, path: Path) -> None:
        """One .npz file. Written beside and moved into place, so that a reader never sees half of it."""
        held: dict[str, np.ndarray] = {
            "offsets": self.combinations.offsets,
            "members": self.combinations.members,
            "names": np.array(self.names),
            "relative_risk": self.relative_risk,
        }
        if self.patterns is not None and self.pattern_relative_risk is not None:
            held["patterns"] = self.patterns.dense(dtype=np.uint8)
            held["pattern_relative_risk"] = self.pattern_relative_risk
        partial = path.with_name(f".{path.name}.part")
        with partial.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **held)
        partial.replace(path)


def read_pool(path: Path) -> Pool:
    """A pool from an .npz file: as `Pool.write` makes it, or with a dense table `combinations` [rows, drugs] of 0 and
    1.

    Raises ClaimsError when the file is missing, is no such archive, or its arrays do not fit one another.
    """
    if not path.is_file():
        raise ClaimsError(f"{path}: no such file")
    try:
        with np.load(path, allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, KeyError, NotImplementedError) as error:
        raise ClaimsError(f"{path}: not an .npz archive of arrays ({type(error).__name__})") from None
    except Exception as error:  # zipfile and zlib raise their own kinds
        raise ClaimsError(f"{path}: a damaged .npz archive ({type(error).__name__})") from None
    try:
        return _pool(held)
    except (ValueError, TypeError, KeyError) as error:
        raise ClaimsError(f"{path}: {error}") from None


def _pool(held: dict[str, np.ndarray]) -> Pool:
    if "relative_risk" not in held:
        raise ValueError("no array relative_risk; simulate or associate writes one")
    risk = np.asarray(held["relative_risk"], dtype=np.float32)
    if "combinations" in held:
        table = held["combinations"]
        if table.ndim != 2 or not np.isin(table, (0, 1)).all():
            raise ValueError("combinations is not a table of zeros and ones")
        combinations = Combinations.from_dense(table)
    elif {"offsets", "members", "names"} <= held.keys():
        combinations = _rows(held["offsets"], held["members"], len(held["names"]))
    else:
        raise ValueError("neither an array combinations nor offsets, members and names")
    if risk.shape != (len(combinations),):
        raise ValueError(f"relative_risk has shape {risk.shape} for {len(combinations)} combinations")
    if not (np.isfinite(risk).all() and (risk >= 0).all()):
        raise ValueError(f"relative_risk of row {int(np.argmax(~(risk >= 0) | ~np.isfinite(risk)))} is not 0 or more")
    if not len(combinations):
        raise ValueError("no combinations")
    drugs = combinations.drugs
    names = tuple(map(str, held["names"])) if "names" in held else tuple(f"drug_{d}" for d in range(drugs))
    if len(names) != drugs or len(set(names)) != drugs:
        raise ValueError(f"names are not {drugs} different names")
    patterns, risks = held.get("patterns"), held.get("pattern_relative_risk")
    if patterns is None or risks is None:
        return Pool(combinations, names, risk)
    if patterns.ndim != 2 or patterns.shape[1] != drugs or risks.shape != (len(patterns),):
        raise ValueError("patterns and pattern_relative_risk do not fit the combinations")
    return Pool(combinations, names, risk, Combinations.from_dense(patterns), risks.astype(float))


def _rows(offsets: np.ndarray, members: np.ndarray, drugs: int) -> Combinations:
    sizes = np.diff(offsets)
    if offsets.ndim != 1 or not len(offsets) or offsets[0] or (sizes < 0).any() or offsets[-1] != len(members):
        raise ValueError("offsets do not fit members")
    if len(members) and not (members.min() >= 0 and members.max() < drugs):
        raise ValueError(f"a member is outside 0 to {drugs - 1}")
    inner = np.ones(max(len(members) - 1, 0), dtype=bool)
    ends = offsets[1:-1]
    inner[ends[(ends > 0) & (ends < len(members))] - 1] = False
    if (np.diff(members.astype(np.int64))[inner] <= 0).any():
        raise ValueError("members of a row are not ascending")
    return Combinations(offsets.astype(np.int64), members.astype(np.int16), drugs)
