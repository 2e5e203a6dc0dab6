"""Regimen risk in integer points, for the medicines as they are and after interventions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from polypharmacy.knowledge.risk import RiskTable
from polypharmacy.knowledge.vocabulary import Action, Kind
from polypharmacy.review.burdens import Burden
from polypharmacy.review.finding import Finding

_REMOVING = (Action.STOP, Action.SWITCH)


@dataclass(frozen=True, slots=True)
class Need:
    """Points charged when every slot in `mask` is gone, and in part when what is left is reduced."""

    label: str
    mask: int
    points: int


@dataclass(frozen=True, slots=True)
class Intervention:
    """An action on one slot; a switch names the candidate slot that takes its place."""

    action: Action
    replacement: int | None = None


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
    _points: tuple[int, ...] = field(init=False, repr=False, default=())

    def __post_init__(self) -> None:
        table = self.risk.points
        points = tuple(table[f.kind][f.severity] * f.units for f in self.findings)
        object.__setattr__(self, "_points", points)

    def points(self, plan: Mapping[int, Intervention] | None = None) -> int:
        """Regimen risk in points after `plan` (slot index to intervention); never clipped."""
        return sum(self.components(plan).values())

    def components(self, plan: Mapping[int, Intervention] | None = None) -> dict[str, int]:
        """Points by kind of finding, and of unmet need; kinds with none are left out."""
        plan = plan or {}
        active = self.active(plan)
        partial = [(i, x.action) for i, x in plan.items() if x.action not in _REMOVING]
        out: dict[str, int] = {}
        for finding, whole in zip(self.findings, self._points, strict=True):
            if whole and finding.mask & ~active == 0:
                points = whole * self.share(finding, partial) // 100
                if points:
                    out[finding.kind.value] = out.get(finding.kind.value, 0) + points
        for burden in self.burdens:
            units = burden.units(active)
            if units:
                points = units * self.risk.points[Kind.BURDEN][burden.rule.severity]
                out["burden"] = out.get("burden", 0) + points
        need = self.unmet_need(plan) if plan else 0
        if need:
            out["need"] = need
        return out

    def active(self, plan: Mapping[int, Intervention]) -> int:
        """Bits of the slots taken after `plan`."""
        active = (1 << self.size) - 1
        for index, intervention in plan.items():
            if intervention.action in _REMOVING:
                active &= ~(1 << index)
            if intervention.replacement is not None:
                active |= 1 << intervention.replacement
        return active

    def share(self, finding: Finding, partial: Sequence[tuple[int, Action]]) -> int:
        """Percent of a finding's points left by reductions and monitoring; the one that leaves least counts."""
        left = 100
        for index, action in partial:
            if not finding.mask >> index & 1:
                continue
            effect = self.risk.effects[action]
            if effect.needs_dose_matters and not finding.dose_matters >> index & 1:
                continue
            left = min(left, effect.leaves[finding.severity])
        return left

    def unmet_need(self, plan: Mapping[int, Intervention]) -> int:
        """Points of need left unmet: in full where every drug for it is gone, in part where what stays is reduced."""
        gone = reduced = 0
        for index, intervention in plan.items():
            if intervention.action is Action.STOP:
                gone |= 1 << index
            elif intervention.action is Action.REDUCE:
                reduced |= 1 << index
        total = 0
        for need in self.needs:
            left = need.mask & ~gone
            if left == 0:
                total += need.points
            elif left & ~reduced == 0:
                total += need.points * self.risk.need_reduced_percent // 100
        return total


def needs_of(
    slots: Sequence[tuple[int, Sequence[str]]],
    points: Mapping[str, int],
    default: Mapping[int, int],
) -> tuple[Need, ...]:
    """Needs held per indication.

    `slots` are (index, condition ids); `points` by condition id; `default` by slot index, for a slot with
    no known indication.
    """
    masks: dict[str, int] = {}
    needs: list[Need] = []
    for index, indication in slots:
        if not indication:
            needs.append(Need(f"slot {index}", 1 << index, default[index]))
        for condition in indication:
            masks[condition] = masks.get(condition, 0) | 1 << index
    needs += [Need(condition, mask, points[condition]) for condition, mask in masks.items()]
    return tuple(needs)
