"""What is probable of a chart that was not opened, as tables that a compiled function reads.

The same counting and the same back-off as `belief.Belief` (the two drugs, their classes, all pairs), laid out flat.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from polypharmacy.agents.belief import TRUST
from polypharmacy.env.bank import Bank
from polypharmacy.env.layout import CANDIDATES, CODE, COLUMN_DOSE, NONE, ROW_DOSE, SLOTS
from polypharmacy.knowledge import Knowledge

CELLS = 64
"""Values of a pair's byte: 16 codes, whose dose reduction helps."""
WORDS = 4
WHOLE, ROW_REDUCED, COLUMN_REDUCED, WATCHED = range(4)
"""Expected points of a pair: as it is, with one dose reduced or the other, monitored."""
EXPECTED = 4
CHANCES = (1 + WORDS) * EXPECTED
"""Columns of `Prior.rows`: by what is known (layout.UNKNOWN ...) the four expected points, then from here P(word)."""
ROW = CHANCES + WORDS
FLAGGED = 8
"""Values of a candidate's flag byte."""
ENOUGH = 3
"""Cases that a drug, then its class, needs before its own mean is believed."""


class Counts(NamedTuple):
    """Experience. pairs int32 [M, 4]: drug a < b, byte seen from a, cases; hazards int32 [H, 6]: drug, flag, points
    alone (untouched, reduced, monitored), cases; usual float32 [D], the median daily dose in mg, 0: none seen. Drugs
    are places in the knowledge base.
    """

    pairs: np.ndarray
    hazards: np.ndarray
    usual: np.ndarray

    def save(self, path: Path) -> None:
        np.savez_compressed(path, **self._asdict())

    @classmethod
    def load(cls, path: Path) -> "Counts":
        with np.load(path) as held:
            return cls(**held)


class Prior(NamedTuple):
    """Expectations. pair int32 [D, D]: the row for two drugs, seen from the first; rows float32 [R, 24]; hazard float32
    [D, 8, 3] points alone by drug and flag byte.
    """

    pair: np.ndarray
    rows: np.ndarray
    hazard: np.ndarray


def count(banks: Iterable[Bank], drugs: int, first: int = 0) -> Counts:
    """What the cases from number `first` on hold, every chart open: for training cases only. `drugs` is D."""
    pairs, hazards, doses = [], [], []
    for bank in banks:
        drug = bank.seen.drug[first:].astype(np.int64)
        cell = bank.compiled.pair[first:].reshape(-1, CANDIDATES, CANDIDATES)
        points = bank.compiled.hazard[first:].reshape(-1, CANDIDATES, 3)
        for i in range(CANDIDATES):
            held = drug[:, i] >= 0
            flag = bank.seen.flag[first:, i]
            hazards.append(np.column_stack([drug[:, i], flag, points[:, i]])[held])
            doses.append(np.column_stack([drug[:, i], bank.seen.daily_mg[first:, i]])[held])
            for j in range(i + 1, CANDIDATES):
                a, b, seen = drug[:, i], drug[:, j], cell[:, i, j]
                seen = np.where(a < b, seen, _mirrored(seen))
                both = held & (b >= 0) & (a != b) & (i % SLOTS != j % SLOTS)
                pairs.append(np.column_stack([np.minimum(a, b), np.maximum(a, b), seen])[both])
    return Counts(_tally(np.concatenate(pairs)), _tally(np.concatenate(hazards)), _usual(np.concatenate(doses), drugs))


def prior_of(counts: Counts, knowledge: Knowledge, left: np.ndarray, word: np.ndarray) -> Prior:
    """Expectations from counts; `left` [44] and `word` [22] as `dynamics.step` reads them."""
    kinds = list(knowledge.classes)
    class_of = np.array([kinds.index(row.classes[0]) for row in knowledge.ingredients.values()])
    a, b, cell, cases = counts.pairs.astype(np.int64).T
    everything = np.bincount(cell, cases, CELLS)
    base = np.eye(CELLS)[0]
    base = (everything + TRUST[2] * base) / (everything.sum() + TRUST[2])

    # Two classes in both orders; a pair within one class counts half in each.
    of_classes = np.zeros((len(kinds) ** 2, CELLS))
    same = class_of[a] == class_of[b]
    weight = np.where(same, cases / 2, cases)
    np.add.at(of_classes, (class_of[a] * len(kinds) + class_of[b], cell), weight)
    np.add.at(of_classes, (class_of[b] * len(kinds) + class_of[a], _mirrored(cell)), weight)
    of_classes = (of_classes + TRUST[1] * base) / (of_classes.sum(axis=1, keepdims=True) + TRUST[1])

    own, place = np.unique(a * len(class_of) + b, return_inverse=True)
    low, high = np.divmod(own, len(class_of))
    of_drugs = np.zeros((len(own), CELLS))
    np.add.at(of_drugs, (place, cell), cases)
    above = of_classes[class_of[low] * len(kinds) + class_of[high]]
    of_drugs = (of_drugs + TRUST[0] * above) / (of_drugs.sum(axis=1, keepdims=True) + TRUST[0])

    table = class_of[:, None] * len(kinds) + class_of[None, :]
    table[low, high] = len(of_classes) + np.arange(len(own))
    table[high, low] = len(of_classes) + len(own) + np.arange(len(own))
    chances = np.concatenate([of_classes, of_drugs, of_drugs[:, _mirrored(np.arange(CELLS))]])
    return Prior(table.astype(np.int32), _expected(chances, left, word), _hazards(counts, class_of))


