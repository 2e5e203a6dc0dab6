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
    population: float [members, dimensions]. A trial is best + weight x (one - another), of any two members, held to low
    and high, taken over by `crossover` of the dimensions; it replaces its parent if it is no worse.
    """
    members = np.array(population, dtype=np.result_type(population, np.float32))
    values = np.asarray(evaluate(members), dtype=float)
    count = len(members)
    for _ in range(steps):
        best = members[values.argmax()]
        one, another = draw.integers(0, count, (2, count))
        mutant = best + weight * (members[one] - members[another])
        np.clip(mutant, low, high, out=mutant)
        # Where mutant and parent agree it does not matter which gives the value: only the rest is drawn for.
        places = np.flatnonzero(mutant != members)
        crossed = places[draw.random(len(places)) < crossover]
        trial = members.copy()
        trial.ravel()[crossed] = mutant.ravel()[crossed]
        value = np.asarray(evaluate(trial), dtype=float)
        better = value >= values
        members[better], values[better] = trial[better], value[better]
    return members[values.argmax()].copy(), float(values.max())
