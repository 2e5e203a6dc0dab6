"""What is probable about a chart that was not opened, learned from training cases."""

from collections import Counter, defaultdict
from collections.abc import Hashable

import numpy as np

from polypharmacy.env.bank import Bank
from polypharmacy.env.layout import CANDIDATES, CODE, COLUMN_DOSE, NONE, ROW_DOSE, SLOTS
from polypharmacy.env.view import View
from polypharmacy.knowledge import Knowledge

TRUST = (0.5, 3.0, 8.0)
"""How many cases of experience the next coarser level counts for: of the two drugs, of their classes, of the rest."""

Cells = tuple[np.ndarray, np.ndarray]
"""Pair bytes (as in `case.Case.pair`) and their probabilities."""


class Belief:
    """P(severity of a pair | the two drugs) and the points of a drug alone given its flags, by counting.

    Counts of the very drugs lean on counts of their classes, and those on all pairs (Dirichlet back-off).
    """

    def __init__(self, bank: Bank, knowledge: Knowledge) -> None:
        self._class = [row.classes[0] for row in knowledge.ingredients.values()]
        self._pairs: dict[Hashable, Counter[int]] = defaultdict(Counter)
        self._hazards: dict[Hashable, Counter[tuple[int, int, int]]] = defaultdict(Counter)
        self._cells: dict[tuple[int, int], Cells] = {}
        self.word = bank.tables.word
        self.left = bank.tables.left
        self._learn(bank)

    def _learn(self, bank: Bank) -> None:
        seen = bank.seen
        for case in range(bank.size):
            drug = seen.drug[case]
            held = [c for c in range(CANDIDATES) if drug[c] >= 0]
            pair = bank.compiled.pair[case].reshape(CANDIDATES, CANDIDATES)
            for a in held:
                hazard = tuple(int(x) for x in bank.compiled.hazard[case, a * 3 : a * 3 + 3])
                for key in self._hazard_keys(int(drug[a]), int(seen.flag[case, a])):
                    self._hazards[key][hazard] += 1  # type: ignore[index]
                for b in held:
                    if drug[a] < drug[b] and a % SLOTS != b % SLOTS:
                        for key in self._pair_keys(int(drug[a]), int(drug[b])):
                            self._pairs[key][self._kept(key, drug, a, b, int(pair[a, b]))] += 1

    def _kept(self, key: Hashable, drug: np.ndarray, a: int, b: int, cell: int) -> int:
        """The byte as seen from the first of the key: classes are ordered among themselves."""
        if key and isinstance(key, tuple) and isinstance(key[0], str) and key[0] != self._class[int(drug[a])]:
            return mirrored(cell)
        return cell

    def _pair_keys(self, a: int, b: int) -> tuple[Hashable, ...]:
        first, second = sorted((self._class[a], self._class[b]))
        return (a, b), (first, second), ()

    def _hazard_keys(self, drug: int, flag: int) -> tuple[Hashable, ...]:
        return (drug, flag), (self._class[drug], flag), (flag,)

    def cells(self, a: int, b: int) -> Cells:
        """The distribution of the pair byte of two drugs, seen from `a`."""
        if (a, b) not in self._cells:
            low, high = min(a, b), max(a, b)
            found: dict[int, float] = {0: 1.0}
            for key, trust in reversed(list(zip(self._pair_keys(low, high), TRUST, strict=True))):
                counts = self._pairs.get(key, Counter())
                flip = isinstance(key, tuple) and key and isinstance(key[0], str) and key[0] != self._class[low]
                total = counts.total() + trust
                mixed = {cell: p * trust / total for cell, p in found.items()}
                for cell, n in counts.items():
                    cell = mirrored(cell) if flip else cell
                    mixed[cell] = mixed.get(cell, 0.0) + n / total
                found = mixed
            cells = np.array(list(found), dtype=np.uint8)
            self._cells[low, high] = cells, np.array(list(found.values()))
            flipped = np.array([mirrored(int(c)) for c in cells], dtype=np.uint8)
            self._cells[high, low] = flipped, self._cells[low, high][1]
        return self._cells[a, b]

    def hazard(self, drug: int, flag: int) -> tuple[np.ndarray, np.ndarray]:
        """Points alone, [K, 3] as in `case.Case.hazard`, and their probabilities."""
        for key in self._hazard_keys(drug, flag):
            counts = self._hazards.get(key)
            if counts is not None and counts.total() >= 3:
                break
        else:
            counts = Counter({(0, 0, 0): 1})
        weights = np.array(list(counts.values()), dtype=float)
        return np.array(list(counts), dtype=np.int16).reshape(-1, 3), weights / weights.sum()

    def known_cells(self, cells: Cells, word: int) -> Cells:
        """A distribution once a query has said `word` (NONE to SEVERE); a word thought impossible is taken as it is."""
        values, weights = cells
        agrees = self.word[(values & CODE).astype(int) * 2] + NONE == word
        if not agrees.any():
            code = int(np.flatnonzero(self.word[::2] + NONE == word)[0])
            return np.array([code], dtype=np.uint8), np.ones(1)
        kept = weights * agrees
        return values, kept / kept.sum()

    def pair(self, view: View, a: int, b: int, known: int) -> Cells:
        """The distribution of candidates a and b given what was found of them."""
        cells = self.cells(int(view.drug[a]), int(view.drug[b]))
        return self.known_cells(cells, known) if known else cells


def mirrored(cell: int) -> int:
    """A pair byte seen from the other drug."""
    row, column = cell & ROW_DOSE, cell & COLUMN_DOSE
    return cell & CODE | (COLUMN_DOSE if row else 0) | (ROW_DOSE if column else 0)
