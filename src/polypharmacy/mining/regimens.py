"""Which drugs a patient took at the same time.

All drugs of a combination were taken on one day when one of the patient's largest sets of simultaneous drugs holds the
combination: intervals that overlap two by two have a day in common (Helly). So a few sets say of every combination
whether it was taken together, and no combination needs its dates again.
"""

import numba
import numpy as np

from polypharmacy.mining.combinations import Combinations


def largest_regimens(
    patients: np.ndarray, taken: np.ndarray, first: np.ndarray, last: np.ndarray, drugs: int
) -> tuple[Combinations, np.ndarray]:
    """Sets of drugs taken on one day; those that another set of the same patient holds are left out.

    patients: integer [spells], ascending. taken: int16 [spells], the drug. first, last: integer [spells], the spell's
    days, both included, first <= last; spells of one drug of a patient do not overlap.
    Returns the sets and the patient of each, int32 [sets], ascending.
    """
    offsets, members, whose = _largest(patients, taken, first, last)
    return Combinations(offsets, members, drugs), whose


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _largest(
    patients: np.ndarray, taken: np.ndarray, first: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days are swept; a set can only be a largest one when a drug ends after another began."""
    members = np.empty(len(taken) + 16, np.int16)
    offsets, whose = np.zeros(len(taken) + 1, np.int64), np.empty(len(taken), np.int32)
    rows = stop = 0
    while stop < len(taken):
        start = stop
        while stop < len(taken) and patients[stop] == patients[start]:
            stop += 1
        begins, ends = np.argsort(first[start:stop]), np.argsort(last[start:stop])
        now = np.empty(stop - start, np.int16)  # ascending
        size = begun = 0
        grown = False
        before = rows
        for ended in range(stop - start):
            gone = start + ends[ended]
            while begun < stop - start and first[start + begins[begun]] <= last[gone]:
                drug = taken[start + begins[begun]]
                k = size
                while k > 0 and now[k - 1] > drug:
                    now[k] = now[k - 1]
                    k -= 1
                now[k] = drug
                size += 1
                begun += 1
                grown = True
            if grown:
                while offsets[rows] + size > len(members):
                    members = np.concatenate((members, np.empty_like(members)))
                members[offsets[rows] : offsets[rows] + size] = now[:size]
                offsets[rows + 1] = offsets[rows] + size
                rows += 1
                grown = False
            k = 0
            while now[k] != taken[gone]:
                k += 1
            now[k : size - 1] = now[k + 1 : size].copy()
            size -= 1
        rows = _without_held(offsets, members, before, rows)
        whose[before:rows] = patients[start]
    return offsets[: rows + 1].copy(), members[: offsets[rows]].copy(), whose[:rows].copy()


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _without_held(offsets: np.ndarray, members: np.ndarray, low: int, high: int) -> int:
    """Close up rows `low` to `high`, without those that another one holds; of equal rows one stays. The new end."""
    held = np.zeros(high - low, np.bool_)
    for one in range(low, high):
        for other in range(low, high):
            size, room = offsets[one + 1] - offsets[one], offsets[other + 1] - offsets[other]
            if one == other or size > room or (size == room and one < other):
                continue
            k = offsets[one]
            for place in range(offsets[other], offsets[other + 1]):
                if k < offsets[one + 1] and members[place] == members[k]:
                    k += 1
            if k == offsets[one + 1]:
                held[one - low] = True
                break
    row, end = low, offsets[low]
    for one in range(low, high):
        begin, stop = offsets[one], offsets[one + 1]
        if not held[one - low]:
            size = stop - begin
            members[end : end + size] = members[begin:stop].copy()
            end += size
            row += 1
            offsets[row] = end
    return row
