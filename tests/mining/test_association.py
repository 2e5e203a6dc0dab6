"""Counts against DuckDB and a plain table; estimates against formulas by hand and against laws."""

import math

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polypharmacy.mining.adjustment import adjusted_odds, patient_risk
from polypharmacy.mining.association import (
    excess_p,
    mantel_haenszel,
    mantel_haenszel_odds,
    odds_ratio,
    pooled,
    relative_risk,
    shrunk,
)
from polypharmacy.mining.cohort import Cohort
from polypharmacy.mining.cohort_simulator import simulate_cohort
from polypharmacy.mining.combinations import Combinations
from polypharmacy.mining.counts import Counts, count
from polypharmacy.mining.false_discovery import adjusted_p
from polypharmacy.mining.screening import candidates, screen


def cohort_of(draw: np.random.Generator, patients: int, drugs: int, strata: int, share: float) -> Cohort:
    taken = Combinations.from_dense(draw.random((patients, drugs)) < share)
    outcome = draw.random(patients) < 0.3
    outcome[:2] = True, False
    return Cohort.of(taken, tuple(map(str, range(drugs))), outcome, draw.integers(0, strata, patients))


@given(st.integers(0, 2**32 - 1), st.integers(2, 200), st.integers(1, 12), st.integers(1, 5), st.floats(0.05, 0.9))
@settings(max_examples=60, deadline=None)
def test_counts_are_those_of_a_table(seed: int, patients: int, drugs: int, strata: int, share: float) -> None:
    draw = np.random.default_rng(seed)
    cohort = cohort_of(draw, patients, drugs, strata, share)
    wanted = [draw.permutation(drugs)[: draw.integers(1, drugs + 1)].tolist() for _ in range(30)]
    risk = draw.random(patients).astype(np.float32)
    counts = count(cohort, Combinations.of(wanted, drugs), risk)
    table, stratum = cohort.taken.dense(dtype=bool), cohort.stratum
    assert counts.expected is not None
    for row, drugs_of in enumerate(wanted):
        exposed = table[:, drugs_of].all(axis=1)
        assert counts.exposed[:, row].tolist() == np.bincount(stratum[exposed], minlength=len(counts.people)).tolist()
        cases = np.bincount(stratum[exposed & cohort.outcome], minlength=len(counts.people))
        assert counts.cases[:, row].tolist() == cases.tolist()
        assert counts.expected[row] == pytest.approx(risk[exposed].sum(), abs=1e-4)


