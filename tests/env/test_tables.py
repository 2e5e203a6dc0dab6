"""The tables that a step reads say what the compiled cases say."""

import numpy as np
import pytest

from polypharmacy.env.actions import PAIR_SLOTS
from polypharmacy.env.bank import load_bank
from polypharmacy.env.layout import (
    ALTERNATIVES,
    CANDIDATES,
    CODE,
    DRUGS,
    FINISH,
    FIRST_INTERVENTION,
    INTERVENTIONS,
    LINK_CANDIDATE,
    LINK_CODE,
    SLOTS,
    SUBSTITUTE,
)
from polypharmacy.env.tables import first_mask
from polypharmacy.env.tasks import TASKS


@pytest.mark.parametrize("task", TASKS)
def test_tables_and_cases_agree(task: str) -> None:
    bank = load_bank(task, "test", 8)
    tables, compiled = bank.tables, bank.compiled
    burdens = len(tables.burden)
    for case in range(bank.size):
        pair = compiled.pair[case].reshape(CANDIDATES, CANDIDATES)
        for number, (i, j) in enumerate(PAIR_SLOTS):
            for which in range(4):
                a, b = i + SLOTS * (which & 1), j + SLOTS * (which >> 1)
                answer = int(tables.answer[case, number]) >> 2 * which & 3
                assert answer == tables.word[int(pair[a, b] & CODE) * 2]
        for a in range(CANDIDATES):
            begin, end = tables.link_start[case * CANDIDATES + a : case * CANDIDATES + a + 2]
            links = {int(x) & LINK_CANDIDATE: int(x) >> LINK_CODE for x in tables.link[begin:end]}
            assert links == {b: int(pair[a, b]) for b in np.flatnonzero(pair[a])}
            row = tables.alone[case].reshape(CANDIDATES, 3 + burdens)[a]
            assert row[:3].tolist() == compiled.hazard[case, 3 * a : 3 * a + 3].tolist()
            assert row[3:].tolist() == compiled.weight[case, burdens * a : burdens * (a + 1)].tolist()


@pytest.mark.parametrize("task", TASKS)
def test_open_at_first_is_what_the_list_allows(task: str) -> None:
    bank = load_bank(task, "test", 8)
    for case, mask in enumerate(first_mask(bank.tables, np.arange(bank.size))):
        drugs, alternatives = bank.tables.facts[case, [DRUGS, ALTERNATIVES]]
        wanted = {number for number, (_, j) in enumerate(PAIR_SLOTS) if j < drugs} | {FINISH}
        for slot in range(drugs):
            for kind in range(INTERVENTIONS):
                if kind != SUBSTITUTE or alternatives >> slot & 1:
                    wanted.add(FIRST_INTERVENTION + slot * INTERVENTIONS + kind)
        assert set(np.flatnonzero(mask)) == wanted
