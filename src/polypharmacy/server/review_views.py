"""A live review as it is shown."""

import json
from typing import Any

from polypharmacy.env.case import WORDS
from polypharmacy.env.openenv.models import LegalActions, PolypharmacyObservation
from polypharmacy.env.openenv.observer import SEVERITIES
from polypharmacy.knowledge.substitute import Substitute
from polypharmacy.knowledge.vocabulary import Action, Kind
from polypharmacy.patients import Patient
from polypharmacy.review.burdens import weights_of
from polypharmacy.review.finding import Finding
from polypharmacy.review.plan import PlanStep
from polypharmacy.review.replacements import options_for
from polypharmacy.review.report_json import finding_dict, patient_dict, review_dict
from polypharmacy.review.report_view import dose_line
from polypharmacy.review.session import ReviewSession, Standing
from polypharmacy.review.slot import Slot
from polypharmacy.server.journal.journal import StoredReview
from polypharmacy.server.journal.live import Entry, Live
from polypharmacy.server.journal.plays import KINDS, PatientPlay, TaskPlay
from polypharmacy.server.review_models import (
    AlternativeView,
    BurdenView,
    ClosedReviewView,
    DecisionView,
    FindingView,
    KnowledgeView,
    MedicineView,
    PairView,
    PatientReviewView,
    PatientView,
    PlanStepView,
    ReviewRow,
    RiskAt,
    RiskView,
    TaskReviewView,
    TimelineRow,
)

INTERVENTIONS = {action: word for word, action in KINDS.items()}
STATUSES = {
    Action.STOP: "stopped",
    Action.REDUCE: "dose_reduced",
    Action.SWITCH: "substituted",
    Action.MONITOR: "monitored",
}
PRIORITIES = ("urgent", "change", "monitor", "keep")


def review_view(live: Live) -> PatientReviewView | TaskReviewView | ClosedReviewView:
    """The whole review."""
    if isinstance(live.play, PatientPlay):
        return _patient_review(live, live.play)
    if isinstance(live.play, TaskPlay):
        return _task_review(live, live.play)
    return _closed_review(live)


def review_row(stored: StoredReview, sequence: int, knowledge_hash: str) -> ReviewRow:
    """One line of the list."""
    source = json.loads(stored.source)
    if stored.kind == "patient":
        told = {"age": source["age"], "sex": source["sex"], "medicines": source["mentions"]}
    else:
        told = source
    return ReviewRow(
        id=stored.id,
        opened_at=stored.opened_at,
        kind=stored.kind,
        sequence=sequence,
        knowledge=KnowledgeView(version=stored.knowledge_version, hash=stored.knowledge_hash),
        continues=stored.knowledge_hash == knowledge_hash,
        **told,
    )


def _common(live: Live) -> dict[str, Any]:
    return {
        "id": live.stored.id,
        "opened_at": live.stored.opened_at,
        "knowledge": KnowledgeView(version=live.stored.knowledge_version, hash=live.stored.knowledge_hash),
        "sequence": live.sequence,
        "digest": live.digest,
        "timeline": [_row(e) for e in live.entries],
        "can_undo": live.can_undo(),
    }


def _row(entry: Entry) -> TimelineRow:
    return TimelineRow(
        sequence=entry.stored.sequence,
        at=entry.stored.at,
        action=entry.action,
        undoes=entry.undoes,
        taken_back=entry.taken_back,
        points_off=entry.outcome.points_off,
        reward=entry.outcome.reward,
        parts=dict(entry.outcome.parts),
        found=entry.outcome.found,
        error=entry.outcome.problem,
        digest=entry.stored.digest,
    )


def _closed_review(live: Live) -> ClosedReviewView:
    source = json.loads(live.stored.source)
    is_patient = live.stored.kind == "patient"
    return ClosedReviewView(
        **_common(live),
        problem=live.problem or "",
        patient=PatientView(**patient_dict(Patient.model_validate_json(live.stored.source))) if is_patient else None,
        task_id=source.get("task_id"),
        split=source.get("split"),
        index=source.get("index"),
    )


def _task_review(live: Live, play: TaskPlay) -> TaskReviewView:
    observation = play.observation()
    observation["reward"] = observation["shaped_reward"]
    observation["done"] = play.done
    return TaskReviewView(
        **_common(live),
        finished=play.done,
        task_id=play.task.name,
        split=play.split,
        index=play.index,
        query_budget=play.task.queries,
        intervention_budget=play.task.interventions,
        step_budget=play.task.steps,
        observation=PolypharmacyObservation.model_validate(observation),
        raw_return=round(play.total, 6),
        grade=play.grade,
        undone=live.undone,
    )