@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(1, 9), st.sampled_from((2, 6, 70, 300)))
@settings(max_examples=60, deadline=None)
def test_a_patient_counts_once_however_many_regimens_hold_it(seed: int, patients: int, drugs: int, most: int) -> None:
    draw = np.random.default_rng(seed)
    of = np.sort(draw.integers(0, patients, patients * most // 2))  # with 300, more than 64 of a patient hold a drug
    table = draw.random((len(of), drugs)) < 0.5
    ever = np.zeros((patients, drugs), bool)
    np.logical_or.at(ever, of, table)
    outcome = draw.random(patients) < 0.3
    outcome[:2] = True, False
    stratum = draw.integers(0, 3, patients)
    order = np.argsort(stratum, kind="stable")
    regimens = Combinations.from_dense(table), of.astype(np.int32)
    cohort = Cohort.of(Combinations.from_dense(ever), tuple(map(str, range(drugs))), outcome, stratum, None, regimens)
    wanted = [draw.permutation(drugs)[: draw.integers(1, drugs + 1)].tolist() for _ in range(20)]
    risk = draw.random(patients).astype(np.float32)
    counts = count(cohort, Combinations.of(wanted, drugs), risk[order])
    assert counts.expected is not None
    for row, drugs_of in enumerate(wanted):
        exposed = np.zeros(patients, bool)
        exposed[of[table[:, drugs_of].all(axis=1)]] = True
        here = [exposed & (stratum == s) for s in np.unique(stratum)]
        assert counts.exposed[:, row].tolist() == [int(e.sum()) for e in here]
        assert counts.cases[:, row].tolist() == [int((e & outcome).sum()) for e in here]
        assert counts.expected[row] == pytest.approx(risk[exposed].sum(), abs=1e-4)


def test_a_patient_counts_once_across_blocks() -> None:
    draw = np.random.default_rng(9)
    of = np.sort(draw.integers(0, 20_000, 60_000)).astype(np.int32)  # regimens of several blocks
    table = draw.random((len(of), 4)) < 0.6
    ever = np.zeros((20_000, 4), bool)
    np.logical_or.at(ever, of, table)
    regimens = Combinations.from_dense(table), of
    outcome = draw.random(20_000) < 0.3
    cohort = Cohort.of(Combinations.from_dense(ever), tuple("abcd"), outcome, regimens=regimens)
    wanted = [[0], [0, 1], [0, 1, 3], [0, 1, 2, 3]]
    counts = count(cohort, Combinations.of(wanted, 4))
    assert counts.exposed[0].tolist() == [len(np.unique(of[table[:, drugs].all(axis=1)])) for drugs in wanted]


def test_counts_are_duckdb_s() -> None:
    draw = np.random.default_rng(1)
    cohort = cohort_of(draw, 20_000, 60, 7, 0.15)  # more than one block of patients in all, several strata
    wanted = [draw.permutation(60)[: draw.integers(2, 5)].tolist() for _ in range(40)]
    counts = count(cohort, Combinations.of(wanted, 60))
    patient = np.repeat(np.arange(len(cohort)), cohort.taken.sizes)
    drug, stratum, outcome = cohort.taken.members, cohort.stratum, cohort.outcome
    base = duckdb.connect(config={"threads": 1})
    base.execute(
        "CREATE TABLE taken AS SELECT unnest(?) AS patient, unnest(?) AS drug", [patient.tolist(), drug.tolist()]
    )
    people = list(range(len(cohort))), stratum.tolist(), outcome.tolist()
    base.execute(
        "CREATE TABLE people AS SELECT unnest(?) AS patient, unnest(?) AS stratum, unnest(?) AS outcome", people
    )
    for row, drugs_of in enumerate(wanted):
        found = base.execute(
            "SELECT stratum, count(*), count(*) FILTER (outcome) FROM people WHERE patient IN ("
            "SELECT patient FROM taken WHERE drug "
            "IN (SELECT unnest(?)) GROUP BY patient HAVING count(*) = ?) GROUP BY stratum",
            [drugs_of, len(drugs_of)],
        ).fetchall()
        for s, exposed, cases in found:
            assert (counts.exposed[s, row], counts.cases[s, row]) == (exposed, cases)
        assert counts.exposed[:, row].sum() == sum(n for _, n, _ in found)


def one(a: int, b: int, c: int, d: int) -> Counts:
    def cell(n: int) -> np.ndarray:
        return np.array([[n]], np.int32)

    return Counts(cell(a + b), cell(a), np.array([a + b + c + d]), np.array([a + c]))


def test_estimates_by_hand() -> None:
    counts = one(20, 80, 10, 190)
    assert [float(x[0]) for x in pooled(counts)] == [20, 80, 10, 190]
    risk = relative_risk(counts)
    assert risk.value[0] == pytest.approx(4.0)
    reach = 1.959964 * math.sqrt(1 / 20 - 1 / 100 + 1 / 10 - 1 / 200)
    assert risk.low[0] == pytest.approx(4 * math.exp(-reach), rel=1e-5)
    odds = odds_ratio(counts)
    assert odds.value[0] == pytest.approx(20 * 190 / (80 * 10))
    assert mantel_haenszel(counts).value[0] == pytest.approx(4.0)  # one stratum: the crude one
    assert mantel_haenszel_odds(counts).low[0] == pytest.approx(odds.low[0], rel=1e-9)
    assert relative_risk(one(0, 0, 10, 90)).value[0] != relative_risk(one(0, 0, 10, 90)).value[0]  # NaN: nobody exposed


def test_mantel_haenszel_undoes_confounding_by_stratum() -> None:
    # risk .1 and .4 by stratum whoever is exposed; the exposed are mostly in the second
    exposed, cases = np.array([[100], [900]], np.int32), np.array([[10], [360]], np.int32)
    counts = Counts(exposed, cases, np.array([1000, 1000]), np.array([100, 400]))
    assert relative_risk(counts).value[0] > 2
    assert mantel_haenszel(counts).value[0] == pytest.approx(1.0)
    assert mantel_haenszel_odds(counts).value[0] == pytest.approx(1.0)


@given(st.integers(0, 60), st.floats(0.01, 50))
@settings(deadline=None)
def test_poisson_tail(observed: int, expected: float) -> None:
    below = sum(math.exp(-expected + k * math.log(expected) - math.lgamma(k + 1)) for k in range(observed))
    assert excess_p(np.array([observed]), np.array([expected]))[0] == pytest.approx(max(0.0, 1 - below), abs=1e-10)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
@settings(deadline=None)
def test_step_up(p: list[float]) -> None:
    plain, dependent = adjusted_p(np.array(p)), adjusted_p(np.array(p), dependent=True)
    assert (plain >= np.array(p) - 1e-15).all()
    assert (dependent >= plain - 1e-15).all()
    for level in (0.01, 0.05, 0.2):  # the definition: the largest k with p(k) <= level k / m
        ordered = np.sort(p)
        passing = np.flatnonzero(ordered <= level * np.arange(1, len(p) + 1) / len(p) + 1e-15)
        wanted = ordered[passing[-1]] if len(passing) else -1.0
        assert ((plain <= level + 1e-15) == (np.array(p) <= wanted)).all()


def test_shrinkage_draws_small_counts_to_one() -> None:
    few, many = shrunk(np.array([2, 200]), np.array([0.5, 50.0])).value
    assert 1 < few < many < 4


def test_risk_is_that_of_the_truth() -> None:
    draw = np.random.default_rng(3)
    patients = 40_000
    taken = draw.random((patients, 5)) < 0.3
    covariate = (draw.random((patients, 1)) < 0.4).astype(np.uint8)
    stratum = draw.integers(0, 2, patients)
    log_odds = -2 + 0.7 * stratum + 0.8 * covariate[:, 0] + taken @ np.array([0.5, 0, 0, -0.4, 0])
    truth = 1 / (1 + np.exp(-log_odds))
    outcome = draw.random(patients) < truth
    cohort = Cohort.of(Combinations.from_dense(taken), tuple("abcde"), outcome, stratum, covariate)
    order = np.argsort(stratum, kind="stable")
    risk = patient_risk(cohort)
    assert np.abs(risk - truth[order]).max() < 0.03
    assert risk.mean() == pytest.approx(outcome.mean(), abs=1e-4)
    odds, low, high = adjusted_odds(cohort, np.array([0, 1]), risk)  # no effect of the pair beyond its parts
    assert low < 1 < high
    assert odds == pytest.approx(1, abs=0.15)


def test_only_those_who_took_both_together_are_exposed() -> None:
    # both drugs at different times do no harm; at the same time they multiply the odds by 3
    draw = np.random.default_rng(4)
    patients = 60_000
    ever = draw.random((patients, 3)) < 0.3
    together = ever[:, 0] & ever[:, 1] & (draw.random(patients) < 0.5)
    log_odds = -2.5 + ever @ np.array([0.4, -0.3, 0.2]) + math.log(3) * together
    outcome = draw.random(patients) < 1 / (1 + np.exp(-log_odds))
    apart = ever[:, 0] & ever[:, 1] & ~together
    first, second = ever.copy(), ever.copy()
    first[apart, 1] = second[apart, 0] = False
    of = np.concatenate([np.arange(patients), np.flatnonzero(apart)])
    rows = Combinations.from_dense(np.concatenate([first, second[apart]])).take(np.argsort(of, kind="stable"))
    regimens = rows, np.sort(of).astype(np.int32)
    cohort = Cohort.of(Combinations.from_dense(ever), tuple("abc"), outcome, regimens=regimens)
    assert count(cohort, Combinations.of([[0, 1]], 3)).exposed.sum() == together.sum()
    odds, low, high = adjusted_odds(cohort, np.array([0, 1]), patient_risk(cohort))
    blind = Cohort.of(cohort.taken, cohort.names, cohort.outcome)
    diluted = adjusted_odds(blind, np.array([0, 1]), patient_risk(blind))[0]
    assert low < odds < high
    assert odds > 1.2 * diluted
    observed = candidates(cohort, "observed", 1)
    assert {frozenset(observed[r].tolist()) for r in range(len(observed))} == {
        frozenset(r) for r in ([0, 1], [0, 2], [1, 2], [0, 1, 2])
    }


def test_adjusted_screens_find_the_signals_and_clear_the_confounded() -> None:
    found, false, called_in_all, looked_dangerous = 0, 0, 0, []
    for seed in (5, 6, 7):
        made = simulate_cohort(seed, patients=60_000, drugs=60, mean_drugs=6, signals=5, controls=30)
        signals, controls, confounded = (
            {tuple(pair) for pair in kind.tolist()} for kind in (made.signals, made.controls, made.confounded)
        )
        called = {}
        for adjust in (False, True):
            result = screen(made.cohort, "pairs", support=50, adjust=adjust)
            called[adjust] = {tuple(result.combinations[int(r)].tolist()) for r in result.found(0.05)}
        looked_dangerous.append(len(called[False] & confounded) / len(confounded))
        assert not called[True] & (confounded | controls)
        found += len(called[True] & signals)
        false += len(called[True] - signals)
        called_in_all += len(called[True])
    assert min(looked_dangerous) > 0.5  # without adjustment
    assert found >= 12
    assert false <= 0.05 * called_in_all


def test_triples_are_those_whose_pairs_have_the_support() -> None:
    cohort = cohort_of(np.random.default_rng(2), 400, 12, 2, 0.25)
    table = cohort.taken.dense(dtype=bool).astype(int)
    together = table.T @ table
    from itertools import combinations as choose

    wanted = [t for t in choose(range(12), 3) if all(together[i, j] >= 20 for i, j in choose(t, 2))]
    found = candidates(cohort, "triples", 20)
    assert [tuple(found[r].tolist()) for r in range(len(found))] == wanted
    observed = candidates(cohort, "observed", 1)
    regimens = {tuple(cohort.taken[p].tolist()) for p in range(400) if len(cohort.taken[p]) > 1}
    assert {tuple(observed[r].tolist()) for r in range(len(observed))} == regimens
