"""Every pair, every triple, or every combination that patients took: counted, tested, and ranked."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations as choose

import numba
import numpy as np

from polypharmacy.mining.adjustment import patient_risk
from polypharmacy.mining.association import (
    Estimate,
    excess_p,
    mantel_haenszel,
    relative_risk,
    shrunk,
    stratified_expected,
)
from polypharmacy.mining.cohort import Cohort
from polypharmacy.mining.combinations import MOST_DRUGS, Combinations
from polypharmacy.mining.counts import Counts, count
from polypharmacy.mining.errors import ClaimsError
from polypharmacy.mining.false_discovery import adjusted_p

WHAT = ("pairs", "triples", "observed")
MOST_ROWS = 50_000_000


@dataclass(frozen=True, eq=False)
class Screen:
    """Combinations that enough patients took, with what was counted.

    observed, expected: exposed cases, and those due by the null hypothesis chosen; float64 [combinations].
    p, q: one-sided p-values of the excess, and adjusted for their number.
    """

    combinations: Combinations
    counts: Counts
    crude: Estimate
    stratified: Estimate
    shrunk: Estimate
    expected: np.ndarray
    p: np.ndarray
    q: np.ndarray

    def found(self, rate: float) -> np.ndarray:
        """Rows called at this false-discovery rate, the strongest first."""
        rows = np.flatnonzero(self.q <= rate)
        return rows[np.argsort(self.p[rows], kind="stable")]


def screen(
    cohort: Cohort,
    what: str = "pairs",
    support: int = 20,
    adjust: bool = True,
    dependent: bool = False,
    given: Combinations | None = None,
) -> Screen:
    """Count and test all pairs, all triples, or all regimens observed; or the combinations given.

    Only combinations that at least `support` patients took are tested, a choice that does not look at outcomes.
    Adjusted, the null hypothesis is that risk goes by stratum, covariates and single drugs; else by stratum alone.
    Raises ClaimsError when nothing is left to test or there would be too much.
    """
    wanted = given if given is not None else candidates(cohort, what, support)
    if not len(wanted):
        raise ClaimsError(f"no combination was taken by {support} patients; lower the support")
    risk = patient_risk(cohort) if adjust else None
    counts = count(cohort, wanted, risk)
    rows = np.flatnonzero(counts.exposed.sum(axis=0) >= support)
    if not len(rows):
        raise ClaimsError(f"no combination was taken by {support} patients; lower the support")
    expected = counts.expected[rows] if counts.expected is not None else None
    counts = Counts(counts.exposed[:, rows], counts.cases[:, rows], counts.people, counts.people_cases, expected)
    due = expected if expected is not None else stratified_expected(counts)
    observed = counts.cases.sum(axis=0)
    p = excess_p(observed, due)
    return Screen(
        wanted.take(rows),
        counts,
        relative_risk(counts),
        mantel_haenszel(counts),
        shrunk(observed, due),
        due,
        p,
        adjusted_p(p, dependent),
    )


def candidates(cohort: Cohort, what: str, support: int) -> Combinations:
    """Combinations that may have the support: pairs and triples of drugs and of pairs that have it."""
    if what not in WHAT:
        raise ClaimsError(f"what to screen is {what!r}, not one of {', '.join(WHAT)}")
    drugs = cohort.taken.drugs
    if what == "observed":
        several = np.flatnonzero(cohort.regimens.sizes > 1)
        _, first = np.unique(cohort.regimens.take(several).keys(), return_index=True)
        return cohort.regimens.take(several[np.sort(first)])
    common = np.flatnonzero(np.bincount(cohort.taken.members, minlength=drugs) >= support)
    pairs = np.array(list(choose(common.tolist(), 2)), dtype=np.int64).reshape(-1, 2)
    table = _regular(pairs, drugs)
    if what == "pairs" or not len(pairs):
        return table
    pairs = pairs[count(cohort, table).exposed.sum(axis=0) >= support]
    together = np.zeros((drugs, drugs), bool)
    together[pairs[:, 0], pairs[:, 1]] = True
    triples = _triples(pairs, together)
    if len(triples) > MOST_ROWS:
        raise ClaimsError(f"{len(triples)} triples have pairs with the support; raise it")
    return _regular(triples, drugs)


def name_rows(combinations: Combinations, names: Sequence[str], rows: np.ndarray) -> list[list[str]]:
    """The drugs' names of rows."""
    return [[names[drug] for drug in combinations[int(row)]] for row in rows]


def _regular(rows: np.ndarray, drugs: int) -> Combinations:
    """Rows of one size, ascending."""
    assert drugs <= MOST_DRUGS
    offsets = np.arange(len(rows) + 1, dtype=np.int64) * rows.shape[1]
    return Combinations(offsets, rows.astype(np.int16).ravel(), drugs)


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _triples(pairs: np.ndarray, together: np.ndarray) -> np.ndarray:
    """Triples whose three pairs are all among `pairs`, int64 [triples, 3]."""
    total = 0
    for fill in range(2):
        out = np.empty((total if fill else 0, 3), np.int64)
        total = 0
        for p in range(len(pairs)):
            i, j = pairs[p]
            for k in range(j + 1, len(together)):
                if together[i, k] and together[j, k]:
                    if fill:
                        out[total, 0], out[total, 1], out[total, 2] = i, j, k
                    total += 1
    return out
