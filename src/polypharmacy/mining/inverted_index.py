"""Which combinations hold a drug: an inverted index, made in one pass over a pool."""

from dataclasses import dataclass

import numba
import numpy as np

from polypharmacy.mining.combinations import Combinations


@dataclass(frozen=True, eq=False)
class InvertedIndex:
    """Drug d's rows are rows[bounds[d]:bounds[d + 1]], ascending; int32 [members of the pool], int64 [drugs + 1]."""

    rows: np.ndarray
    bounds: np.ndarray

    @classmethod
    def of(cls, pool: Combinations) -> "InvertedIndex":
        bounds = np.concatenate([[0], np.cumsum(np.bincount(pool.members, minlength=pool.drugs))])
        rows = np.empty(len(pool.members), np.int32)
        _fill(pool.offsets, pool.members, bounds.copy(), rows)
        return cls(rows, bounds)

    def __getitem__(self, drug: int) -> np.ndarray:
        """Numbers of the rows that hold a drug, ascending."""
        return self.rows[self.bounds[drug] : self.bounds[drug + 1]]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _fill(offsets: np.ndarray, members: np.ndarray, next_place: np.ndarray, rows: np.ndarray) -> None:
    for row in range(len(offsets) - 1):
        for place in range(offsets[row], offsets[row + 1]):
            drug = members[place]
            rows[next_place[drug]] = row
            next_place[drug] += 1