def _patient_review(live: Live, play: PatientPlay) -> PatientReviewView:
    session, standing = play.session, play.standing
    said = review_dict(session.review)
    made = decisions_of(live, play)
    show = _Findings(session, standing)
    said["allergy_conflicts"] += [
        {"allergy": a.text, "drug": s.drug, "reaction": a.reaction}
        for a in session.patient.allergies
        for s in standing.everyone[len(session.slots) :]
        if s.drug in a.ingredients
    ]
    arising = session.arising(standing)
    ids = session.ids(play.decisions)
    before, after = session.review.components, standing.components
    return PatientReviewView(
        **_common(live),
        finished=play.done,
        **{name: said[name] for name in _AS_REPORTED},
        medicines=_medicines(session, standing, made, ids),
        pairs=_pairs(standing, ids),
        other_pairs=f"none found in knowledge base {session.knowledge.version}; that is not the same as safe",
        burdens=_burdens(session, standing),
        findings=[show(f) for f in standing.findings],
        brought=[show(f) for f in standing.brought],
        resolved=[show(f) for f in standing.resolved],
        arising=[show(f, slots=[]) for f in arising],
        plan=[_step(s, ids, {d.slot for d in play.decisions}) for s in session.review.plan],
        risk=RiskView(
            before=_risk(before, session),
            after=_risk(after, session),
            after_plan=_risk(session.review.components_after, session),
        ),
        legal_actions=LegalActions(
            propose_intervention={}
            if play.done
            else {id_: list(KINDS) for slot, id_ in enumerate(ids) if slot not in made},
            finish_review=not play.done,
        ),
    )


_AS_REPORTED = (
    "patient",
    "coverage",
    "answer",
    "statement",
    "allergy_conflicts",
    "not_evaluated",
    "notes",
)


def decisions_of(live: Live, play: PatientPlay) -> dict[int, Entry]:
    """The entry that decided on each slot."""
    made = (e for e in live.standing if e.action and e.action.action_type == "propose_intervention")
    return {d.slot: e for d, e in zip(play.decisions, made, strict=True)}


def _risk(components: dict[str, int], session: ReviewSession) -> RiskAt:
    total = sum(components.values())
    shown = session.knowledge.risk.displayed(total, len(session.slots))
    return RiskAt(total=total, components=components, displayed=round(shown, 3))


class _Findings:
    """Shows findings with what decisions leave of them."""

    def __init__(self, session: ReviewSession, standing: Standing) -> None:
        self.session = session
        self.standing = standing
        self.slot_of = {c: s for s, c in standing.replacement.items()}

    def __call__(self, finding: Finding, slots: list[int] | None = None) -> FindingView:
        standing = self.standing
        if slots is None:
            slots = sorted({self.slot_of.get(s.index, s.index) for s in standing.everyone if s.bit & finding.mask})
        return FindingView(
            **finding_dict(finding, self.session.review),
            severity_now=standing.severity_of(finding),
            eased=standing.is_eased(finding),
            serious=finding.serious,
            slots=slots,
        )


def _medicines(
    session: ReviewSession, standing: Standing, made: dict[int, Entry], ids: list[str]
) -> list[MedicineView]:
    """In the plan's order within each priority, then by the worst that stands against each, then as listed. The order
    does not change with decisions.
    """
    plan = {s.index: (rank, s) for rank, s in enumerate(session.review.plan) if s.index >= 0}
    last = len(session.review.plan)
    keyed = []
    for slot in session.slots:
        about = [f for f in session.review.findings if f.mask & slot.bit]
        worst = max((f.severity.rank for f in about), default=-1)
        rank, step = plan.get(slot.index, (last, None))
        priority = _priority(step, about)
        view = _medicine(session, standing, slot, made.get(slot.index), ids[slot.index], step, priority)
        keyed.append(((PRIORITIES.index(priority), rank, -worst, slot.index), view))
    return [view for _, view in sorted(keyed, key=lambda pair: pair[0])]


def _priority(step: PlanStep | None, about: list[Finding]) -> str:
    if step is None:
        return "keep"
    if step.action is Action.MONITOR:
        return "monitor"
    serious = {f.id for f in about if f.serious}
    return "urgent" if serious.intersection(step.findings) else "change"


