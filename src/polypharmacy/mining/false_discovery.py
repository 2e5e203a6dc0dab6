"""How many of the findings are false: step-up control over many p-values."""

import numpy as np


def adjusted_p(p: np.ndarray, dependent: bool = False) -> np.ndarray:
    """p-values adjusted for their number; calling all at or below q holds the false-discovery rate at q.

    Benjamini and Hochberg (1995), or with `dependent` Benjamini and Yekutieli (2001), which holds however the tests
    hang together. NaN stays NaN and is not counted. p: float [tests], 0 to 1.
    """
    p = np.asarray(p, dtype=float)
    out = np.full(p.shape, np.nan)
    held = np.flatnonzero(~np.isnan(p))
    if not len(held):
        return out
    count = len(held)
    order = held[np.argsort(p[held], kind="stable")]
    factor = count / np.arange(1, count + 1)
    if dependent:
        factor = factor * (1 / np.arange(1, count + 1)).sum()
    least = np.minimum.accumulate((p[order] * factor)[::-1])[::-1]
    out[order] = np.minimum(least, 1.0)
    return out
