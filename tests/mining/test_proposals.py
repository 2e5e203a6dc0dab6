"""Combinations proposed from what a model learned, and the index that finds existing ones."""

import numpy as np

from polypharmacy.mining.inverted_index import InvertedIndex
from polypharmacy.mining.pool import Pool
from polypharmacy.mining.proposals import propose
from polypharmacy.mining.regimen_classes import RegimenClasses
from polypharmacy.mining.simulator import simulate


def learned(pool: Pool, answers: int) -> RegimenClasses:
    """A model fitted to the pool's first rows."""
    risks = pool.relative_risk[:answers]
    model = RegimenClasses.start(pool.combinations.drugs, risks, 0)
    model.fit(pool.combinations, np.arange(answers), risks, 120)
    return model


def test_the_index_holds_each_drug_s_rows() -> None:
    pool = simulate(104, combinations=500, drugs=40).combinations
    index, table = InvertedIndex.of(pool), pool.dense()
    for drug in range(40):
        np.testing.assert_array_equal(index[drug], np.flatnonzero(table[:, drug]))


def test_proposals_exist_repeat_and_hit_oftener_than_a_fresh_sample() -> None:
    for seed in (1, 2, 3):
        pool = simulate(seed, "protective", combinations=30_000)
        index, model = InvertedIndex.of(pool.combinations), learned(pool, 1000)
        rows, again = (
            propose(model, pool.combinations, index, 4000, 1.1, np.random.default_rng(seed)) for _ in range(2)
        )
        np.testing.assert_array_equal(rows, again)
        assert 100 < len(rows) <= 4000
        assert (np.diff(rows) > 0).all()
        assert 0 <= rows[0] <= rows[-1] < len(pool)
        unseen, truth = rows[rows >= 1000], pool.relative_risk > 1.1
        assert truth[unseen].mean() > truth[1000:].mean() + 0.1


def test_nothing_is_proposed_when_nothing_is_known() -> None:
    pool = simulate(1, combinations=2000, drugs=50)
    model = RegimenClasses.start(50, np.full(100, 1.0, np.float32), 0)
    model.weights[:] = 0
    index = InvertedIndex.of(pool.combinations)
    assert len(propose(model, pool.combinations, index, 500, 1.1, np.random.default_rng(0))) == 0


def test_a_drug_that_no_row_holds_is_no_harm() -> None:
    pool = simulate(1, combinations=2000, drugs=50)
    wider = Pool(
        type(pool.combinations)(pool.combinations.offsets, pool.combinations.members, 51),
        (*pool.names, "never_taken"),
        pool.relative_risk,
    )
    model = learned(wider, 1000)
    model.weights[50] = 20
    rows = propose(model, wider.combinations, InvertedIndex.of(wider.combinations), 500, 1.1, np.random.default_rng(0))
    assert len(rows) == 0 or rows.max() < 2000
