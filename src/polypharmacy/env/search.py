"""The oracle's branch and bound, compiled around the compiled step. Imported only when a plan is wanted: numba is slow
to load.
"""

import numba
import numpy as np

from polypharmacy.env.backends import step_function
from polypharmacy.env.layout import (
    ACTIONS,
    ALTERNATIVES,
    BUDGETED_SCREENING,
    CANDIDATES,
    CASE,
    CODE,
    COMPLEX_TRADEOFF,
    CRITICAL,
    CRITICAL_STOPS,
    DONE,
    DRUGS,
    EASY_SCREENING,
    EVIDENCE,
    FINISH,
    FIRST_INTERVENTION,
    FOUND,
    INTERVENTIONS,
    INTERVENTIONS_LEFT,
    LINK_CANDIDATE,
    LINK_CODE,
    MAX_QUERIES,
    MICRO,
    MONITORED,
    PAIRS,
    POINTS,
    QUERIES_LEFT,
    REDUCED,
    SEVERE_PAIRS,
    SLOTS,
    START_POINTS,
    STATE_COLUMNS,
    STEPS_LEFT,
    STOP,
    STOPPED,
    SUBSTITUTE,
    SWITCHED,
    TARGETED,
    TASK,
    UNTARGETED,
)

step = step_function("numba")


@numba.njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def covered(chosen, kinds, count, free, single, together, via, queries):  # type: ignore[no-untyped-def]
    """The most of `count` chosen slots, not free, that `queries` questions give a reason for."""
    others = 0
    for k in range(count):
        if not free >> chosen[k] & 1:
            others += 1
    if others == 0:
        return 0
    best = 0
    for subset in range(1 << count):
        # The slots of the subset are to have a reason; each by a query, or by an alternative put in before.
        bits = 0
        size = 0
        for k in range(count):
            if subset >> k & 1:
                if free >> chosen[k] & 1:
                    size = -1
                    break
                bits |= 1 << chosen[k]
                size += 1
        if size <= best:
            continue
        rest = bits & ~single
        ready = 0  # slots whose turn can come
        for k in range(count):
            if not rest >> chosen[k] & 1:
                ready |= 1 << chosen[k]
        moved = True
        while moved:
            moved = False
            for k in range(count):
                slot = chosen[k]
                if rest >> slot & 1 and not ready >> slot & 1:
                    for g in range(count):
                        giver = chosen[g]
                        if kinds[g] == SUBSTITUTE and ready >> giver & 1 and via[giver] >> slot & 1:
                            ready |= 1 << slot
                            moved = True
        if rest & ~ready:
            continue
        # One question of a moderate pair serves both of its slots. Three interventions hold at most one such pair, and
        # with more (complex) every moderate pair is free.
        pairs = 0
        members = bits & single
        if queries < size:
            for a in range(count):
                for b in range(a + 1, count):
                    if members >> chosen[a] & 1 and members >> chosen[b] & 1 and together[chosen[a]] >> chosen[b] & 1:
                        pairs = 1
        if size - pairs <= queries:
            best = size
    return best


