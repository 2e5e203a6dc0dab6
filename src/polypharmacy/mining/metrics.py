"""How good what was flagged is, where the truth is known."""

from typing import Any

import numpy as np

from polypharmacy.mining.pool import Pool


def grade(pool: Pool, flagged: np.ndarray, asked: np.ndarray, score: np.ndarray, threshold: float) -> dict[str, Any]:
    """Against the pool's true risks. flagged: bool [rows]; asked: row numbers; score: float [rows].

    recall, precision: of all flagged; recall_unqueried, precision_unqueried: among rows not asked. recall_at_p99: the
    best recall that any cut of the score reaches at a precision of .99 among those (known only with the truth at hand).
    patterns_found: share of the hidden patterns whose nearest combinations are at risk and mostly flagged; None for
    claims.
    """
    truth = pool.relative_risk > threshold
    open_rows = np.ones(len(pool), bool)
    open_rows[asked] = False
    right = flagged & truth
    rows = np.flatnonzero(open_rows)
    order = rows[np.argsort(-score[rows], kind="stable")]
    hits = np.cumsum(truth[order])
    good = np.flatnonzero(hits >= 0.99 * np.arange(1, len(order) + 1))
    unasked = int(hits[good[-1]]) if len(good) else 0
    return {
        "flagged": int(flagged.sum()),
        "recall": _ratio(right.sum(), truth.sum()),
        "precision": _ratio(right.sum(), flagged.sum()),
        "recall_unqueried": _ratio((right & open_rows).sum(), (truth & open_rows).sum()),
        "precision_unqueried": _ratio((right & open_rows).sum(), (flagged & open_rows).sum()),
        "recall_at_p99": _ratio(unasked + (truth & ~open_rows).sum(), truth.sum()),
        "patterns_found": _patterns(pool, flagged, truth),
    }


def _ratio(part: Any, whole: Any) -> float:
    return float(part) / float(whole) if whole else 1.0


def _patterns(pool: Pool, flagged: np.ndarray, truth: np.ndarray) -> float | None:
    """Of the patterns that share a drug with a combination at risk: for how many are most of those flagged?"""
    if pool.patterns is None:
        return None
    at_risk = np.flatnonzero(truth)
    if not len(at_risk):
        return 1.0
    part = pool.combinations.take(at_risk)
    shared = np.add.reduceat(pool.patterns.dense(dtype=np.int16).T[part.members], part.offsets[:-1], axis=0)
    away = part.sizes[:, None] + pool.patterns.sizes - 2 * shared.astype(np.int64)
    nearest = len(pool.patterns) - 1 - away[:, ::-1].argmin(axis=1)
    share_drug = shared[np.arange(len(part)), nearest] > 0
    found = [
        flagged[at_risk][share_drug & (nearest == p)].mean() > 0.5
        for p in range(len(pool.patterns))
        if (share_drug & (nearest == p)).any()
    ]
    return float(np.mean(found)) if found else 1.0
