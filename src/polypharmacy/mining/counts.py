"""Who took a combination, and who of them had the outcome: exact, for many combinations in one pass over the patients.

Drugs of a patient are few (ten or so), so their pairs are few too. Every combination stands under its first two drugs;
the patients of a block are visited drug by drug, and of those only the combinations that begin with two drugs taken. A
million patients have forty million such pairs, while bitmaps of every drug over every patient would be read 100,000
times.
"""

from dataclasses import dataclass

import numba
import numpy as np

from polypharmacy.mining.cohort import Cohort
from polypharmacy.mining.combinations import Combinations


@dataclass(frozen=True, eq=False)
class Counts:
    """Of each combination in each stratum.

    exposed, cases: int32 [strata, combinations]: patients that took all its drugs, and those of them with the outcome.
    people, people_cases: int64 [strata]: all patients, and all with the outcome.
    expected: float64 [combinations]: the sum of a risk given for each patient over the exposed; None without one.
    """

    exposed: np.ndarray
    cases: np.ndarray
    people: np.ndarray
    people_cases: np.ndarray
    expected: np.ndarray | None = None


def count(cohort: Cohort, combinations: Combinations, risk: np.ndarray | None = None) -> Counts:
    """Exact counts. `risk` is one number a patient, float [patients].

    Raises ValueError for an empty combination or one over other drugs.
    """
    sizes = combinations.sizes
    if combinations.drugs != cohort.taken.drugs or (sizes < 1).any():
        raise ValueError("combinations must be over the cohort's drugs and not empty")
    people = np.diff(cohort.strata)
    strata, rows = len(people), len(combinations)
    exposed, cases = np.zeros((strata, rows), np.int32), np.zeros((strata, rows), np.int32)
    expected = np.zeros(rows)
    given = np.zeros(1, np.float32) if risk is None else np.asarray(risk, dtype=np.float32)
    order, tables = _table(combinations)
    taken = cohort.taken
    _count(
        taken.offsets,
        taken.members,
        cohort.outcome.view(np.uint8),
        cohort.strata,
        *tables,
        given,
        exposed,
        cases,
        expected,
    )
    place = np.argsort(order)
    exposed, cases, expected = exposed.take(place, axis=1), cases.take(place, axis=1), expected[place]
    starts = np.concatenate([[0], np.cumsum(cohort.outcome)])
    people_cases = np.diff(starts[cohort.strata])
    return Counts(exposed, cases, people, people_cases, None if risk is None else expected)


