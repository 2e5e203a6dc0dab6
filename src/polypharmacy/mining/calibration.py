"""From a model's scores to false-discovery rates that held on answers it had not seen.

Scores of queried rows come from the member of the ensemble that was not fitted to them. From the top they are cut into
groups of equal count; each group's share of false ones, made to rise downwards by pooling neighbours, is what a score
is worth. PRIOR false ones in all are added, so that a few clean groups prove little and many prove much.
"""

from dataclasses import dataclass

import numpy as np

LEAST_SCORE = 0.2
GROUP, MOST_GROUPS = 30, 40
PRIOR = 0.75
LEAST_CHANCE = 0.85
"""No row is flagged whose own group was right less often."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """edges: lowest score of each group, falling; false: the group's share of false ones, rising. Float [groups]."""

    edges: np.ndarray
    false: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, right: np.ndarray) -> "Calibration":
        """From held-out scores (0 to 1) and whether the answer was above the threshold."""
        held = np.flatnonzero(scores > LEAST_SCORE)
        order = held[np.argsort(-scores[held], kind="stable")]
        if len(order) < GROUP:
            return cls(np.empty(0), np.empty(0))
        groups = np.array_split(order, min(MOST_GROUPS, len(order) // GROUP))
        prior = PRIOR / len(groups)
        blocks: list[list[float]] = []
        for group in groups:
            blocks.append([np.count_nonzero(~right[group]) + prior, len(group) + prior, 1])
            while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
                last = blocks.pop()
                blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
        false = np.concatenate([np.full(int(n), wrong / total) for wrong, total, n in blocks])
        return cls(np.array([scores[group[-1]] for group in groups]), false)

    def chance(self, scores: np.ndarray) -> np.ndarray:
        """P(right) of scores, float64; below the lowest group the score itself."""
        group = np.searchsorted(-self.edges, -scores, side="left")
        return np.where(group < len(self.edges), 1 - np.append(self.false, 1.0)[group], scores)

    def cut(self, scores: np.ndarray, known: int, rate: float) -> float:
        """Lowest score to flag so that at most a share `rate` of `known` right ones and all flagged is expected false.

        Infinite when nothing may be flagged.
        """
        group = np.searchsorted(-self.edges, -scores, side="left")
        count = np.bincount(group, minlength=len(self.edges) + 1)[:-1]
        expected = np.cumsum(count * self.false)
        fit = (expected <= rate * (np.cumsum(count) + known)) & (self.false <= 1 - LEAST_CHANCE)
        passing = np.flatnonzero(fit)
        return float(self.edges[passing[-1]]) if len(passing) else np.inf
