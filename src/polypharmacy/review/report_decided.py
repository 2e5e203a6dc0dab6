"""What was decided in a review, as its page tells it."""

from collections.abc import Mapping
from dataclasses import dataclass

from polypharmacy.knowledge.vocabulary import Action, Severity
from polypharmacy.review.finding import Finding
from polypharmacy.review.report_view import ACTION_WORDS
from polypharmacy.review.session import ReviewSession, Standing


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """One decision: "Stop ibuprofen", the reviewer's own reason, and what to know about it."""

    what: str
    reason: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """All decisions and where they leave the review; `displayed` is 0 to 1. `open` is what is serious and untouched."""

    lines: tuple[DecisionLine, ...]
    points: int
    displayed: float
    open: tuple[Finding, ...]
    new: tuple[Finding, ...]


def decided(session: ReviewSession, standing: Standing, reasons: Mapping[int, str]) -> Decided:
    """What was decided, with the reviewer's reasons by slot."""
    knowledge = session.knowledge
    lines = []
    for decision in standing.decisions:
        slot = session.slots[decision.slot]
        what = f"{ACTION_WORDS[decision.action]} {slot.name.lower()}"
        notes: list[str] = []
        if decision.replacement:
            new = standing.holder(slot.index)
            what += f" to {new.name.lower()}"
            for condition in standing.unserved.get(slot.index, ()):
                use = knowledge.conditions[condition].name.lower() if condition else "what it was taken for"
                notes.append(f"{new.name} is not known to treat {use}.")
            notes += [f"Recorded allergy: {a.text}." for a in session.patient.allergies if new.drug in a.ingredients]
        off = knowledge.deprescribing_of(slot.drug)
        careful = knowledge.ingredients[slot.drug].needs_taper or knowledge.is_critical(slot.drug)
        if off and careful and decision.action in (Action.STOP, Action.SWITCH):
            notes.append(f"How to come off: {off.taper} {off.monitoring}")
        lines.append(DecisionLine(what, reasons.get(slot.index, ""), tuple(notes)))
    new_findings = [f for f in (*standing.brought, *session.arising(standing)) if f.severity is not Severity.AWARE]
    return Decided(
        lines=tuple(lines),
        points=standing.points,
        displayed=knowledge.risk.displayed(standing.points, len(session.slots)),
        open=tuple(f for f in standing.findings if f.serious and not standing.is_eased(f)),
        new=tuple(new_findings),
    )
