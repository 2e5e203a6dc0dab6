"""Risk by class of regimen: a mixture whose gate reads the drugs.

Each combination belongs to one of a few hidden classes. A class has its own level of risk (normal about a mean), and is
likelier the more of its drugs are there: P(class | drugs) is a softmax of an intercept and the drugs' weights. "Two of
these seven drugs" is one class. What comes out is a whole distribution, so P(risk > threshold) needs nothing more.
Fitted by gradient steps on the marginal likelihood for the gate, with a logarithmic penalty that leaves most weights
near 0 and large ones alone, and closed-form steps for the levels. Drugs are few in a row, so a step costs a few hundred
operations a combination.
"""

import math
from dataclasses import dataclass, field

import numba
import numpy as np

from polypharmacy.mining.combinations import Combinations

CLASSES = 16
PENALTY = 2.0
"""Cost, in nats, of a small weight's first unit."""
FIRST_ITERATIONS, ITERATIONS = 120, 40
RATE = 0.15
FIRST_INTERCEPT = -3.0
UNUSED = -1000.0
LEAST_SHARE = 0.4
"""A class's spread is at least this share of that of the densest risks."""
QUARTER = 0.3186
"""A quarter of a normal distribution lies within this many standard deviations of its mean."""


@dataclass(eq=False)
class RegimenClasses:
    """Weights float32 [drugs, CLASSES], intercepts, means and log spreads float32 [CLASSES]; class 0 has no weights."""

    weights: np.ndarray
    intercepts: np.ndarray
    means: np.ndarray
    log_sds: np.ndarray
    sizes: np.ndarray = field(default_factory=lambda: np.zeros(CLASSES))

    @classmethod
    def start(cls, drugs: int, risks: np.ndarray, seed: int | list[int], used: int = CLASSES) -> "RegimenClasses":
        """Class 0 about the median risk, one class below, the others spread over the risks above."""
        draw = np.random.default_rng(seed)
        middle, spread = spread_of(risks)
        low, high = np.quantile(risks, [0.0005, 0.9995])
        high = max(high, middle + 2 * spread)
        step = (high - middle) / used
        means = np.full(CLASSES, middle)
        means[:used] = np.linspace(middle + spread, high, used) + draw.normal(0, 0.3 * step, used)
        means[0], means[1] = middle, min(low, middle - spread)
        sds = np.full(CLASSES, max(spread, (high - low) / used))
        sds[0] = spread
        weights = draw.normal(0, 0.01, (drugs, CLASSES)).astype(np.float32)
        weights[:, 0] = 0
        intercepts = np.full(CLASSES, FIRST_INTERCEPT, np.float32)
        intercepts[0] = 0
        intercepts[used:] = UNUSED
        weights[:, used:] = 0
        return cls(weights, intercepts, means.astype(np.float32), np.log(sds).astype(np.float32))

    def fit(self, pool: Combinations, rows: np.ndarray, risks: np.ndarray, iterations: int) -> float:
        """Fit to the risks of `rows` (float32, one each), from where it stands; mean negative log-likelihood."""
        _, spread = spread_of(risks)
        least = math.log(LEAST_SHARE * spread)
        part, risks = pool.take(rows), np.ascontiguousarray(risks, np.float32)
        frozen = self.intercepts == UNUSED
        frozen[0] = True
        gate, free = np.empty_like(self.weights), np.empty_like(self.intercepts)
        sums = np.empty((3, CLASSES))
        adam = [Adam(self.weights), Adam(self.intercepts)]
        loss = 0.0
        for step in range(iterations):
            loss = _gradients(
                part.offsets, part.members, risks, self.weights, self.intercepts, self.means, self.log_sds,
                gate, free, sums,
            )  # fmt: skip
            size = np.sqrt(self.weights**2 + np.float32(0.05**2))
            gate += PENALTY * self.weights / (size * (1 + size))
            free += 0.02 * (self.intercepts - FIRST_INTERCEPT)
            gate[:, frozen] = 0
            free[frozen] = 0
            rate = RATE * min(1.0, max(0.1, 2.5 * (1 - step / iterations)))
            adam[0].step(self.weights, gate, rate)
            adam[1].step(self.intercepts, free, rate)
            self.sizes = sums[0]
            means = (sums[1] + 0.5 * self.means) / (sums[0] + 0.5)
            square = sums[2] - 2 * means * sums[1] + means**2 * sums[0]
            variance = (square + 4 * spread**2) / (sums[0] + 2)
            self.means = means.astype(np.float32)
            self.log_sds = np.maximum(0.5 * np.log(variance), least).astype(np.float32)
        return loss / max(len(rows), 1)

    def chance(self, pool: Combinations, rows: np.ndarray, threshold: float, noise: float = 0.0) -> np.ndarray:
        """P(risk > threshold) of rows, float32 [rows]. `noise` is the spread that queries added to the risks fitted."""
        sds = self._spreads(threshold, noise)
        above = np.array(
            [0.5 * math.erfc((threshold - m) / (s * math.sqrt(2))) for m, s in zip(self.means, sds, strict=True)]
        )
        out = np.empty(len(rows), np.float32)
        _mix(
            pool.offsets, pool.members, np.ascontiguousarray(rows, np.int64), self.weights, self.intercepts,
            above.astype(np.float32), out,
        )  # fmt: skip
        return out

    def chance_given(
        self, pool: Combinations, rows: np.ndarray, answers: np.ndarray, threshold: float, noise: float
    ) -> np.ndarray:
        """P(risk > threshold) of rows once asked, float [rows]; an answer is the risk and a normal error of `noise`."""
        if not noise:
            return (answers > threshold).astype(float)
        sds = self._spreads(threshold, noise)
        wide = np.sqrt(sds**2 + noise**2)
        answers = np.asarray(answers, float)[:, None]
        joint = np.maximum(self.gates(pool, rows), 1e-6) * np.exp(-0.5 * ((answers - self.means) / wide) ** 2) / wide
        joint /= joint.sum(axis=1, keepdims=True)
        share = sds**2 / wide**2  # of the way from a class's mean to the answer
        z = (self.means + share * (answers - self.means) - threshold) / (noise * np.sqrt(share))
        above = 0.5 * (1 + np.vectorize(math.erf, otypes=[float])(z / math.sqrt(2)))
        return (joint * above).sum(axis=1)  # type: ignore[no-any-return]

    def _spreads(self, threshold: float, noise: float) -> np.ndarray:
        """Spread of each class's risks, float [CLASSES], without what noise added; above the threshold the widest."""
        sds = np.exp(self.log_sds.astype(float))
        known = self.sizes >= 20
        sds = np.where((self.means > threshold) & known.any(), np.maximum(sds, sds[known].max(initial=0)), sds)
        return np.sqrt(np.maximum(sds**2 - noise**2, (0.3 * sds) ** 2))  # type: ignore[no-any-return]

    def surprising(self, pool: Combinations, rows: np.ndarray, risks: np.ndarray, threshold: float) -> np.ndarray:
        """How surely each row's risk comes from a class above the threshold that its drugs hardly suggest, 0 to 1."""
        gates = self.gates(pool, rows)
        z = (np.asarray(risks)[:, None] - self.means) / np.exp(self.log_sds)
        joint = np.maximum(gates, 1e-3) * np.exp(-0.5 * z**2 - self.log_sds)
        high = self.means > threshold
        share = joint[:, high].sum(axis=1) / np.maximum(joint.sum(axis=1), 1e-30)
        return np.where(np.asarray(risks) > threshold, share, 0.0)

    def gates(self, pool: Combinations, rows: np.ndarray) -> np.ndarray:
        """P(class | drugs), float32 [rows, CLASSES]."""
        part = pool.take(rows)
        scores = np.repeat(self.intercepts[None], len(part), axis=0)
        np.add.at(scores, np.repeat(np.arange(len(part)), part.sizes), self.weights[part.members])
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return scores / scores.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]


