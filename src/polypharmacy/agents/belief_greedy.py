"""Asks where knowing more changes most what it would do, then acts by expected drop in risk."""

import numpy as np

from polypharmacy.agents.belief import Belief, Cells
from polypharmacy.env.actions import PAIR_SLOTS
from polypharmacy.env.layout import (
    CODE,
    COLUMN_DOSE,
    EASY_SCREENING,
    FINISH,
    FIRST_INTERVENTION,
    INTERVENTIONS,
    MODERATE,
    MONITOR,
    NONE,
    REDUCE,
    ROW_DOSE,
    SEVERE,
    SLOTS,
    STOP,
    SUBSTITUTE,
)
from polypharmacy.env.view import View

REASON = 0.1
"""What a first reason to touch a slot is worth in grade (a tenth: 0.3 of a third, or the cost of an untargeted act)."""
CRITICAL_STOP = 0.3
WORTH_ASKING = 0.01
WORTH_ACTING = 0.02
"""Least expected gain in grade for a query, and for an intervention."""


class BeliefGreedy:
    """One step ahead in both: a query by what it is expected to add to the best intervention, an intervention by what
    it is expected to take off the share of risk, less what the task charges for it.
    """

    def __init__(self, belief: Belief) -> None:
        self.belief = belief

    def begin(self, view: View, episode: int) -> None:
        self._cells: dict[tuple[int, int, int], tuple[Cells, np.ndarray]] = {}

    def act(self, view: View) -> int:
        total = max(1.0, self._total(view))
        drops = self._drops(view)
        if view.queries_left and view.interventions_left:
            query = self._query(view, drops, total)
            if query is not None:
                return query
        action, gain = self._best(view, drops, total)
        return action if gain > WORTH_ACTING else FINISH

    def _query(self, view: View, drops: np.ndarray, total: float) -> int | None:
        """The pair to ask about; None when no query is worth it."""
        values = [(self._value(view, p, drops, total), -p) for p in range(len(PAIR_SLOTS)) if view.mask[p]]
        value, pair = max(values, default=(0.0, 0))
        return -pair if value > WORTH_ASKING else None

    def _best(self, view: View, drops: np.ndarray, total: float) -> tuple[int, float]:
        best = FINISH, 0.0
        replaced = (view.stopped | view.switched).bit_count()
        for slot in range(view.drugs):
            reason = (view.evidence | view.flagged) >> slot & 1
            for kind in range(INTERVENTIONS):
                action = FIRST_INTERVENTION + slot * INTERVENTIONS + kind
                if not view.mask[action]:
                    continue
                gain = drops[slot, kind] / total - (0 if reason else REASON)
                if kind in (STOP, SUBSTITUTE) and replaced >= 3:
                    gain -= REASON
                if kind == STOP and view.critical >> slot & 1:
                    gain -= CRITICAL_STOP
                if gain > best[1]:
                    best = action, gain
        return best

    def _value(self, view: View, pair: int, drops: np.ndarray, total: float) -> float:
        """Expected gain of knowing one pair: a better choice among its two drugs, a reason to touch them, a find."""
        i, j = PAIR_SLOTS[pair]
        (values, chances), _ = self._pair(view, i, j)
        words = self.belief.word[(values & CODE).astype(int) * 2] + NONE
        full = self.belief.left[(values & CODE).astype(int) * 4]
        expected = float((chances * full).sum())
        before = max(float(drops[[i, j]].max()), 0.0)
        gain = 0.0
        for word in np.unique(words):
            here = words == word
            chance = float(chances[here].sum())
            if chance <= 0:
                continue
            now = float((chances[here] * full[here]).sum()) / chance
            change = now - expected
            gain += chance * (max(float((drops[[i, j], STOP] + change).max()), before) - before) / total
            if word >= MODERATE:
                fresh = 2 - sum((view.evidence | view.flagged) >> s & 1 for s in (i, j))
                gain += chance * REASON * min(1, fresh) * min(1.0, now / max(1.0, total) * 4)
            if word == SEVERE:
                gain += chance * (0.5 if view.task.number == EASY_SCREENING else REASON)
        return gain

    def _total(self, view: View) -> float:
        held = [view.candidate(s) for s in range(view.drugs) if not view.stopped >> s & 1]
        total = sum(self._alone(view, c)[0] for c in held)
        for place, a in enumerate(held):
            for b in held[place + 1 :]:
                total += self._pair(view, a % SLOTS, b % SLOTS)[1][0]
        over = np.maximum(0, view.load + 1 - view.burden[:, 1])
        return float(total + (over * view.burden[:, 0]).sum())

    def _alone(self, view: View, candidate: int) -> np.ndarray:
        points, chances = self.belief.hazard(int(view.drug[candidate]), int(view.flag[candidate]))
        return (points * chances[:, None]).sum(axis=0)  # type: ignore[no-any-return]

    def _pair(self, view: View, i: int, j: int) -> tuple[Cells, np.ndarray]:
        """What is believed of what two slots hold, and its expected points: whole, i reduced, j reduced, monitored."""
        low, high = min(i, j), max(i, j)
        known = int(view.known[low * (2 * SLOTS - low - 1) // 2 + high - low - 1])
        return self._between(view, view.candidate(i), view.candidate(j), known)

    def _between(self, view: View, a: int, b: int, known: int) -> tuple[Cells, np.ndarray]:
        key = a, b, known
        if key not in self._cells:
            cells = self.belief.pair(view, a, b, known)
            values, chances = cells
            codes = (values & CODE).astype(int) * 4
            row, column = ((values & bit) > 0 for bit in (ROW_DOSE, COLUMN_DOSE))
            left = self.belief.left
            points = [left[codes], left[codes + row], left[codes + column], left[codes + 2]]
            self._cells[key] = cells, np.array([(chances * p).sum() for p in points])
        return self._cells[key]

    def _drops(self, view: View) -> np.ndarray:
        """Expected points off by slot and intervention, [drugs, 4]; 0 where it is not open."""
        drops = np.zeros((view.drugs, INTERVENTIONS))
        for slot in range(view.drugs):
            if view.touched >> slot & 1:
                continue
            alone = self._alone(view, slot)
            partners = [s for s in range(view.drugs) if s != slot and not view.stopped >> s & 1]
            pairs = np.array([self._pair(view, slot, s)[1] for s in partners]).reshape(-1, 4)
            weight = view.weight[slot].astype(int)
            unmet = reduced = 0
            for bits, points, partly in view.needs:
                if bits >> slot & 1:
                    held = int(bits) & ~view.stopped & ~(1 << slot)
                    unmet += 0 if held else int(points)
                    reduced += 0 if held & ~view.reduced else int(partly)
            drops[slot, STOP] = alone[0] + pairs[:, 0].sum() + self._unburdened(view, -weight) - unmet
            drops[slot, REDUCE] = alone[0] - alone[1] + (pairs[:, 0] - pairs[:, 1]).sum() - reduced
            drops[slot, MONITOR] = alone[0] - alone[2] + (pairs[:, 0] - pairs[:, 3]).sum()
            if view.alternatives >> slot & 1:
                other = SLOTS + slot
                new = sum(self._between(view, other, view.candidate(s), 0)[1][0] for s in partners)
                change = view.weight[other].astype(int) - weight
                gone = alone[0] + pairs[:, 0].sum() + self._unburdened(view, change)
                drops[slot, SUBSTITUTE] = gone - self._alone(view, other)[0] - new
        return drops

    @staticmethod
    def _unburdened(view: View, change: np.ndarray) -> float:
        over = view.load + 1 - view.burden[:, 1]
        return float(((np.maximum(0, over) - np.maximum(0, over + change)) * view.burden[:, 0]).sum())
