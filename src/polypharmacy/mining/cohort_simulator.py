"""Patients with known truths: injected signals, negative controls, and pairs that only look dangerous.

Each patient has a stratum (age band and sex), diagnoses, and drugs. A diagnosis makes its drugs likelier and the
outcome
too: pairs of drugs for one diagnosis go with the outcome without causing it (confounding by indication). Each injected
pair multiplies the odds of the outcome for those who take both; every drug has a small effect of its own, or none.
"""

from dataclasses import dataclass

import numpy as np

from polypharmacy.mining.cohort import Cohort
from polypharmacy.mining.combinations import Combinations

DIAGNOSES = 8
BANDS = 10
"""Age bands; with two sexes, 20 strata."""
SIGNAL_ODDS = 3.0
BASE_LOG_ODDS = -3.6


@dataclass(frozen=True, eq=False)
class SimulatedCohort:
    """signals, controls, confounded: int64 [pairs, 2], drug numbers; the cohort numbers drugs from the rarest up."""

    cohort: Cohort
    signals: np.ndarray
    controls: np.ndarray
    confounded: np.ndarray


def simulate_cohort(
    seed: int, patients: int = 200_000, drugs: int = 150, mean_drugs: float = 7.0, signals: int = 10, controls: int = 50
) -> SimulatedCohort:
    """The same for the same arguments. `controls` are pairs without effect and without a shared diagnosis."""
    draw = np.random.default_rng(seed)
    band, sex = draw.integers(0, BANDS, patients), draw.integers(0, 2, patients)
    shares = 1 / (np.arange(drugs) + 8.0)
    shares = np.minimum(0.35, shares * mean_drugs / shares.sum())[::-1]  # rarest first
    sick = draw.random((patients, DIAGNOSES)) < 0.04 + 0.02 * band[:, None]
    serious = draw.uniform(0.5, 1.0, DIAGNOSES)
    common = np.arange(drugs // 3, drugs)
    for_diagnosis = draw.permutation(common)[: 3 * DIAGNOSES].reshape(DIAGNOSES, 3)
    takes = draw.random((patients, drugs)) < shares * (0.7 + 0.06 * band[:, None])
    for d in range(DIAGNOSES):
        for drug in for_diagnosis[d]:
            takes[:, drug] |= sick[:, d] & (draw.random(patients) < 0.5)
    own = np.where(draw.random(drugs) < 0.3, draw.normal(0, 0.25, drugs), 0.0)
    own[for_diagnosis] = 0
    free = np.setdiff1d(common, for_diagnosis)
    pairs = np.sort(np.array([draw.permutation(free)[:2] for _ in range(4 * (signals + controls))]), axis=1)
    pairs = np.unique(pairs, axis=0)
    pairs = draw.permutation(pairs)[: signals + controls]
    injected, without = pairs[:signals], pairs[signals:]
    log_odds = BASE_LOG_ODDS + 0.12 * band + 0.2 * sex + sick @ serious + takes @ own
    for i, j in injected:
        log_odds += np.log(SIGNAL_ODDS) * (takes[:, i] & takes[:, j])
    outcome = draw.random(patients) < 1 / (1 + np.exp(-log_odds))
    confounded = np.array(
        [
            pair
            for three in np.sort(for_diagnosis, axis=1)
            for pair in ((three[0], three[1]), (three[0], three[2]), (three[1], three[2]))
        ]
    )
    names = tuple(f"drug_{d}" for d in range(drugs))
    stratum = np.char.add(np.where(sex == 1, "male_", "female_"), np.char.add("age_", band.astype(str)))
    cohort = Cohort.of(Combinations.from_dense(takes), names, outcome, stratum, sick.astype(np.uint8))
    return SimulatedCohort(cohort, injected, without, confounded)
