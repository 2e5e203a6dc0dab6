"""The best intervention plan of a case, exactly: branch and bound on the task's own grade.

Every plan is played through `dynamics.step` itself. The oracle knows the chart and obeys the same rules: what an
intervention needs to be targeted it asks for, and queries are planned with the interventions:

* A slot is *free* when it shows a flag, or when a query that costs the grade nothing gives a reason to touch it: the
  severe pair (easy), any severe pair (budgeted, where finding them all is itself rewarded), any moderate or severe
  pair (complex, where queries are plenty).
* Elsewhere (budgeted) a reason costs a query that finds nothing severe, and so costs efficiency; one query of a
  moderate pair can serve two slots.
* A slot without any such pair may still get its reason from the alternative that another slot was switched to before.

The bound: what a plan takes off the risk is at most what the findings still touching its slots count, added up over the
slots that count most; nothing is ever untargeted or inefficient in what is yet to be chosen.
"""

from collections.abc import Iterable
from itertools import permutations, product
from typing import NamedTuple

import numpy as np

from polypharmacy.env.backends import step_function
from polypharmacy.env.layout import (
    ALTERNATIVES,
    CASE,
    COMPLEX_TRADEOFF,
    DRUGS,
    EPISODE,
    FINISH,
    FIRST_INTERVENTION,
    FLAGS,
    INTERVENTIONS,
    INTERVENTIONS_LEFT,
    MAX_INTERVENTIONS,
    MAX_QUERIES,
    MAX_STEPS,
    MODERATE,
    NONE,
    PAIRS,
    POINTS,
    QUERIES_LEFT,
    SEVERE,
    SLOTS,
    START_POINTS,
    STATE_COLUMNS,
    STEPS_LEFT,
    SUBSTITUTE,
    TASK,
    pair_number,
)
from polypharmacy.env.tables import Tables, first_mask


class Plan(NamedTuple):
    """The best grade in millionths, and actions (0 to 165) that reach it, the finish among them."""

    grade: int
    actions: tuple[int, ...]


def best_plan(tables: Tables, case: int) -> Plan:
    """The highest grade that any policy can reach on a case. The task must allow as many queries as interventions."""
    reasons = _reasons(tables, case)
    out = np.full(int(tables.rules[MAX_INTERVENTIONS]), -1, dtype=np.int32)
    grade = search(tables, start_of(tables, case), tables.first_load[case], reasons, True, out)
    interventions = [int(a) for a in out if a >= 0]
    return Plan(int(grade), _actions(tables, case, int(grade), interventions, reasons))


def best_plan_unasked(tables: Tables, case: int) -> Plan:
    """The highest grade of who knows the chart and asks nothing: only flags give a reason then."""
    out = np.full(int(tables.rules[MAX_INTERVENTIONS]), -1, dtype=np.int32)
    flagged = int(tables.facts[case, FLAGS]) & ((1 << SLOTS) - 1)
    grade = search(tables, start_of(tables, case), tables.first_load[case], only(flagged), False, out)
    return Plan(grade, (*(int(a) for a in out if a >= 0), FINISH))


class Reasons(NamedTuple):
    """What can give a reason to touch a slot: bits of slots that are free, and that a query of a moderate pair serves;
    by slot the bits it shares a moderate pair with, and the bits that its alternative would give a reason for.
    """

    free: int
    single: int
    together: np.ndarray
    via: np.ndarray
    severe: list[tuple[int, int]]


def only(free: int) -> Reasons:
    """Slots that have a reason, and no way to one for any other."""
    none = np.zeros(SLOTS, dtype=np.int32)
    return Reasons(free, 0, none, none, [])


def start_of(tables: Tables, case: int) -> np.ndarray:
    """The state, int32 [17], that an episode of a case begins in."""
    state = np.zeros(STATE_COLUMNS, dtype=np.int32)
    state[[CASE, EPISODE]] = case
    state[POINTS] = tables.facts[case, START_POINTS]
    state[QUERIES_LEFT] = tables.rules[MAX_QUERIES]
    state[INTERVENTIONS_LEFT] = tables.rules[MAX_INTERVENTIONS]
    state[STEPS_LEFT] = tables.rules[MAX_STEPS]
    return state


def search(
    tables: Tables, begin: np.ndarray, load: np.ndarray, reasons: Reasons, ask: bool, out: np.ndarray, slack: int = 0
) -> int:
    """The best grade, in millionths, from a state on; `out` int32 [interventions] gets the actions, then -1.

    With `ask` queries are planned too, as the oracle does from the start; otherwise those asked so far count as is.
    With `slack` the grade found may be that many millionths short of the best, and is found sooner.
    """
    ways = reasons.free, reasons.single, reasons.together, reasons.via
    from polypharmacy.env.search import branch_and_bound

    return int(branch_and_bound(*tables, begin, load, *ways, ask, slack, out))


def _found(tables: Tables, case: int, i: int, j: int, switched: bool = False) -> int:
    """What a query of slots i and j finds, once i holds its alternative if `switched`."""
    which = 0 if not switched else 1 if i < j else 2
    pair = pair_number(min(i, j), max(i, j))
    return NONE + (int(tables.answer[case, pair]) >> 2 * which & 3)


