"""Cases whose tables are drawn at random, so that rare ways to a good grade are not rare."""

import random

import numpy as np

from polypharmacy.env.case import Case
from polypharmacy.env.layout import (
    ALTERNATIVES,
    CANDIDATES,
    CODE,
    COLUMN_DOSE,
    CRITICAL,
    DRUGS,
    FLAGS,
    NONE,
    ROW_DOSE,
    SEVERE,
    SEVERE_PAIR,
    SEVERE_PAIRS,
    SLOTS,
    START_POINTS,
    pair_number,
)
from polypharmacy.env.tables import Tables


def scrambled(case: Case, tables: Tables, draw: random.Random) -> Case:
    """A case with everything that counts drawn anew; often without any flag, and of few kinds of pairs."""
    drugs = int(case.facts[DRUGS])
    held = [*range(drugs), *range(SLOTS, SLOTS + drugs)]
    codes = draw.choice([range(1, 11), (2, 3), (2, 3, 4), (4, 5), (3, 4, 9)])
    density = draw.choice([0.2, 0.4, 0.7, 1.0])
    pair = np.zeros((CANDIDATES, CANDIDATES), dtype=np.uint8)
    for a in held:
        for b in held:
            if a < b and a % SLOTS != b % SLOTS and draw.random() < density:
                code, row, column = draw.choice(codes), draw.random() < 0.3, draw.random() < 0.3
                pair[a, b] = code | ROW_DOSE * row | COLUMN_DOSE * column
                pair[b, a] = code | ROW_DOSE * column | COLUMN_DOSE * row
    hazard = np.zeros((CANDIDATES, 3), dtype=np.int16)
    weight = np.zeros((CANDIDATES, len(tables.burden)), dtype=np.int16)
    for a in held:
        if draw.random() < 0.5:
            points = draw.randrange(draw.choice([5, 20, 60, 150]))
            hazard[a] = points, draw.randrange(points + 1), draw.randrange(points + 1)
        weight[a] = [draw.randrange(1, 4) if draw.random() < 0.3 else 0 for _ in tables.burden]
    terms = []
    for _ in range(draw.choice([0, 0, 1, 2])):
        members = [slot + SLOTS * (draw.random() < 0.3) for slot in draw.sample(range(drugs), 3)]
        helped = sum(1 << a for a in members if draw.random() < 0.4)
        terms.append((sum(1 << a for a in members), helped, draw.choice(codes)))
    needs = []
    for _ in range(draw.choice([0, 1, 2, 4])):
        points = draw.choice([5, 30, 100])
        needs.append((sum(1 << i for i in draw.sample(range(drugs), draw.choice([1, 2]))), points, points // 2))
    flagged = draw.choice([0.0, 0.0, 0.2, 0.5])
    severe = [
        pair_number(i, j)
        for i in range(drugs)
        for j in range(i + 1, drugs)
        if tables.word[(pair[i, j] & CODE) * 2] == SEVERE - NONE
    ]
    fact = case.facts.copy()
    fact[ALTERNATIVES] = sum(1 << i for i in range(drugs) if draw.random() < 0.7)
    fact[FLAGS] = sum(1 << a for a in held if draw.random() < flagged)
    fact[CRITICAL] = sum(1 << i for i in range(drugs) if draw.random() < 0.2)
    fact[SEVERE_PAIRS] = len(severe)
    fact[SEVERE_PAIR] = severe[0] if len(severe) == 1 else -1
    drawn = case._replace(
        facts=fact,
        pair=pair.reshape(-1),
        hazard=hazard.reshape(-1),
        weight=weight.reshape(-1),
        need=np.array(needs, dtype=np.int32).reshape(-1, 3),
        term=np.array(terms, dtype=np.int32).reshape(-1, 3),
    )
    fact[START_POINTS] = points_at_start(drawn, tables)
    return drawn if fact[START_POINTS] > 0 else scrambled(case, tables, draw)


def points_at_start(case: Case, tables: Tables) -> int:
    """Regimen risk of a case's medicines as its arrays have it, every part of it counted anew."""
    drugs = int(case.facts[DRUGS])
    pair = case.pair.reshape(CANDIDATES, CANDIDATES)[:drugs, :drugs] & CODE
    weight = case.weight.reshape(CANDIDATES, -1)[:drugs]
    over = np.maximum(0, weight.sum(axis=0) + 1 - tables.burden[:, 1])
    points = int((over * tables.burden[:, 0]).sum()) + int(case.hazard.reshape(CANDIDATES, 3)[:drugs, 0].sum())
    points += sum(int(tables.left[pair[i, j] * 4]) for i in range(drugs) for j in range(i + 1, drugs))
    return points + sum(int(tables.left[code * 4]) for bits, _, code in case.term if bits < 1 << SLOTS)