def _table(combinations: Combinations) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Combinations ordered by their first drug, then their second (-1: none), as a tree of three levels.

    Returns the order, and: signs, bounds of each first drug among the pairs, the pairs' second drugs, bounds of each
    pair among the ordered combinations, where those with a third drug begin, bounds of each combination among what is
    left of the rows, and what is left of the rows. The sign of what is left has 64 bits: a patient whose own sign lacks
    one cannot have taken it all.
    """
    sizes, members = combinations.sizes, combinations.members.astype(np.int64)
    places = combinations.offsets[:-1]
    first = members[places]
    second = np.where(sizes > 1, members[np.minimum(places + 1, len(members) - 1)], -1)
    order = np.lexsort((sizes, second, first))
    keys = first[order] * (combinations.drugs + 1) + second[order] + 1
    pairs, starts = np.unique(keys, return_index=True)
    pair_bounds = np.append(starts, len(order)).astype(np.int32)
    first_bounds = np.searchsorted(pairs, np.arange(combinations.drugs + 1) * (combinations.drugs + 1))
    seconds = (pairs % (combinations.drugs + 1) - 1).astype(np.int16)
    rest = np.maximum(sizes[order] - 2, 0)
    deep_from = pair_bounds[:-1] + np.add.reduceat(sizes[order] <= 2, starts, dtype=np.int32)
    rest_bounds = np.concatenate([[0], np.cumsum(rest)])
    at = np.arange(rest_bounds[-1]) + np.repeat(places[order] + 2 - rest_bounds[:-1], rest)
    signs = np.zeros(len(order), np.uint64)
    np.bitwise_or.at(signs, np.repeat(np.arange(len(order)), rest), _sign(combinations.members[at]))
    return order, (
        signs,
        first_bounds.astype(np.int32),
        seconds,
        pair_bounds,
        deep_from.astype(np.int32),
        rest_bounds.astype(np.int32),
        combinations.members[at],
    )


def _sign(drugs: np.ndarray) -> np.ndarray:
    return np.uint64(1) << (drugs.astype(np.uint64) & np.uint64(63))


BLOCK = 4096
"""Patients looked at together: their drugs fit the cache while every first drug's tree is walked once."""


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _count(
    offsets: np.ndarray,
    taken: np.ndarray,
    outcome: np.ndarray,
    strata: np.ndarray,
    signs: np.ndarray,
    first_bounds: np.ndarray,
    seconds: np.ndarray,
    pair_bounds: np.ndarray,
    deep_from: np.ndarray,
    rest_bounds: np.ndarray,
    rest: np.ndarray,
    risk: np.ndarray,
    exposed: np.ndarray,
    cases: np.ndarray,
    expected: np.ndarray,
) -> None:
    """Rows of one or two drugs are counted by pair, without a branch: a branch that goes either way costs more than all
    else. What is left is a short list of the pairs that begin longer rows which the patient may have taken.
    """
    drugs, pairs = len(first_bounds) - 1, len(seconds)
    weighted = len(risk) == len(outcome)
    pair_of = np.full(drugs, pairs, np.int32)  # the last is for pairs that nobody asked about
    all_need = np.full(pairs + 1, ~np.uint64(0), np.uint64)  # signs that every longer row of a pair has in common
    for pair in range(pairs):
        for row in range(deep_from[pair], pair_bounds[pair + 1]):
            all_need[pair] &= signs[row]
    both, due = np.zeros(pairs + 1, np.int64), np.zeros(pairs + 1)
    found = np.empty(drugs + 1, np.int64)
    bounds = np.zeros(drugs + 1, np.int64)
    for stratum in range(len(strata) - 1):
        here, here_cases = exposed[stratum], cases[stratum]
        both[:] = 0
        for low in range(strata[stratum], strata[stratum + 1], BLOCK):
            high = min(low + BLOCK, strata[stratum + 1])
            # who of the block takes each drug, and where in the patient's row it stands
            begin = offsets[low]
            size = offsets[high] - begin
            bounds[:] = 0
            for place in range(begin, begin + size):
                bounds[taken[place] + 1] += 1
            for drug in range(drugs):
                bounds[drug + 1] += bounds[drug]
            patients, places = np.empty(size, np.int32), np.empty(size, np.int64)
            sign = np.zeros(high - low, np.uint64)
            for patient in range(low, high):
                for place in range(offsets[patient], offsets[patient + 1]):
                    drug = taken[place]
                    sign[patient - low] |= np.uint64(1) << np.uint64(drug & 63)
                    patients[bounds[drug]] = patient
                    places[bounds[drug]] = place
                    bounds[drug] += 1
            start = 0
            for drug in range(drugs):
                stop = bounds[drug]
                first, last = first_bounds[drug], first_bounds[drug + 1]
                if first == last:
                    start = stop
                    continue
                alone = first if seconds[first] < 0 else pairs
                for pair in range(first, last):
                    if seconds[pair] >= 0:
                        pair_of[seconds[pair]] = pair
                for k in range(start, stop):
                    patient = patients[k]
                    end, one = offsets[patient + 1], 1 + (np.int64(outcome[patient]) << 32)
                    both[alone] += one
                    count, lacks = 0, ~sign[patient - low]
                    for place in range(places[k] + 1, end):
                        pair = pair_of[taken[place]]
                        both[pair] += one
                        found[count] = place
                        count += (all_need[pair] & lacks) == 0
                    if weighted:
                        due[alone] += risk[patient]
                        for place in range(places[k] + 1, end):
                            due[pair_of[taken[place]]] += risk[patient]
                    for number in range(count):
                        place = found[number]
                        pair = pair_of[taken[place]]
                        for row in range(deep_from[pair], pair_bounds[pair + 1]):
                            if signs[row] & lacks:
                                continue
                            look, matched = place + 1, True
                            for wanted in range(rest_bounds[row], rest_bounds[row + 1]):
                                while look < end and taken[look] < rest[wanted]:
                                    look += 1
                                if look == end or taken[look] != rest[wanted]:
                                    matched = False
                                    break
                            if matched:
                                here[row] += 1
                                here_cases[row] += outcome[patient]
                                if weighted:
                                    expected[row] += risk[patient]
                start = stop
                for pair in range(first, last):
                    if seconds[pair] >= 0:
                        pair_of[seconds[pair]] = pairs
        for pair in range(pairs):
            for row in range(pair_bounds[pair], deep_from[pair]):
                here[row] = both[pair] & 0xFFFFFFFF
                here_cases[row] = both[pair] >> 32
    for pair in range(pairs):
        for row in range(pair_bounds[pair], deep_from[pair]):
            expected[row] = due[pair]