@numba.njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def branch_and_bound(  # type: ignore[no-untyped-def]
    rules, facts, answer, alone, link_start, link, burden, need_start, need, term_start, term, left, word,
    open_at_start, first_load, pair_slots, numbers, without, begin, begin_load, free, single, together, via, ask,
    slack, out,
):  # fmt: skip
    task = rules[TASK]
    case = begin[CASE]
    drugs = facts[case, DRUGS]
    most = begin[INTERVENTIONS_LEFT]
    touched = begin[STOPPED] | begin[SWITCHED] | begin[REDUCED] | begin[MONITORED]
    before = facts[case, START_POINTS]
    severe = facts[case, SEVERE_PAIRS]
    burdens = burden.shape[0]
    width = 3 + burdens
    state = np.zeros((1, STATE_COLUMNS), dtype=np.int32)
    known = np.zeros((1, PAIRS), dtype=np.uint8)
    mask = np.ones((1, ACTIONS), dtype=np.uint8)
    load = np.zeros((1, burdens), dtype=np.int32)
    action = np.zeros(1, dtype=np.int32)
    reward = np.zeros(1, dtype=np.int32)
    done = np.zeros(1, dtype=np.uint8)
    grade = np.zeros(1, dtype=np.int32)
    states = np.zeros((most + 1, STATE_COLUMNS), dtype=np.int32)
    loads = np.zeros((most + 1, burdens), dtype=np.int32)
    bounds = np.zeros((most + 1, SLOTS), dtype=np.int64)
    chosen = np.zeros(most + 1, dtype=np.int64)
    kinds = np.zeros(most + 1, dtype=np.int64)
    position = np.zeros(most + 1, dtype=np.int64)
    option = np.zeros(most + 1, dtype=np.int64)
    for c in range(STATE_COLUMNS):
        states[0, c] = begin[c]
    for b in range(burdens):
        loads[0, b] = begin_load[b]
    order = np.zeros(drugs, dtype=np.int64)
    given = 0  # slots that some alternative would give a reason for
    for i in range(drugs):
        given |= via[i]
    best = -1
    depth = 0
    fresh = True
    while depth >= 0:
        if fresh:
            fresh = False
            # How good is it to end here?
            tries = 1
            if ask and task == BUDGETED_SCREENING:
                tries = depth + 1
            for extra in range(tries):
                for c in range(STATE_COLUMNS):
                    state[0, c] = states[depth, c]
                budget = depth
                if ask and task == BUDGETED_SCREENING:
                    budget = extra
                reasoned = covered(chosen, kinds, depth, free, single, together, via, budget)
                for k in range(depth):
                    if free >> chosen[k] & 1:
                        reasoned += 1
                state[0, TARGETED] = begin[TARGETED] + reasoned
                state[0, UNTARGETED] = begin[UNTARGETED] + depth - reasoned
                if ask and task == BUDGETED_SCREENING:
                    asked = min(severe, rules[MAX_QUERIES] - extra)
                    state[0, FOUND] = asked
                    state[0, QUERIES_LEFT] = rules[MAX_QUERIES] - asked - extra
                state[0, STEPS_LEFT] = 2
                state[0, DONE] = 0
                mask[0, FINISH] = 1
                action[0] = FINISH
                step(
                    rules, facts, answer, alone, link_start, link, burden, need_start, need, term_start, term, left,
                    word, open_at_start, first_load, pair_slots, numbers, without, state, known, mask, load, action,
                    reward, done, grade, 0, 0, 1,
                )  # fmt: skip
                if grade[0] > best:
                    best = grade[0]
                    for k in range(out.shape[0]):
                        out[k] = -1
                        if k < depth:
                            out[k] = FIRST_INTERVENTION + chosen[k] * INTERVENTIONS + kinds[k]
            # What could each slot not yet decided still take off?
            stopped = states[depth, STOPPED]
            switched = states[depth, SWITCHED]
            active = ((1 << drugs) - 1) & ~stopped & ~switched | switched << SLOTS
            for i in range(drugs):
                if touched >> i & 1:
                    bounds[depth, i] = 0
                    continue
                total = np.int64(alone[case, i * width])
                for k in range(link_start[case * CANDIDATES + i], link_start[case * CANDIDATES + i + 1]):
                    if active >> (link[k] & LINK_CANDIDATE) & 1:
                        total += left[(link[k] >> LINK_CODE & CODE) * 4]
                for t in range(term_start[case], term_start[case + 1]):
                    if term[t, 0] & ~active == 0 and term[t, 0] >> i & 1:
                        total += left[term[t, 2] * 4]
                for b in range(burdens):
                    over = loads[depth, b] + 1 - burden[b, 1]
                    if over > 0:
                        total += min(over, alone[case, i * width + 3 + b]) * burden[b, 0]
                if task == COMPLEX_TRADEOFF and not (free | given) >> i & 1:
                    total = max(np.int64(0), total - before // 10)  # it will be untargeted
                bounds[depth, i] = total
            if depth == 0:
                for i in range(drugs):
                    order[i] = i
                for i in range(1, drugs):  # most promising first
                    j = i
                    while j > 0 and bounds[0, order[j - 1]] < bounds[0, order[j]]:
                        order[j - 1], order[j] = order[j], order[j - 1]
                        j -= 1
            position[depth] = position[depth - 1] + 1 if depth else 0
            option[depth] = 0
            if depth == most:
                depth -= 1
                continue
        if option[depth] == INTERVENTIONS:
            option[depth] = 0
            position[depth] += 1
        if position[depth] >= drugs:
            depth -= 1
            continue
        if option[depth] == 0:
            # The most that any further choice from here can reach.
            remaining = most - depth
            gain = np.int64(before - states[depth, POINTS])
            first = np.int64(0)
            taken = 0
            for _ in range(remaining):
                top = np.int64(-1)
                at = -1
                for p in range(position[depth], drugs):
                    if not taken >> p & 1 and bounds[depth, order[p]] > top:
                        top = bounds[depth, order[p]]
                        at = p
                if at >= 0:
                    taken |= 1 << at
                    first += top
            gain = min(gain + first, np.int64(before))
            ceiling = gain * MICRO // before if gain > 0 else np.int64(0)
            if task == EASY_SCREENING:
                ceiling = (ceiling + MICRO) // 2
            elif task == BUDGETED_SCREENING:
                ceiling = (5 * ceiling + 5 * MICRO) // 10
            else:
                gone = 0
                for i in range(drugs):
                    gone += (begin[STOPPED] | begin[SWITCHED]) >> i & 1
                for k in range(depth):
                    if kinds[k] == STOP or kinds[k] == SUBSTITUTE:
                        gone += 1
                ceiling -= max(0, gone - 3) * (MICRO // 10)
                ceiling -= begin[UNTARGETED] * (MICRO // 10) + begin[CRITICAL_STOPS] * (MICRO // 10 * 3)
                for k in range(depth):
                    if kinds[k] == STOP and facts[case, CRITICAL] >> chosen[k] & 1:
                        ceiling -= MICRO // 10 * 3
            if ceiling <= best + slack:
                depth -= 1
                continue
        slot = order[position[depth]]
        kind = option[depth]
        option[depth] += 1
        if touched >> slot & 1 or (kind == SUBSTITUTE and not facts[case, ALTERNATIVES] >> slot & 1):
            continue
        for c in range(STATE_COLUMNS):
            state[0, c] = states[depth, c]
        for b in range(burdens):
            load[0, b] = loads[depth, b]
        state[0, DONE] = 0
        state[0, STEPS_LEFT] = 9
        state[0, INTERVENTIONS_LEFT] = 9
        state[0, EVIDENCE] = free
        action[0] = FIRST_INTERVENTION + slot * INTERVENTIONS + kind
        mask[0, action[0]] = 1
        step(
            rules, facts, answer, alone, link_start, link, burden, need_start, need, term_start, term, left, word,
            open_at_start, first_load, pair_slots, numbers, without, state, known, mask, load, action, reward, done,
            grade, 0, 0, 1,
        )  # fmt: skip
        chosen[depth] = slot
        kinds[depth] = kind
        for c in range(STATE_COLUMNS):
            states[depth + 1, c] = state[0, c]
        for b in range(burdens):
            loads[depth + 1, b] = load[0, b]
        depth += 1
        fresh = True
    return best
