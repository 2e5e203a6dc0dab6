"""The pool search: its parts, its honesty, and that it goes on where it stopped."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polypharmacy.mining.calibration import SHARE, Calibration
from polypharmacy.mining.combinations import Combinations
from polypharmacy.mining.errors import ClaimsError
from polypharmacy.mining.metrics import grade
from polypharmacy.mining.pool_search import PROPOSALS, pool_search
from polypharmacy.mining.queries import Queries
from polypharmacy.mining.regimen_classes import RegimenClasses
from polypharmacy.mining.simulator import simulate


@given(st.integers(0, 2**32 - 1), st.integers(0, 2000))
@settings(max_examples=30, deadline=None)
def test_the_cut_keeps_its_promise(seed: int, count: int) -> None:
    draw = np.random.default_rng(seed)
    scores = draw.random(count)
    right = (draw.random(count) < scores**2).astype(float)
    calibration = Calibration.of(scores, right, np.ones(len(scores)))
    fresh = np.sort(draw.random(3000))
    chance = calibration.chance(fresh)
    assert (np.diff(chance) >= 0).all()
    assert ((chance >= 0) & (chance <= 1)).all()
    cut = calibration.cut(fresh, 100, 0.05)
    assert cut <= calibration.cut(fresh, 100, 0.02)
    assert cut <= calibration.cut(fresh, 10, 0.05)
    flagged = fresh[fresh >= cut]
    assert calibration.false(flagged).sum() <= SHARE * 0.05 * (len(flagged) + 100) + 1e-6


def test_calibration_finds_the_curve_that_made_the_answers() -> None:
    draw = np.random.default_rng(0)
    scores = draw.random(20_000)
    right = (draw.random(20_000) < 1 / (1 + np.exp(-(2 * np.log(scores / (1 - scores)) - 0.5)))).astype(float)
    calibration = Calibration.of(scores, right, np.ones(len(scores)))
    assert calibration.slope == pytest.approx(2, abs=0.15)
    assert calibration.intercept == pytest.approx(-0.5, abs=0.15)


def test_answers_that_count_for_nothing_change_nothing() -> None:
    draw = np.random.default_rng(1)
    scores, right = draw.random(900), (draw.random(900) < 0.5).astype(float)
    weight = (np.arange(900) < 600).astype(float)
    one = Calibration.of(scores, right, weight)
    other = Calibration.of(scores[:600], right[:600], np.ones(600))
    fresh = draw.random(100)
    np.testing.assert_allclose(one.chance(fresh), other.chance(fresh))


def test_false_ones_among_the_highest_scores_stop_the_flagging() -> None:
    scores = np.linspace(0.9, 0.999, 2000)
    unasked = np.full(10_000, 0.995)
    right = np.ones(2000)
    assert Calibration.of(scores, right, np.ones(2000)).cut(unasked, 0, 0.01) <= 0.995
    right[::30] = 0
    assert Calibration.of(scores, right, np.ones(2000)).cut(unasked, 0, 0.01) == np.inf


def test_rows_of_one_score_are_flagged_all_or_none() -> None:
    draw = np.random.default_rng(2)
    sure, doubtful = np.full(1000, 0.999), np.full(1000, 0.75)
    right = np.concatenate([np.ones(1000), draw.random(1000) < 0.75])
    calibration = Calibration.of(np.concatenate([sure, doubtful]), right, np.ones(2000))
    cut = calibration.cut(np.concatenate([np.full(5000, 0.999), np.full(5000, 0.75)]), 0, 0.01)
    assert cut == 0.999


def test_regimen_classes_learn_two_of_a_pattern() -> None:
    draw = np.random.default_rng(0)
    pool = simulate(1, combinations=12_000, drugs=120).combinations
    table = pool.dense()
    pattern = np.arange(6)
    member = table[:, pattern].sum(axis=1) >= 2
    risk = np.where(member, draw.normal(1.8, 0.1, len(table)), draw.normal(1.0, 0.05, len(table))).astype(np.float32)
    rows = np.arange(6000)
    model = RegimenClasses.start(120, risk[rows], 0, 4)
    model.fit(pool, rows, risk[rows], 200)
    chance = model.chance(pool, np.arange(6000, 12_000), 1.1)
    assert chance[member[6000:]].mean() > 0.85
    assert chance[~member[6000:]].mean() < 0.1


def test_what_a_noisy_answer_says_is_bayes_rule() -> None:
    """Two classes without gates: the chance is a ratio of integrals, taken here over a fine grid."""
    model = RegimenClasses.start(5, np.linspace(0.9, 2, 50, dtype=np.float32), 0, 2)
    model.intercepts[:] = -1000
    model.intercepts[:2] = math.log(0.8), math.log(0.2)
    model.weights[:] = 0
    model.means[:2], model.log_sds[:2] = (1.0, 1.3), np.log([0.15, 0.2])
    model.sizes[:2] = 80, 20
    pool, noise = Combinations.of([[0]] * 3, 5), 0.1
    answers = np.array([1.0, 1.15, 1.4])
    chance = model.chance_given(pool, np.arange(3), answers, 1.1, noise)
    grid = np.linspace(-1, 4, 200_001)

    def normal(x: np.ndarray, mean: float, sd: float) -> np.ndarray:
        return np.exp(-0.5 * ((x - mean) / sd) ** 2) / sd

    spreads = [math.sqrt(sd**2 - noise**2) for sd in (0.15, 0.2)]
    prior = 0.8 * normal(grid, 1.0, spreads[0]) + 0.2 * normal(grid, 1.3, spreads[1])
    for answer, found in zip(answers, chance, strict=True):
        posterior = prior * normal(grid, answer, noise)
        assert found == pytest.approx(posterior[grid > 1.1].sum() / posterior.sum(), abs=1e-3)
    np.testing.assert_array_equal(model.chance_given(pool, np.arange(3), answers, 1.1, 0.0), [0, 1, 1])


def test_a_search_is_right_about_what_it_flags_and_repeats(tmp_path: Path) -> None:
    pool = simulate(100, combinations=20_000, drugs=120)
    queries = Queries(pool, 3)
    found = pool_search(queries, 1200, 3)
    assert len(np.unique(queries.rows)) == len(queries.rows) == 1200
    graded = grade(pool, found.flagged, queries.rows, found.score, 1.1)
    assert graded["precision"] >= 0.98
    assert graded["recall"] > 3 * (pool.relative_risk[queries.rows] > 1.1).sum() / (pool.relative_risk > 1.1).sum() or (
        graded["recall"] > 0.8
    )
    again = pool_search(Queries(pool, 3), 1200, 3)
    np.testing.assert_array_equal(found.flagged, again.flagged)


def test_a_stopped_search_asks_nothing_twice(tmp_path: Path) -> None:
    pool = simulate(101, combinations=4000, drugs=80)

    class StopError(Exception):
        pass

    def stop(asked: int) -> None:
        if asked > 400:
            raise StopError

    whole = Queries(pool, 1)
    wanted = pool_search(whole, 600, 1)
    journal = tmp_path / "queries.npz"
    with pytest.raises(StopError):
        pool_search(Queries(pool, 1, journal=journal), 600, 1, progress=stop)
    resumed = Queries(pool, 1, journal=journal)
    assert resumed.remembered > 400
    found = pool_search(resumed, 600, 1)
    np.testing.assert_array_equal(found.flagged, wanted.flagged)
    np.testing.assert_array_equal(resumed.rows, whole.rows)
    journal.write_bytes(b"half")
    with pytest.raises(ClaimsError, match=r"queries\.npz"):
        Queries(pool, 1, journal=journal)


def test_a_pool_too_large_to_read_each_time_is_searched_by_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = simulate(103, combinations=20_000, drugs=100)
    monkeypatch.setattr("polypharmacy.mining.pool_search.LOOK", 4000)
    monkeypatch.setattr("polypharmacy.mining.pool_search.SAMPLE", 3000)
    queries, seen = Queries(pool, 0), []
    found = pool_search(queries, 900, 0, watch=lambda flagged, asked: seen.append(int(flagged.sum())))
    assert len(np.unique(queries.rows)) == 900
    most = 3000 + PROPOSALS * 200  # a batch is a fifth of the queries
    assert max(seen[:-1]) < most + 900 < seen[-1] == found.flagged.sum()  # all is read at the end alone
    assert grade(pool, found.flagged, queries.rows, found.score, 1.1)["precision"] >= 0.98
    again = Queries(pool, 0)
    pool_search(again, 900, 0)
    np.testing.assert_array_equal(again.rows, queries.rows)


def test_grades_by_hand() -> None:
    pool = simulate(102, combinations=1000, drugs=60)
    truth = pool.relative_risk > 1.1
    everything = grade(pool, truth, np.empty(0, np.int64), pool.relative_risk, 1.1)
    assert (everything["recall"], everything["precision"], everything["recall_at_p99"]) == (1, 1, 1)
    assert everything["patterns_found"] == 1
    nothing = grade(pool, np.zeros(1000, bool), np.arange(10), -pool.relative_risk, 1.1)
    assert nothing["recall"] == nothing["recall_unqueried"] == 0
    assert nothing["precision"] == 1
