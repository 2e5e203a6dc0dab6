"""Regimen risk in integer points, for the medicines as they are and after interventions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from polypharmacy.knowledge.risk import RiskTable
from polypharmacy.knowledge.vocabulary import Action, Kind
from polypharmacy.review.burdens import Burden
from polypharmacy.review.finding import Finding


class Term(NamedTuple):
    """Of a finding: its slots, its points, the slots whose reduction helps, and the percent left by reducing and by
    monitoring.
    """

    mask: int
    points: int
    reducible: int
    if_reduced: int
    if_monitored: int


class Need(NamedTuple):
    """Points charged when every slot in `mask` is gone, and in part when what is left is reduced.

    `condition` is None for a slot whose indication is not known.
    """

    condition: str | None
    mask: int
    points: int


class _Touched(NamedTuple):
    terms: list[Term]
    needs: list[Need]
    burdens: list[tuple[Burden, int]]


class Intervention(NamedTuple):
    """An action on one slot; a switch names the candidate slot that takes its place, if the table has one."""

    action: Action
    replacement: int | None = None


class State(NamedTuple):
    """Slot bits after interventions: taken, stopped without replacement, reduced, monitored."""

    active: int
    stopped: int = 0
    reduced: int = 0
    monitored: int = 0

    def after(self, index: int, intervention: Intervention) -> "State":
        """The state after one more intervention, on a slot that has none."""
        action, replacement = intervention
        active, stopped, reduced, monitored = self
        bit = 1 << index
        if action is Action.REDUCE:
            return State(active, stopped, reduced | bit, monitored)
        if action is Action.MONITOR:
            return State(active, stopped, reduced, monitored | bit)
        if action is Action.STOP:
            return State(active & ~bit, stopped | bit, reduced, monitored)
        if replacement is None:  # until an alternative is found, the need is as unmet as after a stop
            return State(active & ~bit, stopped | bit, reduced, monitored)
        return State(active & ~bit | 1 << replacement, stopped, reduced, monitored)


Plan = Mapping[int, Intervention]
"""Interventions by slot index."""


@dataclass(frozen=True, slots=True)
class Regimen:
    """What a risk is counted over: findings among the first `size` slots and their possible replacements.

    Every finding's mask is over slots and candidates; findings with an inactive slot do not count. `needs` are
    over the first `size` slots; a switch keeps the need of the slot it replaces met.
    """

    risk: RiskTable
    size: int
    findings: tuple[Finding, ...]
    burdens: tuple[Burden, ...]
    needs: tuple[Need, ...]
    terms: tuple[Term, ...] = field(init=False, repr=False, default=())
    """Of each finding what its points depend on."""
    _touched: dict[int, _Touched] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        table, effects = self.risk.points, self.risk.effects
        reduce, monitor = effects[Action.REDUCE], effects[Action.MONITOR]
        terms = tuple(
            [
                Term(
                    f.mask,
                    table[f.kind][f.severity] * f.units,
                    f.mask & f.dose_matters if reduce.needs_dose_matters else f.mask,
                    reduce.leaves[f.severity],
                    monitor.leaves[f.severity],
                )
                for f in self.findings
            ]
        )
        object.__setattr__(self, "terms", terms)

    def _touching(self, index: int) -> _Touched:
        """The terms, needs and burdens (with their points) that a slot or candidate is part of."""
        touched = self._touched.get(index)
        if touched is None:
            bit = 1 << index
            table = self.risk.points[Kind.BURDEN]
            touched = _Touched(
                [t for t in self.terms if t.mask & bit],
                [n for n in self.needs if n.mask & bit],
                [(b, table[b.rule.severity]) for b in self.burdens if any(w[0] == bit for w in b.weights)],
            )
            self._touched[index] = touched
        return touched

    @property
    def start(self) -> State:
        """Every slot taken, nothing done."""
        return State((1 << self.size) - 1)

    def state(self, plan: Plan) -> State:
        """The state after all of a plan's interventions; their order does not matter."""
        state = self.start
        for index, intervention in plan.items():
            state = state.after(index, intervention)
        return state

    def points(self, plan: Plan | None = None) -> int:
        """Regimen risk in points after `plan`; never clipped."""
        return sum(self.components(plan).values())

    def components(self, plan: Plan | None = None) -> dict[str, int]:
        """Points by kind of finding, and of unmet need; kinds with none are left out."""
        state = self.state(plan or {})
        out: dict[str, int] = {}
        for finding, term in zip(self.findings, self.terms, strict=True):
            points = _left(term, state)
            if points:
                out[finding.kind.value] = out.get(finding.kind.value, 0) + points
        burden, need = self._burden(state.active), sum(self._unmet(n, state) for n in self.needs)
        return out | {name: n for name, n in (("burden", burden), ("need", need)) if n}

    def at_most(self, index: int, intervention: Intervention) -> int:
        """A bound, cheap to count, on what an intervention can ever take off the points."""
        terms, _, burdens = self._touching(index)
        if intervention.action is Action.REDUCE:
            bit = 1 << index
            return sum([t.points * (100 - t.if_reduced) // 100 + 1 for t in terms if t.reducible & bit])
        if intervention.action is Action.MONITOR:
            return sum([t.points * (100 - t.if_monitored) // 100 + 1 for t in terms if t.if_monitored < 100])
        heaviest = sum([points * max(w for _, w in burden.weights) for burden, points in burdens])
        return sum([t.points for t in terms]) + heaviest

    def drop(self, before: State, index: int, intervention: Intervention) -> int:
        """What one more intervention takes off the points; negative when it adds. Counts only what it touches."""
        after = before.after(index, intervention)
        drop = 0
        touched = [self._touching(index)]
        if intervention.replacement is not None:
            touched.append(self._touching(intervention.replacement))
        added = intervention.replacement is not None
        burdens: dict[int, tuple[Burden, int]] = {}
        for terms, needs, weighed in touched:
            for term in terms:
                left = _left(term, before)
                if left:
                    drop += left - _left(term, after)
                elif added:
                    drop -= _left(term, after)
            for need in needs:
                drop += self._unmet(need, before) - self._unmet(need, after)
            for burden, points in weighed:
                burdens[id(burden)] = burden, points
        if before.active != after.active:
            for burden, points in burdens.values():
                drop += points * (burden.units(before.active) - burden.units(after.active))
        return drop

    def brought(self, state: State, intervention: Intervention) -> list[Finding]:
        """What a switch's replacement brings with the medicines taken in `state`, most serious first."""
        if intervention.replacement is None:
            return []
        bit = 1 << intervention.replacement
        found = [f for f in self.findings if f.mask & bit and not f.mask & ~(state.active | bit)]
        return sorted(found, key=lambda f: -f.severity.rank)

    def lowers(self, finding: Finding, index: int, action: Action) -> bool:
        """Whether a partial intervention on a slot takes anything off a finding."""
        effect = self.risk.effects[action]
        slots = finding.mask & finding.dose_matters if effect.needs_dose_matters else finding.mask
        return bool(slots >> index & 1) and effect.leaves[finding.severity] < 100

    def _burden(self, active: int) -> int:
        table = self.risk.points[Kind.BURDEN]
        total = 0
        for burden in self.burdens:
            units = burden.units(active)
            if units:
                total += units * table[burden.rule.severity]
        return total

    def _unmet(self, need: Need, state: State) -> int:
        """In full where every drug for it is stopped, in part where what stays is reduced."""
        left = need.mask & ~state.stopped
        if left == 0:
            return need.points
        return need.points * self.risk.need_reduced_percent // 100 if left & ~state.reduced == 0 else 0


def _left(term: Term, state: State) -> int:
    """Points left of a finding: none where one of its slots is not taken; of several partial interventions the one
    that leaves least counts.
    """
    mask, points, reducible, if_reduced, if_monitored = term
    active, _, reduced, monitored = state
    if mask & ~active:
        return 0
    share = if_reduced if reducible & reduced else 100
    if mask & monitored and if_monitored < share:
        share = if_monitored
    return points * share // 100
