"""From a model's scores to false-discovery rates that held on answers it had not seen.

Scores of queried rows come from the member of the ensemble that was not fitted to them. What a score is worth is a
logistic curve through those answers (Platt 1999): two numbers, so a few hundred answers settle it. Groups of answers of
like score then correct it, each by the false ones counted over those that the curve expects, drawn to 1 as if TRUST
more had been both expected and seen. A cut is judged by the scores of the rows that it would flag, group by group:
rows asked stand higher than those left, so a share counted over all of them would promise too much. Answers weigh as
they were chosen: those of rows drawn at random in full, those sought out for what a model hoped of them little, for
they are harder than others of their score.
"""

from dataclasses import dataclass

import numpy as np

LEAST_SCORE = 0.2
GROUP = 60
TRUST = 10.0
PRIOR = 4.0
"""Precision of the normal priors on the curve's slope (about 1) and intercept (about 0)."""
MOST_CHANCE = 1 - 5e-4
SHARE = 0.5
"""Of the false ones that may be: the rest is for what the estimate does not know."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """slope, intercept: of P(right) by the log odds of a score. edges: the lowest score of each group, falling; factor:
    what the curve's chance of a false one is multiplied by there; float [groups].
    """

    slope: float
    intercept: float
    edges: np.ndarray
    factor: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, right: np.ndarray, weight: np.ndarray) -> "Calibration":
        """From held-out scores, the chance that each answer's risk is above the threshold (0 or 1 where answers are
        exact), and how much it counts; float [answers], 0 to 1.
        """
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] > LEAST_SCORE]
        x, right, weight = _log_odds(scores[order]), right[order], weight[order]
        slope, intercept = _curve(x, right, weight)
        expected = weight * (1 - cls(slope, intercept, np.empty(0), np.ones(1)).chance(scores[order]))
        number = np.cumsum(weight) // GROUP  # of each answer's group, from the top
        groups = np.split(np.arange(len(order)), np.flatnonzero(np.diff(number)) + 1) if len(order) else []
        factor = [(TRUST + (weight[g] * (1 - right[g])).sum()) / (TRUST + expected[g].sum()) for g in groups]
        edges = [scores[order[g[-1]]] for g in groups]
        return cls(slope, intercept, np.array(edges), np.array([*factor, factor[-1] if factor else 1.0]))

    def chance(self, scores: np.ndarray) -> np.ndarray:
        """P(right) of scores by the curve, float64; it rises with them."""
        chance = 1 / (1 + np.exp(-(self.slope * _log_odds(scores) + self.intercept)))
        return np.minimum(chance, MOST_CHANCE)

    def false(self, scores: np.ndarray) -> np.ndarray:
        """P(false) of scores as the groups correct it, float64; an estimate to be summed, and it may exceed 1."""
        return (1 - self.chance(scores)) * self.factor[np.searchsorted(-self.edges, -scores, side="left")]  # type: ignore[no-any-return]

    def cut(self, scores: np.ndarray, known: float, rate: float, spent: float = 0.0) -> float:
        """Lowest score to flag so that at most a share `rate` of these and `known` others flagged will be false.

        Expected are SHARE of that at most, and two standard deviations (of a Poisson count) more are within it.
        spent: expected false ones among the others. Infinite when nothing may be flagged.
        """
        ordered = np.sort(scores)[::-1]
        most = rate * (np.arange(1, len(ordered) + 1) + known)
        within = spent + np.cumsum(self.false(ordered)) <= np.minimum(SHARE * most, (np.sqrt(most + 1) - 1) ** 2)
        fit = np.flatnonzero(within & np.append(ordered[1:] < ordered[:-1], True))  # equal scores, all or none
        return float(ordered[fit[-1]]) if len(fit) else np.inf


def _log_odds(scores: np.ndarray) -> np.ndarray:
    held = np.clip(np.asarray(scores, float), 1e-6, 1 - 1e-6)
    return np.log(held / (1 - held))  # type: ignore[no-any-return]


def _curve(x: np.ndarray, right: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """Slope and intercept at the highest posterior, by Newton's method; the slope is at least 0."""
    slope, intercept = 1.0, 0.0
    for _ in range(50):
        chance = 1 / (1 + np.exp(-(slope * x + intercept)))
        away, weight = counts * (chance - right), counts * chance * (1 - chance)
        gradient = np.array([away @ x + PRIOR * (slope - 1), away.sum() + PRIOR * intercept])
        cross = weight @ x
        curvature = np.array([[weight @ x**2 + PRIOR, cross], [cross, weight.sum() + PRIOR]])
        step = np.clip(np.linalg.solve(curvature, gradient), -0.5, 0.5)
        slope, intercept = slope - float(step[0]), intercept - float(step[1])
        if np.abs(step).max() < 1e-6:
            break
    return max(slope, 0.0), intercept
