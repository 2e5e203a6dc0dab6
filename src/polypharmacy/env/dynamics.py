"""The environment's one function: plain Python, numba on the CPU and a CUDA kernel are compiled from this source.

Flat scalar code over plain arrays, in place. Helpers that return tuples, or tables passed in NamedTuples, cost 5 to 15
times under numba; the function is long because of that.
"""

from typing import Any

from polypharmacy.env.layout import (
    ACTIONS,
    ALTERNATIVES,
    BUDGETED_SCREENING,
    CANDIDATES,
    CASE,
    CODE,
    COLUMN_DOSE,
    CRITICAL,
    CRITICAL_STOPS,
    DONE,
    DRUGS,
    EASY_SCREENING,
    EPISODE,
    EVIDENCE,
    FINISH,
    FIRST_INTERVENTION,
    FLAGS,
    FOUND,
    INTERVENTIONS,
    INTERVENTIONS_LEFT,
    LINK_CANDIDATE,
    LINK_CODE,
    MAX_INTERVENTIONS,
    MAX_QUERIES,
    MAX_STEPS,
    MICRO,
    MODERATE,
    MONITOR,
    MONITORED,
    NONE,
    PAIRS,
    POINTS,
    QUERIES_LEFT,
    REDUCE,
    REDUCED,
    RESOLVED,
    ROW_DOSE,
    SCALE,
    SEVERE,
    SEVERE_PAIR,
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
    UNKNOWN,
    UNTARGETED,
)

QUERY_COST = 5_000
SEVERE_FOUND = 40_000
MODERATE_FOUND = 10_000
INTERVENTION_COST = 10_000
INVALID = 50_000
TIME_OUT = 100_000
LEAST_GRADE, MOST_GRADE = 1_000, 999_000
ROW_DOSE_BIT, COLUMN_DOSE_BIT = ROW_DOSE.bit_length() - 1, COLUMN_DOSE.bit_length() - 1


