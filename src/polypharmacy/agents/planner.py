"""The strongest honest agent: samples the chart from what it has seen, and plans over queries and interventions."""

from typing import NamedTuple

import numpy as np

from polypharmacy.agents.belief import Belief
from polypharmacy.agents.worlds import Worlds, sample
from polypharmacy.env.layout import (
    BUDGETED_SCREENING,
    CRITICAL_STOPS,
    EASY_SCREENING,
    EVIDENCE,
    FINISH,
    FIRST_INTERVENTION,
    FOUND,
    INTERVENTIONS,
    INTERVENTIONS_LEFT,
    MODERATE,
    PAIRS,
    POINTS,
    QUERIES_LEFT,
    RESOLVED,
    SEVERE,
    SEVERE_PAIR,
    SEVERE_PAIRS,
    SLOTS,
    START_POINTS,
    STEPS_LEFT,
    STOPPED,
    SUBSTITUTE,
    SWITCHED,
    TARGETED,
    UNTARGETED,
)
from polypharmacy.env.oracle import only, search
from polypharmacy.env.tables import Tables
from polypharmacy.env.vector import Buffers, VectorEnv
from polypharmacy.env.view import View

EVERYONE = (1 << SLOTS) - 1
_SWITCH = (FIRST_INTERVENTION + SUBSTITUTE) % INTERVENTIONS
SLACK = 60_000
"""How far, in millionths of grade, a sampled world's plan may be from that world's best."""
WORTH_ASKING = 1e-4
"""Least expected gain in grade for a query."""


class _Outcomes(NamedTuple):
    """Of P plans in M worlds what the grade depends on; [P, M], [P] where the world does not matter."""

    plans: list[tuple[int, ...]]
    reduction: np.ndarray
    resolved: np.ndarray
    bits: np.ndarray
    pair_bits: np.ndarray
    replaced: np.ndarray
    critical: np.ndarray
    severe: np.ndarray


