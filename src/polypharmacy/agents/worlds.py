"""Charts that could be, given what is seen: samples of the belief as cases the environment's own step can play."""

from typing import NamedTuple

import numpy as np

from polypharmacy.agents.belief import Belief, Cells, mirrored
from polypharmacy.env.actions import PAIR_SLOTS
from polypharmacy.env.bank import Bank, Seen
from polypharmacy.env.layout import (
    ALTERNATIVES,
    CANDIDATES,
    CASE_FACTS,
    CODE,
    CRITICAL,
    DRUGS,
    EASY_SCREENING,
    FLAGS,
    NONE,
    SEVERE,
    SEVERE_PAIR,
    SEVERE_PAIRS,
    SLOTS,
    START_POINTS,
)
from polypharmacy.env.tables import Compiled, Tables, with_cases
from polypharmacy.env.view import View

TRIES = 4
"""Samples drawn for one kept, to have those with two severe pairs where the task says there are."""


class Worlds(NamedTuple):
    """M possible cases, as a bank, and the words [M, 105] that a query of each pair of slots would find."""

    bank: Bank
    words: np.ndarray


def sample(view: View, belief: Belief, count: int, draw: np.random.Generator, like: Tables) -> Worlds:
    """Cases that agree with all that was found, drawn pair by pair; findings over three drugs are left out.

    The task's own condition is kept to: exactly one severe pair (easy), two or more (the others) where it can be.
    """
    n = view.drugs
    held = [*range(n), *(SLOTS + i for i in range(n) if view.alternatives >> i & 1)]
    easy = view.task.number == EASY_SCREENING
    many = count if easy else count * TRIES
    pair = np.zeros((many, CANDIDATES, CANDIDATES), dtype=np.uint8)
    originals = {(i, j): _cells(view, belief, i, j) for i in range(n) for j in range(i + 1, n)}
    one = _the_severe_pair(originals, belief, many, draw) if easy else None
    for place, a in enumerate(held):
        for b in held[place + 1 :]:
            if a % SLOTS == b % SLOTS:
                continue
            cells = originals.get((a, b)) or _cells(view, belief, a, b)
            if len(cells[0]) == 1 and cells[0][0] == 0:
                continue
            if one is not None and b < SLOTS:
                drawn = _with_one_severe(cells, belief, one == list(originals).index((a, b)), draw)
            else:
                drawn = _draw(cells, many, draw)
            pair[:, a, b] = drawn
            pair[:, b, a] = _MIRROR[drawn]
    word = belief.word[::2]
    i, j = (np.array([p[k] for p in PAIR_SLOTS if p[1] < n]) for k in (0, 1))
    severe = word[pair[:, i, j] & CODE] == SEVERE - NONE
    if not easy:
        order = np.argsort(severe.sum(axis=1) < 2, kind="stable")[:count]
        pair, severe = pair[order], severe[order]
    hazard = np.zeros((count, CANDIDATES, 3), dtype=np.int16)
    for c in held:
        points, chances = belief.hazard(int(view.drug[c]), int(view.flag[c]))
        hazard[:, c] = points[np.searchsorted(np.cumsum(chances)[:-1], draw.random(count))]
    first_load = view.weight[:n].sum(axis=0, dtype=np.int32)
    over = np.maximum(first_load + 1 - view.burden[:, 1], 0)
    start = belief.left[(pair[:, i, j] & CODE).astype(int) * 4].sum(axis=1) + hazard[:, :n, 0].sum(axis=1)
    facts = np.zeros((count, CASE_FACTS), dtype=np.int32)
    facts[:, DRUGS], facts[:, ALTERNATIVES], facts[:, CRITICAL] = n, view.alternatives, view.critical
    facts[:, FLAGS] = sum(1 << int(c) for c in np.flatnonzero(view.flag))
    facts[:, START_POINTS] = np.maximum(1, start + int((over * view.burden[:, 0]).sum()))
    facts[:, SEVERE_PAIRS] = severe.sum(axis=1)
    numbers = like.pair_number[i, j]
    facts[:, SEVERE_PAIR] = np.where(facts[:, SEVERE_PAIRS] == 1, numbers[severe.argmax(axis=1)], -1)
    of_slot = [view.needs[view.needs[:, 0] >> slot & 1 == 1] for slot in range(SLOTS)]
    starts = np.cumsum([0, *[len(rows) for rows in of_slot] * count]).astype(np.int32)
    compiled = Compiled(pair, hazard, np.broadcast_to(view.weight, (count, *view.weight.shape)))
    tables = with_cases(like, facts, compiled)._replace(
        need_start=starts,
        need=np.ascontiguousarray(np.concatenate(of_slot * count)),
        term_start=np.zeros(count + 1, dtype=np.int32),
        term=np.zeros((0, 3), dtype=np.int32),
    )
    now = [view.candidate(s) for s in range(n)]
    words = np.zeros((count, len(PAIR_SLOTS)), dtype=np.uint8)
    for number, (a, b) in enumerate(PAIR_SLOTS):
        if b < n:
            words[:, number] = word[pair[:, now[a], now[b]] & CODE] + NONE
    unseen = Seen(*(np.zeros(0) for _ in Seen._fields))
    return Worlds(Bank(view.task, "sampled", tables, compiled, unseen, "", ""), words)


_MIRROR = np.array([mirrored(c) for c in range(256)], dtype=np.uint8)


def _cells(view: View, belief: Belief, a: int, b: int) -> Cells:
    """What is believed of two candidates; what a query found of those held now is certain."""
    known = 0
    i, j = a % SLOTS, b % SLOTS
    if view.candidate(i) == a and view.candidate(j) == b:
        low, high = min(i, j), max(i, j)
        known = int(view.known[low * (2 * SLOTS - low - 1) // 2 + high - low - 1])
    return belief.pair(view, a, b, known)


def _draw(cells: Cells, count: int, draw: np.random.Generator) -> np.ndarray:
    values, chances = cells
    picks = np.searchsorted(np.cumsum(chances)[:-1], draw.random(count))
    return np.asarray(values[picks])


def _severe(cells: Cells, belief: Belief) -> np.ndarray:
    return np.asarray(belief.word[(cells[0] & CODE).astype(int) * 2] == SEVERE - NONE)


def _the_severe_pair(
    originals: dict[tuple[int, int], Cells], belief: Belief, count: int, draw: np.random.Generator
) -> np.ndarray:
    """Which pair is the one severe pair, by the odds of each against all others not being it."""
    chance = np.array([float(c[1][_severe(c, belief)].sum()) for c in originals.values()])
    odds = chance / np.maximum(1.0 - chance, 1e-9) + 1e-9
    return np.searchsorted(np.cumsum(odds / odds.sum())[:-1], draw.random(count))


def _with_one_severe(cells: Cells, belief: Belief, is_it: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Bytes that are severe exactly where `is_it`."""
    values, chances = cells
    severe = _severe(cells, belief)
    out = np.zeros(len(is_it), dtype=np.uint8)
    for wanted, of in ((True, severe), (False, ~severe)):
        here = is_it == wanted
        if not here.any():
            continue
        if of.any() and chances[of].sum() > 0:
            out[here] = _draw((values[of], chances[of] / chances[of].sum()), int(here.sum()), draw)
        elif wanted:
            out[here] = belief.known_cells(cells, SEVERE)[0][0]
    return out
