"""From a model's scores to false-discovery rates that held on answers it had not seen.

Scores of queried rows come from the member of the ensemble that was not fitted to them. What a score is worth is a
logistic curve through those answers (Platt 1999): two numbers, so a few hundred answers settle it. It is smooth, and
what happened among the highest scores need not be; so the share of false ones that the curve expects above a cut is
averaged with the share counted there, the curve weighing as much as TRUST answers.
"""

from dataclasses import dataclass

import numpy as np

LEAST_SCORE = 0.2
TRUST = 300.0
PRIOR = 4.0
"""Precision of the normal priors on the curve's slope (about 1) and intercept (about 0)."""
MOST_CHANCE = 1 - 5e-4
SHARE = 0.65
"""Of the false ones that may be: the rest is for what the estimate does not know."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """slope, intercept: of P(right) by the log odds of a score. held: held-out scores, falling; wrong: how many answers
    at or above each were not above the threshold.
    """

    slope: float
    intercept: float
    held: np.ndarray
    wrong: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, right: np.ndarray) -> "Calibration":
        """From held-out scores (0 to 1) and whether the answer was above the threshold."""
        order = np.argsort(-scores, kind="stable")
        near = scores > LEAST_SCORE
        slope, intercept = _curve(_log_odds(scores[near]), right[near])
        return cls(slope, intercept, scores[order], np.cumsum(~right[order]))

    def chance(self, scores: np.ndarray) -> np.ndarray:
        """P(right) of scores by the curve, float64."""
        chance = 1 / (1 + np.exp(-(self.slope * _log_odds(scores) + self.intercept)))
        return np.minimum(chance, MOST_CHANCE)

    def cut(self, scores: np.ndarray, ceiling: np.ndarray, known: int, rate: float) -> float:
        """Lowest score to flag so that at most a share `rate` of `known` right ones and all flagged will be false.

        Expected are SHARE of that at most, and two standard deviations (of a Poisson count) more are within it.
        ceiling: what no row's chance exceeds, float [scores]. Infinite when nothing may be flagged.
        """
        order = np.argsort(-scores, kind="stable")
        ordered, count = scores[order], np.arange(1, len(order) + 1)
        curve = np.cumsum(1 - np.minimum(self.chance(ordered), ceiling[order])) / count
        above = np.searchsorted(-self.held, -ordered, side="right")
        wrong = np.append(0, self.wrong)[above]
        false = count * (TRUST * curve + wrong) / (TRUST + above)
        most = rate * (count + known)
        fit = np.flatnonzero(false <= np.minimum(SHARE * most, (np.sqrt(most + 1) - 1) ** 2))
        return float(ordered[fit[-1]]) if len(fit) else np.inf


def _log_odds(scores: np.ndarray) -> np.ndarray:
    held = np.clip(np.asarray(scores, float), 1e-6, 1 - 1e-6)
    return np.log(held / (1 - held))  # type: ignore[no-any-return]


def _curve(x: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Slope and intercept at the highest posterior, by Newton's method; the slope is at least 0."""
    slope, intercept = 1.0, 0.0
    for _ in range(50):
        chance = 1 / (1 + np.exp(-(slope * x + intercept)))
        away, weight = chance - right, chance * (1 - chance)
        gradient = np.array([away @ x + PRIOR * (slope - 1), away.sum() + PRIOR * intercept])
        cross = weight @ x
        curvature = np.array([[weight @ x**2 + PRIOR, cross], [cross, weight.sum() + PRIOR]])
        step = np.clip(np.linalg.solve(curvature, gradient), -0.5, 0.5)
        slope, intercept = slope - float(step[0]), intercept - float(step[1])
        if np.abs(step).max() < 1e-6:
            break
    return max(slope, 0.0), intercept