def _medicine(
    session: ReviewSession,
    standing: Standing,
    slot: Slot,
    entry: Entry | None,
    id_: str,
    step: PlanStep | None,
    priority: str,
) -> MedicineView:
    knowledge = session.knowledge
    holder = standing.holder(slot.index)
    action = entry.action if entry is not None else None
    kind = KINDS[action.intervention_type] if action is not None and action.intervention_type else None
    found = [f for f in (*standing.findings, *standing.brought) if f.mask & holder.bit]
    worst = max(found, key=lambda f: standing.severity_of(f).rank, default=None)
    off = knowledge.deprescribing_of(slot.drug)
    none = f"None found in knowledge base {knowledge.version}. That is not the same as safe."
    row = knowledge.ingredients[holder.drug]
    return MedicineView(
        drug_id=id_,
        name=holder.name,
        slot=slot.index,
        was=None if holder is slot else slot.drug,
        written=list(dict.fromkeys(m.text for m in slot.entries)),
        dose="; ".join(filter(None, map(dose_line, holder.entries))),
        daily_mg=holder.daily_mg,
        route=holder.route,
        taken_for=[knowledge.conditions[c].name for c in slot.indication],
        status=STATUSES[kind] if kind is not None else "taken",
        decision=None if entry is None or kind is None or action is None else DecisionView(
            sequence=entry.stored.sequence,
            intervention_type=INTERVENTIONS[kind],
            new_drug_id=None if holder is slot else id_,
            rationale=action.rationale,
            unserved=[
                knowledge.conditions[c].name if c else "what it is taken for (not recorded)"
                for c in standing.unserved.get(slot.index, ())
            ],
        ),
        priority=priority,
        why=step.reason if step is not None else worst.message if worst is not None else none,
        worst=standing.severity_of(worst) if worst is not None else None,
        proposed=INTERVENTIONS[step.action] if step is not None else None,
        proposed_drug=step.replacement if step is not None else None,
        critical=knowledge.is_critical(holder.drug),
        taper=off.taper if off else None,
        monitoring=off.monitoring if off else None,
        restart=off.restart if off else None,
        burdens={
            rule.id: amount
            for rule in knowledge.tables.burdens
            for _, amount in weights_of(rule, (holder,), session.facts)
        },
        alternatives=_alternatives(session, slot),
        fully_reviewed=row.review_status == "reviewed",
    )  # fmt: skip


def _alternatives(session: ReviewSession, slot: Slot) -> list[AlternativeView]:
    suited = {o.drug for o in options_for(session.facts, session.slots, slot, ())}
    taken = {s.drug for s in session.slots}
    rows: dict[str, Substitute] = {}
    for row in session.knowledge.substitutes_for(slot.drug):
        if row.replacement not in taken:
            rows.setdefault(row.replacement, row)
    out = [
        AlternativeView(
            drug=drug,
            name=session.knowledge.ingredients[drug].name,
            route=row.route,
            why=row.why,
            suits=drug in suited,
        )
        for drug, row in rows.items()
    ]
    return sorted(out, key=lambda a: not a.suits)


def _pairs(standing: Standing, ids: list[str]) -> list[PairView]:
    """The pairs taken now about which an interaction or duplication was found, the most severe first."""
    slot_of = {c: s for s, c in standing.replacement.items()}
    active = {s.index: slot_of.get(s.index, s.index) for s in standing.active}
    out = []
    for finding in (*standing.findings, *standing.brought):
        members = [slot for index, slot in active.items() if finding.mask >> index & 1]
        if finding.kind not in (Kind.INTERACTION, Kind.DUPLICATE) or finding.mask.bit_count() != 2:
            continue
        first, second = sorted(members)
        severity = standing.severity_of(finding)
        out.append(
            PairView(
                slots=(first, second),
                drug_ids=(ids[first], ids[second]),
                severity=finding.severity,
                severity_now=severity,
                word=SEVERITIES[WORDS[severity]],
                kind=finding.kind,
                id=finding.id,
                effect=finding.message,
                mechanism=finding.mechanism,
                management=finding.management,
                second_reader=finding.reviewed,
            )
        )
    return sorted(out, key=lambda p: (-p.severity_now.rank, p.slots))


def _burdens(session: ReviewSession, standing: Standing) -> list[BurdenView]:
    slot_of = {c: s for s, c in standing.replacement.items()}
    out = []
    for rule in session.knowledge.tables.burdens:
        weights = weights_of(rule, standing.everyone, session.facts)
        start = (1 << len(session.slots)) - 1
        now = {bit.bit_length() - 1: amount for bit, amount in weights if bit & standing.state.active}
        total = sum(now.values())
        out.append(
            BurdenView(
                id=rule.id,
                message=rule.message,
                total_before=sum(amount for bit, amount in weights if bit & start),
                total=total,
                threshold=rule.at_least,
                reached=total >= rule.at_least,
                by_slot={slot_of.get(index, index): amount for index, amount in now.items()},
                management=rule.management,
            )
        )
    return out


def _step(step: PlanStep, ids: list[str], decided: set[int]) -> PlanStepView:
    mine = step.index if step.index >= 0 else None
    return PlanStepView(
        action=step.action,
        drug=step.drug,
        drug_id=ids[mine] if mine is not None else None,
        slot=mine,
        replacement=step.replacement,
        replacement_route=step.replacement_route,
        risk_drop=step.risk_drop,
        reason=step.reason,
        how=step.how,
        cost=step.cost,
        taper=step.taper,
        findings=list(step.findings),
        decided=mine in decided,
    )