def step(  # type: ignore[no-untyped-def]  # plain arrays, int32 unless stated; shapes below
    rules,  # [5] the task: layout.TASK ...
    facts,  # [C, 7] by case: layout.DRUGS ...
    answer,  # uint8 [C, 105] severity, two bits, of pair p: at 2 * ((i holds its alternative) + 2 * (j does))
    alone,  # int16 [C, 30 * (3 + B)] of candidate a: points alone, untouched, reduced and monitored; then its burdens
    link_start,  # [30 * C + 1] where the links of candidate a of case c begin, at 30 * c + a
    link,  # int16 [K] a candidate it has a finding with, and from layout.LINK_CODE on the pair's byte, seen from a
    burden,  # [B, 2] points a unit, and the total at which the first unit counts
    need_start,  # [15 * C + 1] where the needs of slot i of case c begin, at 15 * c + i
    need,  # [N, 3] slot bits, points unmet, points where only reduced medicines are left
    term_start,  # [C + 1] where a case's findings over three or more candidates begin
    term,  # [T, 3] candidate bits, bits whose reduction helps, code
    left,  # [44] points left of code c at c * 4 + (1 if reduced) + (2 if monitored)
    word,  # uint8 [22] severity word of code c at c * 2, and at c * 2 + 1 once reduced
    open_at_start,  # uint8 [16, 166] actions open with n medicines, each with an alternative
    first_load,  # [C, B] what a case's medicines add to each burden at the start
    pair_slots,  # [105, 2] the slots of pair p
    pair_number,  # [15, 15] the pair of slots i, j in either order
    without,  # uint8 [15, 105] all bits of a pair that slot i is not in, none of one that it is in
    state,  # [E, 16] layout.CASE ...
    known,  # uint8 [E, 105] what was found of each pair: layout.UNKNOWN ...
    mask,  # uint8 [E, 166] 1 where an action is open
    load,  # [E, B] what the medicines now taken add to each burden
    actions,  # [E] 0 to 165
    rewards,  # [E] out, millionths
    dones,  # uint8 [E] out
    grades,  # [E] out, millionths; of the episode that ended, else left alone
    advance,  # episodes to move on by when one ends; 0: stay ended
    first,
    stride,
) -> Any:
    """One step of environments first, first + stride, ..., all in place. `known`, `mask`, `load` and `state` from
    its column STOPPED are what is seen.

    An episode that ends is replaced by episode + advance of the same task, its case the episode modulo C.
    """
    burdens = burden.shape[0]
    width = 3 + burdens
    for e in range(first, actions.shape[0], stride):
        if state[e, DONE]:
            rewards[e] = 0
            dones[e] = 1
            continue
        case = state[e, CASE]
        action = actions[e]
        drugs = facts[case, DRUGS]
        reward = 0
        done = 0
        state[e, STEPS_LEFT] -= 1
        if action < 0 or action >= ACTIONS or mask[e, action] == 0:
            reward = -INVALID
        elif action == FINISH:
            done = 1
        elif action < FIRST_INTERVENTION:
            a = pair_slots[action, 0]
            b = pair_slots[action, 1]
            switched = state[e, SWITCHED]
            # Which of four pairs of candidates? No branch follows, so that nothing waits for the answer.
            which = (switched >> a & 1) + 2 * (switched >> b & 1)
            severity = answer[case, action] >> 2 * which & 3
            known[e, action] = NONE + severity
            mask[e, action] = 0
            severe = 1 if severity == SEVERE - NONE and which == 0 else 0
            moderate = 1 if severity == MODERATE - NONE and which == 0 else 0
            reward = severe * SEVERE_FOUND + moderate * MODERATE_FOUND - QUERY_COST
            state[e, FOUND] += severe
            state[e, EVIDENCE] |= (1 << a | 1 << b) * (severity >> 1)
            state[e, QUERIES_LEFT] -= 1
            if state[e, QUERIES_LEFT] == 0:
                for p in range(PAIRS):
                    mask[e, p] = 0
        else:
            slot = (action - FIRST_INTERVENTION) // INTERVENTIONS
            kind = (action - FIRST_INTERVENTION) % INTERVENTIONS
            bit = 1 << slot
            stopped = state[e, STOPPED]
            switched = state[e, SWITCHED]
            reduced = state[e, REDUCED]
            monitored = state[e, MONITORED]
            other = SLOTS + slot
            # Was there a reason to touch this medicine?
            targeted = (facts[case, FLAGS] | state[e, EVIDENCE]) >> slot & 1
            # What the pairs with this medicine count before and after.
            drop = 0
            watched = 0  # bits of the two candidates that may be the other of the one severe pair
            if facts[case, SEVERE_PAIR] >= 0:
                if pair_slots[facts[case, SEVERE_PAIR], 0] == slot:
                    watched = (1 | 1 << SLOTS) << pair_slots[facts[case, SEVERE_PAIR], 1]
                elif pair_slots[facts[case, SEVERE_PAIR], 1] == slot:
                    watched = (1 | 1 << SLOTS) << pair_slots[facts[case, SEVERE_PAIR], 0]
            severe_before = 0
            severe_after = 0
            stays = 1 if kind == REDUCE or kind == MONITOR else 0
            now_helped = 1 if kind == REDUCE else 0
            now_watch = 2 if kind == MONITOR else 0
            active = ((1 << drugs) - 1) & ~stopped & ~switched | switched << SLOTS
            # Sums in which a medicine no longer taken counts 0 times: no branch waits for a load. A slot that holds its
            # alternative was not reduced and is not monitored.
            for k in range(link_start[case * CANDIDATES + slot], link_start[case * CANDIDATES + slot + 1]):
                partner = link[k] & LINK_CANDIDATE
                cell = link[k] >> LINK_CODE
                taken = active >> partner & 1
                on_watched = watched >> partner & taken
                code = cell & CODE
                helped = cell >> COLUMN_DOSE_BIT & reduced >> partner & 1
                watch = (monitored >> partner & 1) * 2
                drop += taken * left[code * 4 + helped + watch]
                severe_before |= on_watched & (word[code * 2 + helped] == SEVERE - NONE)
                helped |= cell >> ROW_DOSE_BIT & now_helped
                drop -= (stays & taken) * left[code * 4 + helped + (watch | now_watch)]
                severe_after |= stays & on_watched & (word[code * 2 + helped] == SEVERE - NONE)
            if kind == SUBSTITUTE:
                for k in range(link_start[case * CANDIDATES + other], link_start[case * CANDIDATES + other + 1]):
                    partner = link[k] & LINK_CANDIDATE
                    cell = link[k] >> LINK_CODE
                    taken = active >> partner & 1
                    code = cell & CODE
                    helped = cell >> COLUMN_DOSE_BIT & reduced >> partner & 1
                    drop -= taken * left[code * 4 + helped + (monitored >> partner & 1) * 2]
                    severe_after |= watched >> partner & taken & (word[code * 2 + helped] == SEVERE - NONE)
            # What it counts alone.
            drop += alone[case, slot * width]
            if kind == REDUCE:
                drop -= alone[case, slot * width + 1]
            elif kind == MONITOR:
                drop -= alone[case, slot * width + 2]
            elif kind == SUBSTITUTE:
                drop -= alone[case, other * width]
            # Loads that add up.
            if kind == STOP or kind == SUBSTITUTE:
                for b in range(burdens):
                    over = load[e, b] + 1 - burden[b, 1]
                    drop += max(0, over) * burden[b, 0]
                    change = 0 - alone[case, slot * width + 3 + b]
                    if kind == SUBSTITUTE:
                        change += alone[case, other * width + 3 + b]
                    load[e, b] += change
                    drop -= max(0, over + change) * burden[b, 0]
            # Findings over three or more.
            now_active = active
            now_reduced = reduced
            now_monitored = monitored
            now_stopped = stopped
            if kind == STOP:
                now_active = active & ~bit
                now_stopped = stopped | bit
            elif kind == SUBSTITUTE:
                now_active = active & ~bit | 1 << other
            elif kind == REDUCE:
                now_reduced = reduced | bit
            else:
                now_monitored = monitored | bit
            for t in range(term_start[case], term_start[case + 1]):
                bits = term[t, 0]
                if bits & ~active == 0:
                    helped = 1 if term[t, 1] & reduced else 0
                    watch = 2 if bits & monitored else 0
                    drop += left[term[t, 2] * 4 + helped + watch]
                if bits & ~now_active == 0:
                    helped = 1 if term[t, 1] & now_reduced else 0
                    watch = 2 if bits & now_monitored else 0
                    drop -= left[term[t, 2] * 4 + helped + watch]
            # What the medicine was needed for.
            if kind == STOP or kind == REDUCE:
                for n in range(need_start[case * SLOTS + slot], need_start[case * SLOTS + slot + 1]):
                    # Before, the need was met in full: by this very medicine.
                    held = need[n, 0] & ~now_stopped
                    if held == 0:
                        drop -= need[n, 1]
                    elif held & ~now_reduced == 0:
                        drop -= need[n, 2]
            # The new state.
            state[e, POINTS] -= drop
            state[e, STOPPED] = now_stopped
            state[e, REDUCED] = now_reduced
            state[e, MONITORED] = now_monitored
            if kind == SUBSTITUTE:
                state[e, SWITCHED] = switched | bit
            state[e, TARGETED] += targeted
            state[e, UNTARGETED] += 1 - targeted
            critical = facts[case, CRITICAL] >> slot & 1
            state[e, CRITICAL_STOPS] += critical if kind == STOP else 0
            if severe_before != severe_after:
                state[e, RESOLVED] = targeted & severe_before
            reward = int(drop) * MICRO // (rules[SCALE] * drugs) - INTERVENTION_COST
            # What is open now.
            state[e, INTERVENTIONS_LEFT] -= 1
            if state[e, INTERVENTIONS_LEFT] == 0:
                for k in range(FIRST_INTERVENTION, FINISH):
                    mask[e, k] = 0
            else:
                for k in range(INTERVENTIONS):
                    mask[e, FIRST_INTERVENTION + slot * INTERVENTIONS + k] = 0
            if kind == STOP:
                for p in range(PAIRS):
                    mask[e, p] &= without[slot, p]
            elif kind == SUBSTITUTE:
                for p in range(PAIRS):
                    known[e, p] &= without[slot, p]
                ask = 1 if state[e, QUERIES_LEFT] > 0 else 0
                for j in range(drugs):
                    mask[e, pair_number[slot, j]] |= ask & ~(now_stopped >> j) if j != slot else 0
        if done == 0 and state[e, STEPS_LEFT] == 0:
            reward -= TIME_OUT
            done = 2
        if done:
            # Each part in millionths, rounded down; docs/environment.md has the formulas.
            before = facts[case, START_POINTS]
            gain = int(before - state[e, POINTS])
            grade = 0
            if gain > 0:
                grade = gain * MICRO // before
            made = state[e, TARGETED] + state[e, UNTARGETED]
            if rules[TASK] == EASY_SCREENING:
                grade = (grade + MICRO * state[e, RESOLVED]) // 2
            elif rules[TASK] == BUDGETED_SCREENING:
                precision = 0
                if made > 0:
                    precision = (
                        int(state[e, TARGETED])
                        * MICRO
                        // max(made, min(rules[MAX_INTERVENTIONS], facts[case, SEVERE_PAIRS]))
                    )
                asked = rules[MAX_QUERIES] - state[e, QUERIES_LEFT]
                efficiency = 0
                if asked > 0:
                    efficiency = (
                        int(state[e, FOUND]) * MICRO // max(asked, min(rules[MAX_QUERIES], facts[case, SEVERE_PAIRS]))
                    )
                grade = (5 * grade + 3 * precision + 2 * efficiency) // 10
            else:
                gone = state[e, STOPPED] | state[e, SWITCHED]
                replaced = 0
                for j in range(drugs):
                    replaced += gone >> j & 1
                grade -= max(0, replaced - 3) * (MICRO // 10) + state[e, UNTARGETED] * (MICRO // 10)
                grade -= state[e, CRITICAL_STOPS] * (MICRO // 10 * 3)
            grade = min(max(grade, LEAST_GRADE), MOST_GRADE)
            grades[e] = grade
            if done == 1:
                reward += grade
            if advance == 0:
                state[e, DONE] = done
            else:
                state[e, EPISODE] += advance
                case = state[e, EPISODE] % facts.shape[0]
                state[e, CASE] = case
                state[e, POINTS] = facts[case, START_POINTS]
                for c in range(RESOLVED, STATE_COLUMNS):
                    state[e, c] = 0
                state[e, QUERIES_LEFT] = rules[MAX_QUERIES]
                state[e, INTERVENTIONS_LEFT] = rules[MAX_INTERVENTIONS]
                state[e, STEPS_LEFT] = rules[MAX_STEPS]
                for p in range(PAIRS):
                    known[e, p] = UNKNOWN
                for b in range(burdens):
                    load[e, b] = first_load[case, b]
                drugs = facts[case, DRUGS]
                for k in range(ACTIONS):
                    mask[e, k] = open_at_start[drugs, k]
                alternatives = facts[case, ALTERNATIVES]
                for j in range(SLOTS):
                    mask[e, FIRST_INTERVENTION + j * INTERVENTIONS + SUBSTITUTE] = alternatives >> j & 1
        rewards[e] = reward
        dones[e] = 1 if done else 0