class Planner:
    """Before each step: sample `worlds` charts, find the best plans of some, and take the plan that is best on average,
    or the query after which the best plan is expected to be better still (one query ahead).

    With `ask` false it is the same planner forbidden to ask.
    """

    def __init__(self, belief: Belief, like: Tables, seed: int, *, worlds: int = 24, ask: bool = True) -> None:
        self.belief = belief
        self.like = like
        self.seed = seed
        self.worlds = worlds
        self.ask = ask

    def begin(self, view: View, episode: int) -> None:
        self._draw = np.random.default_rng([self.seed, episode])
        self._made: list[int] = []
        self._queue: list[int] = []

    def act(self, view: View) -> int:
        if self._queue:
            return self._queue.pop(0)
        worlds = sample(view, self.belief, self.worlds, self._draw, self.like)
        outcomes = self._outcomes(view, worlds)
        asked = view.task.queries - view.queries_left
        reasons = np.full(self.worlds, view.evidence | view.flagged & EVERYONE)
        now = _grades(view, outcomes, reasons, np.full(self.worlds, view.found), asked)
        means = now.mean(axis=1)
        best = int(means.argmax())
        if self.ask and view.queries_left and view.steps_left > 1 + len(outcomes.plans[best]):
            query, value = self._best_query(view, worlds, outcomes, reasons, asked)
            if value > means[best] + WORTH_ASKING:
                return query
        plan = outcomes.plans[best]
        if not plan or view.steps_left <= 1:
            return FINISH
        # Nothing is worth asking any more: the plan is carried out. What has a reason goes first; after a switch there
        # may be something to ask again.
        ready = reasons[0]
        ordered = sorted(plan, key=lambda a: not ready >> (a - FIRST_INTERVENTION) // INTERVENTIONS & 1)
        upto = next((k for k, a in enumerate(ordered) if a % INTERVENTIONS == _SWITCH), len(ordered) - 1)
        self._queue = ordered[1 : upto + 1] if self.ask else [*ordered[1:], FINISH]
        self._made += ordered[: upto + 1]
        return ordered[0]

    def _best_query(
        self, view: View, worlds: Worlds, outcomes: _Outcomes, reasons: np.ndarray, asked: int
    ) -> tuple[int, float]:
        best = -1, -1.0
        for number in range(PAIRS):
            if not view.mask[number]:
                continue
            i, j = _slots(self.like, number)
            found = worlds.words[:, number]
            bits = np.where(found >= MODERATE, 1 << i | 1 << j, 0)
            original = not (view.switched >> i & 1 or view.switched >> j & 1)
            more = view.found + ((found == SEVERE) & original)
            grades = _grades(view, outcomes, reasons | bits, more, asked + 1)
            value = 0.0
            for word in np.unique(found):
                value += grades[:, found == word].sum(axis=1).max()
            if value / self.worlds > best[1]:
                best = number, value / self.worlds
        return best

    def _outcomes(self, view: View, worlds: Worlds) -> _Outcomes:
        """The best plans of a third of the worlds, with the reasons there are and with all, played in every world."""
        tables = worlds.bank.tables
        env = VectorEnv(worlds.bank, self.worlds, autoreset=False)
        env.buffers.mask[:] = 1
        env.buffers.state[:, EVIDENCE] = view.evidence
        env.buffers.state[:, STEPS_LEFT] = 99
        for action in self._made:
            env.step(np.full(self.worlds, action, dtype=np.int32))
        start = Buffers(*(a.copy() for a in env.buffers))
        for column, value in (
            (QUERIES_LEFT, view.queries_left),
            (INTERVENTIONS_LEFT, view.interventions_left),
            (TARGETED, view.targeted),
            (UNTARGETED, view.untargeted),
            (FOUND, view.found),
        ):
            start.state[:, column] = value
        plans: dict[tuple[int, ...], None] = {(): None}
        out = np.zeros(max(1, view.interventions_left), dtype=np.int32)
        for world in range(self.worlds // 3 if view.interventions_left else 0):
            reasons = view.evidence | view.flagged & EVERYONE
            for free in {reasons, EVERYONE} if self.ask else {reasons}:
                out[:] = -1
                search(tables, start.state[world], start.load[world], only(free), False, out, SLACK)
                plans[tuple(int(a) for a in out if a >= 0)] = None
        listed = list(plans)
        before = tables.facts[:, START_POINTS]
        points = np.zeros((len(listed), self.worlds))
        resolved = np.zeros((len(listed), self.worlds), dtype=bool)
        critical = np.zeros(len(listed))
        replaced = np.zeros(len(listed))
        for p, plan in enumerate(listed):
            for mine, kept in zip(env.buffers, start, strict=True):
                mine[:] = kept
            env.buffers.mask[:] = 1
            env.buffers.state[:, EVIDENCE] = EVERYONE
            for action in plan:
                env.step(np.full(self.worlds, action, dtype=np.int32))
            state = env.buffers.state
            points[p], resolved[p] = state[:, POINTS], state[:, RESOLVED] == 1
            critical[p] = state[0, CRITICAL_STOPS]
            replaced[p] = int(state[0, STOPPED] | state[0, SWITCHED]).bit_count()
        pair = tables.facts[:, SEVERE_PAIR]
        slots = tables.pair_slots[np.maximum(pair, 0)]
        return _Outcomes(
            plans=listed,
            reduction=np.maximum(0.0, (before - points) / before),
            resolved=resolved,
            bits=np.array([sum(1 << (a - FIRST_INTERVENTION) // INTERVENTIONS for a in plan) for plan in listed]),
            pair_bits=np.where(pair >= 0, 1 << slots[:, 0] | 1 << slots[:, 1], 0),
            replaced=replaced,
            critical=critical,
            severe=tables.facts[:, SEVERE_PAIRS],
        )


def _grades(view: View, o: _Outcomes, reasons: np.ndarray, found: np.ndarray, asked: int) -> np.ndarray:
    """Grades [P, M] of every plan in every world, with `reasons` [M] for slots and `found` [M] severe pairs."""
    with_reason = np.bitwise_count((o.bits[:, None] & reasons[None, :]).astype(np.uint32))
    targeted = view.targeted + with_reason
    made = np.bitwise_count(o.bits.astype(np.uint32))[:, None] + view.targeted + view.untargeted
    task = view.task
    if task.number == EASY_SCREENING:
        on_pair = o.bits[:, None] & (o.pair_bits & reasons)[None, :]
        earlier = (o.bits == 0)[:, None] | (o.bits[:, None] & o.pair_bits[None, :] == 0)
        easy: np.ndarray = 0.5 * o.reduction + 0.5 * (o.resolved & ((on_pair != 0) | earlier))
        return easy
    if task.number == BUDGETED_SCREENING:
        most = np.minimum(task.interventions, o.severe)[None, :]
        precision = np.where(made > 0, targeted / np.maximum(np.maximum(made, most), 1), 0.0)
        efficiency = found / np.maximum(asked, np.minimum(task.queries, o.severe)) if asked else np.zeros(len(found))
        return 0.5 * o.reduction + 0.3 * precision + 0.2 * efficiency[None, :]
    penalty = 0.1 * np.maximum(0, o.replaced - 3)[:, None] + 0.1 * (made - targeted) + 0.3 * o.critical[:, None]
    complex_: np.ndarray = o.reduction - penalty
    return complex_


def _slots(tables: Tables, number: int) -> tuple[int, int]:
    return int(tables.pair_slots[number, 0]), int(tables.pair_slots[number, 1])