def spread_of(risks: np.ndarray) -> tuple[float, float]:
    """Where risks lie densest, and their spread there: of the shortest interval that holds a quarter of them.

    Not the median and the distance from it: where half of all combinations are dangerous those describe neither half.
    """
    ordered = np.sort(risks)
    held = max(len(ordered) // 4, 1)
    width = ordered[held:] - ordered[:-held] if len(ordered) > held else np.zeros(1)
    start = int(np.argmin(width))
    middle = float(ordered[start + held // 2])
    return middle, float(width[start]) / (2 * QUARTER) + 1e-3


class Adam:
    """Adam steps for one array."""

    def __init__(self, like: np.ndarray) -> None:
        self.mean, self.square, self.steps = np.zeros_like(like), np.zeros_like(like), 0

    def step(self, values: np.ndarray, gradient: np.ndarray, rate: float) -> None:
        self.steps += 1
        self.mean += 0.1 * (gradient - self.mean)
        self.square += 0.01 * (gradient**2 - self.square)
        root = np.sqrt(self.square / (1 - 0.99**self.steps)) + 1e-3
        values -= rate / (1 - 0.9**self.steps) * self.mean / root


@numba.njit(inline="always", fastmath=True)
def _exp(x):  # type: ignore[no-untyped-def]
    """exp for x <= 0, within 0.1% to -8 and 5% to -16: eight at a time, where the library's is one by one."""
    t = max(x, np.float32(-32.0)) * np.float32(0.0625)
    t = np.float32(1) + t * (
        np.float32(1)
        + t * (np.float32(0.5) + t * (np.float32(1 / 6) + t * (np.float32(1 / 24) + t * np.float32(1 / 120))))
    )
    t = max(t, np.float32(0))
    t *= t
    t *= t
    t *= t
    return t * t


@numba.njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def _gradients(
    offsets: np.ndarray,
    members: np.ndarray,
    risks: np.ndarray,
    weights: np.ndarray,
    intercepts: np.ndarray,
    means: np.ndarray,
    log_sds: np.ndarray,
    gate: np.ndarray,
    free: np.ndarray,
    sums: np.ndarray,
) -> float:
    score, share, gradient = np.empty(CLASSES, np.float32), np.empty(CLASSES, np.float32), np.empty(CLASSES, np.float32)
    precision, free_sum = np.empty(CLASSES, np.float32), np.zeros(CLASSES, np.float32)
    first, second, third = np.zeros(CLASSES, np.float32), np.zeros(CLASSES, np.float32), np.zeros(CLASSES, np.float32)
    for k in range(CLASSES):
        precision[k] = 0.5 * math.exp(-2 * log_sds[k])
    gate[:] = 0
    sums[:] = 0
    loss = 0.0
    for q in range(len(risks)):
        begin, end = offsets[q], offsets[q + 1]
        for k in range(CLASSES):
            score[k] = intercepts[k]
        for place in range(begin, end):
            drug = members[place]
            for k in range(CLASSES):
                score[k] += weights[drug, k]
        top = np.float32(score[0])
        for k in range(CLASSES):
            top = max(top, score[k])
        total = np.float32(0)
        for k in range(CLASSES):
            share[k] = _exp(score[k] - top)
            total += share[k]
        risk = risks[q]
        best = np.float32(-1e30)
        for k in range(CLASSES):
            away = risk - means[k]
            score[k] = score[k] - top - log_sds[k] - precision[k] * away * away
            best = max(best, score[k])
        joint = np.float32(0)
        for k in range(CLASSES):
            score[k] = _exp(score[k] - best)
            joint += score[k]
        loss -= float(math.log(joint / total) + best)
        per_joint, per_total = np.float32(1) / joint, np.float32(1) / total
        for k in range(CLASSES):
            responsible = score[k] * per_joint
            gradient[k] = share[k] * per_total - responsible
            free_sum[k] += gradient[k]
            first[k] += responsible
            second[k] += responsible * risk
            third[k] += responsible * risk * risk
        for place in range(begin, end):
            drug = members[place]
            for k in range(CLASSES):
                gate[drug, k] += gradient[k]
        if q % 512 == 511 or q == len(risks) - 1:  # short sums keep single precision exact enough
            for k in range(CLASSES):
                sums[0, k] += first[k]
                sums[1, k] += second[k]
                sums[2, k] += third[k]
                first[k] = second[k] = third[k] = 0
    free[:] = free_sum
    return loss


@numba.njit(cache=True, fastmath=True, nogil=True)  # type: ignore[untyped-decorator]
def _mix(
    offsets: np.ndarray,
    members: np.ndarray,
    rows: np.ndarray,
    weights: np.ndarray,
    intercepts: np.ndarray,
    by_class: np.ndarray,
    out: np.ndarray,
) -> None:
    score = np.empty(CLASSES, np.float32)
    for q in range(len(rows)):
        for k in range(CLASSES):
            score[k] = intercepts[k]
        for place in range(offsets[rows[q]], offsets[rows[q] + 1]):
            drug = members[place]
            for k in range(CLASSES):
                score[k] += weights[drug, k]
        top = np.float32(score[0])
        for k in range(CLASSES):
            top = max(top, score[k])
        total, mean = np.float32(0), np.float32(0)
        for k in range(CLASSES):
            share = _exp(score[k] - top)
            total += share
            mean += share * by_class[k]
        out[q] = mean / total
