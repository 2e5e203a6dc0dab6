"""Interactions of a patient's medicines: one finding a pair, and one for each set of three or more."""

from collections.abc import Iterable

from polypharmacy.knowledge.interaction import InteractionRule
from polypharmacy.knowledge.knowledge import as_clause
from polypharmacy.knowledge.vocabulary import Kind, Severity
from polypharmacy.review.facts import Facts
from polypharmacy.review.finding import Finding, NotEvaluated, merge
from polypharmacy.review.slot import Slot


def find_interactions(facts: Facts, pairs: Iterable[tuple[Slot, Slot]]) -> tuple[list[Finding], list[NotEvaluated]]:
    """Findings over `pairs` of slots, and the rules that could not be answered."""
    found: list[Finding] = []
    several: dict[tuple[str, int], Finding] = {}
    missing: list[NotEvaluated] = []
    pair_rules = facts.knowledge.pair_rules
    for a, b in pairs:
        rules = pair_rules(a.drug, b.drug)
        if not rules:
            continue
        hits: list[Finding] = []
        for rule, subject_id, _ in rules:
            subject, other = (a, b) if a.drug == subject_id else (b, a)
            for finding in _apply(rule, subject, other, facts, missing):
                if rule.others:
                    several.setdefault((rule.id, finding.mask), finding)
                else:
                    hits.append(finding)
        if hits:
            found.append(merge(hits))
    return [*found, *several.values()], missing


def _apply(
    rule: InteractionRule, subject: Slot, other: Slot, facts: Facts, missing: list[NotEvaluated]
) -> list[Finding]:
    """The findings of one rule on one pair: none where it does not hold, one for each set of further drugs."""
    if not rule.subject.admits(subject.route) or not rule.object.admits(other.route):
        return []
    sets = [[subject, other]]
    if rule.others:
        for selector in rule.others:
            sets = [[*members, third] for members in sets for third in facts.matching(selector, *members)]
        if not sets:
            return []
    if rule.when is not None:
        needs: list[str] = []
        answer = facts.ask(rule.when, needs, subject, other)
        if answer is None:
            missing.append(NotEvaluated(rule.id, tuple(dict.fromkeys(needs))))
        if not answer:
            return []
    severity, why, open_questions = severity_for(rule, subject, other, facts)
    roles = {"subject": subject, "object": other}
    knowledge = facts.knowledge
    actions = tuple([(action, roles[role].index) for action, role in knowledge.rule_actions[rule.id]])
    mechanism = rule.mechanism + (f" Here {severity.value}, because {as_clause(why)}." if why else "")
    interrupts = severity.rank >= Severity.AVOID.rank
    dose_matters = sum([roles[role].bit for role in rule.dose_matters])
    return [
        Finding(
            rule.id,
            Kind.INTERACTION,
            severity,
            tuple([s.drug for s in members]),
            " + ".join([s.name for s in members]) + f": {knowledge.rule_effects[rule.id]}",
            mechanism,
            rule.management,
            rule.evidence,
            rule.sources,
            interrupts,
            rule.harm,
            sum([s.bit for s in members]),
            actions,
            dose_matters,
            would_change=open_questions,
            reviewed=rule.review_status == "reviewed",
            alternatives=rule.alternatives,
        )
        for members in sets
    ]


def severity_for(
    rule: InteractionRule, subject: Slot, other: Slot, facts: Facts
) -> tuple[Severity, str | None, tuple[str, ...]]:
    """This patient's severity: of the first modifier known to hold, else the rule's own.

    Returns the severity, the modifier's reason if one decided, and what would settle the open modifiers.
    """
    needs: list[str] = []
    for modifier in rule.modifiers:
        if facts.ask(modifier.when, needs, subject, other):
            return modifier.severity, modifier.why, tuple(dict.fromkeys(needs))
    return rule.severity, None, tuple(dict.fromkeys(needs)) if needs else ()
