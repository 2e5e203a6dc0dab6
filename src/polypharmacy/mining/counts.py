"""Who took a combination, and who of them had the outcome: exact, for many combinations in one pass over the patients.

Every combination stands under its first drug, the rarest. Of a block of patients, those that take a first drug are
looked at 64 at a time: one bit each, in a word for every other drug. A combination is then an AND of a few words that
lie in the fastest cache, and drugs that nobody of the 64 takes cost nothing. What takes the time is setting the bits:
forty million pairs of drugs for a million patients, where bitmaps over all patients would be read 100,000 times.
"""

from dataclasses import dataclass

import numba
import numpy as np

from polypharmacy.mining.cohort import Cohort
from polypharmacy.mining.combinations import Combinations


@dataclass(frozen=True, eq=False)
class Counts:
    """Of each combination in each stratum.

    exposed, cases: int32 [strata, combinations]: patients that took all its drugs together, and those of them with the
    outcome.
    people, people_cases: int64 [strata]: all patients, and all with the outcome.
    expected: float64 [combinations]: the sum of a risk given for each patient over the exposed; None without one.
    """

    exposed: np.ndarray
    cases: np.ndarray
    people: np.ndarray
    people_cases: np.ndarray
    expected: np.ndarray | None = None


def count(cohort: Cohort, combinations: Combinations, risk: np.ndarray | None = None) -> Counts:
    """Exact counts of patients, each once however many of its regimens hold the combination. `risk` is one number a
    patient, float [patients].

    Raises ValueError for an empty combination or one over other drugs.
    """
    sizes = combinations.sizes
    if combinations.drugs != cohort.taken.drugs or (sizes < 1).any():
        raise ValueError("combinations must be over the cohort's drugs and not empty")
    people = np.diff(cohort.strata)
    strata, rows = len(people), len(combinations)
    exposed, cases = np.zeros((strata, rows), np.int32), np.zeros((strata, rows), np.int32)
    expected = np.zeros(rows)
    given = np.zeros(0, np.float32) if risk is None else np.asarray(risk, dtype=np.float32)
    order, tables = _table(combinations)
    _count(
        cohort.regimens.offsets,
        cohort.regimens.members,
        cohort.patients,
        np.searchsorted(cohort.patients, cohort.strata),
        bool((np.diff(cohort.patients) == 0).any()),
        cohort.outcome.view(np.uint8),
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
    """Combinations ordered by their first drug, those of more than three drugs behind the others.

    Returns the order, and: bounds of each first drug's short and long ones by turns, the second and the third drug of
    each combination (`combinations.drugs`: none), bounds of each among what is left of the rows, and what is left.
    """
    sizes, members, none = combinations.sizes, combinations.members, combinations.drugs
    places = combinations.offsets[:-1]
    first = members[places].astype(np.int64)
    order = np.argsort(2 * first + (sizes > 3), kind="stable")
    sizes, places, first = sizes[order], places[order], first[order]
    bounds = np.searchsorted(2 * first + (sizes > 3), np.arange(2 * none + 1))
    second, third = (
        np.where(sizes > k, members[np.minimum(places + k, len(members) - 1)], none).astype(np.int16) for k in (1, 2)
    )
    left = np.maximum(sizes - 3, 0)
    left_bounds = np.concatenate([[0], np.cumsum(left)])
    at = np.arange(left_bounds[-1]) + np.repeat(places + 3 - left_bounds[:-1], left)
    return order, (bounds, second, third, left_bounds, members[at])


BLOCK = 16_384
"""Regimens looked at together: their drugs fit the second cache while every first drug is visited once."""
WORD = 64


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def _ones(word: np.uint64) -> np.uint64:
    """How many bits are set; compilers know the sum and put the machine's own instruction in its place."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _by_drug(
    offsets: np.ndarray, taken: np.ndarray, low: int, high: int, bounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Drug after drug, which regimens of a block hold it and where in the block it stands; `bounds` become the ends."""
    begin, size = offsets[low], offsets[high] - offsets[low]
    bounds[:] = 0
    for place in range(begin, begin + size):
        bounds[taken[place] + 1] += 1
    for drug in range(len(bounds) - 1):
        bounds[drug + 1] += bounds[drug]
    rows, places = np.empty(size, np.int32), np.empty(size, np.int32)
    for row in range(low, high):
        for place in range(offsets[row], offsets[row + 1]):
            k = bounds[taken[place]]
            rows[k], places[k] = row - low, place - begin
            bounds[taken[place]] = k + 1
    return rows, places


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _count(
    offsets: np.ndarray,
    taken: np.ndarray,
    patients: np.ndarray,
    strata: np.ndarray,
    several: bool,
    outcome: np.ndarray,
    first_bounds: np.ndarray,
    second: np.ndarray,
    third: np.ndarray,
    left_bounds: np.ndarray,
    left: np.ndarray,
    risk: np.ndarray,
    exposed: np.ndarray,
    cases: np.ndarray,
    expected: np.ndarray,
) -> None:
    """strata are bounds among the regimens; several: a patient may have several regimens, which stand together."""
    drugs = len(first_bounds) // 2
    bounds = np.zeros(drugs + 1, np.int64)
    word = np.zeros(drugs + 1, np.uint64)  # who takes a drug; of the last, which is none, everybody
    met = np.empty(len(second), np.uint64)
    last_met = np.full(len(second) if several else 0, -1, np.int32)
    for stratum in range(len(strata) - 1):
        high = strata[stratum]
        while high < strata[stratum + 1]:
            low, high = high, min(high + BLOCK, strata[stratum + 1])
            while high < strata[stratum + 1] and patients[high] == patients[high - 1]:
                high += 1
            begin = offsets[low]
            rows, places = _by_drug(offsets, taken, low, high, bounds)
            stop = 0
            for drug in range(drugs):
                start, stop = stop, bounds[drug]
                first, longer, end = first_bounds[2 * drug], first_bounds[2 * drug + 1], first_bounds[2 * drug + 2]
                if first == end:
                    continue
                seconds, thirds = second[first:end], third[first:end]
                here, here_cases = exposed[stratum, first:end], cases[stratum, first:end]
                split = -1  # a patient of more regimens than a word has bits
                while start < stop:
                    upto = min(start + WORD, stop)
                    if several:
                        patient = patients[low + rows[start]]
                        if upto < stop and split != patient:
                            while upto > start and patients[low + rows[upto]] == patients[low + rows[upto - 1]]:
                                upto -= 1
                            if upto == start:
                                split, upto = patient, start + WORD
                        if split == patient:
                            while patients[low + rows[upto - 1]] != patient:
                                upto -= 1
                        else:
                            split = -1
                    word[:] = 0
                    bit, ill, tops = np.uint64(1), np.uint64(0), np.uint64(0)
                    for k in range(start, upto):
                        row = low + rows[k]
                        if outcome[patients[row]]:
                            ill |= bit
                        if several and (k + 1 == upto or patients[low + rows[k + 1]] != patients[row]):
                            tops |= bit
                        for place in range(begin + places[k] + 1, offsets[row + 1]):
                            word[taken[place]] |= bit
                        bit <<= np.uint64(1)
                    word[drugs] = ~np.uint64(0) >> np.uint64(WORD - (upto - start))
                    for c in range(end - first):
                        met[c] = word[seconds[c]] & word[thirds[c]]
                    for c in range(longer, end):
                        if met[c - first]:
                            for k in range(left_bounds[c], left_bounds[c + 1]):
                                met[c - first] &= word[left[k]]
                    if several:  # a patient's bits become one: adding ones below its top bit carries any of them there
                        below = ~tops & word[drugs]
                        for c in range(end - first):
                            met[c] = (((met[c] & below) + below) | met[c]) & tops
                        if split >= 0:
                            for c in range(first, end):
                                if met[c - first] and last_met[c] == split:
                                    met[c - first] = 0
                                elif met[c - first]:
                                    last_met[c] = split
                    for c in range(end - first):
                        here[c] += np.int32(_ones(met[c]))
                        here_cases[c] += np.int32(_ones(met[c] & ill))
                    if len(risk):
                        for c in range(first, end):
                            who = met[c - first]
                            while who:
                                lowest = who & (~who + np.uint64(1))
                                row = low + rows[start + np.int64(_ones(lowest - np.uint64(1)))]
                                expected[c] += risk[patients[row]]
                                who ^= lowest
                    start = upto