def _reasons(tables: Tables, case: int) -> Reasons:
    fact, task = tables.facts[case], int(tables.rules[TASK])
    drugs = int(fact[DRUGS])
    together, via = np.zeros(SLOTS, dtype=np.int32), np.zeros(SLOTS, dtype=np.int32)
    severe: list[tuple[int, int]] = []
    severe_bits = any_bits = 0
    for i in range(drugs):
        for j in range(drugs):
            if i == j:
                continue
            if _found(tables, case, i, j) >= MODERATE:
                together[i] |= 1 << j
                any_bits |= 1 << i
            if i < j and _found(tables, case, i, j) == SEVERE:
                severe.append((i, j))
                severe_bits |= 1 << i | 1 << j
            if fact[ALTERNATIVES] >> i & 1 and _found(tables, case, i, j, True) >= MODERATE:
                via[i] |= 1 << j
    flagged = int(fact[FLAGS]) & ((1 << drugs) - 1)
    if task == COMPLEX_TRADEOFF:
        return Reasons(flagged | any_bits, 0, together, via, severe)
    return Reasons(flagged | severe_bits, any_bits, together, via, severe)


def _actions(tables: Tables, case: int, grade: int, interventions: list[int], reasons: Reasons) -> tuple[int, ...]:
    """A sequence that reaches the grade: queries, interventions (before some a query of an alternative), the finish."""
    kinds = dict(divmod(a - FIRST_INTERVENTION, INTERVENTIONS) for a in interventions)
    free = [s for s in kinds if reasons.free >> s & 1]
    for order in permutations(kinds):
        options = [_options(slot, order[:place], kinds, reasons) for place, slot in enumerate(order)]
        for chosen in product(*options):
            asked = sorted({pair for pair, giver in chosen if pair is not None and giver is None})
            first = _first_queries(tables, case, reasons, free, len(asked) + sum(g is not None for _, g in chosen))
            actions = [pair_number(*pair) for pair in (*first, *(p for p in asked if p not in first))]
            for slot, (pair, giver) in zip(order, chosen, strict=True):
                if giver is not None and pair is not None:
                    actions.append(pair_number(*pair))
                actions.append(FIRST_INTERVENTION + slot * INTERVENTIONS + kinds[slot])
            actions.append(FINISH)
            if play(tables, case, actions) == grade:
                return tuple(actions)
    raise AssertionError(f"no order of {interventions} reaches {grade}")


_Pair = tuple[int, int]


def _options(
    slot: int, before: tuple[int, ...], kinds: dict[int, int], reasons: Reasons
) -> list[tuple[_Pair | None, int | None]]:
    """Ways to have a reason for a slot: a pair to ask about, and the switched slot whose alternative it is asked of."""
    if reasons.free >> slot & 1:
        return [(None, None)]
    out: list[tuple[_Pair | None, int | None]] = []
    if reasons.single >> slot & 1:
        partners = [j for j in range(SLOTS) if reasons.together[slot] >> j & 1]
        partners.sort(key=lambda j: j not in kinds)
        out += [((min(slot, j), max(slot, j)), None) for j in partners[: len(kinds)]]
    givers = [s for s in before if kinds[s] == SUBSTITUTE and reasons.via[s] >> slot & 1]
    return [*out, *(((min(slot, s), max(slot, s)), s) for s in givers), (None, None)]


def _first_queries(tables: Tables, case: int, reasons: Reasons, free: list[int], others: int) -> list[_Pair]:
    """The queries that cost the grade nothing: those that give a planned slot its reason, then those rewarded."""
    trade = int(tables.rules[TASK]) == COMPLEX_TRADEOFF
    pairs = reasons.severe
    if trade:
        pairs = [(i, j) for i in range(SLOTS) for j in range(i + 1, SLOTS) if reasons.together[i] >> j & 1]
    wanted = [s for s in free if not int(tables.facts[case, FLAGS]) >> s & 1]
    queries: list[_Pair] = []
    for slot in wanted:  # at most one each, so the budget cannot run out before every slot has its reason
        if not any(slot in pair for pair in queries):
            own = [pair for pair in pairs if slot in pair]
            queries.append(min(own, key=lambda pair: (-sum(s in wanted for s in pair), pair)))
    if not trade:
        rest = [pair for pair in pairs if pair not in queries]
        queries += rest[: max(0, int(tables.rules[MAX_QUERIES]) - others - len(queries))]
    return queries


def play(tables: Tables, case: int, actions: Iterable[int]) -> int:
    """The grade, in millionths, of a sequence of actions that ends with the finish."""
    step = step_function("numba")
    state = start_of(tables, case).reshape(1, -1)
    known = np.zeros((1, PAIRS), dtype=np.uint8)
    mask = first_mask(tables, np.array([case]))
    load = tables.first_load[case : case + 1].copy()
    action, reward, grade = (np.zeros(1, dtype=np.int32) for _ in range(3))
    done = np.zeros(1, dtype=np.uint8)
    for number in actions:
        action[0] = number
        step(*tables, state, known, mask, load, action, reward, done, grade, 0, 0, 1)
    assert done[0], "the sequence does not end"
    return int(grade[0])
