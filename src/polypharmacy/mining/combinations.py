"""Sets of drugs, many at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

MOST_DRUGS = 32_767
"""Drugs are numbered in 16 bits."""


@dataclass(frozen=True, eq=False)
class Combinations:
    """Rows of drug numbers.

    offsets: int64 [rows + 1]; row r holds `members[offsets[r]:offsets[r + 1]]`.
    members: int16 [total], ascending and distinct within a row, each in 0 to drugs - 1.
    drugs: how many drugs there are.
    """

    offsets: np.ndarray
    members: np.ndarray
    drugs: int

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> np.ndarray:
        return self.members[self.offsets[row] : self.offsets[row + 1]]

    @property
    def sizes(self) -> np.ndarray:
        """Drugs of each row, int64 [rows]."""
        return np.diff(self.offsets)

    @classmethod
    def of(cls, rows: Iterable[Sequence[int]], drugs: int) -> "Combinations":
        """From sequences of drug numbers, in any order; a number given twice counts once.

        Raises ValueError for a number out of range.
        """
        held = [np.unique(np.asarray(row, dtype=np.int64)) if len(row) else np.empty(0, np.int64) for row in rows]
        sizes = np.array([len(row) for row in held], dtype=np.int64)
        members = np.concatenate(held) if held else np.empty(0, np.int64)
        if not 0 < drugs <= MOST_DRUGS:
            raise ValueError(f"drugs is {drugs}, not 1 to {MOST_DRUGS}")
        if len(members) and not (members.min() >= 0 and members.max() < drugs):
            raise ValueError(f"a drug number is outside 0 to {drugs - 1}")
        return cls(_offsets(sizes), members.astype(np.int16), drugs)

    @classmethod
    def from_dense(cls, table: ArrayLike) -> "Combinations":
        """From a table of zeros and ones, [rows, drugs]."""
        table = np.asarray(table)
        rows, members = np.nonzero(table)
        sizes = np.bincount(rows, minlength=len(table)).astype(np.int64)
        return cls(_offsets(sizes), members.astype(np.int16), table.shape[1])

    def dense(self, rows: ArrayLike | None = None, dtype: type = np.float32) -> np.ndarray:
        """A table of zeros and ones, [rows, drugs]; of the rows given, or of all."""
        part = self if rows is None else self.take(rows)
        table: np.ndarray = np.zeros((len(part), self.drugs), dtype)
        table[np.repeat(np.arange(len(part)), part.sizes), part.members] = 1
        return table

    def take(self, rows: ArrayLike) -> "Combinations":
        """The rows given by number, in that order."""
        rows = np.asarray(rows, dtype=np.int64)
        sizes = self.sizes[rows]
        offsets = _offsets(sizes)
        places = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], sizes)
        return Combinations(offsets, self.members[places], self.drugs)

    def join(self, other: "Combinations") -> "Combinations":
        """These rows, then those of another over the same drugs."""
        return Combinations(
            np.concatenate([self.offsets, other.offsets[1:] + self.offsets[-1]]),
            np.concatenate([self.members, other.members]),
            self.drugs,
        )

    def keys(self) -> np.ndarray:
        """A 64-bit number of each row, uint64 [rows]; equal rows have equal numbers, others differ (all but surely)."""
        codes = np.random.default_rng(0x5EED).integers(1, 2**64 - 1, self.drugs, dtype=np.uint64)
        sums = np.concatenate([[np.uint64(0)], np.cumsum(codes[self.members], dtype=np.uint64)])
        return sums[self.offsets[1:]] - sums[self.offsets[:-1]]  # type: ignore[no-any-return]


def _offsets(sizes: np.ndarray) -> np.ndarray:
    offsets = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=offsets[1:])
    return offsets