def _expected(chances: np.ndarray, left: np.ndarray, word: np.ndarray) -> np.ndarray:
    """Rows of the prior, float32 [R, 24], of distributions over the byte [R, 64]."""
    cells = np.arange(CELLS)
    code = cells & CODE
    known = code < len(word) // 2
    code = np.where(known, code, 0)
    row, column = (cells & ROW_DOSE) > 0, (cells & COLUMN_DOSE) > 0
    points = np.stack([left[code * 4], left[code * 4 + row], left[code * 4 + column], left[code * 4 + 2]], axis=1)
    words = word[code * 2]
    rows = np.zeros((len(chances), ROW), dtype=np.float32)
    rows[:, :EXPECTED] = chances @ points
    for w in range(WORDS):
        here = (words == w) & known
        chance = chances[:, here].sum(axis=1)
        found = chances[:, here] @ points[here] / np.maximum(chance, 1e-9)[:, None]
        # A word thought impossible is taken as its mildest finding.
        found[chance < 1e-6] = points[here][0]
        start = (NONE + w) * EXPECTED
        rows[:, start : start + EXPECTED] = found
        rows[:, CHANCES + w] = chance
    return rows


def _hazards(counts: Counts, class_of: np.ndarray) -> np.ndarray:
    """Mean points alone, float32 [D, 8, 3]: of the drug and flag, else of its class and flag, else of the flag."""
    drug, flag = counts.hazards[:, 0].astype(np.int64), counts.hazards[:, 1].astype(np.int64)
    points, cases = counts.hazards[:, 2:5].astype(np.float64), counts.hazards[:, 5].astype(np.float64)
    out = np.zeros((len(class_of), FLAGGED, 3))
    for group, of_drug in (
        (np.zeros(len(class_of), dtype=np.int64), 1),
        (class_of, ENOUGH),
        (np.arange(len(class_of)), ENOUGH),
    ):
        total = np.zeros((group.max() + 1, FLAGGED))
        summed = np.zeros((group.max() + 1, FLAGGED, 3))
        np.add.at(total, (group[drug], flag), cases)
        np.add.at(summed, (group[drug], flag), points * cases[:, None])
        mean = summed / np.maximum(total, 1)[:, :, None]
        out = np.where((total >= of_drug)[group][:, :, None], mean[group], out)
    return out.astype(np.float32)


def _mirrored(cell: np.ndarray) -> np.ndarray:
    """Pair bytes seen from the other drug."""
    row, column = (cell & ROW_DOSE) > 0, (cell & COLUMN_DOSE) > 0
    return np.asarray(cell & CODE | COLUMN_DOSE * row | ROW_DOSE * column)


def _tally(rows: np.ndarray) -> np.ndarray:
    """Distinct rows of small numbers with how often each stands there, int32."""
    base = tuple(rows.max(axis=0) + 1)
    distinct, times = np.unique(np.ravel_multi_index(tuple(rows.T), base), return_counts=True)
    return np.column_stack([*np.unravel_index(distinct, base), times]).astype(np.int32)


def _usual(doses: np.ndarray, drugs: int) -> np.ndarray:
    doses = doses[doses[:, 1] > 0]
    doses = doses[np.lexsort((doses[:, 1], doses[:, 0]))]
    first = np.searchsorted(doses[:, 0], np.arange(drugs))
    last = np.searchsorted(doses[:, 0], np.arange(drugs), side="right")
    out = np.zeros(drugs, dtype=np.float32)
    some = last > first
    out[some] = doses[(first[some] + last[some]) // 2, 1]
    return out
