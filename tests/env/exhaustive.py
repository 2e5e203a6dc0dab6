"""Every sequence of actions there is, on cases small enough for it."""

import numpy as np

from polypharmacy.env.backends import step_function
from polypharmacy.env.layout import (
    CRITICAL_STOPS,
    DRUGS,
    EVIDENCE,
    FOUND,
    MONITORED,
    PAIRS,
    QUERIES_LEFT,
    REDUCED,
    RESOLVED,
    STOPPED,
    SWITCHED,
    TARGETED,
    UNTARGETED,
    pair_number,
)
from polypharmacy.env.oracle import start_of
from polypharmacy.env.tables import Tables, first_mask

MATTERS = [
    *(RESOLVED, STOPPED, SWITCHED, REDUCED, MONITORED, QUERIES_LEFT),
    *(TARGETED, UNTARGETED, FOUND, CRITICAL_STOPS, EVIDENCE),
]
"""What of a state decides, with the pairs open to a query, what can still be reached. Points and loads follow from it;
steps never run out here.
"""


def exhaustive(tables: Tables, case: int) -> int:
    """The best grade over every sequence of open actions, in millionths: layer by layer, equal states once."""
    step = step_function("numba")
    drugs = int(tables.facts[case, DRUGS])
    pairs = [pair_number(i, j) for i in range(drugs) for j in range(i + 1, drugs)]
    state = start_of(tables, case).reshape(1, -1)
    mask = first_mask(tables, np.array([case]))
    load = tables.first_load[case : case + 1]
    best = 0
    while len(state):
        rows, actions = np.nonzero(mask)
        state, mask, load, actions = state[rows], mask[rows], load[rows], actions.astype(np.int32)
        known, dones = np.zeros((len(rows), PAIRS), dtype=np.uint8), np.zeros(len(rows), dtype=np.uint8)
        rewards, grades = np.zeros((2, len(rows)), dtype=np.int32)
        step(*tables, state, known, mask, load, actions, rewards, dones, grades, 0, 0, 1)
        best = max(best, int(grades.max()))
        key = mask[:, pairs] @ (1 << np.arange(len(pairs), dtype=np.int64))
        for column in MATTERS:
            key = key * (int(state[:, column].max()) + 1) + state[:, column]
        going = np.flatnonzero(dones == 0)
        _, kept = np.unique(key[going], return_index=True)
        state, mask, load = (rows_of[going[kept]] for rows_of in (state, mask, load))
    return best
