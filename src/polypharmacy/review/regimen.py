"""Regimen risk in integer points, for the medicines as they are and after interventions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from polypharmacy.knowledge.risk import RiskTable
from polypharmacy.knowledge.vocabulary import Action, Kind
from polypharmacy.review.burdens import Burden
from polypharmacy.review.finding import Finding

_Term = tuple[int, int, int, int, int]
"""Of a finding: mask, points, slots whose reduction helps, percent left by reducing and by monitoring."""


@dataclass(frozen=True, slots=True)
class Need:
    """Points charged when every slot in `mask` is gone, and in part when what is left is reduced.

    `condition` is None for a slot whose indication is not known.
    """

    condition: str | None
    mask: int
    points: int


class Intervention(NamedTuple):
    """An action on one slot; a switch names the candidate slot that takes its place."""

    action: Action
    replacement: int | None = None


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
    _terms: tuple[_Term, ...] = field(init=False, repr=False, default=())

    def __post_init__(self) -> None:
        table, effects = self.risk.points, self.risk.effects
        reduce, monitor = effects[Action.REDUCE], effects[Action.MONITOR]
        terms = tuple(
            (
                f.mask,
                table[f.kind][f.severity] * f.units,
                f.mask & f.dose_matters if reduce.needs_dose_matters else f.mask,
                reduce.leaves[f.severity],
                monitor.leaves[f.severity],
            )
            for f in self.findings
        )
        object.__setattr__(self, "_terms", terms)

    def points(self, plan: Plan | None = None) -> int:
        """Regimen risk in points after `plan` (slot index to intervention); never clipped."""
        masks = self._masks(plan or {})
        return sum(_left(self._terms, masks)) + self._burden(masks) + self._need(masks)

    def components(self, plan: Plan | None = None) -> dict[str, int]:
        """Points by kind of finding, and of unmet need; kinds with none are left out. They sum to `points`."""
        masks = self._masks(plan or {})
        out: dict[str, int] = {}
        for finding, points in zip(self.findings, _left(self._terms, masks), strict=True):
            if points:
                out[finding.kind.value] = out.get(finding.kind.value, 0) + points
        return out | {name: n for name, n in (("burden", self._burden(masks)), ("need", self._need(masks))) if n}

    def drop(self, plan: Plan, index: int, intervention: Intervention) -> int:
        """What adding one intervention to `plan` takes off the points; negative when it adds."""
        bits = 1 << index
        if intervention.replacement is not None:
            bits |= 1 << intervention.replacement
        touched = [term for term in self._terms if term[0] & bits]
        before, after = self._masks(plan), self._masks({**plan, index: intervention})
        drop = sum(_left(touched, before)) - sum(_left(touched, after)) + self._need(before) - self._need(after)
        return drop if before.active == after.active else drop + self._burden(before) - self._burden(after)

    def lowers(self, finding: Finding, index: int, action: Action) -> bool:
        """Whether a partial intervention on a slot takes anything off a finding."""
        effect = self.risk.effects[action]
        slots = finding.mask & finding.dose_matters if effect.needs_dose_matters else finding.mask
        return bool(slots >> index & 1) and effect.leaves[finding.severity] < 100

    def _masks(self, plan: Plan) -> "_Masks":
        active, stopped, reduced, monitored = (1 << self.size) - 1, 0, 0, 0
        for index, (action, replacement) in plan.items():
            bit = 1 << index
            if action is Action.REDUCE:
                reduced |= bit
            elif action is Action.MONITOR:
                monitored |= bit
            else:
                active &= ~bit
                if action is Action.STOP:
                    stopped |= bit
                elif replacement is not None:
                    active |= 1 << replacement
        return _Masks(active, stopped, reduced, monitored)

    def _burden(self, masks: "_Masks") -> int:
        table = self.risk.points[Kind.BURDEN]
        total = 0
        for burden in self.burdens:
            units = burden.units(masks.active)
            if units:
                total += units * table[burden.rule.severity]
        return total

    def _need(self, masks: "_Masks") -> int:
        """Unmet need: in full where every drug for it is stopped, in part where what stays is reduced."""
        if not masks.stopped and not masks.reduced:
            return 0
        total = 0
        for need in self.needs:
            left = need.mask & ~masks.stopped
            if left == 0:
                total += need.points
            elif left & ~masks.reduced == 0:
                total += need.points * self.risk.need_reduced_percent // 100
        return total


class _Masks(NamedTuple):
    """Slot bits after a plan: taken, stopped without replacement, reduced, monitored."""

    active: int
    stopped: int
    reduced: int
    monitored: int


def _left(terms: Sequence[_Term], masks: _Masks) -> list[int]:
    """Points left of each term: none where one of its slots is not taken; of several partial interventions the one
    that leaves least counts.
    """
    absent, reduced, monitored = ~masks.active, masks.reduced, masks.monitored
    left = []
    for mask, points, reducible, if_reduced, if_monitored in terms:
        if mask & absent:
            left.append(0)
            continue
        share = if_reduced if reducible & reduced else 100
        if mask & monitored and if_monitored < share:
            share = if_monitored
        left.append(points * share // 100)
    return left
