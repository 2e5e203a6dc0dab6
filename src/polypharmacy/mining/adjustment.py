"""What each patient's risk would be without any combination: for judging combinations against it.

A logistic regression of the outcome on stratum, covariates and every single drug, fitted once. What a combination's
patients suffer beyond the sum of their own risks is neither their age, nor their diagnoses, nor any one of the drugs.
"""

from typing import Any

import numba
import numpy as np

from polypharmacy.mining.cohort import Cohort
from polypharmacy.mining.combinations import Combinations

NEWTON_STEPS, CONJUGATE_STEPS = 12, 30
RIDGE = 1.0
"""Penalty of half a squared coefficient: a drug of a few patients does not explain them away."""


def patient_risk(cohort: Cohort, drugs: bool = True) -> np.ndarray:
    """P(outcome) of each patient, float32 [patients], from stratum and covariates, and with `drugs` each single drug.

    Newton's method, each step solved by conjugate gradients: a few passes over the patients, no table of features by
    features.
    """
    strata, covariates = len(cohort.stratum_names), cohort.covariates.shape[1]
    ridge = np.full(strata + covariates + (cohort.taken.drugs if drugs else 0), RIDGE)
    ridge[:strata] = 1e-3
    share = cohort.outcome.mean()
    coefficients = np.zeros(len(ridge))
    coefficients[:strata] = np.log(share / (1 - share))
    data = cohort.taken.offsets, cohort.taken.members, cohort.strata, cohort.covariates, drugs
    log_odds = _times(*data, coefficients)
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-log_odds))
        gradient = _transposed(*data, chance - cohort.outcome, len(ridge)) + ridge * coefficients
        if np.abs(gradient).max() < 1e-4 * len(cohort) ** 0.5:
            break
        weight = chance * (1 - chance)
        diagonal = _transposed(*data, weight, len(ridge)) + ridge
        step = _conjugate_gradients(data, weight, ridge, diagonal, -gradient)
        move = _times(*data, step)
        scale = min(1.0, 8 / max(float(np.abs(move).max()), 1e-12))  # nobody's log odds move by more than 8 at once
        coefficients += scale * step
        log_odds += scale * move
    return (1 / (1 + np.exp(-log_odds))).astype(np.float32)  # type: ignore[no-any-return]


def _conjugate_gradients(
    data: tuple[Any, ...],
    weight: np.ndarray,
    ridge: np.ndarray,
    diagonal: np.ndarray,
    right: np.ndarray,
) -> np.ndarray:
    answer, residual = np.zeros_like(right), right.copy()
    scaled = residual / diagonal
    direction, norm = scaled.copy(), float(residual @ scaled)
    for _ in range(CONJUGATE_STEPS):
        image = _transposed(*data, weight * _times(*data, direction), len(ridge)) + ridge * direction
        length = norm / float(direction @ image)
        answer += length * direction
        residual -= length * image
        scaled = residual / diagonal
        now = float(residual @ scaled)
        if now < 1e-8 * float(right @ (right / diagonal)):
            break
        direction = scaled + now / norm * direction
        norm = now
    return answer


def adjusted_odds(cohort: Cohort, drugs: np.ndarray, risk: np.ndarray) -> tuple[float, float, float]:
    """Odds ratio of taking all these drugs together, given each patient's risk without it, with a 95% interval.

    The maximum likelihood of one coefficient beside a fixed offset; NaN when nobody took them all.
    """
    wanted = Combinations.of([drugs.tolist()], cohort.taken.drugs)
    exposed = np.zeros(len(cohort), bool)
    exposed[cohort.patients[_holds(cohort.regimens.offsets, cohort.regimens.members, wanted.members)]] = True
    if not exposed.any():
        return np.nan, np.nan, np.nan
    offset = np.log(risk[exposed] / (1 - risk[exposed])).astype(float)
    cases = float(cohort.outcome[exposed].sum())
    count = len(offset)
    cases = min(max(cases, 0.5), count - 0.5) if count > 1 else 0.5
    log = 0.0
    for _ in range(50):
        chance = 1 / (1 + np.exp(-(offset + log)))
        step = (cases - chance.sum()) / (chance * (1 - chance)).sum()
        log += float(np.clip(step, -1, 1))
        if abs(step) < 1e-9:
            break
    reach = 1.959963984540054 / np.sqrt((chance * (1 - chance)).sum())
    return float(np.exp(log)), float(np.exp(log - reach)), float(np.exp(log + reach))


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _holds(offsets: np.ndarray, taken: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Whether each regimen holds all that is wanted, bool [regimens]."""
    out = np.zeros(len(offsets) - 1, np.bool_)
    for row in range(len(out)):
        found = 0
        for place in range(offsets[row], offsets[row + 1]):
            if found < len(wanted) and taken[place] == wanted[found]:
                found += 1
        out[row] = found == len(wanted)
    return out


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _times(
    offsets: np.ndarray, taken: np.ndarray, strata: np.ndarray, covariates: np.ndarray, drugs: bool, vector: np.ndarray
) -> np.ndarray:
    """Features by a vector, float64 [patients]."""
    first = len(strata) - 1
    second = first + covariates.shape[1]
    out = np.empty(len(offsets) - 1)
    for stratum in range(first):
        for patient in range(strata[stratum], strata[stratum + 1]):
            total = vector[stratum]
            for c in range(covariates.shape[1]):
                total += covariates[patient, c] * vector[first + c]
            if drugs:
                for place in range(offsets[patient], offsets[patient + 1]):
                    total += vector[second + taken[place]]
            out[patient] = total
    return out


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _transposed(
    offsets: np.ndarray,
    taken: np.ndarray,
    strata: np.ndarray,
    covariates: np.ndarray,
    drugs: bool,
    values: np.ndarray,
    features: int,
) -> np.ndarray:
    """A number a patient, summed by feature, float64 [features]."""
    first = len(strata) - 1
    second = first + covariates.shape[1]
    out = np.zeros(features)
    for stratum in range(first):
        for patient in range(strata[stratum], strata[stratum + 1]):
            value = values[patient]
            out[stratum] += value
            for c in range(covariates.shape[1]):
                out[first + c] += covariates[patient, c] * value
            if drugs:
                for place in range(offsets[patient], offsets[patient + 1]):
                    out[second + taken[place]] += value
    return out
