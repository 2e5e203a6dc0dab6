"""One ranked plan: what to do first, what it is expected to take off the risk, and what it costs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from polypharmacy.knowledge import Knowledge
from polypharmacy.knowledge.vocabulary import Action, Kind, Severity
from polypharmacy.review.finding import Finding
from polypharmacy.review.regimen import Intervention, Regimen
from polypharmacy.review.slot import Slot

MAX_STEPS = 30


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One action. `risk_drop` is in points, after the steps before it; `cost` says what is given up."""

    action: Action
    drug: str
    replacement: str | None
    risk_drop: int
    reason: str
    how: str
    cost: str
    taper: str | None
    findings: tuple[str, ...]
    index: int


_Move = tuple[int, Intervention]


def make_plan(
    regimen: Regimen,
    slots: Sequence[Slot],
    findings: Sequence[Finding],
    omissions: Sequence[Finding],
    candidates: dict[int, tuple[int, ...]],
    knowledge: Knowledge,
) -> tuple[list[PlanStep], dict[int, Intervention]]:
    """Choose interventions greedily by their drop in risk, among those that the findings' rules propose.

    `slots` hold the medicines and then the candidates; `candidates` maps a slot to its possible
    replacements. A slot takes one intervention. Returns the ranked steps and the interventions.
    """
    moves = tuple(_moves(findings, candidates))
    alone = {move: regimen.drop({}, *move) for move in moves}
    chosen = _choose(regimen, alone)
    _cover_interrupting(regimen, findings, candidates, chosen)
    ranked = sorted(chosen, key=lambda i: (*_urgency(i, findings), -alone[i, chosen[i]], i))
    steps: list[PlanStep] = []
    done: dict[int, Intervention] = {}
    for index in ranked:
        drop = regimen.drop(done, index, chosen[index])
        done[index] = chosen[index]
        steps.append(_step(index, chosen[index], drop, regimen, slots, findings, knowledge))
    steps += [_start(finding, knowledge) for finding in sorted(omissions, key=lambda f: -f.severity.rank)]
    return steps, done


def _choose(regimen: Regimen, alone: dict[_Move, int]) -> dict[int, Intervention]:
    """Repeatedly take the move that lowers risk most. A move's last known drop bounds it well enough to
    re-count only the leaders (lazy greedy). `alone` is each move's drop by itself.
    """
    plan: dict[int, Intervention] = {}
    bounds = dict(alone)
    while bounds and len(plan) < MAX_STEPS:
        order = sorted(bounds, key=lambda m: -bounds[m])
        best: _Move | None = None
        for move in order:
            if best is not None and bounds[best] >= bounds[move]:
                break
            bounds[move] = regimen.drop(plan, *move)
            if best is None or bounds[move] > bounds[best]:
                best = move
        if best is None or bounds[best] <= 0:
            break
        plan[best[0]] = best[1]
        taken = best[1].replacement
        bounds = {m: b for m, b in bounds.items() if m[0] != best[0] and (taken is None or m[1].replacement != taken)}
    return plan


def _moves(findings: Sequence[Finding], candidates: dict[int, tuple[int, ...]]) -> Iterator[_Move]:
    seen: set[_Move] = set()
    for finding in findings:
        if finding.severity is Severity.AWARE:
            continue
        for action, index in finding.actions:
            if action is Action.SWITCH:
                options = [Intervention(action, c) for c in candidates.get(index, ())]
            else:
                options = [Intervention(action)]
            for option in options:
                if (index, option) not in seen:
                    seen.add((index, option))
                    yield index, option


def _cover_interrupting(
    regimen: Regimen,
    findings: Sequence[Finding],
    candidates: dict[int, tuple[int, ...]],
    plan: dict[int, Intervention],
) -> None:
    """An interrupting finding is never left without a step, even where no action lowers the points."""
    for finding in findings:
        if not finding.interrupts or any(finding.mask >> i & 1 for i in plan):
            continue
        moves = [m for m in _moves([finding], candidates) if m[0] not in plan]
        if moves:
            index, move = max(moves, key=lambda m: regimen.drop(plan, *m))
            plan[index] = move


def _urgency(index: int, findings: Sequence[Finding]) -> tuple[bool, int]:
    """Steps against interrupting findings first, then by severity."""
    touched = [f for f in findings if f.mask >> index & 1]
    return not any(f.interrupts for f in touched), -max((f.severity.rank for f in touched), default=0)


def _addressed(index: int, intervention: Intervention, regimen: Regimen, findings: Sequence[Finding]) -> list[Finding]:
    """Findings that this one intervention lowers, most serious first."""
    if intervention.action in (Action.STOP, Action.SWITCH):
        touched = [f for f in findings if f.mask >> index & 1]
    else:
        touched = [f for f in findings if regimen.lowers(f, index, intervention.action)]
    touched = touched or [f for f in findings if f.mask >> index & 1]
    return sorted(touched, key=lambda f: (not f.interrupts, -f.severity.rank, f.kind is Kind.BURDEN))


def _step(
    index: int,
    intervention: Intervention,
    drop: int,
    regimen: Regimen,
    slots: Sequence[Slot],
    findings: Sequence[Finding],
    knowledge: Knowledge,
) -> PlanStep:
    slot = slots[index]
    addressed = _addressed(index, intervention, regimen, findings)
    replacement = None if intervention.replacement is None else slots[intervention.replacement].drug
    removing = intervention.action in (Action.STOP, Action.SWITCH)
    taper = knowledge.deprescribing_of(slot.drug) if removing or intervention.action is Action.REDUCE else None
    return PlanStep(
        action=intervention.action,
        drug=slot.drug,
        replacement=replacement,
        risk_drop=drop,
        reason="; ".join(f.message for f in addressed[:3])
        + (f"; and {len(addressed) - 3} more" if len(addressed) > 3 else ""),
        how=_how(addressed, slot, replacement, knowledge),
        cost=_cost(index, intervention, regimen, slot, knowledge),
        taper=f"{taper.taper} {taper.monitoring}" if taper else None,
        findings=tuple(f.id for f in addressed),
        index=index,
    )


def _how(addressed: Sequence[Finding], slot: Slot, replacement: str | None, knowledge: Knowledge) -> str:
    """The leading finding's management, and why the replacement is better."""
    parts = [addressed[0].management] if addressed else []
    parts += [row.why for row in knowledge.substitutes_for(slot.drug) if row.replacement == replacement][:1]
    return " ".join(parts)


def _cost(index: int, intervention: Intervention, regimen: Regimen, slot: Slot, knowledge: Knowledge) -> str:
    """What the step gives up, in words."""
    if intervention.action is Action.MONITOR:
        return "Tests or visits; the risk itself stays."
    if intervention.action is Action.SWITCH:
        return "A new medicine to explain and to follow up."
    alone = [n for n in regimen.needs if n.mask == 1 << index]
    names = [knowledge.conditions[n.label].name.lower() for n in alone if n.label in knowledge.conditions]
    if intervention.action is Action.REDUCE:
        return f"Less effect on {', '.join(names)}." if names else "Less of its effect."
    if names:
        return f"Leaves {', '.join(names)} without this treatment."
    if alone:
        return "Its indication is not recorded: ask why it is taken before stopping."
    return "Other medicines on the list treat the same condition."


def _start(finding: Finding, knowledge: Knowledge) -> PlanStep:
    return PlanStep(
        action=Action.START,
        drug=finding.start or "",
        replacement=None,
        risk_drop=0,
        reason=finding.message,
        how=finding.management,
        cost="One more medicine.",
        taper=None,
        findings=(finding.id,),
        index=-1,
    )
