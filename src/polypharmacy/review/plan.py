"""One ranked plan: what to do first, what it is expected to take off the risk, and what it costs."""

import heapq
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from polypharmacy.knowledge import Knowledge
from polypharmacy.knowledge.vocabulary import Action, Kind, Route, Severity
from polypharmacy.review.finding import Finding
from polypharmacy.review.regimen import Intervention, Regimen, State
from polypharmacy.review.slot import Slot

MAX_STEPS = 30
WORTH_A_CHANGE = 4
"""Points that a stop, switch or reduction must gain: those of the least finding that asks for monitoring."""
_REMOVING = (Action.STOP, Action.SWITCH)


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One action. `risk_drop` is in points, after the steps before it; `cost` says what is given up."""

    action: Action
    drug: str
    replacement: str | None
    replacement_route: Route | None
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
    replacements: dict[int, int],
    knowledge: Knowledge,
) -> tuple[list[PlanStep], dict[int, Intervention]]:
    """Choose interventions greedily by their drop in risk, among those that the findings' rules propose.

    `slots` hold the medicines and then the candidates; `replacements` maps a slot to its
    candidate. A slot takes one intervention. Returns the ranked steps and the interventions.
    """
    serious_first = sorted(findings, key=lambda f: (not f.interrupts, -f.severity.rank))
    kept = {s.index for s in slots if knowledge.is_critical(s.drug)}
    moves = tuple(_moves(serious_first, replacements, kept))
    chosen, gains = _choose(regimen, moves)
    owed = _cover_serious(regimen, serious_first, replacements, chosen)
    steps: list[PlanStep] = []
    done: dict[int, Intervention] = {}
    state, open_findings, left = regimen.start, serious_first, list(chosen)
    while left:
        urgent = _most_urgent(open_findings, left)
        index = max(urgent, key=lambda i: (gains.get(i, 0), -i))
        left.remove(index)
        drop = regimen.drop(state, index, chosen[index])
        if drop <= 0 and index not in owed:
            continue  # the steps before it have made it needless
        steps.append(_step(index, chosen[index], drop, regimen, state, slots, open_findings, knowledge))
        done[index] = chosen[index]
        state = state.after(index, chosen[index])
        if chosen[index].action in _REMOVING:
            open_findings = [f for f in open_findings if not f.mask >> index & 1]
    steps += [_start(finding, knowledge) for finding in sorted(omissions, key=lambda f: -f.severity.rank)]
    return steps, done


def _choose(regimen: Regimen, moves: Sequence[_Move]) -> tuple[dict[int, Intervention], dict[int, int]]:
    """Repeatedly make the move that lowers risk most, or the gentler one its rules prefer; with what each gained.

    Lazy greedy: a bound on a move's drop, and then its last known drop, is enough to count only the leaders anew.
    `moves` are in order of preference.
    """
    plan: dict[int, Intervention] = {}
    gains: dict[int, int] = {}
    state = regimen.start
    of_slot: dict[int, list[Intervention]] = {}
    for index, option in moves:
        of_slot.setdefault(index, []).append(option)
    # Largest bound first; of equals the one that stands first among the moves.
    heap = [(-regimen.at_most(*move), order, *move) for order, move in enumerate(moves)]
    heapq.heapify(heap)
    while heap and len(plan) < MAX_STEPS:
        _, order, index, option = heapq.heappop(heap)
        if index in plan:
            continue
        drop = regimen.drop(state, index, option)
        if heap and drop < -heap[0][0]:
            heapq.heappush(heap, (-drop, order, index, option))
            continue
        if drop <= 0:
            break
        preferred = _prefer(index, option, drop, of_slot[index], regimen, state)
        if preferred is not None:
            plan[index] = preferred
            gains[index] = drop
            state = state.after(index, preferred)
    return plan, gains


def _prefer(
    index: int, best: Intervention, drop: int, options: Sequence[Intervention], regimen: Regimen, state: State
) -> Intervention | None:
    """What to do on the slot whose `best` option lowers risk by `drop`: a reduction or monitoring that a rule lists
    before it and that lowers risk at least half as much, else `best` itself; None where a change gains too little.
    """
    for option in options:  # in order of preference
        if option == best:
            break
        if option.action not in _REMOVING and 2 * regimen.drop(state, index, option) >= drop:
            return option
    return None if best.action is not Action.MONITOR and drop < WORTH_A_CHANGE else best


_ALONE = {action: Intervention(action) for action in Action}


def _moves(findings: Sequence[Finding], replacements: dict[int, int], kept: Collection[int] = ()) -> Iterator[_Move]:
    """The actions that findings propose. A finding at monitor proposes monitoring alone; a slot in `kept` is stopped
    only for a finding at avoid or above.
    """
    seen: set[_Move] = set()
    for finding in findings:
        if finding.severity is Severity.AWARE:
            continue
        for action, index in finding.actions:
            if finding.severity is Severity.MONITOR and action is not Action.MONITOR:
                continue
            if action is Action.STOP and index in kept and finding.severity.rank < Severity.AVOID.rank:
                continue
            if action is Action.SWITCH and index in replacements:
                options = [Intervention(action, replacements[index])]
            elif action is Action.SWITCH:
                # Nothing in the table to switch to: for a serious finding the reader must look for an alternative.
                serious = finding.severity.rank >= Severity.AVOID.rank and finding.kind is not Kind.BURDEN
                named = serious and (Action.STOP, index) not in finding.actions
                options = [_ALONE[action]] if named else []
            else:
                options = [_ALONE[action]]
            for option in options:
                if (index, option) not in seen:
                    seen.add((index, option))
                    yield index, option


def _cover_serious(
    regimen: Regimen,
    findings: Sequence[Finding],
    replacements: dict[int, int],
    plan: dict[int, Intervention],
) -> set[int]:
    """A finding at avoid or above, and one that interrupts, is never left without a step, even where no action lowers
    the points enough, or where the switch its rule asks for has no replacement in the knowledge base. Adds to `plan`
    and returns the slots of what it added.
    """
    owed: set[int] = set()
    for finding in findings:
        serious = finding.interrupts or finding.severity.rank >= Severity.AVOID.rank
        if not serious or finding.kind is Kind.BURDEN or _is_met(finding, regimen, plan):
            continue
        moves = list(_moves([finding], replacements)) or [(i, _ALONE[a]) for a, i in finding.actions]
        drops = {}
        for index, move in moves:
            state = regimen.state({i: x for i, x in plan.items() if i != index})
            drops[index, move] = regimen.drop(state, index, move)
        index, move = max(drops, key=drops.__getitem__)
        plan[index] = move
        owed.add(index)
    return owed


def _is_met(finding: Finding, regimen: Regimen, plan: dict[int, Intervention]) -> bool:
    """Whether a step takes one of a finding's medicines away or lowers the finding."""
    return any(
        finding.mask >> i & 1 and (x.action in _REMOVING or regimen.lowers(finding, i, x.action))
        for i, x in plan.items()
    )


