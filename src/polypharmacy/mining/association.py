"""How strongly combinations go with the outcome: from counts to estimates, intervals and p-values.

All functions take arrays over combinations and return float64 arrays of the same shape. An estimate that the counts do
not determine (nobody exposed, nobody unexposed) is NaN; half a patient is added to every cell where one is 0.
"""

import math
from dataclasses import dataclass

import numpy as np

from polypharmacy.mining.counts import Counts

Z95 = 1.959963984540054


@dataclass(frozen=True, eq=False)
class Estimate:
    """A ratio with its 95% interval; float64 [combinations] each."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of_log(cls, log: np.ndarray, variance: np.ndarray) -> "Estimate":
        reach = Z95 * np.sqrt(variance)
        return cls(np.exp(log), np.exp(log - reach), np.exp(log + reach))


def cells(counts: Counts) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """By stratum, float64 [strata, combinations]: exposed cases, exposed others, unexposed cases, unexposed others."""
    a = counts.cases.astype(float)
    b = counts.exposed - a
    c = counts.people_cases[:, None] - a
    d = counts.people[:, None] - counts.exposed - c
    return a, b, c, d


def pooled(counts: Counts) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The same over all strata together, float64 [combinations]."""
    a, b, c, d = (part.sum(axis=0) for part in cells(counts))
    return a, b, c, d


def relative_risk(counts: Counts) -> Estimate:
    """Crude relative risk with the logarithmic interval (Katz 1978)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b, c, d = _corrected(*pooled(counts))
        log = np.log(a / (a + b)) - np.log(c / (c + d))
        return Estimate.of_log(log, 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))


def odds_ratio(counts: Counts) -> Estimate:
    """Crude odds ratio with the logarithmic interval (Woolf 1955)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b, c, d = _corrected(*pooled(counts))
        return Estimate.of_log(np.log(a * d / (b * c)), 1 / a + 1 / b + 1 / c + 1 / d)


def mantel_haenszel(counts: Counts) -> Estimate:
    """Relative risk over strata (Mantel-Haenszel) with the interval of Greenland and Robins (1985).

    NaN where no stratum has exposed cases and none unexposed ones: there is nothing to compare.
    """
    a, b, c, d = cells(counts)
    n = a + b + c + d
    with np.errstate(divide="ignore", invalid="ignore"):
        up = (a * (c + d) / n).sum(axis=0)
        down = (c * (a + b) / n).sum(axis=0)
        spread = (((a + b) * (c + d) * (a + c) - a * c * n) / n**2).sum(axis=0)
        return Estimate.of_log(np.log(up / down), spread / (up * down))


def mantel_haenszel_odds(counts: Counts) -> Estimate:
    """Odds ratio over strata (Mantel-Haenszel) with the interval of Robins, Breslow and Greenland (1986)."""
    a, b, c, d = cells(counts)
    n = a + b + c + d
    with np.errstate(divide="ignore", invalid="ignore"):
        p, q, r, s = (a + d) / n, (b + c) / n, a * d / n, b * c / n
        up, down = r.sum(axis=0), s.sum(axis=0)
        variance = (
            (p * r).sum(axis=0) / (2 * up**2)
            + (p * s + q * r).sum(axis=0) / (2 * up * down)
            + (q * s).sum(axis=0) / (2 * down**2)
        )
        return Estimate.of_log(np.log(up / down), variance)


def stratified_expected(counts: Counts) -> np.ndarray:
    """Exposed cases to expect if exposure did not matter within strata, float64 [combinations]."""
    share = counts.people_cases / counts.people
    return share @ counts.exposed.astype(float)  # type: ignore[no-any-return]


def excess_p(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """One-sided p-value of as many cases or more when `expected` are due: the upper tail of the Poisson distribution.

    Cases are sums of rare yes-or-no events, whose spread is less than Poisson's, so this errs towards 1.
    """
    observed, expected = np.asarray(observed, dtype=float), np.asarray(expected, dtype=float)
    return np.array([_poisson_tail(int(o), float(e)) for o, e in zip(observed, expected, strict=True)])


def _poisson_tail(observed: int, expected: float) -> float:
    """P(X >= observed) for X Poisson of mean `expected`."""
    if observed <= 0 or expected <= 0:
        return 1.0 if observed <= 0 else 0.0
    log = -expected + observed * math.log(expected) - math.lgamma(observed + 1)
    if observed > expected:  # sum upwards: terms fall at once
        term = total = 1.0
        k = observed
        while term > 1e-17 * total:
            k += 1
            term *= expected / k
            total += term
        return min(1.0, math.exp(log) * total)
    term = total = 0.0
    k, term = observed - 1, observed / expected
    while term > 1e-17 * max(total, 1e-300) and k >= 0:  # sum the lower tail downwards
        total += term
        term *= k / expected
        k -= 1
    return max(0.0, 1.0 - math.exp(log) * total)


def shrunk(observed: np.ndarray, expected: np.ndarray) -> Estimate:
    """Observed over expected, drawn to 1 as if half a case more had been seen and expected.

    With a gamma posterior (observed + 1/2, expected + 1/2) and its 95% interval by Wilson and Hilferty's cube-root
    rule; as the information component of Noren, Hopstadius and Bate (2013), not in bits.
    """
    shape = np.asarray(observed, dtype=float) + 0.5
    rate = np.asarray(expected, dtype=float) + 0.5
    third = 1 / (9 * shape)
    low = shape * np.maximum(0, 1 - third - Z95 * np.sqrt(third)) ** 3
    high = shape * (1 - third + Z95 * np.sqrt(third)) ** 3
    return Estimate(shape / rate, low / rate, high / rate)


def _corrected(*parts: np.ndarray) -> tuple[np.ndarray, ...]:
    none = (parts[0] + parts[1] == 0) | (parts[2] + parts[3] == 0)
    empty = np.any([part == 0 for part in parts], axis=0)
    return tuple(np.where(none, np.nan, part + 0.5 * empty) for part in parts)
