"""Sets of drugs taken on one day, against every day looked at."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from polypharmacy.mining.regimens import largest_regimens


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 8), st.integers(1, 120))
@settings(max_examples=80, deadline=None)
def test_sets_are_the_largest_of_all_days(seed: int, patients: int, drugs: int, days: int) -> None:
    draw = np.random.default_rng(seed)
    on = draw.random((patients, drugs, days)) < draw.choice((0.1, 0.5, 0.9))
    edges = np.diff(np.pad(on.astype(np.int8), ((0, 0), (0, 0), (1, 1))), axis=2)
    of, drug, first = np.nonzero(edges == 1)
    last = np.nonzero(edges == -1)[2] - 1
    order = np.lexsort((draw.random(len(of)), of))  # spells of a patient in any order
    held, whose = largest_regimens(of[order], drug[order].astype(np.int16), first[order], last[order], drugs)
    assert whose.tolist() == sorted(whose.tolist())
    for patient in range(patients):
        daily = {frozenset(np.flatnonzero(on[patient, :, day]).tolist()) for day in range(days)} - {frozenset()}
        wanted = {one for one in daily if not any(one < other for other in daily)}
        found = [held[int(row)].tolist() for row in np.flatnonzero(whose == patient)]
        assert all(row == sorted(row) for row in found)
        assert len(found) == len(wanted)
        assert {frozenset(row) for row in found} == wanted
