"""Observations of many environments at once, compiled. Imported only when a network is to see: numba is slow to load.

Reads `features.Front` and the columns `features.DONE_SO_FAR`, so nothing that is hidden is within its reach.
"""

import numba
import numpy as np

from polypharmacy.agents.prior import CHANCES, EXPECTED
from polypharmacy.env.backends import step_function
from polypharmacy.env.layout import (
    INTERVENTIONS,
    MODERATE,
    MONITOR,
    NONE,
    REDUCE,
    SEVERE,
    SLOTS,
    STOP,
    SUBSTITUTE,
    UNKNOWN,
)

step_function("numba")  # it says where compiled code is kept

# Places of features.SLOT_FEATURES, PAIR_FEATURES and WHOLE_FEATURES; burdens and conditions follow the last.
(
    S_HELD, S_STOPPED, S_SWITCHED, S_REDUCED, S_MONITORED, S_CRITICAL, S_ALTERNATIVE, S_REASON, S_EVIDENCE,
    S_BEERS_FLAG, S_RENAL_FLAG, S_HEPATIC_FLAG, S_NEW_BEERS_FLAG, S_NEW_RENAL_FLAG, S_NEW_HEPATIC_FLAG,
    S_ALONE, S_ALONE_OFF_BY_REDUCING, S_ALONE_OFF_BY_MONITORING, S_NEW_ALONE, S_PAIRS,
    S_PAIRS_OFF_BY_REDUCING, S_PAIRS_OFF_BY_MONITORING, S_NEW_PAIRS, S_BURDEN_OFF_BY_STOPPING,
    S_BURDEN_OFF_BY_SWITCHING, S_NEED_UNMET, S_NEED_PARTLY, S_OFF_BY_STOPPING, S_OFF_BY_REDUCING,
    S_OFF_BY_SWITCHING, S_OFF_BY_MONITORING, S_WORST_PAIR, S_WORST_UNASKED_PAIR, S_SEVERE_EXPECTED,
    S_SEVERE_LIKELIEST, S_SEVERE_FOUND, S_MODERATE_FOUND, S_NEW_SEVERE_LIKELIEST, S_SHARE_OF_SEVERE, S_DOSE,
) = range(40)  # fmt: skip
(
    P_OPEN, P_HELD, P_NONE_FOUND, P_MINOR_FOUND, P_MODERATE_FOUND, P_SEVERE_FOUND, P_NONE, P_MINOR,
    P_MODERATE, P_SEVERE, P_POINTS, P_SPREAD, P_SHARE_OF_SEVERE, P_WITHOUT_REASON, P_UNTOUCHED, P_VALUE,
    P_SWITCHED, P_ODDS,
) = range(18)  # fmt: skip
(
    W_EASY, W_BUDGETED, W_COMPLEX, W_QUERIES_LEFT, W_NO_QUERY_LEFT, W_INTERVENTIONS_LEFT,
    W_NO_INTERVENTION_LEFT, W_STEPS_LEFT, W_DRUGS, W_TARGETED, W_UNTARGETED, W_SEVERE_FOUND, W_ASKED,
    W_REPLACED, W_CRITICAL_STOPS, W_POINTS_AT_START, W_POINTS_NOW, W_SEVERE_EXPECTED, W_BEST_OFF,
    W_BEST_OFF_WITH_REASON, W_BEST_VALUE, W_FEMALE, W_AGE, W_KIDNEY_1, W_KIDNEY_2, W_KIDNEY_3, W_KIDNEY_4,
    W_LIVER_A, W_LIVER_B, W_LIVER_C, W_BURDENS,
) = range(31)  # fmt: skip


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=False)  # type: ignore[untyped-decorator, unused-ignore]
def observe(  # type: ignore[no-untyped-def]
    fact, drug, flag, person, weight, need, need_start, burden, row, alone, dose,  # features.Front
    rows,  # prior.Prior.rows
    cases,  # int64 [E] the case each environment plays
    done,  # int32 [E, 11] features.DONE_SO_FAR
    known, load, mask,  # as in dynamics.step
    limits,  # int64 [4] the task's number, queries, interventions, steps
    slots,  # S: slots shown
    no_drug,  # what stands for no ingredient
    actions,  # int64 [A] features.actions_of(S)
    out_slot, out_drug, out_pair, out_whole, out_mask,  # features.Observation, written
):  # fmt: skip
    """Fill the observations of E environments."""
    burdens = burden.shape[0]
    off = np.zeros((SLOTS, INTERVENTIONS), dtype=np.float32)
    f = np.zeros((SLOTS, out_slot.shape[2]), dtype=np.float32)
    pairs = out_pair.shape[1]
    chance = np.zeros((pairs, 4), dtype=np.float32)
    points = np.zeros(pairs, dtype=np.float32)
    for e in range(len(cases)):
        case = cases[e]
        n, alternatives, critical, flagged = fact[case, 0], fact[case, 1], fact[case, 2], fact[case, 3]
        stopped, switched, reduced, monitored, evidence = done[e, 0], done[e, 1], done[e, 2], done[e, 3], done[e, 4]
        queries, acts, steps = done[e, 5], done[e, 6], done[e, 7]
        targeted, untargeted, found = done[e, 8], done[e, 9], done[e, 10]
        touched = stopped | switched | reduced | monitored
        reason = evidence | flagged
        f[:] = 0
        off[:] = 0
        start = np.float32(0)
        now = np.float32(0)
        severe = np.float32(0)
        all_odds = np.float32(0)

        # Pairs: what is believed of each, and what each intervention would leave of it.
        p = -1
        number = 0
        for i in range(slots):
            number = i * (2 * SLOTS - i - 1) // 2
            for j in range(i + 1, slots):
                p += 1
                for k in range(out_pair.shape[2]):
                    out_pair[e, p, k] = 0
                points[p] = 0
                if j >= n:
                    number += 1
                    continue
                seen = known[e, number]
                number += 1
                i_switched = switched >> i & 1
                j_switched = switched >> j & 1
                r = row[case, i + SLOTS * i_switched, j + SLOTS * j_switched]
                first = r if not (i_switched or j_switched) else row[case, i, j]
                start += rows[first, (seen if not (i_switched or j_switched) else UNKNOWN) * EXPECTED]
                if (stopped >> i | stopped >> j) & 1:
                    continue
                out_pair[e, p, P_HELD] = 1
                if i_switched or j_switched:
                    out_pair[e, p, P_SWITCHED] = 1
                base = seen * EXPECTED
                whole = rows[r, base]
                if_i = min(whole, rows[r, base + 1])
                if_j = min(whole, rows[r, base + 2])
                watched = min(whole, rows[r, base + 3])
                if seen == UNKNOWN:
                    for w in range(4):
                        chance[p, w] = rows[r, CHANCES + w]
                else:
                    for w in range(4):
                        chance[p, w] = 1 if w == seen - NONE else 0
                    out_pair[e, p, P_NONE_FOUND + seen - NONE] = 1
                likely = chance[p, SEVERE - NONE]
                odds = (
                    min(likely / max(1 - likely, np.float32(1e-3)), np.float32(100))
                    if seen == UNKNOWN
                    else np.float32(0)
                )
                current = whole
                if reduced >> i & 1:
                    current = min(current, if_i)
                if reduced >> j & 1:
                    current = min(current, if_j)
                if (monitored >> i | monitored >> j) & 1:
                    current = min(current, watched)
                points[p] = whole
                now += current
                if i_switched + j_switched == 0:
                    all_odds += odds
                    out_pair[e, p, P_ODDS] = odds
                if seen == UNKNOWN:
                    severe += likely
                for side in range(2):
                    a, b = (i, j) if side == 0 else (j, i)
                    less = if_i if side == 0 else if_j
                    f[a, S_PAIRS] += current
                    f[a, S_PAIRS_OFF_BY_REDUCING] += current - min(current, less)
                    f[a, S_PAIRS_OFF_BY_MONITORING] += current - min(current, watched)
                    f[a, S_WORST_PAIR] = max(f[a, S_WORST_PAIR], current)
                    if seen == UNKNOWN:
                        f[a, S_WORST_UNASKED_PAIR] = max(f[a, S_WORST_UNASKED_PAIR], whole)
                        f[a, S_SEVERE_EXPECTED] += likely
                        f[a, S_SEVERE_LIKELIEST] = max(f[a, S_SEVERE_LIKELIEST], likely)
                        f[a, S_SHARE_OF_SEVERE] = max(f[a, S_SHARE_OF_SEVERE], out_pair[e, p, P_ODDS])
                    elif seen == SEVERE:
                        f[a, S_SEVERE_FOUND] += 1
                    elif seen == MODERATE:
                        f[a, S_MODERATE_FOUND] += 1
                    if not touched >> a & 1 and alternatives >> a & 1:
                        new = row[case, a + SLOTS, b + SLOTS * (switched >> b & 1)]
                        then = rows[new, 0]
                        if reduced >> b & 1:
                            then = min(then, rows[new, 2])
                        if monitored >> b & 1:
                            then = min(then, rows[new, 3])
                        f[a, S_NEW_PAIRS] += then
                        f[a, S_NEW_SEVERE_LIKELIEST] = max(
                            f[a, S_NEW_SEVERE_LIKELIEST], rows[new, CHANCES + SEVERE - NONE]
                        )

        # Loads that add up.
        loaded = np.float32(0)
        for b in range(burdens):
            over = max(0, load[e, b] + 1 - burden[b, 1])
            loaded += over * burden[b, 0]
            first_load = 0
            for i in range(n):
                first_load += weight[case, i, b]
            start += max(0, first_load + 1 - burden[b, 1]) * burden[b, 0]
        now += loaded
        # Medicines alone.
        for i in range(n):
            c = i + SLOTS * (switched >> i & 1)
            start += alone[case, i, 0]
            if stopped >> i & 1:
                f[i, S_STOPPED] = 1
                continue
            f[i, S_HELD] = 1
            left = alone[case, c, 0]
            if reduced >> i & 1:
                left = alone[case, c, 1]
            elif monitored >> i & 1:
                left = alone[case, c, 2]
            now += left
            f[i, S_ALONE] = left
        start = max(start, np.float32(1))
        share = np.float32(1) / start

        best = np.float32(0)
        best_with_reason = np.float32(0)
        for i in range(n):
            bit = 1 << i
            f[i, S_SWITCHED] = switched >> i & 1
            f[i, S_REDUCED] = reduced >> i & 1
            f[i, S_MONITORED] = monitored >> i & 1
            f[i, S_CRITICAL] = critical >> i & 1
            f[i, S_REASON] = reason >> i & 1
            f[i, S_EVIDENCE] = evidence >> i & 1
            c = i + SLOTS * (switched >> i & 1)
            for k in range(3):
                f[i, S_BEERS_FLAG + k] = flag[case, c] >> k & 1
            f[i, S_DOSE] = dose[case, c]
            if not touched & bit:
                open_switch = alternatives >> i & 1
                f[i, S_ALTERNATIVE] = open_switch
                f[i, S_ALONE_OFF_BY_REDUCING] = alone[case, i, 0] - alone[case, i, 1]
                f[i, S_ALONE_OFF_BY_MONITORING] = alone[case, i, 0] - alone[case, i, 2]
                lighter = np.float32(0)
                other = np.float32(0)
                for b in range(burdens):
                    over = max(0, load[e, b] + 1 - burden[b, 1])
                    mine = weight[case, i, b]
                    lighter += (over - max(0, load[e, b] + 1 - burden[b, 1] - mine)) * burden[b, 0]
                    if open_switch:
                        change = weight[case, i + SLOTS, b] - mine
                        other += (over - max(0, load[e, b] + 1 - burden[b, 1] + change)) * burden[b, 0]
                f[i, S_BURDEN_OFF_BY_STOPPING] = lighter
                f[i, S_BURDEN_OFF_BY_SWITCHING] = other
                for k in range(need_start[case], need_start[case + 1]):
                    if need[k, 0] & bit:
                        held = need[k, 0] & ~stopped & ~bit
                        if held == 0:
                            f[i, S_NEED_UNMET] += need[k, 1]
                        if held & ~reduced == 0:
                            f[i, S_NEED_PARTLY] += need[k, 2]
                off[i, STOP] = f[i, S_ALONE] + f[i, S_PAIRS] + lighter - f[i, S_NEED_UNMET]
                off[i, REDUCE] = f[i, S_ALONE_OFF_BY_REDUCING] + f[i, S_PAIRS_OFF_BY_REDUCING] - f[i, S_NEED_PARTLY]
                off[i, MONITOR] = f[i, S_ALONE_OFF_BY_MONITORING] + f[i, S_PAIRS_OFF_BY_MONITORING]
                if open_switch:
                    for k in range(3):
                        f[i, S_NEW_BEERS_FLAG + k] = flag[case, i + SLOTS] >> k & 1
                    f[i, S_NEW_ALONE] = alone[case, i + SLOTS, 0]
                    off[i, SUBSTITUTE] = f[i, S_ALONE] + f[i, S_PAIRS] + other - f[i, S_NEW_ALONE] - f[i, S_NEW_PAIRS]
                for k in range(INTERVENTIONS):
                    best = max(best, off[i, k])
                    if reason & bit:
                        best_with_reason = max(best_with_reason, off[i, k])
            for k in range(INTERVENTIONS):
                f[i, S_OFF_BY_STOPPING + k] = off[i, k]
            for k in range(S_ALONE, S_WORST_UNASKED_PAIR + 1):
                f[i, k] *= share
            f[i, S_SHARE_OF_SEVERE] /= max(all_odds, np.float32(1e-3))
        for i in range(slots):
            for k in range(out_slot.shape[2]):
                out_slot[e, i, k] = min(max(f[i, k], np.float32(-3)), np.float32(3))
            out_drug[e, i, 0] = no_drug
            out_drug[e, i, 1] = no_drug
            if i < n:
                held_now = i + SLOTS * (switched >> i & 1)
                if not stopped >> i & 1:
                    out_drug[e, i, 0] = drug[case, held_now]
                if alternatives >> i & 1 and not touched >> i & 1:
                    out_drug[e, i, 1] = drug[case, i + SLOTS]

        # What knowing a pair would be good for.
        p = -1
        best_value = np.float32(0)
        for i in range(slots):
            for j in range(i + 1, slots):
                p += 1
                if out_pair[e, p, P_HELD] == 0:
                    continue
                number = i * (2 * SLOTS - i - 1) // 2 + j - i - 1
                out_pair[e, p, P_OPEN] = mask[e, number]
                for w in range(4):
                    out_pair[e, p, P_NONE + w] = chance[p, w]
                out_pair[e, p, P_POINTS] = min(points[p] * share, np.float32(3))
                out_pair[e, p, P_SHARE_OF_SEVERE] = out_pair[e, p, P_ODDS] / max(all_odds, np.float32(1e-3))
                out_pair[e, p, P_ODDS] = np.log1p(out_pair[e, p, P_ODDS])
                out_pair[e, p, P_WITHOUT_REASON] = 0.5 * ((1 - (reason >> i & 1)) + (1 - (reason >> j & 1)))
                out_pair[e, p, P_UNTOUCHED] = 0.5 * ((1 - (touched >> i & 1)) + (1 - (touched >> j & 1)))
                if known[e, number] != UNKNOWN:
                    continue
                r = row[case, i + SLOTS * (switched >> i & 1), j + SLOTS * (switched >> j & 1)]
                before = np.float32(0)
                most = np.float32(-1e9)
                for k in range(INTERVENTIONS):
                    before = max(before, off[i, k], off[j, k])
                    if k in (STOP, SUBSTITUTE):
                        if not touched >> i & 1 and (k == STOP or alternatives >> i & 1):
                            most = max(most, off[i, k])
                        if not touched >> j & 1 and (k == STOP or alternatives >> j & 1):
                            most = max(most, off[j, k])
                spread = np.float32(0)
                value = np.float32(0)
                for w in range(4):
                    change = rows[r, (NONE + w) * EXPECTED] - points[p]
                    spread += chance[p, w] * abs(change)
                    value += chance[p, w] * (max(most + change, before) - before)
                out_pair[e, p, P_SPREAD] = min(spread * share, np.float32(3))
                out_pair[e, p, P_VALUE] = min(value * share, np.float32(3))
                if mask[e, number]:
                    best_value = max(best_value, out_pair[e, p, P_VALUE])

        o = out_whole[e]
        o[W_EASY], o[W_BUDGETED], o[W_COMPLEX] = limits[0] == 0, limits[0] == 1, limits[0] == 2
        o[W_QUERIES_LEFT], o[W_NO_QUERY_LEFT] = queries / limits[1], queries == 0
        o[W_INTERVENTIONS_LEFT], o[W_NO_INTERVENTION_LEFT] = acts / limits[2], acts == 0
        o[W_STEPS_LEFT] = steps / limits[3]
        o[W_DRUGS] = n / SLOTS
        o[W_TARGETED], o[W_UNTARGETED], o[W_SEVERE_FOUND] = (
            targeted / limits[2],
            untargeted / limits[2],
            min(found, 8) / 4,
        )
        o[W_ASKED] = (limits[1] - queries) / limits[1]
        gone = 0
        lost = 0
        for i in range(n):
            gone += (stopped | switched) >> i & 1
            lost += (stopped & critical) >> i & 1
        o[W_REPLACED], o[W_CRITICAL_STOPS] = gone / 5, lost / 5
        o[W_POINTS_AT_START] = np.log1p(start) / 5
        o[W_POINTS_NOW] = min(now * share, np.float32(3))
        o[W_SEVERE_EXPECTED] = min(severe, np.float32(5)) / 2
        o[W_BEST_OFF], o[W_BEST_OFF_WITH_REASON], o[W_BEST_VALUE] = best * share, best_with_reason * share, best_value
        o[W_FEMALE], o[W_AGE] = person[case, 0], person[case, 1] / 100
        for k in range(4):
            o[W_KIDNEY_1 + k] = person[case, 2] == k + 1
        for k in range(3):
            o[W_LIVER_A + k] = person[case, 3] == k + 1
        for b in range(burdens):
            o[W_BURDENS + b] = min(np.float32(load[e, b]) / burden[b, 1], np.float32(4))
        for k in range(4, person.shape[1]):
            o[W_BURDENS + burdens + k - 4] = person[case, k]
        for k in range(len(actions)):
            out_mask[e, k] = mask[e, actions[k]] != 0
