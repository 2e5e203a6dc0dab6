"""Differential evolution, best/1/bin (Storn and Price 1997)."""

from collections.abc import Callable

import numpy as np

Evaluate = Callable[[np.ndarray], np.ndarray]


def differential_evolution(
    evaluate: Evaluate,
    population: np.ndarray,
    steps: int,
    draw: np.random.Generator,
    weight: float = 1.0,
    crossover: float = 0.9,
    low: float = 0.0,
    high: float = 1.0,
) -> tuple[np.ndarray, float]:
    """The best member found and its value, the highest.

    evaluate: values float [members] of members float [members, dimensions]; a member keeps the value first given it.
    population: float [members, dimensions], at least 3. A trial is best + weight x (one - another), held to low and
    high, taken over by `crossover` of the dimensions and one at least; it replaces its parent if it is no worse.
    """
    members = np.array(population, dtype=np.result_type(population, np.float32))
    values = np.asarray(evaluate(members), dtype=float)
    count, dimensions = members.shape
    for _ in range(steps):
        best = members[values.argmax()]
        one = draw.integers(0, count - 1, count)
        one += one >= np.arange(count)
        another = draw.integers(0, count - 2, count)
        for taken in np.sort(np.stack([one, np.arange(count)]), axis=0):
            another += another >= taken
        mutant = best + weight * (members[one] - members[another])
        np.clip(mutant, low, high, out=mutant)
        # Where mutant and parent agree it does not matter which gives the value: only the rest is drawn for.
        places = np.flatnonzero(mutant != members)
        forced = np.arange(count) * dimensions + draw.integers(0, dimensions, count)
        crossed = places[(draw.random(len(places)) < crossover) | (places == forced[places // dimensions])]
        trial = members.copy()
        trial.ravel()[crossed] = mutant.ravel()[crossed]
        value = np.asarray(evaluate(trial), dtype=float)
        better = value >= values
        members[better], values[better] = trial[better], value[better]
    return members[values.argmax()].copy(), float(values.max())