def _most_urgent(findings: Sequence[Finding], indices: list[int]) -> list[int]:
    """Of `indices`, those that the first of `findings` (most serious first) and its equals touch; all if none does."""
    mask = sum(1 << i for i in indices)
    urgent, level = 0, None
    for finding in findings:
        if level is not None and level != (finding.interrupts, finding.severity):
            break
        if finding.mask & mask:
            urgent |= finding.mask & mask
            level = (finding.interrupts, finding.severity)
    return [i for i in indices if urgent >> i & 1] or indices


def _addressed(index: int, intervention: Intervention, regimen: Regimen, findings: Sequence[Finding]) -> list[Finding]:
    """Findings that this one intervention lowers, most serious first."""
    if intervention.action in _REMOVING:
        touched = [f for f in findings if f.mask >> index & 1]
    else:
        touched = [f for f in findings if regimen.lowers(f, index, intervention.action)]
    touched = [f for f in touched if f.severity is not Severity.AWARE] or touched
    touched = touched or [f for f in findings if f.mask >> index & 1]
    return sorted(touched, key=lambda f: (not f.interrupts, -f.severity.rank, f.kind is Kind.BURDEN))


def _step(
    index: int,
    intervention: Intervention,
    drop: int,
    regimen: Regimen,
    state: State,
    slots: Sequence[Slot],
    findings: Sequence[Finding],
    knowledge: Knowledge,
) -> PlanStep:
    slot = slots[index]
    addressed = _addressed(index, intervention, regimen, findings)
    replacement = None if intervention.replacement is None else slots[intervention.replacement].drug
    brought = regimen.brought(state, intervention)
    careful = knowledge.ingredients[slot.drug].needs_taper or knowledge.is_critical(slot.drug)
    removing = intervention.action in _REMOVING
    taper = knowledge.deprescribing_of(slot.drug) if removing and careful else None
    return PlanStep(
        action=intervention.action,
        drug=slot.drug,
        replacement=replacement,
        replacement_route=None if intervention.replacement is None else slots[intervention.replacement].route,
        risk_drop=drop,
        reason="; ".join(f.message for f in addressed[:3])
        + (f"; and {len(addressed) - 3} more" if len(addressed) > 3 else ""),
        how=_how(index, intervention, addressed, brought, slot, replacement, knowledge),
        cost=_cost(index, intervention, regimen, slot, knowledge),
        taper=f"{taper.taper} {taper.monitoring}" if taper else None,
        findings=tuple(f.id for f in addressed),
        index=index,
    )


def _how(
    index: int,
    intervention: Intervention,
    addressed: Sequence[Finding],
    brought: Sequence[Finding],
    slot: Slot,
    replacement: str | None,
    knowledge: Knowledge,
) -> str:
    """The management of the finding whose rule would do just this; why the replacement is better and what it needs."""
    act = (intervention.action, index)
    fitting = [f for f in addressed if f.actions[:1] == (act,)] or [f for f in addressed if act in f.actions]
    parts = [fitting[0].management] if fitting else []
    parts += [row.why for row in knowledge.substitutes_for(slot.drug) if row.replacement == replacement][:1]
    parts += [f"Then: {f.message}. {f.management}" for f in brought if f.severity is not Severity.AWARE]
    return " ".join(parts)


def _cost(index: int, intervention: Intervention, regimen: Regimen, slot: Slot, knowledge: Knowledge) -> str:
    """What the step gives up, in words."""
    if intervention.action is Action.MONITOR:
        return "Tests or visits; the risk itself stays."
    if intervention.action is Action.SWITCH:
        return "A new medicine to explain and to follow up."
    alone = [n for n in regimen.needs if n.mask == 1 << index]
    names = [knowledge.conditions[n.condition].name.lower() for n in alone if n.condition]
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
        replacement_route=None,
        risk_drop=0,
        reason=finding.message,
        how=finding.management,
        cost="One more medicine.",
        taper=None,
        findings=(finding.id,),
        index=-1,
    )
